"""Whether an output is JSON and fits a schema."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from eval_pipeline.core.datasets import JsonAssertion
from eval_pipeline.core.datasets.json_schemas import make_validator
from eval_pipeline.runner.calls import NoAnswer
from eval_pipeline.runner.grading import Observed, fact

LONGEST_PROBLEM = 200
MOST_DIGITS = 4000
"""Python reads no longer whole number."""


def observe_json(output: str, assertion: JsonAssertion) -> Observed:
    """Whether the whole output is JSON and, where the assertion has a schema, fits it.

    Raises:
        NoAnswer: they can't be compared: nested too deeply, or the schema refers to itself without end.
    """
    try:
        value = json.loads(output, parse_constant=_refuse, parse_int=_whole)
    except RecursionError:
        return fact(held=False, words="", otherwise="is no JSON that can be read: it is nested too deeply")
    except ValueError as broken:
        return fact(held=False, words="", otherwise=f"is no JSON: {broken}")
    if assertion.value is None:
        return fact(held=True, words="is JSON", otherwise="")
    problem = _find_problem(value, assertion.value)
    return fact(problem is None, "is JSON that fits the schema", f"does not fit the schema: {problem}")


def _find_problem(value: Any, schema: dict[str, Any]) -> str | None:
    from jsonschema.exceptions import best_match

    try:
        problems = list(make_validator(schema).iter_errors(value))
    except (RecursionError, OverflowError) as problem:  # a schema that refers to itself; a number too large to divide
        raise NoAnswer(f"is-json: the output can't be compared with the schema: {problem}") from None
    if not problems:
        return None
    worst = best_match(iter(problems))
    said = f"{worst.json_path}: {worst.message}"
    return said if len(said) <= LONGEST_PROBLEM else said[: LONGEST_PROBLEM - 1] + "…"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else math.copysign(math.inf, -1 if digits[0] == "-" else 1)
