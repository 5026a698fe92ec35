"""Runs with cases, logged as the tool logs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from eval_pipeline.core.suites import CaseResult, score_cases
from eval_pipeline.store.recording import record_eval_run
from tests.builder import LONG_AGO, MINUTE, StoreBuilder


def case(case_id: str, passed: bool | None = True, **other: Any) -> CaseResult:
    """A case that passed, failed or (`None`) errored."""
    said: dict[str, Any] = {
        "group": None,
        "repeat": 1,
        "score": None if passed is None else float(passed),
        "error": "TimeoutError: too late" if passed is None else None,
        "input": f"input of {case_id}",
        "expected": "hello",
        "output": None if passed is None else "hello there" if passed else "go away",
        "duration_ms": 12.0,
        "reason": "icontains: does not contain 'hello'" if passed is False else None,
    }
    return CaseResult(case_id=case_id, passed=passed, **{**said, **other})


def log_cases(
    builder: StoreBuilder,
    cases: Sequence[CaseResult],
    eval_type: str = "tone",
    *,
    hour: int = 0,
    prompts: Mapping[str, str] | None = None,
    dataset_version: str = "1",
    threshold: float = 0.8,
    **context: str,
) -> str:
    """Log a run with these cases that began so many hours after the first; its id."""
    builder.experiment(eval_type)
    started = LONG_AGO + timedelta(hours=hour)
    return record_eval_run(
        builder.client,
        f"{builder.base}-{eval_type}",
        score_cases(cases),
        prompts=prompts or {},
        threshold=threshold,
        dataset_version=dataset_version,
        context=context,
        started=started,
        ended=started + MINUTE,
    )
