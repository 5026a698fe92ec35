"""Whether pass rates move over time, and which prompt change goes with a shift of their level.

Sources: Mann, Econometrica 13 (1945) 245, and Kendall, Rank Correlation Methods (1975), for the monotone trend;
Wilcoxon's rank sum test for the shift; Holm over the prompt changes. Both tests count orders, exactly for short
histories, with ties (rates are often equal). They take runs as independent of each other: reruns of one version that
share their luck, as answers from a cache do, look steadier than they are.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from eval_pipeline.core.models import PromptChange, TrendPoint
from eval_pipeline.core.statistics import ALPHA, NORMAL, holm
from eval_pipeline.core.wording import counted, p_value, sized

EXACT_RUNS = 40
"""Orders of up to so many runs are counted; above that they are as good as normal."""


@dataclass(frozen=True, slots=True)
class TrendTest:
    """Whether pass rates rise or fall steadily over some complete runs (Mann-Kendall)."""

    runs: int
    tau: float
    """Share of the pairs of runs that rise less that of those that fall, -1..1."""
    p: float
    """Two-sided: how likely runs in random order look as steady. 1 for a single run."""

    @property
    def direction(self) -> str | None:
        """`falling` or `rising` if chance hardly does that, else nothing."""
        if self.p > ALPHA:
            return None
        return "falling" if self.tau < 0 else "rising"

    @property
    def sentence(self) -> str:
        """As in `falling steadily, p = 0.01`; empty if there is no trend to tell."""
        return f"{self.direction} steadily, {p_value(self.p)}" if self.direction else ""


@dataclass(frozen=True, slots=True)
class LevelShift:
    """A run from which on pass rates lie at another level, and the prompts that changed there. A hint, no proof."""

    run_id: str
    timestamp: datetime | None
    changes: tuple[PromptChange, ...]
    """All prompts that first changed with that run; which of them it was can't be told."""
    before: float
    """Mean pass rate of the runs before, 0..1."""
    after: float
    """Mean pass rate from that run on."""
    p: float
    """Two-sided, of the rank sum test."""
    p_adjusted: float
    """By Holm, over the runs at which prompts changed."""
    candidates: int

    @property
    def sentence(self) -> str:
        """As in `from tone v2→v3 on the mean fell by 12 points (p = 0.01 over 3 prompt changes)`."""
        prompts = " and ".join(f"{each.prompt_name} {each.from_version}→{each.to_version}" for each in self.changes)
        moved = "fell" if self.after < self.before else "rose"
        over = f" over {counted(self.candidates, 'prompt change')}" if self.candidates > 1 else ""
        size = sized(abs(self.after - self.before) * 100)
        return f"from {prompts} on the mean {moved} by {size} ({p_value(self.p_adjusted)}{over})"


def monotone_trend(points: Sequence[TrendPoint]) -> TrendTest:
    """Whether the complete runs among these (oldest first) rise or fall steadily."""
    rates = _rates(points)
    ties = list(Counter(rates).values())
    pairs = math.comb(len(rates), 2)
    untied = pairs - sum(math.comb(each, 2) for each in ties)
    falls = _falls(rates)
    score = untied - 2 * falls
    return TrendTest(len(rates), score / pairs if pairs else 0.0, _order_p(score, len(rates), ties))


def _rates(points: Sequence[TrendPoint]) -> list[float]:
    return [point.pass_rate for point in points if point.complete and point.pass_rate is not None]


def _falls(rates: Sequence[float]) -> int:
    """In how many pairs the later rate is the lower one."""
    earlier: list[float] = []
    falls = 0
    for rate in rates:
        falls += len(earlier) - bisect_right(earlier, rate)
        insort(earlier, rate)
    return falls


def _order_p(score: int, number: int, ties: Sequence[int]) -> float:
    """Two-sided p of rises less falls, over all orders of the same rates."""
    if number > EXACT_RUNS:
        variance = (
            number * (number - 1) * (2 * number + 5) - sum(each * (each - 1) * (2 * each + 5) for each in ties)
        ) / 18
        reach = max(0, abs(score) - 1)
        return 1.0 if variance == 0 else min(1.0, 2 * NORMAL.cdf(-reach / math.sqrt(variance)))
    ways = _orders_by_falls(number, ties)
    untied = len(ways) - 1
    extreme = sum(count for falls, count in enumerate(ways) if abs(untied - 2 * falls) >= abs(score))
    return extreme / sum(ways)


