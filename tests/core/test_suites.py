"""What the results of single cases come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.suites import (
    CASE_COLUMNS,
    CaseResult,
    EvalOutcome,
    case_table,
    read_case_lines,
    score_cases,
    write_case_line,
)


def case(passed: bool | None, score: float | None = None, case_id: str = "a") -> CaseResult:
    """A result; errored when `passed` is `None`."""
    errored = passed is None
    return CaseResult(
        case_id=case_id,
        group="g",
        repeat=1,
        passed=passed,
        score=None if errored else (float(bool(passed)) if score is None else score),
        error="ValueError: no" if errored else None,
        input=["hi", "ümläut\n{}"],
        expected=None,
        output=None if errored else "hello",
        duration_ms=1.5,
    )


def test_an_errored_case_neither_passed_nor_failed() -> None:
    cases = (case(True), case(True, 1.0), case(False, 0.5), case(None))
    assert score_cases(cases) == EvalOutcome(
        cases=cases,
        pass_rate=2 / 3,
        average_score=2.5 / 3,
        total_cases=4,
        passed_cases=2,
        failed_cases=1,
        error_cases=1,
    )


@pytest.mark.parametrize("cases", [(), (case(None), case(None))])
def test_without_a_case_that_passed_or_failed_there_is_no_pass_rate(cases: tuple[CaseResult, ...]) -> None:
    outcome = score_cases(cases)
    assert (outcome.pass_rate, outcome.average_score) == (None, None)


def test_cases_that_were_planned_and_never_run_count_as_errored() -> None:
    outcome = score_cases([case(True), case(False)], planned=20)
    assert (outcome.total_cases, outcome.error_cases, outcome.pass_rate) == (20, 18, 0.5)


@given(st.lists(st.sampled_from([True, False, None])), st.integers(0, 30))
def test_passed_failed_and_errored_always_add_up_to_the_total(verdicts: list[bool | None], planned: int) -> None:
    outcome = score_cases(map(case, verdicts), planned)
    assert outcome.passed_cases + outcome.failed_cases + outcome.error_cases == outcome.total_cases
    assert outcome.total_cases == max(planned, len(verdicts))


@given(st.permutations([case(True), case(False, 0.25), case(None), case(True)]))
def test_the_order_of_the_cases_does_not_change_the_numbers(cases: list[CaseResult]) -> None:
    outcome = score_cases(cases)
    assert (outcome.pass_rate, outcome.average_score, outcome.error_cases) == (2 / 3, 0.75, 1)


@given(
    st.builds(
        CaseResult,
        case_id=st.text(),
        group=st.none() | st.text(),
        repeat=st.integers(1, 9),
        passed=st.none() | st.booleans(),
        score=st.none() | st.floats(0, 1),
        error=st.none() | st.text(),
        input=st.text() | st.lists(st.text()),
        expected=st.none() | st.text(),
        output=st.none() | st.text(),
        duration_ms=st.floats(0, 1e6),
    )
)
def test_a_result_survives_its_line(result: CaseResult) -> None:
    line = write_case_line(result)
    assert "\n" not in line
    assert read_case_lines(f"{line}\n{line}\n") == [result, result]


def test_a_last_line_that_was_cut_off_is_left_out() -> None:
    line = write_case_line(case(True))
    assert read_case_lines(f"{line}\n{line[:40]}") == [case(True)]
    assert read_case_lines("") == []


@pytest.mark.parametrize("line", ["hello", "{}", "[1]", '{"case_id": "a"}'])
def test_a_finished_line_that_is_no_result_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match="no case result"):
        read_case_lines(f"{line}\n")


def test_the_table_has_a_row_a_case_in_the_documented_columns() -> None:
    table = case_table([case(True), case(None, case_id="b")])
    assert table["columns"] == list(CASE_COLUMNS)
    assert [row[0] for row in table["data"]] == ["a", "b"]
    assert (
        *("case_id", "group", "repeat", "passed", "score"),
        *("error", "input", "expected", "output", "duration_ms", "reason", "tags", "attempts"),
    ) == CASE_COLUMNS
