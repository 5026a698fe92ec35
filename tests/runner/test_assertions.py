"""What each assertion means, and what they come to together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.datasets import ASSERTION_TYPES, Case
from eval_pipeline.runner.assertions import Context, Grade, judge_output
from eval_pipeline.runner.calls import NoAnswer

OUTPUT = "Hello, Ada. It is 20 degrees."
PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "born": {"format": "date"}, "child": {"$ref": "#"}},
}


def case_of(*assertions: dict[str, Any], **fields: Any) -> Case:
    return Case.model_validate({"id": "a", "input": ["hi", "there"], "assert": list(assertions), **fields})


def grade(output: str, *assertions: dict[str, Any], judge: Any = None, **fields: Any) -> Grade:
    return asyncio.run(judge_output(output, case_of(*assertions, **fields), {"persona": "Be kind."}, judge))


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
        ("icontains-any", ["Bo", "ADA"], True),
        ("icontains-any", ["Bo", "Al"], False),
        ("icontains-all", ["ADA", "hello"], True),
        ("icontains-all", ["ADA", "Bo"], False),
        ("regex", r"\b\d\d degrees", True),
        ("regex", r"^Ada", False),
        ("starts-with", "Hello", True),
        ("starts-with", "Ada", False),
        ("levenshtein", "Hello, Ida. It is 30 degree.", True),
        ("levenshtein", "Hello, Ida", False),
    ],
)
def test_an_assertion_holds_and_its_negation_says_the_opposite(
    kind: str, value: str | list[str], expected: bool
) -> None:
    assert grade(OUTPUT, {"type": kind, "value": value}).passed is expected
    assert grade(OUTPUT, {"type": f"not-{kind}", "value": value}).passed is not expected


@pytest.mark.parametrize(
    ("output", "schema", "expected"),
    [
        ('{"a": 1}', None, True),
        (" [1, 2.5, null] ", None, True),
        ('"text"', None, True),
        ("", None, False),
        ("text", None, False),
        ('{"a": 1} and more', None, False),
        ("```json\n{}\n```", None, False),
        ("NaN", None, False),
        ("[" * 100_000, None, False),
        ("9" * 5000, None, True),
        ('{"name": "Ada", "born": "1815-12-10", "child": {"name": "Bo"}}', PERSON, True),
        ('{"name": "Ada", "child": {}}', PERSON, False),
        ('{"name": 1}', PERSON, False),
        ('{"name": "Ada", "born": "yesterday"}', PERSON, False),
        ("no JSON", PERSON, False),
    ],
)
def test_json_is_the_whole_output_and_fits_its_schema(output: str, schema: Any, expected: bool) -> None:
    value = {} if schema is None else {"value": schema}
    assert grade(output, {"type": "is-json", **value}).passed is expected
    assert grade(output, {"type": "not-is-json", **value}).passed is not expected


def test_an_output_that_no_schema_can_be_compared_with_is_neither_good_nor_bad() -> None:
    endless = {"type": "is-json", "value": {"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}}
    for assertion in (endless, {**endless, "type": "not-is-json"}):
        with pytest.raises(NoAnswer, match="is-json: the output can't be compared with the schema"):
            grade("{}", assertion)


def test_the_distance_that_is_good_may_be_set() -> None:
    assert grade("kitten", {"type": "levenshtein", "value": "sitting", "threshold": 3}).passed is True
    assert grade("kitten", {"type": "levenshtein", "value": "sitting", "threshold": 2}).passed is False


@pytest.mark.parametrize(
    ("assertion", "reason"),
    [
        ({"type": "equals", "value": "x"}, "equals: is not 'x'"),
        ({"type": "not-equals", "value": OUTPUT}, f"not-equals: is {OUTPUT!r}"),
        ({"type": "contains", "value": "x"}, "contains: does not contain 'x'"),
        ({"type": "not-icontains", "value": "ADA"}, "not-icontains: contains 'ADA'"),
        ({"type": "contains-any", "value": ["x", "y"]}, "contains-any: contains none of 'x', 'y'"),
        ({"type": "not-contains-any", "value": ["x", "Ada"]}, "not-contains-any: contains 'Ada'"),
        ({"type": "contains-all", "value": ["Ada", "x"]}, "contains-all: does not contain 'x'"),
        ({"type": "not-contains-all", "value": ["Ada", "is"]}, "not-contains-all: contains all of 'Ada', 'is'"),
        ({"type": "regex", "value": "x+"}, "regex: nothing matches 'x+'"),
        ({"type": "not-regex", "value": "A.a"}, "not-regex: 'Ada' matches 'A.a'"),
        ({"type": "starts-with", "value": "x"}, "starts-with: does not start with 'x'"),
        ({"type": "not-starts-with", "value": "Hello"}, "not-starts-with: starts with 'Hello'"),
        ({"type": "is-json"}, "is-json: is no JSON: Expecting value: line 1 column 1 (char 0)"),
        ({"type": "levenshtein", "value": "x"}, "levenshtein: is more than 5 edits from 'x'"),
        ({"type": "not-levenshtein", "value": OUTPUT[1:]}, f"not-levenshtein: is 1 edits from {OUTPUT[1:]!r}"),
        ({"type": "contains", "value": "x" * 500}, f"contains: does not contain '{'x' * 119}…'"),
    ],
)
def test_a_reason_says_what_was_found(assertion: dict[str, Any], reason: str) -> None:
    assert grade(OUTPUT, assertion) == Grade(passed=False, score=0.0, reason=reason)


def test_a_reason_says_where_json_does_not_fit() -> None:
    found = grade('{"name": "Ada", "child": {"name": 1}}', {"type": "is-json", "value": PERSON})
    assert found.reason == "is-json: does not fit the schema: $.child.name: 1 is not of type 'string'"
    fits = grade('{"name": "Ada"}', {"type": "not-is-json", "value": PERSON})
    assert fits.reason == "not-is-json: is JSON that fits the schema"


GOOD, BAD = {"type": "contains", "value": "Ada", "weight": 3}, {"type": "contains", "value": "Bo", "weight": 1}
NO_BO = "contains: does not contain 'Bo'"


@pytest.mark.parametrize(
    ("assertions", "threshold", "expected"),
    [
        ([GOOD], None, Grade(True, 1.0, None)),
        ([GOOD, BAD], None, Grade(False, 0.75, NO_BO)),
        ([BAD, BAD], None, Grade(False, 0.0, f"{NO_BO}; {NO_BO}")),
        ([GOOD, BAD], 0.75, Grade(True, 0.75, NO_BO)),
        ([GOOD, BAD], 0.76, Grade(False, 0.75, NO_BO)),
        ([GOOD, BAD], 0, Grade(True, 0.75, NO_BO)),
        ([GOOD], 1, Grade(True, 1.0, None)),
        ([{**GOOD, "weight": 1e308}, {**GOOD, "weight": 1e308}, {**BAD, "weight": 1e-300}], 1, Grade(True, 1.0, NO_BO)),
    ],
)
def test_all_must_hold_or_the_weighted_score_reach_the_threshold_of_the_case(
    assertions: list[dict[str, Any]], threshold: float | None, expected: Grade
) -> None:
    assert grade(OUTPUT, *assertions, threshold=threshold) == expected


def test_a_threshold_is_reached_in_spite_of_rounding() -> None:
    tenths = [{**GOOD, "weight": 0.1}] * 7 + [{**BAD, "weight": 0.1}] * 3
    assert grade(OUTPUT, *tenths, threshold=0.7).passed is True


def test_without_assertions_the_output_must_equal_what_is_expected() -> None:
    case = Case.model_validate({"id": "a", "input": "hi", "expected": "x"})
    assert asyncio.run(judge_output("x", case, {}, None)) == Grade(True, 1.0, None)
    assert asyncio.run(judge_output("y", case, {}, None)) == Grade(False, 0.0, "equals: is not 'x'")


TEXTS = st.text(max_size=12) | st.sampled_from(["{}", "[1]", "straße", "STRASSE", "İ", ""])
DETERMINISTIC = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["equals", "contains", "icontains", "starts-with", "levenshtein"]), "value": TEXTS}
    ),
    st.fixed_dictionaries(
        {
            "type": st.sampled_from([f"{case}contains-{which}" for case in ("", "i") for which in ("any", "all")]),
            "value": st.lists(TEXTS, min_size=1, max_size=3),
        }
    ),
    st.fixed_dictionaries({"type": st.just("regex"), "value": st.sampled_from(["a", "^$", "[0-9]+", "(?i)stra"])}),
    st.fixed_dictionaries({"type": st.just("is-json"), "value": st.sampled_from([None, {}, {"type": "array"}])}),
)


@given(output=TEXTS, assertion=DETERMINISTIC)
def test_an_assertion_or_its_negation_holds_and_never_both(output: str, assertion: dict[str, Any]) -> None:
    found, opposite = grade(output, assertion), grade(output, {**assertion, "type": f"not-{assertion['type']}"})
    assert (found.passed, found.score) == (not opposite.passed, 1 - opposite.score)
    assert (found.reason is None) is found.passed


@given(
    output=TEXTS,
    assertions=st.lists(st.tuples(DETERMINISTIC, st.booleans(), st.floats(1e-6, 1e6)), min_size=1, max_size=5),
    threshold=st.none() | st.floats(0, 1),
)
def test_a_score_lies_within_0_and_1_and_a_lower_threshold_never_fails_more(
    output: str, assertions: list[tuple[dict[str, Any], bool, float]], threshold: float | None
) -> None:
    asked = [{**one, "type": f"{'not-' * no}{one['type']}", "weight": weight} for one, no, weight in assertions]
    found = grade(output, *asked, threshold=threshold)
    assert 0 <= found.score <= 1
    assert (found.score == 1) >= (found.reason is None)
    if threshold is not None and found.passed:
        assert grade(output, *asked, threshold=threshold / 2).passed


@given(output=TEXTS, values=st.lists(TEXTS, min_size=1, max_size=4))
def test_all_hold_together_exactly_if_each_holds_alone(output: str, values: list[str]) -> None:
    for kind in ("contains", "icontains"):
        alone = [grade(output, {"type": kind, "value": value}).passed for value in values]
        assert grade(output, {"type": f"{kind}-all", "value": values}).passed is all(alone)
        assert grade(output, {"type": f"{kind}-any", "value": values}).passed is any(alone)


@pytest.mark.parametrize("kind", ASSERTION_TYPES)
def test_every_allowed_assertion_can_be_judged(kind: str) -> None:
    async def judge(rubric: str, output: str, context: Context) -> Grade:
        return Grade(True, 1.0, None)

    value: Any = ["1"] if kind.endswith(("any", "all")) else "builtins:len" if kind.endswith("python") else "1"
    if kind.endswith("python"):
        with pytest.raises(NoAnswer, match=f"{kind} builtins:len: TypeError: "):
            grade("1", {"type": kind, "value": value})
        return
    given_value = {} if kind.endswith("is-json") else {"value": value}
    assert grade("1", {"type": kind, **given_value}, judge=judge).passed is not kind.startswith("not-")
