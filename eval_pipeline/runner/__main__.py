"""Evaluate one dataset and print a line of JSON per case: `python -m eval_pipeline.runner --dataset tone.json`.

Exit code 0 when every case was run, whatever it came to; 2, with one line on stderr, when it could not begin; 1 when
the results could not be written. The lines come in the order in which the cases end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from eval_pipeline.core.datasets import Dataset, parse_dataset
from eval_pipeline.core.jobs import Job
from eval_pipeline.errors import DatasetError, PipelineError, UsageError
from eval_pipeline.runner.engine import run_job
from eval_pipeline.runner.lines import Lines, close_input
from eval_pipeline.runner.processes import end_orderly, end_with_children_on_signals

STDIN = "-"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the evaluator with command-line arguments, and end the process with its exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval_pipeline.runner", description=__doc__)
    parser.add_argument("--dataset", required=True, type=Path, help="JSON, JSONL or YAML file with the cases")
    parser.add_argument("--job", default=STDIN, help="JSON file: target, prompts and limits (default: -, stdin)")
    options = parser.parse_args(arguments)
    end_with_children_on_signals()
    try:
        lines = Lines()
        dataset, job = _read_dataset(options.dataset), _read_job(options.job)
        close_input()
        left_behind = run_job(dataset, job, lines.write)
    except PipelineError as problem:
        print(problem, file=sys.stderr)  # noqa: T201  a command line speaks
        end_orderly(2, left_behind=False)
    end_orderly(0, left_behind=left_behind)


def _read_dataset(path: Path) -> Dataset:
    try:
        return parse_dataset(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as problem:
        raise DatasetError(f"{path} can't be read: {problem}") from problem


def _read_job(source: str) -> Job:
    named = "stdin" if source == STDIN else source
    try:
        text = _read_input() if source == STDIN else Path(source).read_bytes()
        return Job.model_validate_json(text)
    except OSError as problem:
        raise UsageError(f"the job from {named} can't be read: {problem}") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"the job from {named} is none: {place + ': ' if place else ''}{first['msg']}") from problem


def _read_input() -> bytes:
    return sys.stdin.buffer.read() if sys.stdin else b""  # none if we were started without it


if __name__ == "__main__":
    main()
