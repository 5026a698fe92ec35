"""Whether a difference is more than noise: labels, what is paired with what, and what must hold of any two runs."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.core.evidence import Counts, Evidence, Method, Significance, counts_from_rate
from eval_pipeline.core.models import CheckResult
from eval_pipeline.core.regression import compare_runs
from eval_pipeline.core.significance import (
    NO_COUNTS,
    Side,
    compare_sides,
    judge_difference,
    judge_together,
    with_evidence,
)
from eval_pipeline.core.statistics import ALPHA
from tests.core.cases import OUTCOMES, Outcomes, first_fail, results, single
from tests.core.points import point


def judge(baseline: list[object], current: list[object], *quarantined: str) -> Significance:
    return judge_difference(Side(cases=baseline), Side(cases=current), quarantined)  # type: ignore[arg-type]


def test_six_of_25_cases_that_broke_are_significant() -> None:
    found = judge(first_fail(0), first_fail(6))
    assert (found.label, found.method, found.cases, found.worse, found.better) == (
        Evidence.SIGNIFICANT,
        Method.PAIRED,
        25,
        6,
        0,
    )
    assert (found.difference, found.p, found.p_adjusted) == (-0.24, 0.0078125, 0.0078125)
    assert found.fell
    assert found.sentence == "24 points lower on the same 25 cases (6 worse, 0 better): more than chance (p = 0.008)."


def test_six_cases_that_were_mended_are_significant_and_no_fall() -> None:
    found = judge(first_fail(6), first_fail(0))
    assert (found.label, found.difference, found.p, found.fell) == (Evidence.SIGNIFICANT, 0.24, 0.0078125, False)


def test_among_19_types_the_same_six_cases_are_too_few() -> None:
    steady = compare_sides(Side(cases=first_fail(1)), Side(cases=first_fail(1)))
    broken = compare_sides(Side(cases=first_fail(0)), Side(cases=first_fail(6)))
    found = judge_together([*[steady] * 18, broken])[-1]
    assert (found.label, found.p_adjusted) == (Evidence.TOO_FEW, pytest.approx(19 * 0.0078125))
    assert found.sentence == (
        "24 points lower on the same 25 cases (6 worse, 0 better): may be chance (p = 0.15 over 19 types). 25 cases "
        "can't reliably show a drop smaller than 45 points among 19 types; 199 cases, or 10 repeats of each, would "
        "show 10."
    )


def test_enough_cases_without_a_difference_are_within_noise() -> None:
    found = judge(first_fail(20, 200), first_fail(23, 200))
    assert (found.label, found.detectable_pp) == (Evidence.WITHIN_NOISE, 8.7)
    assert found.sentence == (
        "1.5 points lower on the same 200 cases (3 worse, 0 better): within noise (p = 0.06). A drop of 8.7 points "
        "would show."
    )


def test_few_cases_are_those_that_would_miss_a_drop_of_10_points_more_than_one_time_in_five() -> None:
    assert judge(first_fail(16, 155), first_fail(16, 155)).label is Evidence.TOO_FEW
    assert judge(first_fail(16, 165), first_fail(16, 165)).label is Evidence.WITHIN_NOISE


def test_where_nothing_passed_there_is_nothing_to_lose() -> None:
    found = judge(first_fail(5, 5), first_fail(5, 5))
    assert (found.label, found.sentence) == (Evidence.WITHIN_NOISE, "No difference on the same 5 cases.")


def test_that_all_cases_passed_is_no_proof_that_none_can_fail() -> None:
    found = judge(first_fail(0), first_fail(0))
    assert (found.needed_cases, found.detectable_pp) == (94, 26.1)


def test_repeats_are_taken_together_and_are_no_further_cases() -> None:
    often = {f"c{number:02}": [True] * 5 for number in range(4)}
    broken = {name: [False] * 5 for name in often}
    found = judge(results(often), results(broken))
    assert (found.cases, found.p, found.difference) == (4, 0.5**5, -1.0)
    assert judge(results(often), single(*[False] * 4)).p == 0.5**5


def test_a_group_of_cases_counts_case_by_case_and_widens_the_interval() -> None:
    before = {f"c{number}": [True] for number in range(12)}
    after = {name: [number > 5] for number, name in enumerate(before)}
    groups = {name: f"g{number // 3}" for number, name in enumerate(before)}
    found = judge(results(before, groups), results(after, groups))
    assert (found.method, found.cases, found.units, found.p) == (Method.GROUPED, 12, 4, 0.5**7)
    assert "on the same 12 cases in 4 groups (6 worse, 0 better)" in found.sentence
    alone = judge(results(before), results(after))
    assert found.p == alone.p
    assert found.interval is not None
    assert alone.interval is not None
    assert found.interval.low < alone.interval.low
    apart = {name: name for name in before}
    assert judge(results(before, apart), results(after, apart)) == judge(results(before), results(after))


def test_cases_that_errored_or_are_in_one_run_only_are_left_out_and_counted() -> None:
    before = results({"a": [True], "b": [True], "c": [None], "gone": [True]})
    after = results({"a": [False], "b": [True, None], "c": [True], "new": [False]})
    found = judge(before, after)
    assert (found.cases, found.difference) == (2, -0.5)
    assert found.remarks == ("3 cases errored or in one run only, not compared",)


def test_cases_in_quarantine_are_left_out_and_counted() -> None:
    found = judge(first_fail(0), first_fail(6), "c00", "c01", "unknown")
    assert (found.cases, found.worse, found.quarantined) == (23, 4, 2)
    assert found.sentence.endswith("(p = 0.03). 2 quarantined cases not counted.")


def test_with_every_case_in_quarantine_nothing_is_known() -> None:
    found = judge(first_fail(0, 2), first_fail(2, 2), "c00", "c01")
    assert found.label is Evidence.NOT_KNOWN
    assert found.sentence == "Not known. Besides 2 cases in quarantine the two runs share none that ran in both."


def test_counts_alone_are_judged_as_independent() -> None:
    found = judge_difference(Side(Counts(90, 10)), Side(Counts(80, 20)))
    assert (found.label, found.method, found.cases) == (Evidence.SIGNIFICANT, Method.INDEPENDENT, 100)
    assert found.interval is not None
    assert (round(found.interval.low, 4), round(found.interval.high, 4)) == (-0.1995, -0.0001)
    assert judge_difference(Side(Counts(90, 10), first_fail(0)), Side(Counts(80, 20))) == found


def test_counts_alone_can_not_leave_out_a_case_in_quarantine_and_say_so() -> None:
    found = judge_difference(Side(Counts(90, 10)), Side(Counts(80, 20)), ["c00"])
    assert found.remarks == ("the runs have no case results, so cases in quarantine are counted",)


def test_runs_that_share_no_case_are_judged_by_how_many_passed() -> None:
    found = judge(results({"a": [True], "b": [True, False, True]}), results({"c": [False], "d": [False]}))
    assert (found.method, found.cases, found.difference) == (Method.INDEPENDENT, 2, -1.0)
    assert found.remarks == ("the two runs share no case",)


@pytest.mark.parametrize("side", [Side(), Side(Counts(0, 0)), Side(cases=[]), Side(cases=single(None))])
def test_without_counts_nothing_is_known(side: Side) -> None:
    found = judge_difference(side, Side(Counts(9, 1), first_fail(1, 10)))
    assert (found.label, found.p, found.remarks) == (Evidence.NOT_KNOWN, None, (NO_COUNTS,))


@pytest.mark.parametrize(
    ("rate", "total", "errors", "expected"),
    [
        (0.9, 20, 0, Counts(18, 2)),
        (0.9, 20, None, Counts(18, 2)),
        (2 / 3, 30, 0, Counts(20, 10)),
        (0.97, 60, 0, Counts(58, 2)),
        (0.9, 25, 5, Counts(18, 2)),
        (0.97, 20, 0, None),
        (0.925, 20, 0, None),
        (0.9, None, 0, None),
        (None, 20, 0, None),
        (0.9, 5, 5, None),
        (0.9, 5, 6, None),
        (1e-05, 20, 0, None),
    ],
)
def test_counts_are_those_that_give_the_rate_or_none(
    rate: float | None, total: int | None, errors: int | None, expected: Counts | None
) -> None:
    assert counts_from_rate(rate, total, errors) == expected


@settings(deadline=None)
@given(OUTCOMES, OUTCOMES)
def test_evidence_of_any_two_runs_is_sound(before: Outcomes, after: Outcomes) -> None:
    found = judge(results(before), results(after))
    if found.p is None or found.p_adjusted is None or found.interval is None or found.difference is None:
        assert found.label is Evidence.NOT_KNOWN
        return
    assert found.significant == (found.p_adjusted <= ALPHA)
    assert 0 <= found.p <= found.p_adjusted <= 1
    assert found.interval.low - 1e-12 <= found.difference <= found.interval.high + 1e-12
    assert found.worse + found.better <= found.cases


@settings(deadline=None)
@given(OUTCOMES, OUTCOMES, st.integers())
def test_the_order_of_the_cases_changes_nothing(before: Outcomes, after: Outcomes, seed: int) -> None:
    old, new, dice = results(before), results(after), random.Random(seed)
    found = judge(old, new)
    dice.shuffle(old)
    dice.shuffle(new)
    assert judge(old, new) == found


@settings(deadline=None)
@given(st.lists(st.tuples(OUTCOMES, OUTCOMES), min_size=1, max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_evidence_changes_no_verdict(runs: list[tuple[Outcomes, Outcomes]], old: float, new: float) -> None:
    reports = tuple(compare_runs(point(2 * n, old), point(2 * n + 1, new), 0.8) for n in range(len(runs)))
    cases = {
        report_id: results(outcomes)
        for report, pair in zip(reports, runs, strict=True)
        for report_id, outcomes in zip((report.baseline_run_id, report.current_run_id), pair, strict=True)
    }
    result = CheckResult(reports, ())
    judged = with_evidence(result, cases)
    assert [each.verdict for each in judged.reports] == [each.verdict for each in reports]
    assert all(each.evidence is not None for each in judged.reports)
    assert not (judged.significantly_regressed and not judged.regressed)


def test_the_types_checked_together_share_their_false_alarms() -> None:
    reports = tuple(compare_runs(point(2 * n, 1.0), point(2 * n + 1, 0.76), 0.8) for n in range(3))
    cases = {run.run_id: None for n in range(6) for run in [point(n)]}
    pairs = {0: first_fail(6), 1: first_fail(0), 2: first_fail(5)}
    known = {f"run-{2 * n + side:02}": (first_fail(0), pairs[n])[side] for n in pairs for side in (0, 1)}
    judged = with_evidence(CheckResult(reports, ()), {**cases, **known})
    found = [each.evidence for each in judged.reports]
    assert [each and each.p_adjusted for each in found] == [3 * 0.5**7, 0.5, 2 * 0.5**6]
    assert [each and each.label.value for each in found] == ["significant", "too few cases", "significant"]
    assert judged.significantly_regressed


def test_a_regression_without_a_significant_drop_is_not_a_significant_one() -> None:
    report = compare_runs(point(0, 0.76), point(1, 0.76), 0.8)
    judged = with_evidence(CheckResult((report,), ()), {"run-00": first_fail(6), "run-01": first_fail(6)})
    assert (judged.regressed, judged.significantly_regressed) == (True, False)
    mended = compare_runs(point(0, 0.2), point(1, 0.76), 0.8)
    risen = with_evidence(CheckResult((mended,), ()), {"run-00": first_fail(20), "run-01": first_fail(6)})
    assert risen.reports[0].evidence is not None
    assert risen.reports[0].evidence.significant
    assert (risen.regressed, risen.significantly_regressed) == (True, False)
