"""Reading datasets from text: real lines, and never anything but a dataset or a list of its mistakes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.datasets import ASSERTION_TYPES, SUFFIXES, Dataset, check_dataset, parse_dataset
from eval_pipeline.core.datasets.json_text import parse_json, walk
from eval_pipeline.errors import DatasetError

CASE = '{"id": "%s", "input": "x", "expected": "y"}'
FIELDS = st.sampled_from(
    [*Dataset.model_fields, "id", "input", "expected", "assert", "type", "value", "weight", "vars", "tags", "$schema"]
)
WORDS = st.sampled_from([*ASSERTION_TYPES, "$ref", "#/a", "http://[", "a:b", "(", "[", "%", "<<", "*a", "&a", "!!int"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(FIELDS | WORDS | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=25,
)
ASSERTIONS = st.fixed_dictionaries({"type": st.sampled_from(ASSERTION_TYPES), "value": VALUES | st.just({"$ref": "#"})})
CASES = st.fixed_dictionaries(
    {"id": SCALARS, "input": VALUES}, optional={"assert": st.lists(ASSERTIONS | VALUES, max_size=3), "vars": VALUES}
)
DATASETS = st.fixed_dictionaries(
    {"eval_type": st.just("t") | SCALARS, "version": st.just("1") | SCALARS, "cases": st.lists(CASES, max_size=4)}
)
PIECES = st.lists(
    st.sampled_from(
        [*'{}[]:,"\n\t -&*!#|>?%@`', "a", "id", "1e999", "NaN", "-.inf", "0b_", "\ud800", "\x00", "1:2", "<<: "]
    )
    | st.text(max_size=3),
    max_size=40,
).map("".join)


def said(text: str, file: str) -> list[str]:
    """All mistakes in a text."""
    return [str(each) for each in check_dataset(text, file).mistakes]


def is_read_or_refused(text: str, file: str) -> None:
    """Checking and parsing agree, and every mistake is one line with a real line number."""
    checked = check_dataset(text, file)
    if checked.dataset is not None:
        assert parse_dataset(text, file) == checked.dataset
        assert checked.mistakes == ()
        return
    assert checked.mistakes != ()
    for mistake in checked.mistakes:
        assert "\n" not in str(mistake)
        assert mistake.line is None or 1 <= mistake.line <= text.count("\n") + 1
    with pytest.raises(DatasetError):
        parse_dataset(text, file)


@given(text=st.text(st.characters(), max_size=60) | PIECES, suffix=st.sampled_from(SUFFIXES))
def test_any_text_is_a_dataset_or_has_mistakes(text: str, suffix: str) -> None:
    is_read_or_refused(text, f"x{suffix}")


@given(data=DATASETS | VALUES, indent=st.sampled_from([None, 1]), suffix=st.sampled_from([".json", ".yaml"]))
def test_any_values_are_a_dataset_or_have_mistakes(data: Any, indent: int | None, suffix: str) -> None:
    is_read_or_refused(json.dumps(data, indent=indent), f"x{suffix}")


@given(lines=st.lists(DATASETS | CASES | VALUES, max_size=5))
def test_any_lines_are_a_dataset_or_have_mistakes(lines: list[Any]) -> None:
    is_read_or_refused("\n".join(json.dumps(line) for line in lines), "x.jsonl")


@given(data=VALUES, indent=st.sampled_from([None, 2, "\t"]))
def test_every_place_in_json_has_the_line_that_it_is_on(data: Any, indent: int | str | None) -> None:
    text = json.dumps(data, indent=indent, allow_nan=True)
    lines = text.split("\n")
    for token in walk(text):
        if token.place and isinstance(token.place[-1], str):
            assert json.dumps(token.place[-1]) in lines[token.line - 1]
        assert token.text in lines[token.line - 1]


def test_a_file_of_windows_is_read() -> None:
    assert len(parse_dataset("\ufeff" + CASE % "a" + "\r\n" + CASE % "b" + "\r\n", "x.jsonl").cases) == 2


class TestJson:
    def test_a_key_that_is_written_twice_is_a_mistake_and_not_a_lost_case(self) -> None:
        text = '{"eval_type": "t",\n"cases": [],\n"cases": [{"id": "a",\n"id": "b"}]}'
        assert said(text, "x.json") == [
            "x.json:3: no valid JSON: 'cases' is written twice",
            "x.json:4: no valid JSON: 'id' is written twice",
        ]

    @pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400, "-" + "9" * 5000])
    def test_a_number_that_is_none_is_a_mistake(self, number: str) -> None:
        text = f'{{\n"threshold": {number}\n}}'
        assert said(text, "x.json") == [f"x.json:2: no valid JSON: {number[:20]} is no number that can be used"]

    @pytest.mark.parametrize(
        "text", ["[" * 100_000, '{"a":' * 100_000, '{"eval_type": ' + "[" * 5000 + "]" * 5000 + "}"]
    )
    def test_deep_nesting_is_refused(self, text: str) -> None:
        assert said(text, "x.json") == ["x.json: no valid JSON: it is nested too deeply"]

    def test_a_schema_of_hundreds_of_levels_is_refused(self) -> None:
        schema = '{"not": ' * 900 + "{}" + "}" * 900
        case = f'{{"id": "a", "input": "x", "assert": [{{"type": "is-json", "value": {schema}}}]}}'
        assert said(case, "x.jsonl") == ["x.jsonl:1: assert[0].value: is no JSON Schema: it is nested too deeply"]

    def test_half_a_character_is_no_text(self) -> None:
        assert said('{"id": "a", "input": "\\ud800", "expected": "x"}', "x.jsonl") == [
            "x.jsonl:1: no text: it holds half of a character"
        ]
        assert said("\n\ud800", "x.json") == ["x.json:2: no text: it holds half of a character"]

    def test_values_are_what_the_library_reads(self) -> None:
        text = '{"a": [1, -2.5, 1e3, true, null, "\\u00e9"], "b": {}}'
        parsed = parse_json(text)
        assert getattr(parsed, "data", None) == json.loads(text)


class TestJsonl:
    def test_without_a_header_type_and_version_come_from_name_and_text(self) -> None:
        text = "\n".join(CASE % name for name in "ab")
        dataset = parse_dataset(text, "evals/tone.jsonl")
        assert (dataset.eval_type, dataset.version) == ("tone", hashlib.sha256(text.encode()).hexdigest()[:12])
        assert parse_dataset(text + "\n", "evals/tone.jsonl").version != dataset.version

    def test_a_header_says_what_it_says_and_the_rest_is_derived(self) -> None:
        text = (
            '\n{"$schema": "x", "version": "7", "threshold": 0.5, "repeat": 2, "prompts": ["persona"]}\n\n' + CASE % "a"
        )
        dataset = parse_dataset(text, "tone.jsonl")
        assert (dataset.eval_type, dataset.version, dataset.threshold) == ("tone", "7", 0.5)
        assert (dataset.repeat, dataset.prompts, len(dataset.cases)) == (2, ["persona"], 1)

    def test_mistakes_have_the_line_of_the_file_and_the_field_of_the_case(self) -> None:
        lines = [
            '{"eval_type": "tone", "versoin": "1", "cases": []}',
            CASE % "a",
            "",
            CASE % "a",
            '{"id": "b", "input": }',
            '{"id": "b", "id": "c", "input": NaN}',
            "[1]",
            '{"id": "d", "input": "x"}',
            '{"id": "e", "input": "x", "assert": [{"type": "contain", "value": "x"}]}',
        ]
        assert said("\n".join(lines), "x.jsonl") == [
            "x.jsonl:1: cases: unknown field: in JSONL each further line is a case",
            "x.jsonl:1: versoin: unknown field of a dataset, did you mean version?",
            "x.jsonl:4: id: 'a' is the id of the case on line 2 already",
            "x.jsonl:5: no valid JSON: expecting value",
            "x.jsonl:6: no valid JSON: 'id' is written twice",
            "x.jsonl:6: no valid JSON: NaN is no number that can be used",
            "x.jsonl:7: the case must be an object: fields and their values",
            "x.jsonl:8: the case needs assert or expected, or nothing could fail it",
            "x.jsonl:9: assert[0].type: 'contain' is no assertion: did you mean contains?",
        ]

    def test_a_file_without_cases_is_a_mistake(self) -> None:
        assert said("\n\n", "x.jsonl") == ["x.jsonl:1: cases: must not be empty"]

    def test_separators_inside_of_texts_end_no_line(self) -> None:
        dataset = parse_dataset(
            json.dumps({"id": "a", "input": "x\u2028y\x85z", "expected": "q"}, ensure_ascii=False), "x.jsonl"
        )
        assert dataset.cases[0].turns == ("x\u2028y\x85z",)


class TestYaml:
    HEAD = "eval_type: t\nversion: '1'\ncases:\n"

    def test_anchors_and_merged_keys_may_be_used(self) -> None:
        text = self.HEAD + (
            "  - &first\n    id: a\n    input: x\n    assert: &polite [{type: contains, value: please}]\n"
            "  - <<: *first\n    id: b\n  - {id: c, input: y, assert: *polite}\n"
        )
        cases = parse_dataset(text, "x.yaml").cases
        assert [(case.id, case.input, [a.value for a in case.assertions]) for case in cases] == [
            ("a", "x", ["please"]),
            ("b", "x", ["please"]),
            ("c", "y", ["please"]),
        ]

    def test_the_line_of_a_merged_key_is_where_it_is_written(self) -> None:
        text = self.HEAD + "  - &first\n    id: a\n    input: 1\n    expected: x\n  - <<: *first\n    id: b\n"
        assert said(text, "x.yaml") == [
            "x.yaml:6: cases[0].input: must be text: put it in quotes",
            "x.yaml:6: cases[1].input: must be text: put it in quotes",
        ]

    def test_dates_stay_text(self) -> None:
        text = "eval_type: t\nversion: 2026-03-01\ncases: [{id: 2026-13-45, input: =, expected: 2026-03-01 10:00:00}]"
        dataset = parse_dataset(text, "x.yaml")
        case = dataset.cases[0]
        assert (dataset.version, case.id, case.input, case.expected) == (
            "2026-03-01",
            "2026-13-45",
            "=",
            "2026-03-01 10:00:00",
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: 1\nb:\n  c: 1\n  c: 2", "x.yaml:4: no valid YAML: 'c' is written twice"),
            ("a: 1\n2: x", "x.yaml:2: no valid YAML: a field is named by text: put 2 in quotes"),
            ("a: 1\nno: x", "x.yaml:2: no valid YAML: a field is named by text: put no in quotes"),
            ("a: 1\n? [b]\n: c", "x.yaml:2: no valid YAML: a field is named by text: put "),
            ("a: !!int x", "x.yaml:1: no valid YAML: the tag tag:yaml.org,2002:int is not allowed: a dataset is data"),
            ("a: !!binary x", "x.yaml:1: no valid YAML: the tag tag:yaml.org,2002:binary is not allowed"),
            ("a: !x {}", "x.yaml:1: no valid YAML: the tag !x is not allowed"),
            ("a:\n- 0b_", "x.yaml:2: no valid YAML: 0b_ is no number that can be used"),
            ("a:\n- .nan", "x.yaml:2: no valid YAML: .nan is no number that can be used"),
            ("a: " + "9" * 5000, "x.yaml:1: no valid YAML: 99999999999999999999 is no number that can be used"),
            ("a: 1\n---\nb: 1", "x.yaml:2: no valid YAML: but found another document"),
            ("a: *b", "x.yaml:1: no valid YAML: *b refers to nothing that is complete before it"),
            ("a: &b [*b]", "x.yaml:1: no valid YAML: *b refers to nothing that is complete before it"),
            ("a: \x01", "x.yaml: no valid YAML: "),
            ("[" * 100_000, "x.yaml:1: no valid YAML: it is nested too deeply"),
            ("- " * 100_000, "x.yaml:1: no valid YAML: it is nested too deeply"),
        ],
    )
    def test_what_a_dataset_has_no_use_for_is_refused(self, text: str, message: str) -> None:
        (mistake,) = said(text, "x.yaml")
        assert mistake.startswith(message)

    @pytest.mark.parametrize("item", ["[{}]", "{{<<: [{}]}}"])
    def test_aliases_of_aliases_are_refused_before_they_are_built(self, item: str) -> None:
        lines = ["a0: &a0 {k: x}"]
        lines += [f"a{n}: &a{n} " + item.format(", ".join([f"*a{n - 1}"] * 9)) for n in range(1, 60)]
        (mistake,) = said("\n".join(lines), "x.yaml")
        assert mistake.endswith("no valid YAML: aliases make it too large")

    def test_one_large_part_may_be_named_again(self) -> None:
        values = ", ".join(f"w{index}" for index in range(2000))
        cases = "".join(
            f"  - {{id: c{index}, input: x{index}, assert: {'&a' if index == 0 else '*a'}"
            + (f" [{{type: contains-any, value: [{values}]}}]}}\n" if index == 0 else "}\n")
            for index in range(20)
        )
        assert len(parse_dataset(self.HEAD + cases, "x.yaml").cases) == 20
