"""Intervals and adjusted p values: published numbers, and what must hold of any."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.statistics import Interval, Unit, holm, newcombe_interval, paired_interval, wilson_interval

PASSED_OF = st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
SHARES = st.fractions(-1, 1, max_denominator=10)
UNITS = st.lists(st.lists(SHARES, min_size=1, max_size=5).map(tuple).map(Unit), min_size=1, max_size=20)


def rounded(interval: Interval) -> tuple[float, float]:
    return round(interval.low, 4), round(interval.high, 4)


def cases(worse: int, better: int, alike: int) -> list[Unit]:
    """Cases that ran once."""
    values = [*[-1] * worse, *[1] * better, *[0] * alike]
    return [Unit((Fraction(value),)) for value in values]


@pytest.mark.parametrize(
    ("passed", "total", "expected"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilsons_interval_is_as_newcombe_1998_prints_it(passed: int, total: int, expected: tuple[float, float]) -> None:
    assert rounded(wilson_interval(passed, total)) == expected


@pytest.mark.parametrize(
    ("baseline", "current", "expected"),
    [
        ((48, 80), (56, 70), (0.0524, 0.3339)),
        ((3, 10), (9, 10), (0.1705, 0.8090)),
        ((2, 7), (6, 7), (0.0582, 0.8062)),
        ((0, 29), (5, 56), (-0.0381, 0.1926)),
        ((0, 20), (0, 10), (-0.1611, 0.2775)),
        ((0, 10), (10, 10), (0.6075, 1.0)),
    ],
)
def test_the_interval_of_independent_rates_is_as_newcombe_1998_prints_it(
    baseline: tuple[int, int], current: tuple[int, int], expected: tuple[float, float]
) -> None:
    assert rounded(newcombe_interval(baseline, current)) == expected


def test_the_interval_of_single_cases_is_bonett_and_prices() -> None:
    """Their formula, for 6 worse and 1 better of 25: p12 = 7/27, p21 = 2/27."""
    p12, p21, total = 7 / 27, 2 / 27, 27
    spread = 1.959964 * ((p12 + p21 - (p21 - p12) ** 2) / total) ** 0.5
    found = paired_interval(cases(6, 1, 18))
    assert (found.low, found.high) == pytest.approx((p21 - p12 - spread, p21 - p12 + spread), abs=1e-6)


def test_cases_that_move_together_leave_more_doubt_than_cases_that_move_alone() -> None:
    alone = cases(8, 0, 24)
    together = [Unit((Fraction(-1),) * 4)] * 2 + [Unit((Fraction(0),) * 4)] * 6
    narrow, wide = paired_interval(alone), paired_interval(together)
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_repeats_that_agree_leave_less_doubt_than_single_runs() -> None:
    once, often = cases(2, 0, 18), [Unit((Fraction(-1, 10),))] * 20
    wide, narrow = paired_interval(once), paired_interval(often)
    assert narrow.high - narrow.low < (wide.high - wide.low) / 3


@given(PASSED_OF, PASSED_OF)
def test_intervals_of_counts_hold_the_estimate_and_stay_in_range(old: tuple[int, int], new: tuple[int, int]) -> None:
    rate, difference = new[0] / new[1], new[0] / new[1] - old[0] / old[1]
    found, between = wilson_interval(*new), newcombe_interval(old, new)
    assert 0 <= found.low <= rate <= found.high <= 1
    assert -1 <= between.low <= difference + 1e-12
    assert difference - 1e-12 <= between.high <= 1


@given(UNITS)
def test_the_interval_of_the_same_cases_holds_the_estimate_and_stays_in_range(units: list[Unit]) -> None:
    found = paired_interval(units)
    mean = float(sum(unit.total for unit in units)) / sum(len(unit.differences) for unit in units)
    assert -1 <= found.low <= mean + 1e-12
    assert mean - 1e-12 <= found.high <= 1
    assert found.low < found.high


@given(UNITS)
def test_turned_round_the_interval_is_the_mirror_image(units: list[Unit]) -> None:
    mirrored = [Unit(tuple(-each for each in unit.differences)) for unit in units]
    found, other = paired_interval(units), paired_interval(mirrored)
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize(("passed", "total"), [(1, 0), (0, 0), (3, 2), (-1, 5)])
def test_what_is_no_rate_has_no_interval(passed: int, total: int) -> None:
    with pytest.raises(ValueError, match="is no pass rate"):
        wilson_interval(passed, total)


def test_no_cases_have_no_interval() -> None:
    with pytest.raises(ValueError, match="no cases"):
        paired_interval([])


def test_holm_adjusts_as_worked_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.5, 0.9]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= new <= 1 for p, new in zip(p_values, adjusted, strict=True))
    pairs = sorted(zip(p_values, adjusted, strict=True))
    assert [new for _, new in pairs] == sorted(adjusted)
    assert min(adjusted) == min(1.0, len(p_values) * min(p_values))
