"""The commands that people are told to type, as a shell takes them whatever things are called."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

PROGRAM = "eval-pipeline"


def promote(prompt_name: str, version: int, to_alias: str) -> str:
    """Point an alias at a version."""
    return shlex.join([PROGRAM, "promote", prompt_name, "--version", str(version), "--to-alias", to_alias])


def request(prompt_name: str, version: int, to_alias: str) -> str:
    """Ask others to let a version go live; the reason is still to be written."""
    return promote(prompt_name, version, to_alias) + " --request --reason '...'"


def approve(request_id: str) -> str:
    """Approve a request to promote."""
    return shlex.join([PROGRAM, "promote", "--approve", request_id])


def rollback(prompt_name: str, alias: str) -> str:
    """Point an alias back; the reason is still to be written."""
    return shlex.join([PROGRAM, "rollback", prompt_name, "--alias", alias]) + " --reason '...'"


def run_evals(eval_types: Iterable[str], prompt_name: str, version: int, others: Iterable[tuple[str, int]] = ()) -> str:
    """Evaluate a version on some eval types; `others` are versions of further prompts."""
    types = [word for name in eval_types for word in ("--eval-type", name)]
    named = [word for name, number in ((prompt_name, version), *others) for word in ("--prompt", f"{name}={number}")]
    return shlex.join([PROGRAM, "run-evals", *types, *named])


def diff(baseline_run_id: str, current_run_id: str) -> str:
    """Compare two runs case by case."""
    return shlex.join([PROGRAM, "diff", baseline_run_id, current_run_id])
