"""Whether a run is worse than the one before it: the verdict table with its edges, and what never changes a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.evidence import Counts
from eval_pipeline.core.models import (
    CheckResult,
    ContextChange,
    PromptChange,
    RegressionReport,
    RunStatus,
    TrendPoint,
    Unjudged,
    Verdict,
)
from eval_pipeline.core.regression import (
    changed_context,
    changed_prompts,
    check_all_regressions,
    check_regression,
    compare_runs,
    decide_verdict,
    get_baseline_run,
    judge_history,
    percentage_points,
)
from eval_pipeline.errors import UsageError
from tests.core.points import OTHER_STATUSES, RATES, STATUSES, histories, history, moment, not_complete, point

WORST_FIRST = list(Verdict)


@pytest.mark.parametrize(
    ("baseline", "current", "threshold", "delta_pp", "verdict"),
    [
        # below the threshold, whatever the move
        (0.90, 0.79, 0.80, -11.0, Verdict.REGRESSION),
        (0.81, 0.79, 0.80, -2.0, Verdict.REGRESSION),
        (0.50, 0.79, 0.80, 29.0, Verdict.REGRESSION),
        (0.79, 0.79, 0.80, 0.0, Verdict.REGRESSION),
        (0.90, 0.7999, 0.80, -10.01, Verdict.REGRESSION),
        # ten points down, threshold met
        (0.95, 0.85, 0.80, -10.0, Verdict.WARNING),
        (1.00, 0.90, 0.80, -10.0, Verdict.WARNING),
        (0.90, 0.80, 0.80, -10.0, Verdict.WARNING),
        (0.97, 0.85, 0.80, -12.0, Verdict.WARNING),
        (0.95, 0.8501, 0.80, -9.99, Verdict.PASS),
        (0.95, 0.850001, 0.80, -9.9999, Verdict.PASS),
        # exactly on the threshold
        (0.80, 0.80, 0.80, 0.0, Verdict.PASS),
        (0.85, 0.80, 0.80, -5.0, Verdict.PASS),
        (0.79, 0.80, 0.80, 1.0, Verdict.IMPROVED),
        (1.00, 1.00, 1.00, 0.0, Verdict.PASS),
        (0.00, 0.00, 0.00, 0.0, Verdict.PASS),
        # binary noise is no move and no miss
        (0.80, 0.1 + 0.7, 0.80, 0.0, Verdict.PASS),
        (0.1 + 0.2, 0.3, 0.30, 0.0, Verdict.PASS),
        (0.3, 0.1 + 0.2, 0.30, 0.0, Verdict.PASS),
        (0.95, 0.1 + 0.75, 0.1 + 0.7, -10.0, Verdict.WARNING),
        # as fractions of cases
        (19 / 20, 17 / 20, 0.80, -10.0, Verdict.WARNING),
        (29 / 30, 26 / 30, 0.80, -10.0, Verdict.WARNING),
        (2 / 3, 2 / 3, 2 / 3, 0.0, Verdict.PASS),
        # the least that counts
        (0.90, 0.900001, 0.80, 0.0001, Verdict.IMPROVED),
        (0.90, 0.899999, 0.80, -0.0001, Verdict.PASS),
    ],
)
def test_the_verdict_table(
    baseline: float, current: float, threshold: float, delta_pp: float, verdict: Verdict
) -> None:
    assert percentage_points(current, baseline) == delta_pp
    assert decide_verdict(current, baseline, threshold) is verdict


def test_no_move_is_never_shown_as_minus_zero() -> None:
    assert str(percentage_points(0.3, 0.1 + 0.2)) == "0.0"


@given(RATES, RATES, RATES, RATES)
def test_a_higher_current_rate_never_worsens_a_verdict(one: float, other: float, base: float, threshold: float) -> None:
    lower, higher = (decide_verdict(rate, base, threshold) for rate in sorted((one, other)))
    assert WORST_FIRST.index(lower) <= WORST_FIRST.index(higher)


@given(RATES, RATES, RATES, RATES)
def test_a_higher_threshold_never_betters_a_verdict(current: float, base: float, one: float, other: float) -> None:
    easier, harder = (decide_verdict(current, base, threshold) for threshold in sorted((one, other)))
    assert WORST_FIRST.index(harder) <= WORST_FIRST.index(easier)


@given(RATES, RATES, RATES, RATES)
def test_a_higher_baseline_never_betters_a_verdict(current: float, threshold: float, one: float, other: float) -> None:
    easier, harder = (decide_verdict(current, base, threshold) for base in sorted((one, other)))
    assert WORST_FIRST.index(harder) <= WORST_FIRST.index(easier)


@given(RATES, RATES)
def test_a_move_back_is_the_same_move_the_other_way(one: float, other: float) -> None:
    assert percentage_points(one, other) == -percentage_points(other, one)


@given(RATES, RATES)
def test_meeting_the_threshold_is_never_a_regression(current: float, base: float) -> None:
    assert decide_verdict(current, base, current) is not Verdict.REGRESSION


def test_a_report_says_everything_about_the_two_runs() -> None:
    baseline = point(1, 0.95, {"persona": "v1", "routing": "v4"}, context={"judge_model": "j-1"}, threshold=0.5)
    current = point(4, 0.85, {"persona": "v2", "routing": "v4"}, context={"judge_model": "j-2"}, notes=("odd",))
    assert compare_runs(baseline, current, 0.8) == RegressionReport(
        eval_type="tone",
        baseline_run_id="run-01",
        current_run_id="run-04",
        baseline_pass_rate=0.95,
        current_pass_rate=0.85,
        delta_pp=-10.0,
        threshold=0.8,
        verdict=Verdict.WARNING,
        changed_prompts=(PromptChange(moment(4), "run-04", "persona", "v1", "v2"),),
        baseline_timestamp=moment(1),
        current_timestamp=moment(4),
        context_changes=(ContextChange("judge_model", "j-1", "j-2"),),
        notes=("odd",),
        baseline_counts=Counts(19, 1),
        current_counts=Counts(17, 3),
        evidence=None,
    )


@pytest.mark.parametrize(
    ("active", "today", "threshold", "verdict"),
    [
        (None, 0.80, 0.80, Verdict.PASS),
        (None, 0.90, 0.90, Verdict.REGRESSION),
        (0.90, 0.80, 0.90, Verdict.REGRESSION),
        (0.80, 0.90, 0.80, Verdict.PASS),
        (0.0, 0.90, 0.0, Verdict.PASS),
    ],
)
def test_the_threshold_is_the_one_active_when_the_current_run_was_made(
    active: float | None, today: float, threshold: float, verdict: Verdict
) -> None:
    report = compare_runs(point(0, 0.85, threshold=0.99), point(1, 0.85, threshold=active), today)
    assert (report.threshold, report.verdict) == (threshold, verdict)


@pytest.mark.parametrize("status", OTHER_STATUSES)
def test_only_complete_runs_compare(status: RunStatus) -> None:
    said = f"run run-01 of tone is {status} \\(for a reason\\): only complete runs compare"
    with pytest.raises(UsageError, match=said):
        compare_runs(point(0), not_complete(1, status), 0.8)
    with pytest.raises(UsageError, match=said):
        compare_runs(not_complete(1, status), point(2), 0.8)


def test_the_baseline_is_the_newest_complete_run_before_the_current_one() -> None:
    runs = [*history(0.7, 0.8), *(not_complete(2 + at, status) for at, status in enumerate(OTHER_STATUSES)), point(5)]
    assert get_baseline_run(runs, runs[5]) == runs[1]
    assert get_baseline_run(runs, runs[1]) == runs[0]
    assert get_baseline_run(runs, runs[0]) is None


PROMPTS = [
    ({"a": "v1"}, {"a": "v2"}, [("a", "v1", "v2")]),
    ({"a": "v2"}, {"a": "v1"}, [("a", "v2", "v1")]),
    ({"a": "v1"}, {"a": "v1"}, []),
    ({}, {"a": "v1"}, []),
    ({"a": "v1"}, {}, []),
    ({"a": "v1"}, {"b": "v2"}, []),
    ({"a": "v1", "b": "v1"}, {"b": "v2", "c": "v9"}, [("b", "v1", "v2")]),
    ({"b": "v1", "a": "v1"}, {"b": "v2", "a": "v3"}, [("a", "v1", "v3"), ("b", "v1", "v2")]),
    ({"a": "main"}, {"a": "v1"}, [("a", "main", "v1")]),
]


@pytest.mark.parametrize(("before", "after", "changes"), PROMPTS)
def test_a_prompt_change_counts_for_prompts_that_both_runs_name(
    before: dict[str, str], after: dict[str, str], changes: list[tuple[str, str, str]]
) -> None:
    current = point(3, 0.9, after)
    assert changed_prompts(before, current) == tuple(PromptChange(moment(3), "run-03", *each) for each in changes)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {}, []),
        ({"git_sha": "a"}, {"git_sha": "a"}, []),
        ({"git_sha": "a"}, {"git_sha": "b"}, [("git_sha", "a", "b")]),
        ({"git_sha": "a"}, {}, [("git_sha", "a", None)]),
        ({}, {"judge_model": "j", "git_sha": "a"}, [("git_sha", None, "a"), ("judge_model", None, "j")]),
    ],
)
def test_context_that_differs_or_that_one_run_does_not_name(
    before: dict[str, str], after: dict[str, str], changes: list[tuple[str, str | None, str | None]]
) -> None:
    found = changed_context(point(0, context=before), point(1, context=after))
    assert found == tuple(ContextChange(*each) for each in changes)


@pytest.mark.parametrize(
    ("runs", "reason"),
    [
        ([], "no data"),
        ([not_complete(0, RunStatus.PARTIAL)], "no data (1 run, not complete)"),
        ([not_complete(at, RunStatus.ERROR) for at in range(3)], "no data (3 runs, none complete)"),
        ([point(0)], "starting from its first run"),
        ([not_complete(0, RunStatus.ERROR), point(1)], "starting from its first run"),
        ([point(0), not_complete(1, RunStatus.RUNNING)], "starting from its first run"),
    ],
)
def test_fewer_than_two_complete_runs_are_not_judged_and_say_why(runs: list[TrendPoint], reason: str) -> None:
    assert check_regression("tone", runs, 0.8) == Unjudged("tone", reason)


def test_without_a_run_that_is_named_the_newest_complete_one_is_judged() -> None:
    runs = [*history(0.9, 0.8, 0.95), not_complete(3, RunStatus.RUNNING)]
    assert check_regression("tone", runs, 0.8) == compare_runs(runs[1], runs[2], 0.8)


def test_a_run_that_is_named_is_judged_against_the_one_before_it() -> None:
    runs = history(0.9, 0.7, 0.95)
    assert check_regression("tone", runs, 0.8, runs[1]) == compare_runs(runs[0], runs[1], 0.8)
    assert check_regression("tone", runs, 0.8, runs[0]) == Unjudged("tone", "starting from its first run")


@pytest.mark.parametrize("status", OTHER_STATUSES)
@pytest.mark.parametrize("number", [0, 2])
def test_a_run_that_is_named_and_not_complete_is_a_mistake_even_as_the_first(number: int, status: RunStatus) -> None:
    runs = history(0.9, 0.9, 0.9)
    runs[number] = not_complete(number, status)
    with pytest.raises(UsageError, match="only complete runs compare"):
        check_regression("tone", runs, 0.8, runs[number])


def test_all_types_are_judged_by_name_each_by_its_own_threshold() -> None:
    runs = history(0.9, 0.85)
    result = check_all_regressions(
        {"tone": runs, "routing": runs, "greeting": [point(0)], "weather": []},
        {"tone": 0.8, "routing": 0.9, "greeting": 0.8, "weather": 0.8},
    )
    assert result == CheckResult(
        (compare_runs(runs[0], runs[1], 0.9), compare_runs(runs[0], runs[1], 0.8)),
        (Unjudged("greeting", "starting from its first run"), Unjudged("weather", "no data")),
    )
    assert [report.verdict for report in result.reports] == [Verdict.REGRESSION, Verdict.PASS]
    assert result.regressed
    assert not check_all_regressions({"tone": runs}, {"tone": 0.8}).regressed
    assert check_all_regressions({}, {}) == CheckResult((), ())


@given(histories(), st.floats(0, 1), st.data())
def test_a_partial_failed_or_running_run_never_changes_a_verdict_or_a_baseline(
    runs: list[TrendPoint], threshold: float, data: st.DataObject
) -> None:
    complete = [run for run in runs if run.complete]
    assert _judged(check_regression("tone", runs, threshold)) == _judged(check_regression("tone", complete, threshold))
    if complete:
        current = data.draw(st.sampled_from(complete))
        assert get_baseline_run(runs, current) == get_baseline_run(complete, current)


def _judged(answer: RegressionReport | Unjudged) -> RegressionReport | bool:
    """The report, or whether there is at least a first run."""
    return answer if isinstance(answer, RegressionReport) else answer.reason == "starting from its first run"


@given(histories(), RATES, STATUSES, st.floats(0, 1))
def test_a_new_run_never_changes_the_verdicts_before_it(
    runs: list[TrendPoint], rate: float, status: RunStatus, threshold: float
) -> None:
    later = [*runs, replace(point(len(runs), rate), eval_status=status)]
    assert judge_history(later, threshold)[:-1] == judge_history(runs, threshold)


@given(histories(), st.floats(0, 1))
def test_a_history_is_judged_as_each_run_alone(runs: list[TrendPoint], threshold: float) -> None:
    alone = [check_regression("tone", runs, threshold, run) if run.complete else None for run in runs]
    assert judge_history(runs, threshold) == [each if isinstance(each, RegressionReport) else None for each in alone]
