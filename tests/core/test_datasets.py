"""What a dataset may say, in whichever format, and how a mistake in it is reported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eval_pipeline.core.datasets import ASSERTION_TYPES, Dataset, check_dataset, parse_dataset
from eval_pipeline.errors import DatasetError

GOOD: dict[str, Any] = {
    "eval_type": "tone",
    "version": "2",
    "threshold": 0.9,
    "repeat": 3,
    "cases": [
        {"id": "a", "input": "hi", "expected": "hello"},
        {
            "id": "b",
            "input": ["hi", "bye"],
            "vars": {"name": "Ada"},
            "group": "g",
            "tags": ["t"],
            "timeout_s": 2.5,
            "threshold": 0.5,
            "assert": [
                {"type": "not-contains-any", "value": ["x", "y"], "weight": 2.0},
                {"type": "is-json", "value": {"type": "object"}},
                {"type": "not-is-json"},
                {"type": "levenshtein", "value": "something"},
                {"type": "llm-rubric", "value": "Is polite.", "threshold": 0.5},
                {"type": "python", "value": "checks.tone:is_polite"},
            ],
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


def said(text: str, file: str) -> list[str]:
    """All mistakes in a text."""
    return [str(each) for each in check_dataset(text, file).mistakes]


def test_json_yaml_and_jsonl_say_the_same() -> None:
    data = json.dumps(GOOD)
    head = {name: value for name, value in GOOD.items() if name != "cases"}
    lines = "\n".join(json.dumps(each) for each in (head, *GOOD["cases"]))
    expected = Dataset.model_validate(GOOD)
    assert parse_dataset(data, "x.json") == parse_dataset(data, "x.yaml") == expected
    assert parse_dataset(lines, "x.jsonl") == expected


def test_a_case_has_its_turns_and_its_assertions() -> None:
    one, several = Dataset.model_validate(GOOD).cases
    assert (one.turns, several.turns) == (("hi",), ("hi", "bye"))
    assert [(a.type, a.value, a.weight) for a in one.assertions] == [("equals", "hello", 1.0)]
    assert [(a.type, a.kind, a.negated, a.weight) for a in several.assertions][:2] == [
        ("not-contains-any", "contains-any", True, 2.0),
        ("is-json", "is-json", False, 1.0),
    ]


def test_repeats_multiply_the_planned_cases() -> None:
    assert Dataset.model_validate(GOOD).planned_cases == 6


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("expectd: bye", "x.yaml:11: cases[1].expectd: unknown field of a case, did you mean expected?"),
        ("qwertz: 1", "x.yaml:11: cases[1].qwertz: unknown field of a case, allowed are id, input, expected, vars,"),
        ("expected: 5", "x.yaml:11: cases[1].expected: must be text: put it in quotes"),
        ("expected: no", "x.yaml:11: cases[1].expected: must be text: put it in quotes"),
        ("expected: [x]", "x.yaml:11: cases[1].expected: must be text"),
        ("expected: [x", "x.yaml:12: no valid YAML: "),
        ("timeout_s: 0", "x.yaml:11: cases[1].timeout_s: must be greater than 0"),
        ("threshold: 1.5", "x.yaml:11: cases[1].threshold: must be less than or equal to 1"),
        ("vars: {a: 1}", "x.yaml:11: cases[1].vars.a: must be text: put it in quotes"),
        ("group: g", "x.yaml:9: cases[1]: needs assert or expected, or nothing could fail it"),
        ("assert: {type: equals}", "x.yaml:11: cases[1].assert: must be a list"),
        ("assert: [equals]", "x.yaml:11: cases[1].assert[0]: must be an object: fields and their values"),
        ("assert: [{value: x}]", "x.yaml:11: cases[1].assert[0].type: is missing"),
        (
            "assert: [{type: icontain, value: x}]",
            "x.yaml:11: cases[1].assert[0].type: 'icontain' is no assertion: did you mean icontains?",
        ),
        (
            "assert: [{type: javascript, value: x}]",
            "x.yaml:11: cases[1].assert[0].type: 'javascript' is no assertion: allowed are equals, contains,",
        ),
        ("assert: [{type: regex, value: '('}]", "x.yaml:11: cases[1].assert[0].value: '(' is no regular expression: "),
        ("assert: [{type: regex, value: 'a{99999999999}'}]", "value: 'a{99999999999}' is no regular expression: "),
        ("assert: [{type: contains-any, value: x}]", "cases[1].assert[0].value: must be a list"),
        ("assert: [{type: contains-any, value: []}]", "cases[1].assert[0].value: must not be empty"),
        ("assert: [{type: contains-any, value: [a, 1]}]", "assert[0].value[1]: must be text: put it in quotes"),
        ("assert: [{type: equals, value: [x]}]", "x.yaml:11: cases[1].assert[0].value: must be text"),
        (
            "assert: [{type: equals, value: x, wait: 1}]",
            "assert[0].wait: unknown field of equals, did you mean weight?",
        ),
        ("assert: [{type: equals, value: x, threshold: 1}]", "threshold: unknown field of equals, allowed are type, "),
        ("assert: [{type: equals}]", "x.yaml:11: cases[1].assert[0].value: is missing"),
        ("assert: [{type: equals, value: x, weight: 0}]", "cases[1].assert[0].weight: must be greater than 0"),
        ("assert: [{type: equals, value: x, weight: .inf}]", "x.yaml:11: no valid YAML: .inf is no number"),
        ("assert: [{type: levenshtein, value: x, threshold: 1.5}]", "threshold: must be a whole number"),
        ("assert: [{type: levenshtein, value: x, threshold: -1}]", "must be greater than or equal to 0"),
        ("assert: [{type: llm-rubric, value: ''}]", "cases[1].assert[0].value: must not be empty"),
        ("assert: [{type: python, value: 'len(output) > 3'}]", "value: must be module:function, as in checks:"),
        ("assert: [{type: is-json, value: x}]", "assert[0].value: must be an object"),
        (
            "assert: [{type: is-json, value: {properties: {age: {type: strng}}}}]",
            "x.yaml:11: cases[1].assert[0].value.properties.age.type: is no JSON Schema: 'strng' is not valid",
        ),
        (
            "assert: [{type: is-json, value: {$ref: 'https://example.org/schema'}}]",
            "value: is no JSON Schema: 'https://example.org/schema' is not in it, and nothing is fetched",
        ),
        ("assert: [{type: is-json, value: {$ref: '#/$defs/a'}}]", "'#/$defs/a' is not in it"),
        ("assert: [{type: is-json, value: {$schema: other}}]", "$schema names the draft 'other', which is not known"),
        ("assert: [{type: is-json, value: {pattern: '('}}]", "value.pattern: is no JSON Schema: '(' is not a 'regex'"),
    ],
)
def test_a_mistake_is_named_by_file_line_field_and_what_is_allowed(line: str, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        parse_dataset(yaml_with(line), "x.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.yaml:")
    assert "\n" not in str(caught.value)


def test_all_mistakes_are_named_in_the_order_of_the_file() -> None:
    text = """\
{
  "eval_type": "tone",
  "reapeat": 2,
  "cases": [
    {"id": "a", "input": 1, "expected": "x"},
    {
      "id": "a",
      "input": ["x", null],
      "assert": [
        {"type": "equal", "value": "x"},
        {"type": "contains", "valeu": "x"}
      ]
    }
  ]
}
"""
    assert said(text, "x.json") == [
        "x.json:1: version: is missing",
        "x.json:3: reapeat: unknown field of a dataset, did you mean repeat?",
        "x.json:5: cases[0].input: must be text: put it in quotes",
        "x.json:7: cases[1].id: 'a' is the id of the case on line 5 already",
        "x.json:8: cases[1].input[1]: must be text",
        "x.json:10: cases[1].assert[0].type: 'equal' is no assertion: did you mean equals?",
        "x.json:11: cases[1].assert[1].value: is missing",
        "x.json:11: cases[1].assert[1].valeu: unknown field of contains, did you mean value?",
    ]


def test_the_first_mistake_says_how_to_see_the_others() -> None:
    with pytest.raises(DatasetError) as caught:
        parse_dataset('{"eval_type": 1, "version": 1, "cases": []}', "x.json")
    assert str(caught.value) == (
        "x.json:1: eval_type: must be text: put it in quotes (and 2 more: see eval-pipeline datasets check)"
    )


def test_the_line_of_a_mistake_is_found_in_json_too() -> None:
    text = json.dumps(GOOD, indent="\t").replace('"repeat": 3', '"repeat": 0')
    with pytest.raises(DatasetError, match=r"^x\.json:5: repeat: must be greater than or equal to 1$"):
        parse_dataset(text, "x.json")


@pytest.mark.parametrize(
    ("text", "file", "message"),
    [
        ('{\n"a": 1,\n]', "x.json", "x.json:3: no valid JSON: "),
        ("[]", "x.json", "x.json:1: the file must be an object: fields and their values"),
        ("", "x.json", "x.json:1: no valid JSON: expecting value"),
        ("", "x.yaml", "x.yaml:1: the file must be an object: fields and their values"),
        ("{}", "x.csv", "x.csv: a dataset is a .json, .yaml, .yml, .jsonl file"),
        ("!!python/object/apply:os.system ['true']", "x.yaml", "x.yaml:1: no valid YAML: the tag tag:yaml.org,2002:py"),
    ],
)
def test_what_is_no_dataset_is_refused_in_one_line(text: str, file: str, message: str) -> None:
    with pytest.raises(DatasetError) as caught:
        parse_dataset(text, file)
    assert str(caught.value).startswith(message)


def test_an_id_is_used_once() -> None:
    data = {**GOOD, "cases": [GOOD["cases"][0], GOOD["cases"][0]]}
    with pytest.raises(ValueError, match="the id 'a' is used more than once"):
        Dataset.model_validate(data)
    assert said(json.dumps(data), "x.json") == ["x.json:1: cases[1].id: 'a' is the id of the case on line 1 already"]


def test_each_assertion_has_its_negation() -> None:
    positive = {name for name in ASSERTION_TYPES if not name.startswith("not-")}
    assert set(ASSERTION_TYPES) == positive | {f"not-{name}" for name in positive}
