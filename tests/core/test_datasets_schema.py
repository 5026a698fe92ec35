"""The schema for editors says what the parser says; and which JSON Schemas a dataset may hold."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from eval_pipeline.core.datasets import ASSERTION_TYPES, check_dataset
from eval_pipeline.core.datasets.editors import dataset_schema
from eval_pipeline.core.datasets.json_schemas import find_schema_mistake, make_validator
from tests.core.test_datasets import GOOD

DEMO = sorted((Path(__file__).parents[2] / "eval_pipeline/demo/datasets").glob("*.json"))
SCHEMA = dataset_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def is_accepted(data: Any) -> bool:
    """Whether the parser takes the values."""
    return check_dataset(json.dumps(data), "x.json").dataset is not None


def changed(place: tuple[int | str, ...], value: object) -> Any:
    """The good dataset with another value at a place; `...` for none."""
    data = copy.deepcopy(GOOD)
    inner: Any = data
    for step in place[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return data


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("file", DEMO, ids=lambda file: file.stem)
def test_every_dataset_of_the_demo_fits_the_schema(file: Path) -> None:
    VALIDATOR.validate(json.loads(file.read_text(encoding="utf-8")))


def test_there_are_datasets_in_the_demo() -> None:
    assert len(DEMO) == 19


def test_a_dataset_with_everything_and_with_a_schema_for_editors_fits() -> None:
    data = {"$schema": "dataset.schema.json", **GOOD}
    VALIDATOR.validate(data)
    assert is_accepted(data)


def test_every_assertion_and_every_field_is_in_the_schema_and_explained() -> None:
    parts = {"Dataset": SCHEMA, **SCHEMA["$defs"]}
    types = [name for part in parts.values() for name in part["properties"].get("type", {}).get("enum", ())]
    assert sorted(types) == sorted(ASSERTION_TYPES)
    unexplained = [
        f"{part}.{field}"
        for part, details in parts.items()
        for field, said in details["properties"].items()
        if not said.get("description") and field != "type"
    ]
    assert unexplained == []
    assert "assert" in parts["Case"]["properties"]
    assert all(part.get("description") for part in parts.values())


CASE, FIRST = ("cases", 0), ("cases", 1, "assert", 0)
SCHEMA_OF_JSON, DISTANCE, RUBRIC, PYTHON = (("cases", 1, "assert", place) for place in (1, 3, 4, 5))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("eval_type",), ...),
        (("eval_type",), ""),
        (("version",), 1),
        (("threshold",), 1.1),
        (("threshold",), "0.9"),
        (("repeat",), 0),
        (("repeat",), 1.5),
        (("repeat",), True),
        (("prompts",), "persona"),
        (("prompts",), [""]),
        (("reapeat",), 1),
        (("cases",), []),
        (("cases",), {}),
        (CASE, "text"),
        ((*CASE, "id"), ...),
        ((*CASE, "id"), ""),
        ((*CASE, "input"), ...),
        ((*CASE, "input"), 5),
        ((*CASE, "input"), []),
        ((*CASE, "input"), ["a", 1]),
        ((*CASE, "expected"), ...),
        ((*CASE, "expected"), None),
        ((*CASE, "expectd"), "x"),
        ((*CASE, "vars"), {"a": 1}),
        ((*CASE, "vars"), {"": "a"}),
        ((*CASE, "tags"), "t"),
        ((*CASE, "timeout_s"), 0),
        ((*CASE, "threshold"), -0.1),
        ((*CASE, "assert"), {"type": "equals", "value": "x"}),
        (FIRST, "equals"),
        ((*FIRST, "type"), ...),
        ((*FIRST, "type"), "contain-any"),
        ((*FIRST, "type"), "contains"),
        ((*FIRST, "value"), ...),
        ((*FIRST, "value"), "x"),
        ((*FIRST, "value"), []),
        ((*FIRST, "value"), [1]),
        ((*FIRST, "weight"), 0),
        ((*FIRST, "weight"), "1"),
        ((*FIRST, "threshold"), 1),
        ((*SCHEMA_OF_JSON, "value"), "x"),
        ((*DISTANCE, "value"), ...),
        ((*DISTANCE, "threshold"), -1),
        ((*DISTANCE, "threshold"), 1.5),
        ((*RUBRIC, "value"), ""),
        ((*RUBRIC, "threshold"), 2),
        ((*PYTHON, "value"), "lambda output: True"),
        ((*PYTHON, "value"), "module"),
    ],
)
def test_what_the_parser_refuses_the_schema_refuses(place: tuple[int | str, ...], value: object) -> None:
    data = changed(place, value)
    assert not is_accepted(data)
    assert not VALIDATOR.is_valid(data)


FIELDS = {
    (): sorted({*SCHEMA["properties"]} - {"$schema"}),
    CASE: sorted(SCHEMA["$defs"]["Case"]["properties"]),
    FIRST: ["type", "value", "weight", "threshold"],
    DISTANCE: ["type", "value", "weight", "threshold"],
}
VALUES = st.sampled_from(
    [None, True, 0, 0.5, 1, 2, -1, "", "x", "a:b", [], [""], ["x"], [1], {}, {"x": "y"}, *ASSERTION_TYPES]
)


@given(part=st.sampled_from(sorted(FIELDS, key=str)), data=st.data(), value=VALUES)
def test_the_schema_takes_exactly_what_the_parser_takes(part: Any, data: st.DataObject, value: object) -> None:
    """But for ids that are used twice, which no schema can see."""
    values = changed((*part, data.draw(st.sampled_from(FIELDS[part]))), value)
    assert is_accepted(values) is VALIDATOR.is_valid(values)


WORDS = st.sampled_from(
    [
        "$ref",
        "$id",
        "$schema",
        "$defs",
        "$anchor",
        "$dynamicRef",
        "type",
        "properties",
        "items",
        "not",
        "allOf",
        "pattern",
    ]
)
TEXTS = st.sampled_from(
    ["#", "#/a", "#/type/x", "http://[", "a#b", "string", "(", "https://json-schema.org/draft/2020-12/schema"]
)
SCHEMAS = st.recursive(
    st.booleans() | st.none() | st.integers() | TEXTS,
    lambda inner: st.dictionaries(WORDS, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(schema=st.dictionaries(WORDS, SCHEMAS, max_size=4), instance=SCHEMAS)
def test_any_object_is_a_schema_or_has_a_mistake(schema: dict[str, Any], instance: Any) -> None:
    mistake = find_schema_mistake(schema)
    if mistake is None:
        try:
            make_validator(schema).is_valid(instance)
        except RecursionError:
            assert "$ref" in json.dumps(schema) or "$dynamicRef" in json.dumps(schema)
    else:
        assert mistake[1]
