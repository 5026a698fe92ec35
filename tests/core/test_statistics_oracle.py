"""Our few lines against statsmodels, which is too heavy to ship: it need only be there for this test."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.core.exact_tests import sign_flip_p
from eval_pipeline.core.statistics import holm, newcombe_interval, wilson_interval

proportion = pytest.importorskip("statsmodels.stats.proportion")
multitest = pytest.importorskip("statsmodels.stats.multitest")
tables = pytest.importorskip("statsmodels.stats.contingency_tables")

PASSED_OF = st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@pytest.fixture(scope="module", autouse=True)
def _no_collections() -> Iterator[None]:
    """`multipletests` collects garbage in each call: of all that this process has ever loaded, in half a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "collect", lambda *_: 0)
        yield


@settings(deadline=None)
@given(PASSED_OF)
def test_wilsons_interval(rate: tuple[int, int]) -> None:
    found = wilson_interval(*rate)
    assert (found.low, found.high) == pytest.approx(proportion.proportion_confint(*rate, method="wilson"), abs=1e-12)


@settings(deadline=None)
@given(PASSED_OF, PASSED_OF)
def test_newcombes_interval(old: tuple[int, int], new: tuple[int, int]) -> None:
    found = newcombe_interval(old, new)
    expected = proportion.confint_proportions_2indep(*new, *old, method="newcomb", compare="diff")
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holms_adjustment(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multitest.multipletests(p_values, method="holm")[1].tolist())


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40).filter(bool))
def test_mcnemars_exact_test(fewer: int, further: int) -> None:
    """Theirs is two-sided and counts the whole chance of what was observed; ours is one-sided and counts half of it."""
    number, more = 2 * fewer + further, fewer + further
    ours = sign_flip_p([Fraction(-1)] * more + [Fraction(1)] * fewer)
    theirs = tables.mcnemar([[1, more], [fewer, 1]], exact=True).pvalue
    assert 2 * ours + math.comb(number, fewer) / 2**number == pytest.approx(theirs)
