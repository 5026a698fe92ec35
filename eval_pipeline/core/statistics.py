"""Intervals of pass rates and of their differences, and p values that are adjusted for asking many times.

Rates are 0..1; differences are current less baseline. What is counted may be a fraction of a case, where repeats of a
case were averaged.

Sources: Wilson, JASA 22 (1927) 209; Newcombe, Statistics in Medicine 17 (1998) 873, method 10; Bonett and Price,
Journal of Educational and Behavioral Statistics 37 (2012) 479; Miller, "Adding Error Bars to Evals", arXiv 2411.00640
(differences of the same cases, clustered standard errors); Holm, Scandinavian Journal of Statistics 6 (1979) 65.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

CONFIDENCE = 0.95
ALPHA = 0.05
"""So often, and no oftener, chance alone may look like a change: over all eval types that are checked together."""
NORMAL = NormalDist()

Rate = tuple[float, float]
"""How many cases passed, of how many."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% confidence interval of a rate (0..1) or of a difference of rates (-1..1)."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Unit:
    """What one independent piece of evidence says: a case, or the cases of a group, in both runs."""

    differences: tuple[Fraction, ...]
    """Of each of its cases the share of runs that passed, current less baseline: -1..1."""

    @property
    def total(self) -> Fraction:
        """The sum of its differences."""
        return sum(self.differences, Fraction(0))


def wilson_interval(passed: float, total: float, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a pass rate.

    Raises:
        ValueError: there are no cases, or more passed than there are.
    """
    if not 0 <= passed <= total or total == 0:
        raise ValueError(f"{passed} of {total} cases is no pass rate")
    z, rate = _quantile(confidence), passed / total
    middle = (rate + z * z / (2 * total)) / (1 + z * z / total)
    spread = z / (1 + z * z / total) * math.sqrt(rate * (1 - rate) / total + z * z / (4 * total * total))
    return Interval(
        0.0 if passed == 0 else max(0.0, min(rate, middle - spread)),
        1.0 if passed == total else min(1.0, max(rate, middle + spread)),
    )


def newcombe_interval(baseline: Rate, current: Rate, confidence: float = CONFIDENCE) -> Interval:
    """Newcombe's interval of the difference of two independent rates, from their Wilson intervals.

    Raises:
        ValueError: one of them is no rate.
    """
    old, new = wilson_interval(*baseline, confidence), wilson_interval(*current, confidence)
    before, now = baseline[0] / baseline[1], current[0] / current[1]
    below = math.hypot(now - new.low, old.high - before)
    above = math.hypot(new.high - now, before - old.low)
    return Interval(max(-1.0, now - before - below), min(1.0, now - before + above))


def paired_interval(units: Sequence[Unit], confidence: float = CONFIDENCE) -> Interval:
    """The interval of the mean difference of the same cases, with the standard error clustered by unit.

    So that no spread does not mean no doubt, one unit more each way is reckoned with, as large as those that differ
    (the root of their mean square; a whole case where none does). For cases that ran once, each a unit of its own, this
    is Bonett and Price's adjusted Wald interval; else the variance takes the usual factor of clusters / (clusters - 1).

    Raises:
        ValueError: there are no cases.
    """
    sizes = [len(unit.differences) for unit in units]
    if not sum(sizes):
        raise ValueError("no cases to compare")
    sums = [float(unit.total) for unit in units]
    squares = [float(each) ** 2 for unit in units for each in unit.differences if each]
    typical = math.sqrt(sum(squares) / len(squares)) if squares else 1.0
    weight = sum(sizes) / len(sizes)
    number = sum(sizes) + 2 * weight
    mean = sum(sums) / number
    known = sum((total - size * mean) ** 2 for total, size in zip(sums, sizes, strict=True))
    reckoned = weight * weight * ((typical - mean) ** 2 + (typical + mean) ** 2)
    clusters = len(units) + 2
    factor = clusters / (clusters - 1) if max(sizes) > 1 else 1.0
    spread = _quantile(confidence) * math.sqrt((known + reckoned) * factor) / number
    return Interval(max(-1.0, mean - spread), min(1.0, mean + spread))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the given order: no more than 5% false alarms over all of them together."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _quantile(confidence: float) -> float:
    """The two-sided normal quantile: 1.96 for 0.95."""
    return NORMAL.inv_cdf((1 + confidence) / 2)
