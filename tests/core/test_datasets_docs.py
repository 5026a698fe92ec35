"""What the page on datasets shows can be used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from eval_pipeline.core.datasets import ASSERTION_TYPES, Case, Dataset, check_dataset
from eval_pipeline.core.datasets.doubts import doubts_about

PAGE = (Path(__file__).parents[2] / "docs/datasets.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(json|yaml|jsonl)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize(("suffix", "text"), BLOCKS)
def test_every_example_is_a_dataset_without_doubts(suffix: str, text: str) -> None:
    checked = check_dataset(text, f"example.{suffix}")
    assert ([str(each) for each in checked.mistakes], [str(each) for each in checked.doubts]) == ([], [])


def test_there_are_examples_of_every_format() -> None:
    assert {suffix for suffix, _ in BLOCKS} == {"json", "yaml", "jsonl"}


def test_every_assertion_is_in_the_table_with_an_example_that_can_be_used() -> None:
    rows = [row for row in ROWS if row[0].strip("`") in ASSERTION_TYPES]
    assert {row[0].strip("`") for row in rows} == {name for name in ASSERTION_TYPES if not name.startswith("not-")}
    for row in rows:
        example: dict[str, Any] = yaml.safe_load(row[-1].strip("`"))
        case = Case.model_validate({"id": "a", "input": "x", "assert": [example]})
        assert f"`{case.assertions[0].type}`" == row[0]
        dataset = Dataset(eval_type="t", version="1", cases=[case])
        assert list(doubts_about(dataset)) == []


def test_every_field_is_in_a_table() -> None:
    told = {row[0].strip("`") for row in ROWS}
    assert {info.alias or name for part in (Dataset, Case) for name, info in part.model_fields.items()} <= told


def test_the_function_that_is_shown_does_what_is_said() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(source, names)
    assert names["is_polite"]("Sorry, please wait", {}) == {"pass": True, "score": 1.0, "reason": "2 kind words"}
