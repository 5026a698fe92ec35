"""Evaluating one dataset of the demo against one state of its prompts, in a child process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from eval_pipeline.actions.children import EVALUATOR, Child
from eval_pipeline.core.jobs import Job, Target
from eval_pipeline.core.suites import CaseResult, read_case_lines
from eval_pipeline.errors import PipelineError

SILENCE_S = 60.0
"""Seconds that the evaluator may say nothing."""


@dataclass(frozen=True, slots=True)
class ChildResult:
    """What an evaluator left behind."""

    cases: tuple[CaseResult, ...]
    exit_code: int
    """Negative: the number of the signal that ended it."""
    took: timedelta


def run_evaluator(dataset: Path, prompts: Mapping[str, str], *, kill: bool = False) -> ChildResult:
    """Evaluate one dataset against prompts (name to text) in a child process; `kill` ends it before it gets going.

    Raises:
        PipelineError: the evaluator could not begin, or said nothing for a minute.
    """
    began, cases = time.monotonic(), list[CaseResult]()
    child = Child(
        [*EVALUATOR, "--dataset", str(dataset), "--job", "-"],
        stdin=Job(target=Target(kind="demo"), prompts=dict(prompts)).model_dump_json(),
        on_line=lambda line: cases.extend(read_case_lines(line)),
        stall_s=SILENCE_S,
    )
    if kill:
        child.kill()
    end = child.wait()
    if end.problem and not kill:
        raise PipelineError(f"the evaluator of {dataset} failed: {end.problem}")
    return ChildResult(tuple(cases), end.exit_code, timedelta(seconds=time.monotonic() - began))
