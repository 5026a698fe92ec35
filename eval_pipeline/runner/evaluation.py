"""Running the cases of a dataset against a target."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from eval_pipeline.core.datasets import Case, Dataset
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.runner.assertions import judge_output
from eval_pipeline.runner.targets import Target


def evaluate(dataset: Dataset, target: Target, prompts: Mapping[str, str]) -> Iterator[CaseResult]:
    """One result per case and repeat, in the dataset's order, each as soon as it is there."""
    for case in dataset.cases:
        for repeat in range(1, dataset.repeat + 1):
            yield evaluate_case(case, repeat, target, prompts)


def evaluate_case(case: Case, repeat: int, target: Target, prompts: Mapping[str, str]) -> CaseResult:
    """Run one case once. A target that raises makes it an errored case, which neither passed nor failed."""
    output, error = None, None
    passed, score = None, None
    started = time.perf_counter()
    try:
        output = target(prompts, case.turns)
    except Exception as problem:  # noqa: BLE001  a target is foreign code: whatever it raises is this case's result
        error = f"{type(problem).__name__}: {problem}"
    duration_ms = round((time.perf_counter() - started) * 1000, 3)
    if output is not None:
        passed, score = judge_output(output, case.assertions)
    return CaseResult(
        case_id=case.id,
        group=case.group,
        repeat=repeat,
        passed=passed,
        score=score,
        error=error,
        input=case.input,
        expected=case.expected,
        output=output,
        duration_ms=duration_ms,
    )
