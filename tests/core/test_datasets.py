"""What a dataset file may say, and how a mistake in it is reported."""

from __future__ import annotations

import json

import pytest

from eval_pipeline.core.datasets import ASSERTION_TYPES, Dataset, parse_dataset
from eval_pipeline.errors import DatasetError

GOOD = {
    "eval_type": "tone",
    "version": "2",
    "threshold": 0.9,
    "repeat": 3,
    "cases": [
        {"id": "a", "input": "hi", "expected": "hello"},
        {
            "id": "b",
            "input": ["hi", "bye"],
            "group": "g",
            "tags": ["t"],
            "timeout_s": 2.5,
            "assert": [{"type": "not-contains-any", "value": ["x", "y"], "weight": 2.0}],
        },
    ],
}
YAML = """\
eval_type: tone
version: "1"
cases:
  - id: a
    input: hi
    assert:
      - type: icontains
        value: hello
  - id: b
    input: bye
    {line}
"""


def yaml_with(line: str) -> str:
    """A dataset whose eleventh line is `line`."""
    return YAML.replace("{line}", line)


def test_json_and_yaml_say_the_same() -> None:
    data = json.dumps(GOOD)
    assert parse_dataset(data, "x.json") == parse_dataset(data, "x.yaml") == Dataset.model_validate(GOOD)


def test_a_case_has_its_turns_and_its_assertions() -> None:
    one, several = Dataset.model_validate(GOOD).cases
    assert (one.turns, several.turns) == (("hi",), ("hi", "bye"))
    assert [(a.type, a.value, a.weight) for a in one.assertions] == [("equals", "hello", 1.0)]
    assert [(a.type, a.weight) for a in several.assertions] == [("not-contains-any", 2.0)]


def test_repeats_multiply_the_planned_cases() -> None:
    assert Dataset.model_validate(GOOD).planned_cases == 6


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("expectd: bye", "x.yaml:11: cases[1].expectd: unknown field, did you mean expected?"),
        ("qwertz: 1", "x.yaml:11: cases[1].qwertz: unknown field, allowed are id, input, expected, group,"),
        ("expected: 5", "x.yaml:11: cases[1].expected: input should be a valid string"),
        ("expected: [x", "x.yaml:12: no valid YAML: expected ',' or ']'"),
        ("timeout_s: 0", "x.yaml:11: cases[1].timeout_s: input should be greater than 0"),
        ("group: g", "x.yaml:9: cases[1]: needs assert or expected, or nothing could fail it"),
        ("assert: [{type: icontain, value: x}]", "x.yaml:11: cases[1].assert[0]: type 'icontain' is no assertion: did"),
        ("assert: [{type: regex, value: '('}]", "x.yaml:11: cases[1].assert[0]: value '(' is no regular expression: "),
        (
            "assert: [{type: contains-any, value: x}]",
            "cases[1].assert[0]: value of contains-any must be a list of text",
        ),
        ("assert: [{type: equals, value: [x]}]", "x.yaml:11: cases[1].assert[0]: value of equals must be text"),
        ("assert: [{type: equals, value: x, wait: 1}]", "assert[0].wait: unknown field, did you mean weight?"),
        ("assert: [{type: equals}]", "x.yaml:11: cases[1].assert[0].value: field required"),
        ("assert: [{type: equals, value: x, weight: 0}]", "cases[1].assert[0].weight: input should be greater than 0"),
    ],
)
def test_a_mistake_is_named_by_file_line_field_and_what_is_allowed(line: str, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        parse_dataset(yaml_with(line), "x.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.yaml:")
    assert "\n" not in str(caught.value)


def test_the_line_of_a_mistake_is_found_in_json_too() -> None:
    text = json.dumps(GOOD, indent="\t").replace('"repeat": 3', '"repeat": 0')
    with pytest.raises(DatasetError, match=r"^x\.json:5: repeat: input should be greater than or equal to 1$"):
        parse_dataset(text, "x.json")


@pytest.mark.parametrize(
    ("text", "file", "message"),
    [
        ('{\n"a": 1,\n]', "x.json", "x.json:3: no valid JSON: "),
        ("[]", "x.json", "x.json:1: the file: input should be a valid dictionary"),
        ("", "x.yaml", "x.yaml:1: the file: input should be a valid dictionary"),
        ("{}", "x.csv", "x.csv: a dataset is a .json, .yaml, .yml file"),
        ("!!python/object/apply:os.system ['true']", "x.yaml", "x.yaml:1: no valid YAML: could not determine"),
    ],
)
def test_what_is_no_dataset_is_refused_in_one_line(text: str, file: str, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        parse_dataset(text, file)
    assert str(caught.value).startswith(message)


def test_an_id_is_used_once() -> None:
    data = {**GOOD, "cases": [GOOD["cases"][0], GOOD["cases"][0]]}  # type: ignore[index]
    with pytest.raises(DatasetError, match="the id 'a' is used more than once"):
        parse_dataset(json.dumps(data), "x.json")


def test_each_assertion_has_its_negation() -> None:
    positive = {name for name in ASSERTION_TYPES if not name.startswith("not-")}
    assert set(ASSERTION_TYPES) == positive | {f"not-{name}" for name in positive}
