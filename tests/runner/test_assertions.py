"""What each assertion means."""

from __future__ import annotations

import pytest

from eval_pipeline.core.datasets import ASSERTION_TYPES, Assertion
from eval_pipeline.runner.assertions import holds, judge_output

OUTPUT = "Hello, Ada. It is 20 degrees."


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("equals", OUTPUT, True),
        ("equals", "Hello", False),
        ("contains", "Ada", True),
        ("contains", "ada", False),
        ("icontains", "aDA", True),
        ("icontains", "Bo", False),
        ("contains-any", ["Bo", "Ada"], True),
        ("contains-any", ["Bo", "ada"], False),
        ("contains-all", ["Ada", "Hello"], True),
        ("contains-all", ["Ada", "Bo"], False),
        ("regex", r"\b\d\d degrees", True),
        ("regex", r"^Ada", False),
        ("starts-with", "Hello", True),
        ("starts-with", "Ada", False),
    ],
)
def test_an_assertion_holds_and_its_negation_says_the_opposite(
    kind: str, value: str | list[str], expected: bool
) -> None:
    assert holds(OUTPUT, Assertion(type=kind, value=value)) is expected
    assert holds(OUTPUT, Assertion(type=f"not-{kind}", value=value)) is not expected


@pytest.mark.parametrize("kind", ASSERTION_TYPES)
def test_every_allowed_assertion_can_be_judged(kind: str) -> None:
    value: str | list[str] = ["x"] if kind.endswith(("any", "all")) else "x"
    assert holds("x", Assertion(type=kind, value=value)) is not kind.startswith("not-")


def test_a_case_passes_when_all_assertions_hold_and_scores_by_weight() -> None:
    good, bad = Assertion(type="contains", value="Ada", weight=3), Assertion(type="contains", value="Bo", weight=1)
    assert judge_output(OUTPUT, [good]) == (True, 1.0)
    assert judge_output(OUTPUT, [good, bad]) == (False, 0.75)
    assert judge_output(OUTPUT, [bad]) == (False, 0.0)
