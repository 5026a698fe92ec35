"""What stands beside a verdict: whether the difference is more than noise, and what it would take to know."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from eval_pipeline.core.statistics import Interval
from eval_pipeline.core.wording import counted, p_value, sized


class Evidence(StrEnum):
    """What the cases say about a difference."""

    SIGNIFICANT = "significant"
    """The p value, adjusted for all eval types checked together, is at most 5%."""
    WITHIN_NOISE = "within noise"
    """Chance alone does that; a drop of 10 points would have shown."""
    TOO_FEW = "too few cases"
    """Not significant, and with these cases a drop of 10 points would be missed more than one time in five."""
    NOT_KNOWN = "not known"
    """The runs do not say how many of their cases passed, or not in agreement with their pass rate."""


class Method(StrEnum):
    """How two runs were compared."""

    PAIRED = "paired"
    """The same cases in both runs, repeats taken together: exact sign-flip test, which is McNemar's for single runs."""
    GROUPED = "paired by group"
    """The same, and the interval's standard error clustered by group: cases of a group tend to go together."""
    INDEPENDENT = "independent"
    """Counts alone: Fisher's exact test, Newcombe's interval. Repeats, if there were any, count as cases."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cases of a run passed and failed."""

    passed: int
    failed: int

    @property
    def total(self) -> int:
        """How many did either."""
        return self.passed + self.failed


def counts_from_rate(rate: float | None, total: int | None, errors: int | None) -> Counts | None:
    """The counts behind a pass rate (0..1), `total` cases of which `errors` did neither.

    `None` if they don't fit together: a rate is taken to be rounded to the decimals it is written with, two at least.
    """
    judged = None if total is None else total - (errors or 0)
    if rate is None or judged is None or judged <= 0:
        return None
    passed = round(rate * judged)
    off = abs(passed / judged - rate)
    fits = off < 1e-9 or off <= 0.5001 * 10 ** -_decimals(rate)
    return Counts(passed, judged - passed) if fits else None


def _decimals(rate: float) -> int:
    """How many decimals a rate is written with, two at least."""
    text = repr(rate)
    return 17 if "e" in text else max(2, len(text.partition(".")[2]))


@dataclass(frozen=True, slots=True)
class Significance:
    """Whether the difference of two runs is more than noise."""

    label: Evidence
    method: Method | None = None
    difference: float | None = None
    """Current less baseline over the cases that were compared, -1..1. The runs' own rates may be of other cases."""
    interval: Interval | None = None
    """The 95% interval of that difference."""
    p: float | None = None
    """One-sided: how likely chance alone makes a difference so large in that direction (mid-p)."""
    p_adjusted: float | None = None
    """By Holm, over the eval types checked together; falls and rises are two families."""
    cases: int = 0
    """Cases that were compared."""
    units: int = 0
    """Clusters of the interval: cases, or groups of cases."""
    types: int = 1
    """Eval types checked together."""
    worse: int = 0
    """Cases that passed less often than in the baseline."""
    better: int = 0
    detectable_pp: float | None = None
    """The smallest drop, in percentage points, that these cases reliably show; `None`: none at all."""
    needed_cases: int | None = None
    """So many cases would reliably show a drop of 10 points."""
    needed_repeats: int | None = None
    """So many runs of each of these cases would, in both runs."""
    quarantined: int = 0
    """Cases in quarantine that were left out."""
    remarks: tuple[str, ...] = ()
    """What was left out, or could not be; or why nothing is known."""

    @property
    def significant(self) -> bool:
        """Whether it is more than noise."""
        return self.label is Evidence.SIGNIFICANT

    @property
    def fell(self) -> bool:
        """Whether it is a drop, and more than noise."""
        return self.significant and self.difference is not None and self.difference < 0

    @property
    def sentence(self) -> str:
        """What was found and what would tell more, in words."""
        remarks = " ".join(f"{remark[0].upper()}{remark[1:]}." for remark in self.remarks)
        if self.difference is None or self.p is None or self.p_adjusted is None:
            return f"Not known. {remarks}".rstrip()
        moved = f"{sized(abs(self.difference) * 100, 1)} {'lower' if self.difference < 0 else 'higher'}"
        found = f"{moved if self.difference else 'No difference'} on {self._compared()}"
        over = f" over {counted(self.types, 'type')}" if self.types > 1 else ""
        chance = {
            Evidence.SIGNIFICANT: "more than chance",
            Evidence.WITHIN_NOISE: "within noise",
            Evidence.TOO_FEW: "may be chance",
        }[self.label]
        said = f"{found}: {chance} ({p_value(self.p_adjusted)}{over})." if self.difference else f"{found}."
        return " ".join(filter(None, (said, self._power(), remarks)))

    def _compared(self) -> str:
        if self.method is Method.INDEPENDENT:
            return counted(self.cases, "case")
        groups = f" in {counted(self.units, 'group')}" if self.method is Method.GROUPED else ""
        changed = f" ({self.worse:,} worse, {self.better:,} better)" if self.worse or self.better else ""
        return f"the same {counted(self.cases, 'case')}{groups}{changed}"

    def _power(self) -> str:
        """What these cases can show, and what would show more; nothing beside what is significant."""
        if self.label is Evidence.SIGNIFICANT:
            return ""
        if self.label is Evidence.WITHIN_NOISE:
            return f"A drop of {_upwards(self.detectable_pp)} would show." if self.detectable_pp is not None else ""
        return power_words(
            self.cases, self.detectable_pp, 10.0, self.needed_cases, self.needed_repeats, types=self.types
        )


def power_words(
    cases: int,
    detectable_pp: float | None,
    drop_pp: float,
    needed_cases: int | None,
    needed_repeats: int | None,
    *,
    repeats: int = 1,
    types: int = 1,
) -> str:
    """What so many cases can show, and what it would take to show `drop_pp`: both in percentage points."""
    times = f" run {repeats:,} times each" if repeats > 1 else ""
    those = f"{counted(cases, 'case')}{times}"
    among = f" among {counted(types, 'type')}" if types > 1 else ""
    if detectable_pp is None:
        can = f"{those} can't show any drop{among}"
    elif detectable_pp <= drop_pp:
        return f"{those} reliably show a drop of {_upwards(detectable_pp)} or more{among}."
    else:
        can = f"{those} can't reliably show a drop smaller than {_upwards(detectable_pp)}{among}"
    more = [
        counted(needed_cases, "case") if needed_cases else "",
        f"{needed_repeats:,} repeats of each" if needed_repeats else "",
    ]
    would = ", or ".join(filter(None, more))
    return f"{can}; {would}{',' if all(more) else ''} would show {drop_pp:g}." if would else f"{can}."


def _upwards(points: float) -> str:
    """A size in percentage points that is at least as large: whole from 10 on."""
    return sized(math.ceil(points)) if points > 10 else sized(points)
