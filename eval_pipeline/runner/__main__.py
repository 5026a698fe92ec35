"""Evaluate one dataset and print a line of JSON per case: `python -m eval_pipeline.runner --dataset tone.json`.

Exit code 0 when every case was run, whatever it came to; 2, with one line on stderr, when it could not begin.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from eval_pipeline.core.datasets import Dataset, parse_dataset
from eval_pipeline.core.suites import write_case_line
from eval_pipeline.errors import DatasetError, PipelineError, UsageError
from eval_pipeline.runner.evaluation import evaluate
from eval_pipeline.runner.targets import load_target

STDIN = "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evaluator with command-line arguments; gives its exit code."""
    parser = argparse.ArgumentParser(prog="python -m eval_pipeline.runner", description=__doc__)
    parser.add_argument("--dataset", required=True, type=Path, help="JSON or YAML file with the cases")
    parser.add_argument("--target", default="demo", help="what to evaluate: demo, or module:function (default: demo)")
    parser.add_argument("--prompts", default=STDIN, help="JSON file: prompt name to rendered text (default: stdin)")
    options = parser.parse_args(arguments)
    lines = sys.stdout
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what a target prints must not end up among the results
            dataset, target, prompts = _read(options.dataset), load_target(options.target), _prompts(options.prompts)
            for result in evaluate(dataset, target, prompts):
                lines.write(write_case_line(result) + "\n")
                lines.flush()
    except PipelineError as problem:
        print(problem, file=sys.stderr)  # noqa: T201  a command line speaks
        return 2
    return 0


def _read(path: Path) -> Dataset:
    try:
        return parse_dataset(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as problem:
        raise DatasetError(f"{path} can't be read: {problem}") from problem


def _prompts(source: str) -> dict[str, str]:
    try:
        prompts = json.loads(sys.stdin.read() if source == STDIN else Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UsageError(f"the prompts from {source} can't be read: {problem}") from problem
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise UsageError(f"the prompts from {source} must be a JSON object: prompt name to text")
    return prompts


if __name__ == "__main__":
    sys.exit(main())
