"""Whether an output fulfils what its case asks. Names and meanings as in promptfoo."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from eval_pipeline.core.datasets import NEGATION, Assertion


def judge_output(output: str, assertions: Sequence[Assertion]) -> tuple[bool, float]:
    """Whether all assertions hold, and the weighted share (0..1) of those that do. Needs at least one assertion."""
    held = [(holds(output, assertion), assertion.weight) for assertion in assertions]
    score = sum(weight for fine, weight in held if fine) / sum(weight for _, weight in held)
    return all(fine for fine, _ in held), score


def holds(output: str, assertion: Assertion) -> bool:
    """Whether one assertion holds for the output."""
    kind = assertion.type.removeprefix(NEGATION)
    if isinstance(assertion.value, str):
        fine = _ON_TEXT[kind](output, assertion.value)
    else:
        fine = _ON_LIST[kind](output, assertion.value)
    return fine is not assertion.type.startswith(NEGATION)


_ON_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "equals": lambda output, value: output == value,
    "contains": lambda output, value: value in output,
    "icontains": lambda output, value: value.casefold() in output.casefold(),
    "regex": lambda output, value: re.search(value, output) is not None,
    "starts-with": lambda output, value: output.startswith(value),
}
_ON_LIST: Mapping[str, Callable[[str, Sequence[str]], bool]] = {
    "contains-any": lambda output, values: any(value in output for value in values),
    "contains-all": lambda output, values: all(value in output for value in values),
}
