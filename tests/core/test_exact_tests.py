"""The exact tests against their definitions: every way to give signs, every way to deal out passes."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.core import exact_tests
from eval_pipeline.core.exact_tests import fisher_p, sign_flip_p

DIFFERENCES = st.lists(st.fractions(-1, 1, max_denominator=7), max_size=9)


def mcnemar_p(worse: int, better: int) -> float:
    """One-sided McNemar mid-p, from the binomial distribution."""
    number = worse + better
    tail = sum(math.comb(number, k) for k in range(worse + 1, number + 1)) + math.comb(number, worse) / 2
    return tail / 2**number


def single(worse: int, better: int, alike: int = 3) -> list[Fraction]:
    return [Fraction(-1)] * worse + [Fraction(1)] * better + [Fraction(0)] * alike


@pytest.mark.parametrize(("worse", "better", "p"), [(6, 0, 0.0078125), (0, 0, 0.5), (1, 0, 0.25), (5, 1, 0.0625)])
def test_single_runs_give_mcnemars_mid_p(worse: int, better: int, p: float) -> None:
    assert sign_flip_p(single(worse, better)) == p == mcnemar_p(worse, better)


def test_the_mid_p_is_the_one_of_fagerland_and_others_2013() -> None:
    """Their first example: 1 pair one way, 7 the other; two-sided mid-p 0.0391."""
    assert round(2 * sign_flip_p(single(7, 1)), 4) == 0.0391


@given(st.integers(0, 60), st.integers(0, 60))
def test_single_runs_give_the_binomial_mid_p_for_any_counts(worse: int, better: int) -> None:
    assert sign_flip_p(single(worse, better)) == pytest.approx(mcnemar_p(worse, better), abs=1e-14)


@given(DIFFERENCES)
def test_differences_of_any_size_are_judged_by_all_ways_to_give_signs(differences: list[Fraction]) -> None:
    observed = sum(differences)
    sums = [
        sum(sign * each for sign, each in zip(signs, differences, strict=True))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    expected = sum((each < observed) + (each == observed) / 2 for each in sums) / len(sums)
    assert sign_flip_p(differences) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=40)
@given(st.lists(st.integers(-5, 5).map(lambda fifths: Fraction(fifths, 5)), min_size=1, max_size=120))
def test_counting_and_the_transform_agree(differences: list[Fraction]) -> None:
    counted = sign_flip_p(differences)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_tests, "MOST_BITS", 0)
        assert sign_flip_p(differences) == pytest.approx(counted, abs=1e-12)


@given(DIFFERENCES)
def test_fell_and_rose_are_complementary(differences: list[Fraction]) -> None:
    assert sign_flip_p(differences) + sign_flip_p([-each for each in differences]) == pytest.approx(1)


@given(DIFFERENCES, st.randoms())
def test_the_order_of_the_cases_changes_nothing(differences: list[Fraction], dice: object) -> None:
    shuffled = list(differences)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sign_flip_p(shuffled) == sign_flip_p(differences)


@given(st.integers(0, 40), st.integers(0, 40))
def test_one_case_more_that_got_worse_never_raises_the_p(worse: int, better: int) -> None:
    assert sign_flip_p(single(worse + 1, better)) < sign_flip_p(single(worse, better))
    assert sign_flip_p(single(worse, better + 1)) > sign_flip_p(single(worse, better))


def test_differences_that_fit_no_grid_are_rounded_to_one() -> None:
    """A thousand repeats and more: the rounded test lies within a hair of the one by a fine grid."""
    differences = [Fraction(number % 90 - 60, 1_000 + number) for number in range(400)]
    fine = sign_flip_p([Fraction(round(each * 10_000), 10_000) for each in differences])
    assert sign_flip_p(differences) == pytest.approx(fine, abs=1e-3)


def test_very_many_cases_are_judged_too() -> None:
    steady = [Fraction(-1)] * 1_000 + [Fraction(1)] * 1_000
    assert sign_flip_p(steady) == pytest.approx(0.5)
    assert sign_flip_p([*steady, *[Fraction(-1)] * 200]) < 1e-4
    uneven = [Fraction(number % 7 - 3, 1_000 + number) for number in range(7_000)]
    assert 0.4 < sign_flip_p(uneven) < 0.6


PASSED_OF = st.integers(1, 25).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(PASSED_OF, PASSED_OF)
def test_two_counts_are_judged_by_all_ways_to_deal_out_the_passes(old: tuple[int, int], new: tuple[int, int]) -> None:
    passed, everything = old[0] + new[0], old[1] + new[1]
    ways = [math.comb(new[1], x) * math.comb(old[1], passed - x) for x in range(passed + 1)]
    expected = (sum(ways[: new[0]]) + ways[new[0]] / 2) / math.comb(everything, passed)
    assert fisher_p(old, new) == pytest.approx(expected, abs=1e-12)


def test_counts_of_very_many_cases_are_judged_too() -> None:
    assert fisher_p((900_000, 1_000_000), (900_000, 1_000_000)) == pytest.approx(0.5, abs=1e-3)
    assert fisher_p((900_000, 1_000_000), (898_000, 1_000_000)) < 1e-5
