"""Evaluating one dataset of the demo against one state of its prompts, as the evaluator does it."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from eval_pipeline.actions.children import EVALUATOR, Child
from eval_pipeline.core.datasets import Dataset
from eval_pipeline.core.jobs import Job, Target
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.runner.engine import run_job


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluator left behind."""

    cases: tuple[CaseResult, ...]
    exit_code: int
    """Negative: the number of the signal that ended it."""
    took: timedelta


def evaluate(dataset: Dataset, prompts: Mapping[str, str]) -> Evaluated:
    """Evaluate one dataset against prompts (name to text), in this process: starting 240 others takes a minute."""
    began, cases = time.monotonic(), list[CaseResult]()
    with redirect_stderr(io.StringIO()):  # what the assistant raises is told there; the cases have it too
        run_job(dataset, _job(prompts), cases.append)
    return Evaluated(tuple(cases), 0, timedelta(seconds=time.monotonic() - began))


def kill_evaluator(dataset: Path, prompts: Mapping[str, str]) -> Evaluated:
    """Start an evaluator in a process of its own, and kill it before it gets going."""
    began = time.monotonic()
    command, job = [*EVALUATOR, "--dataset", str(dataset), "--job", "-"], _job(prompts).model_dump_json()
    child = Child(command, stdin=job, on_line=lambda _: None)
    child.kill()
    return Evaluated((), child.wait().exit_code, timedelta(seconds=time.monotonic() - began))


def _job(prompts: Mapping[str, str]) -> Job:
    return Job(target=Target(kind="demo"), prompts=dict(prompts))
