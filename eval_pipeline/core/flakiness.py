"""Cases whose result changes though nothing else did, and the noise that they make.

Two results of a case can be compared if they come from runs of the same prompt versions in the same context, or from
repeats within one run; a run that names no prompt is only like itself. The *flip rate* of a case is the share of such
pairs that disagree: 0 for a case that always answers alike, 0.5 at the most in the long run.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from eval_pipeline.core.models import TrendPoint
from eval_pipeline.core.statistics import NORMAL
from eval_pipeline.core.suites import CaseResult


@dataclass(frozen=True, slots=True)
class CaseNoise:
    """How often a case changed its mind."""

    eval_type: str
    case_id: str
    runs: int
    """Results that did not error, in runs that can be compared with another."""
    passed: int
    pairs: int
    """Pairs of results that can be compared."""
    flips: int
    """Pairs that disagree."""
    quarantined: bool = False

    @property
    def flip_rate(self) -> float:
        """Share of the pairs that disagree, 0..1."""
        return self.flips / self.pairs if self.pairs else 0.0

    @property
    def flaky(self) -> bool:
        """Whether any pair disagrees."""
        return self.flips > 0


@dataclass(frozen=True, slots=True)
class TypeNoise:
    """The noise floor of one eval type."""

    eval_type: str
    cases: tuple[CaseNoise, ...]
    """Those that were run more than once under the same conditions; flakiest first."""
    unknown: int = 0
    """Cases that were not, of which nothing can be said."""

    @property
    def flaky(self) -> tuple[CaseNoise, ...]:
        """The cases that disagreed with themselves, flakiest first."""
        return tuple(case for case in self.cases if case.flaky)

    @property
    def floor_pp(self) -> float | None:
        """By how many percentage points two runs of one version differ in 95% of cases, at most, run once each.

        Of the cases that are counted; `None` if none of them was run more than once under the same conditions.
        """
        counted = [case.flip_rate for case in self.cases if not case.quarantined]
        if not counted:
            return None
        return NORMAL.inv_cdf(0.975) * math.sqrt(sum(counted)) / len(counted) * 100


Run = tuple[TrendPoint, Sequence[CaseResult]]
"""A run and its cases."""


def measure_noise(eval_type: str, runs: Iterable[Run], quarantined: Collection[str] = ()) -> TypeNoise:
    """How often each case of these runs of one type disagrees with itself. Errored results have no say."""
    tallies: dict[str, dict[object, tuple[int, int]]] = {}
    for point, cases in runs:
        versions = _frozen(point.prompt_versions or {"": point.run_id})
        condition = (versions, _frozen(point.context))
        for case in cases:
            own = tallies.setdefault(case.case_id, {})
            if case.passed is not None:
                passed, failed = own.get(condition, (0, 0))
                own[condition] = (passed + case.passed, failed + (not case.passed))
    noises = [_case_noise(eval_type, case_id, own.values(), case_id in quarantined) for case_id, own in tallies.items()]
    known = sorted(
        (each for each in noises if each.pairs), key=lambda each: (-each.flip_rate, -each.runs, each.case_id)
    )
    return TypeNoise(eval_type, tuple(known), len(noises) - len(known))


def _frozen(named: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(named.items())


def _case_noise(eval_type: str, case_id: str, tallies: Iterable[tuple[int, int]], quarantined: bool) -> CaseNoise:
    comparable = [(passed, failed) for passed, failed in tallies if passed + failed > 1]
    return CaseNoise(
        eval_type=eval_type,
        case_id=case_id,
        runs=sum(passed + failed for passed, failed in comparable),
        passed=sum(passed for passed, _ in comparable),
        pairs=sum(math.comb(passed + failed, 2) for passed, failed in comparable),
        flips=sum(passed * failed for passed, failed in comparable),
        quarantined=quarantined,
    )
