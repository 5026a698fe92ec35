"""What became of each case between two runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.case_pairs import CaseChange, CaseFilter, CaseSide, CaseState, count_changes, pair_cases
from eval_pipeline.core.comparing import Rates, RunComparison, common_rates, compare_cases, weighed
from eval_pipeline.core.evidence import Evidence, Method
from eval_pipeline.core.models import ContextChange, RunStatus, Verdict
from eval_pipeline.core.suites import CaseResult
from tests.core.points import point
from tests.logging_cases import case

PASSED, FAILED, ERRORED = True, False, None


@pytest.mark.parametrize(
    ("repeats", "state", "passed"),
    [
        ([PASSED], CaseState.PASSED, 1),
        ([FAILED], CaseState.FAILED, 0),
        ([ERRORED], CaseState.ERRORED, 0),
        ([PASSED, PASSED], CaseState.PASSED, 2),
        ([PASSED, FAILED, PASSED], CaseState.FAILED, 2),
        ([PASSED, ERRORED], CaseState.ERRORED, 1),
        ([ERRORED, FAILED], CaseState.FAILED, 0),
    ],
)
def test_repeats_are_one_case_that_passes_only_if_all_of_them_do(
    repeats: list[bool | None], state: CaseState, passed: int
) -> None:
    side = CaseSide(tuple(case("a", each, repeat=number) for number, each in enumerate(repeats, 1)))
    assert (side.state, side.passed) == (state, passed)
    assert side.shown.passed is {CaseState.PASSED: True, CaseState.FAILED: False, CaseState.ERRORED: None}[state]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (PASSED, FAILED, CaseChange.BROKEN),
        (FAILED, PASSED, CaseChange.FIXED),
        (FAILED, FAILED, CaseChange.STILL_FAILING),
        (PASSED, PASSED, CaseChange.STILL_PASSING),
        (ERRORED, PASSED, CaseChange.ERRORED),
        (FAILED, ERRORED, CaseChange.ERRORED),
        (ERRORED, ERRORED, CaseChange.ERRORED),
    ],
)
def test_each_pair_of_outcomes_is_a_change(before: bool | None, after: bool | None, change: CaseChange) -> None:
    [pair] = pair_cases([case("a", before)], [case("a", after)])
    assert pair.change is change


def test_cases_that_one_run_lacks_are_only_in_one_and_come_last_if_they_are_gone() -> None:
    pairs = pair_cases([case("old"), case("both")], [case("new"), case("both")])
    assert [(pair.case_id, pair.change) for pair in pairs] == [
        ("new", CaseChange.ONLY_IN_ONE),
        ("both", CaseChange.STILL_PASSING),
        ("old", CaseChange.ONLY_IN_ONE),
    ]


def test_a_case_whose_text_differs_under_the_same_id_was_edited() -> None:
    pairs = pair_cases([case("a"), case("b"), case("c")], [case("a"), case("b", input="else"), case("d")])
    assert [pair.case_id for pair in pairs if pair.edited] == ["b"]


def test_scores_and_times_of_repeats_are_means_and_errors_have_no_score() -> None:
    repeats = (case("a", True, duration_ms=10.0), case("a", False, duration_ms=20.0), case("a", None, duration_ms=30.0))
    side = CaseSide(repeats)
    assert (side.score, side.duration_ms) == (0.5, 20.0)
    assert CaseSide(repeats[2:]).score is None


def test_pass_rates_of_the_common_cases_leave_out_what_one_run_lacks_and_what_errored() -> None:
    pairs = pair_cases(
        [case("a", True), case("b", False), case("c", None), case("gone", False)],
        [case("a", False), case("b", False), case("c", True), case("new", True)],
    )
    assert common_rates(pairs) == Rates(0.5, pytest.approx(1 / 3))
    assert common_rates(pairs[3:]) == Rates(None, None)


FILTERED = pair_cases(
    [case("a", True, tags=("pii",), group="g"), case("b", True), case("c", False, group="h")],
    [
        case("a", False, tags=("pii",), group="g", output="Go AWAY now"),
        case("b", True, tags=("long", "pii")),
        case("c", False, group="h", input=["first turn", "second turn"]),
    ],
)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (CaseFilter(), "abc"),
        (CaseFilter(changes=frozenset({CaseChange.BROKEN, CaseChange.STILL_FAILING})), "ac"),
        (CaseFilter(tags=frozenset({"pii"})), "ab"),
        (CaseFilter(tags=frozenset({"long", "none"})), "b"),
        (CaseFilter(groups=frozenset({"h"})), "c"),
        (CaseFilter(text="  now away "), "a"),
        (CaseFilter(text="second first"), "c"),
        (CaseFilter(text="nowhere"), ""),
        (CaseFilter(changes=frozenset({CaseChange.BROKEN}), tags=frozenset({"long"})), ""),
    ],
)
def test_filters_let_through_what_meets_all_of_them(wanted: CaseFilter, ids: str) -> None:
    assert "".join(pair.case_id for pair in FILTERED if wanted.admits(pair)) == ids


def test_a_comparison_says_what_differs_beside_the_prompts() -> None:
    before = point(1, 0.9, {"persona": "v1", "memory": "v1"}, context={"dataset_version": "1", "git_sha": "a"})
    after = point(
        2, 0.7, {"persona": "v2", "memory": "v1"}, threshold=0.75, context={"dataset_version": "2", "git_sha": "b"}
    )
    found = compare_cases(before, after, ([case("a")], [case("a", False)]), 0.8)
    assert found.report is not None
    assert (found.report.verdict, found.report.threshold) == (Verdict.REGRESSION, 0.75)
    assert [change.prompt_name for change in found.changed_prompts] == ["persona"]
    assert found.other_changes == (
        ContextChange("dataset_version", "1", "2"),
        ContextChange("git_sha", "a", "b"),
        ContextChange("threshold", "80%", "75%"),
    )
    assert found.decisive == found.other_changes[:1]
    assert found.broke


def test_another_judge_makes_runs_unlike_and_another_commit_does_not() -> None:
    before, after = point(1, context={"judge_model": "j1", "git_sha": "a"}), point(2, context={"git_sha": "b"})
    found = compare_cases(before, after, ([], []), 0.8)
    assert found.decisive == (ContextChange("judge_model", "j1", None),)


def test_runs_that_are_not_complete_are_compared_without_a_verdict() -> None:
    partial = replace(point(2), eval_status=RunStatus.PARTIAL)
    found = compare_cases(point(1), partial, ([case("a")], [case("a", None)]), 0.8)
    assert (found.report, found.broke, found.counts[CaseChange.ERRORED]) == (None, False, 1)


@pytest.mark.parametrize(("after", "broke"), [(0.8, True), (0.9, False), (0.95, False)])
def test_without_cases_a_lower_pass_rate_says_that_something_broke(after: float, broke: bool) -> None:
    found = compare_cases(point(1, 0.9), point(2, after), (None, [case("a")]), 0.8)
    assert (found.pairs, found.without_cases, found.broke) == ((), ("run-01",), broke)


def broken_in(number: int, cases: int = 25) -> RunComparison:
    """A comparison of runs with so many cases that passed before, of which so many broke."""
    names = [f"c{each:02}" for each in range(cases)]
    before, after = [case(each) for each in names], [case(name, at >= number) for at, name in enumerate(names)]
    return compare_cases(point(1), point(2), (before, after), 0.8)


def test_comparisons_are_weighed_together_and_cases_in_quarantine_are_marked() -> None:
    [alone] = weighed([broken_in(6)])
    assert alone.evidence is not None
    assert (alone.evidence.label, alone.evidence.p_adjusted) == (Evidence.SIGNIFICANT, 0.5**7)
    together = weighed([broken_in(6), *[broken_in(0)] * 9])
    assert [each.evidence.label for each in together if each.evidence][:1] == [Evidence.TOO_FEW]
    [kept] = weighed([broken_in(6)], {"tone": ["c00", "c01", "other"]})
    assert kept.evidence is not None
    assert (kept.evidence.worse, kept.evidence.quarantined) == (4, 2)
    assert [pair.case_id for pair in kept.pairs if pair.quarantined] == ["c00", "c01"]
    assert kept.counts[CaseChange.BROKEN] == 6


def test_without_the_cases_of_a_run_its_counts_are_weighed() -> None:
    before, after = (replace(point(n, rate), total_cases=200, error_cases=0) for n, rate in ((1, 0.9), (2, 0.8)))
    [found] = weighed([compare_cases(before, after, (None, [case("a")]), 0.8)])
    assert found.evidence is not None
    assert (found.evidence.method, found.evidence.label) == (Method.INDEPENDENT, Evidence.SIGNIFICANT)


RESULTS = st.lists(
    st.builds(
        case,
        st.sampled_from("abcdef"),
        st.sampled_from([PASSED, FAILED, ERRORED]),
        repeat=st.integers(1, 3),
        input=st.sampled_from(["x", "y"]),
    ),
    max_size=12,
)


@given(RESULTS, RESULTS)
def test_every_case_of_either_run_is_in_exactly_one_class(before: list[CaseResult], after: list[CaseResult]) -> None:
    pairs = pair_cases(before, after)
    ids = [pair.case_id for pair in pairs]
    assert len(ids) == len(set(ids))
    assert set(ids) == {each.case_id for each in (*before, *after)}
    assert sum(count_changes(pairs).values()) == len(pairs)
    results = [result for pair in pairs for side in (pair.baseline, pair.current) if side for result in side.results]
    assert len(results) == len(before) + len(after)


@given(RESULTS, RESULTS)
def test_swapping_the_runs_swaps_fixed_and_broken_and_nothing_else(
    before: list[CaseResult], after: list[CaseResult]
) -> None:
    swapped = {CaseChange.FIXED: CaseChange.BROKEN, CaseChange.BROKEN: CaseChange.FIXED}
    there = {pair.case_id: pair.change for pair in pair_cases(before, after)}
    back = {pair.case_id: pair.change for pair in pair_cases(after, before)}
    assert back == {case_id: swapped.get(change, change) for case_id, change in there.items()}


@given(RESULTS)
def test_a_run_against_itself_breaks_and_fixes_nothing(results: list[CaseResult]) -> None:
    counts = count_changes(pair_cases(results, results))
    assert counts[CaseChange.BROKEN] == counts[CaseChange.FIXED] == counts[CaseChange.ONLY_IN_ONE] == 0
