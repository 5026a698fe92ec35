"""Steady trends and shifts of level: against every possible order, and on histories worth a sentence."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core import trend_tests
from eval_pipeline.core.models import PromptChange, RunStatus
from eval_pipeline.core.trend_tests import level_shift, monotone_trend
from tests.core.points import history, moment, not_complete

RATES = st.lists(st.sampled_from([0.7, 0.8, 0.9, 0.95]), min_size=1, max_size=7)
SHIFTED = [0.95, 0.96, 0.94, 0.95, 0.96, 0.95, 0.84, 0.83, 0.86, 0.84, 0.85, 0.84]


def change(run: int, prompt: str = "persona") -> PromptChange:
    return PromptChange(moment(run), f"run-{run:02}", prompt, "v2", "v3")


def score(rates: tuple[float, ...]) -> int:
    return sum((later > first) - (later < first) for first, later in itertools.combinations(rates, 2))


@given(RATES)
def test_a_trend_is_judged_by_every_order_of_the_same_rates(rates: list[float]) -> None:
    orders = [score(order) for order in itertools.permutations(rates)]
    observed = score(tuple(rates))
    expected = sum(abs(each) >= abs(observed) for each in orders) / len(orders)
    assert monotone_trend(history(*rates)).p == pytest.approx(expected)


def test_long_histories_are_judged_alike_by_the_normal_approximation(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = [0.95 - number // 4 / 70 + number % 5 / 40 for number in range(36)]
    exact = monotone_trend(history(*rates))
    monkeypatch.setattr(trend_tests, "EXACT_RUNS", 0)
    assert monotone_trend(history(*rates)).p == pytest.approx(exact.p, abs=0.001)
    assert exact.p < 0.05


def test_a_steady_fall_is_told_and_a_wobble_is_not() -> None:
    falling = monotone_trend(history(0.95, 0.94, 0.92, 0.92, 0.9, 0.88))
    assert (falling.runs, falling.direction, falling.sentence) == (6, "falling", "falling steadily, p = 0.006")
    assert monotone_trend(history(0.8, 0.82, 0.85, 0.88, 0.9)).sentence == "rising steadily, p = 0.02"
    assert monotone_trend(history(0.9, 0.92, 0.89, 0.91, 0.9)).sentence == ""


@pytest.mark.parametrize("rates", [[], [0.9], [0.9, 0.8], [0.9, 0.8, 0.7, 0.6], [0.9] * 10])
def test_too_short_or_level_histories_have_no_trend(rates: list[float]) -> None:
    found = monotone_trend(history(*rates))
    assert (found.runs, found.direction) == (len(rates), None)
    assert 0 < found.p <= 1


def test_runs_that_are_not_complete_have_no_say() -> None:
    falling = history(0.95, 0.94, 0.92, 0.91, 0.9, 0.88)
    disturbed = [*falling[:3], not_complete(50, RunStatus.PARTIAL, 0.1), *falling[3:]]
    assert monotone_trend(disturbed) == monotone_trend(falling)
    assert level_shift(disturbed, [change(50)]) is None


def test_the_prompt_change_at_the_shift_is_the_hint() -> None:
    points = history(*SHIFTED)
    found = level_shift(points, [change(2), change(6), change(6, "tools"), change(10)])
    assert found is not None
    assert (found.run_id, found.timestamp, found.candidates) == ("run-06", moment(6), 3)
    assert found.changes == (change(6), change(6, "tools"))
    assert (found.before, found.after) == (pytest.approx(0.95167, abs=1e-4), pytest.approx(0.84333, abs=1e-4))
    assert found.p == pytest.approx(2 / 924)
    assert found.p_adjusted == pytest.approx(3 * 2 / 924)
    assert found.sentence == (
        "from persona v2→v3 and tools v2→v3 on the mean fell by 10.8 points (p = 0.006 over 3 prompt changes)"
    )


def test_many_changes_make_a_weak_shift_no_hint() -> None:
    points = history(0.9, 0.91, 0.92, 0.85, 0.86, 0.84, 0.87)
    assert level_shift(points, [change(3)]) is None
    longer = history(0.9, 0.91, 0.92, 0.93, 0.85, 0.86, 0.84, 0.87)
    found = level_shift(longer, [change(4)])
    assert found is not None
    assert found.sentence.endswith("fell by 6 points (p = 0.03)")
    assert level_shift(longer, [change(4), change(2)]) is None


def test_a_change_at_either_end_or_without_a_shift_is_no_candidate() -> None:
    points = history(*SHIFTED)
    assert level_shift(points, []) is None
    assert level_shift(points, [change(0), change(99)]) is None
    assert level_shift(history(*[0.9] * 12), [change(6)]) is None


@given(RATES, st.data())
def test_a_shift_is_judged_by_every_way_to_choose_so_many_runs(rates: list[float], data: st.DataObject) -> None:
    first = data.draw(st.integers(1, max(1, len(rates) - 1)))
    if len(rates) <= first:
        return
    ordered = sorted(rates)
    ranks = [ordered.index(rate) + ordered.count(rate) / 2 for rate in rates]
    middle = sum(ranks) * first / len(ranks)
    off = abs(sum(ranks[:first]) - middle) - 1e-9
    ways = [abs(sum(chosen) - middle) >= off for chosen in itertools.combinations(ranks, first)]
    expected = sum(ways) / len(ways)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trend_tests, "ALPHA", 1.0)
        found = level_shift(history(*rates), [change(first)])
    assert found is None or found.p == pytest.approx(expected)
    means = sum(rates[:first]) / first, sum(rates[first:]) / (len(rates) - first)
    assert found is not None or means[0] == pytest.approx(means[1])


def test_a_shift_in_a_long_history_is_judged_alike_by_the_normal_approximation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rates = [0.9 + number % 7 / 100 - (0.03 if number > 15 else 0) for number in range(32)]
    exact = level_shift(history(*rates), [change(16)])
    monkeypatch.setattr(trend_tests, "EXACT_RUNS", 0)
    approximate = level_shift(history(*rates), [change(16)])
    assert exact is not None
    assert approximate is not None
    assert approximate.p == pytest.approx(exact.p, abs=0.001)
