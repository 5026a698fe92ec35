"""How large a drop shows: the numbers of the notes, brute force, and what must hold of any set-up."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.core import power
from eval_pipeline.core.exact_tests import sign_flip_p
from eval_pipeline.core.power import (
    POWER,
    Plan,
    Setup,
    detectable_drop,
    drop_power,
    needed_cases,
    needed_repeats,
    plan_power,
)

RATES = st.integers(20, 100).map(lambda percent: percent / 100)


@pytest.mark.parametrize(("cases", "found"), [(20, 0.16), (100, 0.63), (200, 0.88)])
def test_a_drop_from_90_to_80_is_found_as_often_as_simulation_says(cases: int, found: float) -> None:
    assert drop_power(Setup(cases), 0.9, 0.1) == pytest.approx(found, abs=0.005)


@pytest.mark.parametrize(
    ("setup", "rate", "drop", "found"),
    [
        (Setup(20, 5), 0.9, 0.1, 0.616),
        (Setup(20, 9), 0.9, 0.1, 0.826),
        (Setup(20, 9, 19), 0.9, 0.1, 0.332),
        (Setup(50, 3), 0.9, 0.1, 0.776),
        (Setup(20, 5), 0.95, 0.1, 0.753),
        (Setup(20, 3), 1.0, 0.15, 0.977),
        (Setup(20, 3, 19), 1.0, 0.15, 0.530),
        (Setup(20, 5), 0.5, 0.2, 0.885),
        (Setup(10, 5), 0.9, 0.2, 0.758),
        (Setup(5, 5), 1.0, 0.24, 0.620),
        (Setup(20, 20), 0.9, 0.05, 0.674),
    ],
)
def test_with_repeats_it_is_found_as_often_as_in_3000_simulated_checks(
    setup: Setup, rate: float, drop: float, found: float
) -> None:
    assert drop_power(setup, rate, drop) == pytest.approx(found, abs=0.03)


def test_power_is_that_of_the_test_by_every_possible_outcome_of_a_few_cases() -> None:
    before, after, cases = 0.8, 0.3, 6
    chances = {-1: before * (1 - after), 1: (1 - before) * after}
    chances[0] = 1 - sum(chances.values())
    expected = 0.0
    for outcome in itertools.product(chances, repeat=cases):
        if sign_flip_p(map(Fraction, outcome)) <= 0.05:
            likely = 1.0
            for each in outcome:
                likely *= chances[each]
            expected += likely
    assert drop_power(Setup(cases), before, before - after) == pytest.approx(expected)


def test_the_plan_for_20_cases_at_90_percent() -> None:
    assert plan_power(Setup(20), 0.9, 0.1) == Plan(
        setup=Setup(20),
        rate=0.9,
        drop=0.1,
        power=pytest.approx(0.1611, abs=1e-4),
        detectable=0.358,
        needed_cases=156,
        needed_repeats=9,
    )


def test_what_is_needed_is_just_enough() -> None:
    for rate, types in ((0.9, 1), (0.97, 1), (0.9, 19), (1.0, 1)):
        cases = needed_cases(Setup(20, 1, types), rate, 0.1)
        repeats = needed_repeats(Setup(20, 1, types), rate, 0.1)
        assert cases is not None
        assert repeats is not None
        assert drop_power(Setup(cases, 1, types), rate, 0.1) >= POWER
        assert drop_power(Setup(cases - 1, 1, types), rate, 0.1) < POWER
        assert drop_power(Setup(20, repeats, types), rate, 0.1) >= POWER
        assert drop_power(Setup(20, repeats - 1, types), rate, 0.1) < POWER


@pytest.mark.parametrize(("cases", "types"), [(1, 1), (3, 1), (7, 19)])
def test_so_few_cases_show_nothing_however_often_they_are_run(cases: int, types: int) -> None:
    setup = Setup(cases, 1, types)
    assert drop_power(setup, 0.9, 0.9) == 0
    assert detectable_drop(setup, 0.9) is None
    assert needed_repeats(setup, 0.9, 0.1) is None
    assert needed_cases(setup, 0.9, 0.1) is not None


@pytest.mark.parametrize(("rate", "drop"), [(0.9, 0.0), (0.1, 0.2), (1.1, 0.1), (0.9, float("nan")), (0.0, 0.0)])
def test_a_drop_that_does_not_exist_is_refused(rate: float, drop: float) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        plan_power(Setup(20), rate, drop)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 100), RATES, st.sampled_from([1, 19]), st.sampled_from([1, 3]))
def test_more_cases_never_show_only_larger_drops(cases: int, more: int, rate: float, types: int, repeats: int) -> None:
    few, many = (detectable_drop(Setup(n, repeats, types), rate) for n in (cases, cases + more))
    assert (1.0 if many is None else many) <= (1.0 if few is None else few) + 0.001


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), RATES, st.integers(1, 10), st.integers(1, 20))
def test_power_is_a_chance_that_grows_with_the_drop(cases: int, rate: float, repeats: int, types: int) -> None:
    setup = Setup(cases, repeats, types)
    powers = [drop_power(setup, rate, rate * share / 20) for share in range(21)]
    assert powers[0] == 0
    assert all(0 <= low <= high + 0.01 <= 1.01 for low, high in itertools.pairwise(powers))


def test_the_approximation_joins_the_exact_power_where_it_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    for rate, drop in ((0.9, 0.03), (0.95, 0.02), (0.99, 0.02)):
        exact = drop_power(Setup(1_000), rate, drop)
        with monkeypatch.context() as patch:
            patch.setattr(power, "EXACT_CASES", 0)
            drop_power.cache_clear()
            assert drop_power(Setup(1_000), rate, drop) == pytest.approx(exact, abs=0.005)
        drop_power.cache_clear()
