"""What a run in the store means: its numbers, its status, its prompts, and which experiments are eval types."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.models import EvalExperiment, RunStatus
from eval_pipeline.core.runs import (
    MISSING,
    Number,
    classify_run,
    find_eval_experiments,
    read_count,
    read_number,
    read_prompt_versions,
    read_rate,
    read_version,
    version_number,
)

GOOD, NO_ERRORS = Number(0.9), Number(0.0)
RAW = st.none() | st.floats() | st.text(max_size=8) | st.floats().map(str)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, Number(None)),
        (0.5, Number(0.5)),
        ("0.5", Number(0.5)),
        (-3, Number(-3.0)),
        ("", Number(None, "score is '', no number")),
        ("high", Number(None, "score is 'high', no number")),
        (math.nan, Number(None, "score is NaN")),
        ("nan", Number(None, "score is NaN")),
        (math.inf, Number(None, "score is infinite")),
        (-math.inf, Number(None, "score is infinite")),
        (1.7976931348623157e308, Number(None, "score is infinite")),
        ("1e999", Number(None, "score is infinite")),
    ],
)
def test_a_number_is_finite_or_a_problem_or_missing(raw: float | str | None, expected: Number) -> None:
    assert read_number(raw, "score") == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, Number(None)),
        (0.0, Number(0.0)),
        (1.0, Number(1.0)),
        ("0.95", Number(0.95)),
        (95.0, Number(None, "pass_rate is 95, outside 0..1")),
        (-0.01, Number(None, "pass_rate is -0.01, outside 0..1")),
        (1.0000000000000002, Number(None, "pass_rate is 1.0000000000000002, outside 0..1")),
        (math.nan, Number(None, "pass_rate is NaN")),
    ],
)
def test_a_rate_lies_within_0_and_1_and_is_never_clipped(raw: float | str | None, expected: Number) -> None:
    assert read_rate(raw, "pass_rate") == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, Number(None)),
        (0, Number(0.0)),
        ("20", Number(20.0)),
        (20.0, Number(20.0)),
        (2.5, Number(None, "total_cases is 2.5, no count")),
        (-1, Number(None, "total_cases is -1, no count")),
        ("many", Number(None, "total_cases is 'many', no number")),
    ],
)
def test_a_count_is_a_whole_number_from_0(raw: float | str | None, expected: Number) -> None:
    assert read_count(raw, "total_cases") == expected


@given(RAW)
def test_no_raw_value_breaks_reading_and_a_problem_leaves_no_value(raw: float | str | None) -> None:
    for read in (read_number, read_rate, read_count):
        number = read(raw, "x")
        assert number.value is None or number.problem is None
        assert number.value is None or math.isfinite(number.value)
        assert (number == MISSING) == (raw is None)


@pytest.mark.parametrize(
    ("store_status", "pass_rate", "errors", "total", "expected"),
    [
        ("FINISHED", GOOD, NO_ERRORS, 20.0, (RunStatus.COMPLETE, None)),
        ("FINISHED", Number(0.0), NO_ERRORS, 20.0, (RunStatus.COMPLETE, None)),
        ("FINISHED", GOOD, MISSING, None, (RunStatus.COMPLETE, None)),
        ("FINISHED", GOOD, Number(2.0), 20.0, (RunStatus.PARTIAL, "2 of 20 cases errored")),
        ("FINISHED", GOOD, Number(2.0), None, (RunStatus.PARTIAL, "2 cases errored")),
        ("FINISHED", MISSING, NO_ERRORS, 20.0, (RunStatus.ERROR, "no pass rate was logged")),
        ("FINISHED", Number(None, "pass_rate is NaN"), NO_ERRORS, 20.0, (RunStatus.ERROR, "pass_rate is NaN")),
        ("FINISHED", MISSING, Number(20.0), 20.0, (RunStatus.ERROR, "no pass rate was logged")),
        ("FINISHED", GOOD, Number(None, "error_cases is NaN"), 20.0, (RunStatus.ERROR, "error_cases is NaN")),
        ("FAILED", GOOD, NO_ERRORS, 20.0, (RunStatus.ERROR, "the run ended as FAILED")),
        ("KILLED", GOOD, Number(2.0), 20.0, (RunStatus.ERROR, "the run ended as KILLED")),
        ("RUNNING", GOOD, NO_ERRORS, 20.0, (RunStatus.RUNNING, "not ended")),
        ("SCHEDULED", MISSING, MISSING, None, (RunStatus.RUNNING, "not ended")),
    ],
)
def test_the_status_of_a_run_and_why(
    store_status: str, pass_rate: Number, errors: Number, total: float | None, expected: tuple[RunStatus, str | None]
) -> None:
    assert classify_run(store_status, pass_rate, errors, total) == expected


@given(st.sampled_from(["FINISHED", "FAILED", "KILLED", "RUNNING", "SCHEDULED"]), RAW, RAW, RAW)
def test_a_run_is_complete_only_with_an_end_a_pass_rate_and_no_error(
    store_status: str, rate: float | str | None, errors: float | str | None, total: float | str | None
) -> None:
    pass_rate, error_count = read_rate(rate, "pass_rate"), read_count(errors, "error_cases")
    status, reason = classify_run(store_status, pass_rate, error_count, read_count(total, "total_cases").value)
    good = store_status == "FINISHED" and pass_rate.value is not None and not error_count.problem
    assert (status is RunStatus.COMPLETE) == (good and not error_count.value)
    assert (reason is None) == (status is RunStatus.COMPLETE)


@pytest.mark.parametrize(
    ("raw", "shown", "number"),
    [
        ("3", "v3", 3),
        ("v3", "v3", 3),
        (" v3 ", "v3", 3),
        ("003", "v3", 3),
        ("10", "v10", 10),
        ("0", "0", None),
        ("v0", "v0", None),
        ("", "", None),
        ("main", "main", None),
        ("3.1", "3.1", None),
        ("v3-draft", "v3-draft", None),
        ("٣", "٣", None),
        ("1٣", "1٣", None),
    ],
)
def test_a_version_reads_v3_and_other_text_stays(raw: str, shown: str, number: int | None) -> None:
    assert read_version(raw) == shown
    assert version_number(shown) == number


@given(st.text())
def test_a_version_that_was_read_stays_as_it_is(raw: str) -> None:
    assert read_version(read_version(raw)) == read_version(raw)


@given(st.integers(min_value=1))
def test_a_number_and_its_shown_version_are_the_same(number: int) -> None:
    assert read_version(str(number)) == read_version(f"v{number}") == f"v{number}"
    assert version_number(f"v{number}") == number


def test_prompts_are_the_params_that_begin_so_and_name_one() -> None:
    params = {"prompt.persona": "3", "prompt.a.b": "v2", "prompt.": "1", "prompts": "1", "my.prompt.x": "1", "x": "2"}
    assert read_prompt_versions(params) == {"persona": "v3", "a.b": "v2"}


BASE = "my-assistant-eval"


def found(*names: str, base: str = BASE) -> list[tuple[str, str]]:
    """The eval types and names that are found among experiments of these names."""
    experiments = find_eval_experiments(((str(at), name, 0) for at, name in enumerate(names)), base, "quality")
    return [(each.eval_type, each.experiment_name) for each in experiments]


def test_eval_types_come_by_name_with_id_and_creation_time() -> None:
    named = [("7", f"{BASE}-tone", 70), ("3", BASE, 30), ("5", f"{BASE}-memory-write", 50)]
    assert find_eval_experiments(named, BASE, "overall") == [
        EvalExperiment("memory-write", "5", f"{BASE}-memory-write", 50),
        EvalExperiment("overall", "3", BASE, 30),
        EvalExperiment("tone", "7", f"{BASE}-tone", 70),
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("Default", "", "my-assistant", f"{BASE}2", f"{BASE}2-tone", f"{BASE}.audit", f"{BASE}.suites"),
        *(f"{BASE}-", f"{BASE}_tone", f"{BASE} -tone", f"x-{BASE}", f"x-{BASE}-tone", BASE.upper()),
    ],
)
def test_a_name_that_is_merely_like_the_base_is_another_projects(name: str) -> None:
    assert found(name) == []


def test_all_that_follows_the_base_is_the_type() -> None:
    assert found(f"{BASE}--", f"{BASE}-a-b", f"{BASE}-{BASE}-x", f"{BASE}-.audit") == [
        ("-", f"{BASE}--"),
        (".audit", f"{BASE}-.audit"),
        ("a-b", f"{BASE}-a-b"),
        (f"{BASE}-x", f"{BASE}-{BASE}-x"),
    ]


def test_two_experiments_of_one_type_both_come_back() -> None:
    assert found(f"{BASE}-quality", BASE) == [("quality", BASE), ("quality", f"{BASE}-quality")]


@given(st.lists(st.text("ab-.2", max_size=5)).flatmap(st.permutations))
def test_order_in_the_store_does_not_matter_and_each_type_names_its_experiment(names: list[str]) -> None:
    named = [(str(hash(name)), name, 0) for name in names]
    experiments = find_eval_experiments(named, "a", "quality")
    assert experiments == find_eval_experiments(sorted(named), "a", "quality")
    assert [each.experiment_name for each in experiments] == [
        "a" if each.experiment_name == "a" else f"a-{each.eval_type}" for each in experiments
    ]
