"""What a suite run is at a moment, and what it says of itself in tags."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.models import CheckResult, RegressionReport, RunStatus, Verdict
from eval_pipeline.core.suite_runs import (
    SuiteRun,
    SuiteState,
    TypeProgress,
    TypeState,
    judge_suite,
    judge_type,
    result_of,
    with_verdict,
)
from eval_pipeline.core.suite_tags import read_suite_run, summary_tags, type_tags

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RATE = st.none() | st.floats(0, 1)
PROGRESS = st.builds(
    TypeProgress,
    eval_type=st.text(min_size=1),
    state=st.sampled_from(TypeState),
    total_cases=st.integers(0, 9_999),
    done_cases=st.integers(0, 9_999),
    failed_cases=st.integers(0, 9_999),
    error_cases=st.integers(0, 9_999),
    pass_rate=RATE,
    threshold=RATE,
    run_id=st.none() | st.text(min_size=1),
    problem=st.none() | st.text(min_size=1),
    verdict=st.none() | st.sampled_from([each.value for each in Verdict]),
    delta_pp=st.none() | st.floats(-100, 100),
    baseline_run_id=st.none() | st.text(min_size=1),
    digest=st.text(),
)


def suite(**said: Any) -> SuiteRun:
    usual: dict[str, Any] = {
        "id": "1",
        "suite": "core",
        "trigger": "page",
        "actor": "ada",
        "started": NOON,
        "ended": None,
        "heartbeat": NOON,
        "prompts": {},
        "candidate": None,
        "types": (),
        "attempts": ("me",),
    }
    return SuiteRun(**{**usual, **said})


@pytest.mark.parametrize(
    ("said", "after", "state"),
    [
        ({}, 0, SuiteState.RUNNING),
        ({}, 60, SuiteState.RUNNING),
        ({}, 61, SuiteState.LOST),
        ({"attempts": ()}, 60, SuiteState.STARTING),
        ({"attempts": ()}, 61, SuiteState.LOST),
        ({"heartbeat": None, "started": None}, 0, SuiteState.LOST),
        ({"heartbeat": NOON - 100 * SECOND}, 0, SuiteState.RUNNING),
        ({"outcome": SuiteState.PASSED}, 9_999, SuiteState.PASSED),
        ({"outcome": SuiteState.CANCELLED, "attempts": ()}, 9_999, SuiteState.CANCELLED),
    ],
)
def test_without_a_sign_of_life_for_a_minute_it_is_lost(said: dict[str, Any], after: int, state: SuiteState) -> None:
    assert suite(**said).state(NOON + after * SECOND) is state


def test_the_time_left_follows_the_pace_of_this_attempt() -> None:
    types = (TypeProgress("a", total_cases=20, done_cases=20), TypeProgress("b", total_cases=20, done_cases=10))
    going = suite(types=types, attempt_began=NOON, cases_before=20)
    assert going.time_left(NOON + 30 * SECOND) == 30 * SECOND
    assert replace(going, cases_before=30).time_left(NOON) is None
    assert replace(going, attempt_began=None).time_left(NOON) is None


@pytest.mark.parametrize(
    ("status", "rate", "state"),
    [
        (RunStatus.COMPLETE, 0.8, TypeState.PASS),
        (RunStatus.COMPLETE, 0.7999, TypeState.FAIL),
        (RunStatus.COMPLETE, 0.1 + 0.7, TypeState.PASS),
        (RunStatus.PARTIAL, 1.0, TypeState.PARTIAL),
        (RunStatus.ERROR, None, TypeState.ERROR),
    ],
)
def test_only_a_complete_run_passes_or_fails(status: RunStatus, rate: float | None, state: TypeState) -> None:
    assert judge_type(status, rate, 0.8) is state


def report(verdict: Verdict) -> RegressionReport:
    return RegressionReport("a", "old", "new", 0.9, 0.7, -20.0, 0.8, verdict, (), None, None)


@pytest.mark.parametrize(
    ("states", "verdict", "state"),
    [
        ((TypeState.PASS, TypeState.PASS), Verdict.PASS, SuiteState.PASSED),
        ((TypeState.PASS, TypeState.PASS), Verdict.WARNING, SuiteState.PASSED),
        ((TypeState.PASS, TypeState.PASS), Verdict.REGRESSION, SuiteState.FAILED),
        ((TypeState.PASS, TypeState.FAIL), Verdict.PASS, SuiteState.FAILED),
        ((TypeState.FAIL, TypeState.PARTIAL), Verdict.REGRESSION, SuiteState.INCOMPLETE),
        ((TypeState.PASS, TypeState.ERROR), Verdict.PASS, SuiteState.INCOMPLETE),
        ((TypeState.PASS, TypeState.WAITING), Verdict.PASS, SuiteState.INCOMPLETE),
    ],
)
def test_a_suite_passes_only_if_all_are_complete_pass_and_none_regressed(
    states: tuple[TypeState, ...], verdict: Verdict, state: SuiteState
) -> None:
    found = CheckResult((report(verdict),), ())
    assert judge_suite(dict(zip("ab", states, strict=True)), found) is state


def test_a_comparison_is_noted_and_what_was_not_run_says_so() -> None:
    judged = with_verdict(TypeProgress("a"), CheckResult((report(Verdict.REGRESSION),), ()))
    assert (judged.regressed, judged.delta_pp, judged.baseline_run_id) == (True, -20.0, "old")
    assert with_verdict(TypeProgress("b"), CheckResult((report(Verdict.REGRESSION),), ())) == TypeProgress("b")
    assert result_of(TypeProgress("a")).error == "not run"
    assert result_of(TypeProgress("a", TypeState.PASS, problem="odd")).error == "odd"


@given(st.lists(PROGRESS, max_size=12))
def test_what_is_written_into_tags_is_read_back(types: list[TypeProgress]) -> None:
    tags = type_tags(dict(enumerate(types)))
    assert read_suite_run("1", {}, tags, {}, started=None, ended=None).types == tuple(types)


JUNK = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.sampled_from([*TypeProgress.__slots__, "more"]), JUNK) | JUNK, st.text())
def test_what_strangers_write_into_tags_breaks_nothing(value: object, moment: str) -> None:
    good = TypeProgress("tone", TypeState.RUNNING, total_cases=4)
    tags = {
        **type_tags({0: good}),
        "suite.type.0001": json.dumps(value),
        "suite.type.0002": moment,
        "suite.heartbeat": moment,
        "suite.attempt": json.dumps(value),
        "suite.outcome.0001": moment,
    }
    read = read_suite_run("1", {"repeat": moment, "candidate": moment}, tags, {}, started=NOON, ended=None)
    assert read.types[0] == good
    assert (read.total_cases >= 4, read.done_cases >= 0, read.state(NOON) in SuiteState) == (True, True, True)


def test_what_a_later_version_adds_is_passed_over() -> None:
    text = json.dumps({"eval_type": "tone", "state": "PASS", "colour": "green"})
    read = read_suite_run("1", {}, {"suite.type.0000": text}, {}, started=None, ended=None)
    assert read.types == (TypeProgress("tone", TypeState.PASS),)


def test_the_summary_names_what_is_at_work() -> None:
    types = (TypeProgress("a", TypeState.PASS), TypeProgress("b", TypeState.RUNNING), TypeProgress("c"))
    assert summary_tags(types) == {"suite.total": "3", "suite.done": "1", "suite.now": "b"}
