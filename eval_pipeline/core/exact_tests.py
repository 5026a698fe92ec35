"""Exact tests of whether a pass rate fell: of the same cases in both runs, and of two counts.

All are one-sided with mid-p: the chance, if nothing changed, of a difference that lies lower, and half the chance of
the very same one. So the p of "rose" is one less the p of "fell", and with nothing to tell both are 0.5.

Sources: Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91 (2013), the mid-p McNemar test; Lydersen,
Fagerland and Laake, Statistics in Medicine 28 (2009) 1159, Fisher's test with mid-p; Fisher's randomisation test of
paired differences, of which McNemar's is the case of single runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

from eval_pipeline.core.statistics import NORMAL

MOST_BITS = 1 << 20
"""Sums are counted in whole numbers as long as all counts together take no more bits: a few hundred cases."""
MOST_STEPS = 1 << 19
"""Above that by a Fourier transform, whose rounding is below 1e-12, as long as it takes no more steps."""
COARSE = 1 << 13
"""Where even that is too long, differences are first rounded so that their sizes add up to so many."""
FINEST = 1_000_000_000
MANY = 2_000
"""Of so many units or more with a difference that needs rounding, the sum is as good as normal."""
NEGLIGIBLE = 1e-18


def sign_flip_p(differences: Iterable[Fraction]) -> float:
    """How likely the sum of paired differences is so low if nothing changed: the exact randomisation test.

    If nothing changed, each difference was as likely to have the other sign. For cases that ran once (differences -1, 0
    and 1) this is McNemar's exact test with mid-p. Differences that don't fit a common grid (repeats by the thousand)
    are rounded to one: the test of the rounded differences is just as exact.
    """
    counts = Counter(differences)
    whole = _whole(counts)
    if not whole:
        return 0.5
    grid = _Grid(whole)
    if grid.reach * len(grid.sizes) > MOST_STEPS:
        if grid.number >= MANY:
            return NORMAL.cdf(grid.sum / math.sqrt(grid.squares))
        grid = grid.coarser(COARSE)
    return grid.counted_p() if grid.reach * grid.number <= MOST_BITS else grid.transformed_p()


def _whole(counts: Mapping[Fraction, int]) -> Counter[int]:
    """The differences in steps of their common denominator, or of a billionth where that is finer still."""
    scale = 1
    for each in counts:
        scale = min(FINEST, math.lcm(scale, each.denominator))
        if scale == FINEST:
            break
    whole: Counter[int] = Counter()
    for each, number in counts.items():
        whole[round(each * scale)] += number
    del whole[0]
    return whole


class _Grid:
    """Differences as whole steps, and how many there are of each."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        step = math.gcd(*counts)
        self.counts = {value // step: number for value, number in counts.items()}
        self.sizes: Counter[int] = Counter()
        for value, number in self.counts.items():
            self.sizes[abs(value)] += number
        self.number = self.sizes.total()
        self.sum = sum(value * number for value, number in self.counts.items())
        self.squares = sum(size * size * number for size, number in self.sizes.items())
        self.reach = sum(size * number for size, number in self.sizes.items())
        """What they add up to if all have one sign."""
        self.rises = (self.reach + self.sum) // 2
        """What those that rose add up to: with fewer, the sum is lower."""

    def coarser(self, reach: int) -> _Grid:
        """The same differences, rounded so that their sizes add up to about `reach`."""
        rounded: Counter[int] = Counter()
        for value, number in self.counts.items():
            rounded[round(value * reach / self.reach)] += number
        del rounded[0]
        return _Grid(rounded)

    def counted_p(self) -> float:
        """The mid-p, by counting in how many of all ways to give signs the sum is lower, or the same.

        One whole number holds the ways for every sum side by side, each in a field wide enough for all of them; the
        fields of a number add up to what it leaves when divided by a full field.
        """
        width = self.number + 1
        full = (1 << width) - 1
        ways = 1
        for size, number in self.sizes.items():
            for _ in range(number):
                ways += ways << (width * size)
        lower = ways & ((1 << (width * self.rises)) - 1)
        same = (ways >> (width * self.rises)) & full
        return float(Fraction(2 * (lower % full) + same, 2 << self.number))

    def transformed_p(self) -> float:
        """The mid-p, from the characteristic function of the sum: a product of cosines."""
        import numpy as np

        steps = self.reach + 1
        turn = np.pi * np.arange(steps // 2 + 1) / steps
        product = np.exp(-1j * turn * self.reach)
        for size, number in self.sizes.items():
            product *= np.cos(turn * size) ** number
        chances = np.fft.irfft(product, steps)
        chance = chances[: self.rises].sum() + chances[self.rises] / 2
        return min(1.0, max(0.0, float(chance)))


def fisher_p(baseline: tuple[int, int], current: tuple[int, int]) -> float:
    """How likely so few of the current cases pass if nothing changed: Fisher's exact test with mid-p.

    Both sides are (passed, total). All that passed in either run are dealt out anew to the two runs.
    """
    (before, old_total), (passed, total) = baseline, current
    everything, all_passed = old_total + total, before + passed
    lowest, highest = max(0, all_passed - old_total), min(all_passed, total)
    mode = min(highest, max(lowest, (all_passed + 1) * (total + 1) // (everything + 2)))

    def ratio(x: int) -> float:
        """How much likelier it is that x + 1 pass than x."""
        return (all_passed - x) * (total - x) / ((x + 1) * (old_total - all_passed + x + 1))

    weights, weight = {mode: 1.0}, 1.0
    for x in range(mode, highest):
        weight *= ratio(x)
        weights[x + 1] = weight
        if weight < NEGLIGIBLE:
            break
    weight = 1.0
    for x in range(mode - 1, lowest - 1, -1):
        weight /= ratio(x)
        weights[x] = weight
        if weight < NEGLIGIBLE:
            break
    below = math.fsum(value for x, value in weights.items() if x < passed)
    return (below + weights.get(passed, 0.0) / 2) / math.fsum(weights.values())
