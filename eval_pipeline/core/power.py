"""How large a drop of a pass rate must be for a number of cases to show it.

A drop is *shown* when the one-sided paired test (`exact_tests.sign_flip_p`) finds it at 5%, or, with several eval types
checked together, at 5% by Holm's strictest step. A number of cases *can reliably show* a drop if it does so in at least
80% of checks; smaller drops are missed more than one time in five.

The model is the worst case for pairing: every case passes by chance, at its run's rate, whatever it did in the other
run. Cases that behave alike from run to run show smaller drops than is said here. Rates and drops are 0..1.

Power is exact for cases that run once, up to `EXACT_CASES` of them. Else it is the normal approximation of the test
statistic sum(d) / sqrt(sum(d * d)), with the moments of d to the fourth order: within 3 points of simulation where
power is 30% or more, within 6 for rates above 97%.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from eval_pipeline.core.statistics import ALPHA, NORMAL

POWER = 0.80
EXACT_CASES = 1_000
MOST_CASES = 10_000_000
MOST_REPEATS = 1_000
NEGLIGIBLE = 1e-12
STEPS = 1_000
"""Drops are told to a tenth of a percentage point."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a drop is looked for."""

    cases: int
    repeats: int = 1
    """Runs of each case, in both runs that are compared."""
    types: int = 1
    """Eval types that are checked together."""

    @property
    def alpha(self) -> float:
        """The p value that is small enough whatever the other types say."""
        return ALPHA / self.types

    @property
    def hopeless(self) -> bool:
        """Whether not even all cases getting worse would be a small enough p value: `0.5 ** (cases + 1)`."""
        return (self.cases + 1) * math.log(2) < -math.log(self.alpha)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a set-up can show, and what it would take to show a drop that matters."""

    setup: Setup
    rate: float
    drop: float
    power: float
    """How likely it shows that drop, 0..1."""
    detectable: float | None
    """The smallest drop that it reliably shows, 0..1; `None`: none at all."""
    needed_cases: int | None
    """So many cases would reliably show the drop, with the repeats as they are; `None`: none of up to 10 million."""
    needed_repeats: int | None
    """So many runs of each case would, with the cases as they are; `None`: none of up to 1,000."""


def plan_power(setup: Setup, rate: float, drop: float) -> Plan:
    """What can be seen of a drop from a true pass rate.

    Raises:
        ValueError: the drop is none, or larger than the rate.
    """
    if not 0 < drop <= rate <= 1:
        raise ValueError(f"a drop of {drop:g} from a pass rate of {rate:g} does not exist")
    return Plan(
        setup=setup,
        rate=rate,
        drop=drop,
        power=drop_power(setup, rate, drop),
        detectable=detectable_drop(setup, rate),
        needed_cases=needed_cases(setup, rate, drop),
        needed_repeats=needed_repeats(setup, rate, drop),
    )


@lru_cache(maxsize=4_096)
def drop_power(setup: Setup, rate: float, drop: float) -> float:
    """How likely a true drop from `rate` is shown."""
    if setup.hopeless or drop <= 0:
        return 0.0
    after = max(0.0, rate - drop)
    if setup.repeats == 1 and setup.cases <= EXACT_CASES:
        return _exact_power(setup.cases, rate, after, setup.alpha)
    return _approximate_power(setup, rate, after)


@lru_cache(maxsize=4_096)
def detectable_drop(setup: Setup, rate: float) -> float | None:
    """The smallest drop from `rate` that is reliably shown, to a tenth of a point upwards; `None` if none is."""
    steps = math.floor(rate * STEPS + 1e-9)
    found = _first(1, steps, lambda step: drop_power(setup, rate, min(rate, step / STEPS)) >= POWER)
    return None if found is None else found / STEPS


@lru_cache(maxsize=4_096)
def needed_cases(setup: Setup, rate: float, drop: float) -> int | None:
    """The fewest cases that reliably show a drop from `rate`."""
    return _first(1, MOST_CASES, lambda n: drop_power(Setup(n, setup.repeats, setup.types), rate, drop) >= POWER)


@lru_cache(maxsize=4_096)
def needed_repeats(setup: Setup, rate: float, drop: float) -> int | None:
    """The fewest runs of each case that reliably show a drop from `rate`."""
    return _first(1, MOST_REPEATS, lambda n: drop_power(Setup(setup.cases, n, setup.types), rate, drop) >= POWER)


def _first(low: int, high: int, enough: Callable[[int], bool]) -> int | None:
    """The first number from `low` to `high` that is enough, if all above it are too; looked for near `low` first."""
    below, step = low - 1, low
    while step < high and not enough(step):
        below, step = step, step * 2
    above = min(step, high)
    if high < low or not enough(above):
        return None
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if enough(middle) else (middle, above)
    return above


def _exact_power(cases: int, before: float, after: float, alpha: float) -> float:
    """Over how many cases differ, and how many of those got worse, the chance that the mid-p is small enough."""
    worse, better = before * (1 - after), (1 - before) * after
    differing = worse + better
    if differing == 0:
        return 0.0
    spread = 8 * math.sqrt(cases * differing * (1 - differing)) + 8
    fewest = max(0, math.floor(cases * differing - spread))
    most = min(cases, math.ceil(cases * differing + spread))
    power = 0.0
    for number in range(fewest, most + 1):
        least = _least_worse(number, alpha)
        if least is not None:
            power += _chance(number, cases, differing) * _chance_of_least(least, number, worse / differing)
    return min(1.0, power)


@lru_cache(maxsize=32_768)
def _least_worse(number: int, alpha: float) -> int | None:
    """How many of the differing cases must be worse for a mid-p of at most alpha; `None`: not even all of them."""
    total, above, ways = 1 << number, 0, 1
    found = None
    for worse in range(number, -1, -1):
        if 2 * above + ways > 2 * alpha * total:
            break
        found, above = worse, above + ways
        ways = ways * worse // (number - worse + 1)
    return found


def _chance_of_least(least: int, number: int, chance: float) -> float:
    """The chance of at least so many out of a number, summed from where terms only get smaller."""
    if least <= 0 or chance in (0, 1):
        return float(least <= number * chance)
    up = least > number * chance
    hits, odds = (least, chance / (1 - chance)) if up else (least - 1, (1 - chance) / chance)
    total, term = 0.0, _chance(hits, number, chance)
    while 0 <= hits <= number and term > NEGLIGIBLE * total:
        total += term
        term *= odds * ((number - hits) / (hits + 1) if up else hits / (number - hits + 1))
        hits += 1 if up else -1
    return min(1.0, total) if up else max(0.0, 1 - total)


def _chance(hits: int, number: int, chance: float) -> float:
    """The binomial chance of exactly so many hits."""
    if chance in (0, 1):
        return float(hits == number * chance)
    ways = math.lgamma(number + 1) - math.lgamma(hits + 1) - math.lgamma(number - hits + 1)
    return math.exp(ways + hits * math.log(chance) + (number - hits) * math.log1p(-chance))


def _approximate_power(setup: Setup, before: float, after: float) -> float:
    """The chance that sum(d) + z * sqrt(sum(d * d)) is below zero, its root taken to the second order.

    No more than the chance that enough cases differ at all for any p value to be small enough.
    """
    first, second, third, fourth = _moments(before, after, setup.repeats)
    cases, z = setup.cases, -NORMAL.inv_cdf(setup.alpha)
    if second <= 0:
        return 0.0
    z -= (z**3 - 3 * z) / 12 * min(1.0, fourth / (cases * second * second))  # signs alone have lighter tails
    root = math.sqrt(cases * second)
    slope = z / (2 * root)
    square_variance = fourth - second * second
    mean = cases * first + z * root * max(0.0, 1 - square_variance / (8 * cases * second * second))
    variance = second - first * first + 2 * slope * (third - first * second) + slope * slope * square_variance
    reached = float(mean < 0) if variance <= 0 else NORMAL.cdf(-mean / math.sqrt(cases * variance))
    fewest = next(number for number in range(cases + 1) if _least_worse(number, setup.alpha) is not None)
    return min(reached, _chance_of_least(fewest, cases, _chance_to_differ(before, after, setup.repeats)))


def _chance_to_differ(before: float, after: float, repeats: int) -> float:
    """The chance that a case does not pass equally often in so many runs at either rate."""
    alike = (_chance(hits, repeats, before) * _chance(hits, repeats, after) for hits in range(repeats + 1))
    return min(1.0, max(0.0, 1 - math.fsum(alike)))


def _moments(before: float, after: float, repeats: int) -> tuple[float, float, float, float]:
    """The first four moments of a case's difference: the mean of so many runs at one rate less that at the other."""
    old, new = _cumulants(before), _cumulants(after)
    one = new[0] - old[0]
    two = (new[1] + old[1]) / repeats
    three = (new[2] - old[2]) / repeats**2
    four = (new[3] + old[3]) / repeats**3
    return (
        one,
        two + one**2,
        three + 3 * two * one + one**3,
        four + 4 * three * one + 3 * two**2 + 6 * two * one**2 + one**4,
    )


def _cumulants(rate: float) -> tuple[float, float, float, float]:
    """The first four cumulants of one run of a case."""
    variance = rate * (1 - rate)
    return rate, variance, variance * (1 - 2 * rate), variance * (1 - 6 * variance)