def _orders_by_falls(number: int, ties: Sequence[int]) -> list[int]:
    """How many different orders of rates with such ties have 0, 1, 2, ... falls: the Gaussian multinomial."""
    ways = [1]
    left = number
    for tied in ties:
        for step in range(1, tied + 1):
            ways = _divided(_multiplied(ways, left - tied + step), step)
        left -= tied
    return ways


def _multiplied(ways: Sequence[int], power: int) -> list[int]:
    """The polynomial times (1 - q ** power)."""
    longer = [*ways, *[0] * power]
    return [value - (ways[index - power] if index >= power else 0) for index, value in enumerate(longer)]


def _divided(ways: Sequence[int], power: int) -> list[int]:
    """The polynomial divided by (1 - q ** power), which leaves no rest."""
    found: list[int] = []
    for index in range(len(ways) - power):
        found.append(ways[index] + (found[index - power] if index >= power else 0))
    return found


def level_shift(points: Sequence[TrendPoint], changes: Sequence[PromptChange]) -> LevelShift | None:
    """The prompt change that best explains that runs before and after it lie at different levels, if any does.

    `points` are oldest first, `changes` what changed between them, each dated by the run that first shows it. Runs that
    are not complete have no say. Prompts that changed with the same run are one candidate.
    """
    candidates = list(_candidates(points, changes))
    if not candidates:
        return None
    adjusted = holm([each.p for each in candidates])
    best = min(range(len(candidates)), key=lambda index: (candidates[index].p, -abs(_size(candidates[index]))))
    found = candidates[best]
    if adjusted[best] > ALPHA or not _size(found):
        return None
    return LevelShift(
        run_id=found.run_id,
        timestamp=found.timestamp,
        changes=found.changes,
        before=found.before,
        after=found.after,
        p=found.p,
        p_adjusted=adjusted[best],
        candidates=len(candidates),
    )


def _size(shift: LevelShift) -> float:
    return shift.after - shift.before


def _candidates(points: Sequence[TrendPoint], changes: Sequence[PromptChange]) -> Iterator[LevelShift]:
    """Every run with a prompt change and complete runs on both sides, as if there were no other."""
    at: dict[str, list[PromptChange]] = {}
    for change in changes:
        at.setdefault(change.run_id, []).append(change)
    rates = _rates(points)
    ranks = _double_ranks(rates)
    seen = 0
    for point in points:
        if point.run_id in at and 0 < seen < len(rates):
            p = _split_p(ranks, seen)
            before, after = fmean(rates[:seen]), fmean(rates[seen:])
            yield LevelShift(point.run_id, point.timestamp, tuple(at[point.run_id]), before, after, p, p, 1)
        seen += point.complete and point.pass_rate is not None


def _double_ranks(rates: Sequence[float]) -> list[int]:
    """Twice the rank of each rate, so that the mean rank of equal ones is a whole number too."""
    ordered = sorted(rates)
    return [bisect_left(ordered, rate) + bisect_right(ordered, rate) + 1 for rate in rates]


def _split_p(ranks: Sequence[int], first: int) -> float:
    """Two-sided p of the ranks of the first runs, over all ways to choose so many of them."""
    number, few = len(ranks), min(first, len(ranks) - first)
    chosen = ranks[:first] if few == first else ranks[first:]
    off = abs(sum(chosen) - few * (number + 1))
    if number > EXACT_RUNS:
        ties = sum(each**3 - each for each in Counter(ranks).values())
        variance = few * (number - few) / 3 * (number + 1 - ties / (number * (number - 1)))
        return 1.0 if variance <= 0 else min(1.0, 2 * NORMAL.cdf(-max(0, off - 1) / math.sqrt(variance)))
    width = number + 1  # one whole number holds the ways for every sum side by side
    ways = [1, *[0] * few]
    for rank in ranks:
        for size in range(few, 0, -1):
            ways[size] += ways[size - 1] << (width * rank)
    full, middle = (1 << width) - 1, few * (number + 1)
    low = (ways[few] & ((1 << (width * (middle - off + 1))) - 1)) % full if off <= middle else 0
    high = (ways[few] >> (width * (middle + off))) % full
    return min(1.0, (low + high) / math.comb(number, few)) if off else 1.0
