"""Running the built-in evaluator as a child process, one per eval type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from platformdirs import user_cache_path

from eval_pipeline.core.suites import CaseResult, read_case_lines
from eval_pipeline.errors import PipelineError

CHILD = (sys.executable, "-P", "-m", "eval_pipeline.runner")
CHILD_TIMEOUT_S = 60


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
        PipelineError: the evaluator could not begin, or took longer than a minute.
    """
    began = time.monotonic()
    with subprocess.Popen(
        [*CHILD, "--dataset", str(dataset), "--target", "demo"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=_environment(),
    ) as child:
        if kill:
            child.kill()
        try:
            lines, complaints = child.communicate(json.dumps(prompts), timeout=CHILD_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            raise PipelineError(f"the evaluator of {dataset} did not end within {CHILD_TIMEOUT_S} s") from None
    if child.returncode and not kill:
        last = complaints.strip().splitlines()[-1:] or [f"exit code {child.returncode}"]
        raise PipelineError(f"the evaluator of {dataset} failed: {last[0]}")
    return ChildResult(tuple(read_case_lines(lines)), child.returncode, timedelta(seconds=time.monotonic() - began))


def _environment() -> dict[str, str]:
    """Ours; where Python is told to write no bytecode beside the sources, the many children share some elsewhere."""
    variables = dict(os.environ)
    if variables.pop("PYTHONDONTWRITEBYTECODE", ""):
        variables["PYTHONPYCACHEPREFIX"] = str(user_cache_path("eval-pipeline", appauthor=False) / "bytecode")
    return variables
