"""Cases of a comparison as a table, CSV and JSON."""

from __future__ import annotations

import csv
import io

import pytest

from eval_pipeline.core.case_pairs import CaseChange, CasePair, CaseSide, pair_cases
from eval_pipeline.report.case_table import COLUMNS, case_csv, case_frame, case_record, duration
from eval_pipeline.report.looks import CASES
from tests.logging_cases import case

[BROKEN, NEW] = pair_cases(
    [case("a", True, group="g", tags=("x", "y"), duration_ms=31.4)],
    [
        case("a", False, repeat=1, group="g", tags=("x", "y"), duration_ms=1_200.0),
        case("a", True, repeat=2, group="g", tags=("x", "y"), duration_ms=1_300.0),
        case("b", None, input=["one", "two"]),
    ],
)


def test_every_change_has_a_look_with_signs_of_its_own() -> None:
    assert list(CASES) == [change.value for change in CaseChange]
    for part in ("word", "icon", "glyph"):
        assert len({getattr(look, part) for look in CASES.values()}) == len(CASES)


def test_the_table_shows_both_runs() -> None:
    frame = case_frame([("tone", BROKEN), ("tone", NEW)])
    assert frame.to_dict("records") == [
        {
            "eval_type": "tone",
            "case_id": "a",
            "group": "g",
            "tags": ["x", "y"],
            "change": "broken",
            "outcome": "passed → failed (1 of 2 passed)",
            "score": "1.000 → 0.500",
            "duration": "31 ms → 1.2 s",
            "reason": "icontains: does not contain 'hello'",
            "expected": "hello",
        },
        {
            "eval_type": "tone",
            "case_id": "b",
            "group": "",
            "tags": [],
            "change": "only-in-one",
            "outcome": "not there → errored",
            "score": "–",
            "duration": "– → 12 ms",
            "reason": "TimeoutError: too late",
            "expected": "hello",
        },
    ]
    assert list(case_frame([]).columns) == list(frame.columns)


@pytest.mark.parametrize(("took", "said"), [(0.2, "0 ms"), (999.4, "999 ms"), (999.6, "1.0 s"), (61_000.0, "61.0 s")])
def test_times_are_in_a_fitting_unit(took: float, said: str) -> None:
    assert duration(CaseSide((case("a", duration_ms=took),))) == said


def test_json_has_null_for_the_run_that_lacks_a_case() -> None:
    record = case_record("tone", NEW)
    assert (record["baseline"], record["input"], record["change"]) == (None, ["one", "two"], "only-in-one")
    assert record["current"] == {
        "state": "errored",
        "passed": 0,
        "repeats": 1,
        "score": None,
        "output": None,
        "reason": None,
        "error": "TimeoutError: too late",
        "duration_ms": 12.0,
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_of_the_csv_is_a_formula(start: str) -> None:
    hostile = f"{start}1+1"
    texts = {"input": hostile, "expected": hostile, "group": hostile, "output": hostile, "reason": hostile}
    [pair] = pair_cases([case(hostile, **texts)], [case(hostile, False, **texts)])
    [row] = csv.DictReader(io.StringIO(case_csv([(hostile, pair)]), newline=""))
    assert tuple(row) == COLUMNS
    assert not [value for value in row.values() if value.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_pair_of_no_case_can_not_be_shown() -> None:
    with pytest.raises(ValueError, match="no case"):
        _ = CasePair("a", None, None).case
