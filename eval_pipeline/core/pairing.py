"""The same cases in two runs, as independent pieces of evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from eval_pipeline.core.statistics import Unit
from eval_pipeline.core.suites import CaseResult

Tally = tuple[int, int]
"""How many runs of a case passed, of how many that did not error."""


@dataclass(frozen=True, slots=True)
class Tallied:
    """The cases of a run, the repeats of each taken together."""

    tallies: Mapping[str, Tally]
    """By case id; cases all of whose runs errored are not here."""
    groups: Mapping[str, str]
    """The group of each case that has one."""
    quarantined: frozenset[str]
    """Cases that were left out because they are in quarantine."""
    errored: frozenset[str]
    """Cases that were left out because all of their runs errored."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """The cases that both runs share."""

    units: tuple[Unit, ...]
    """One a case, or one a group."""
    cases: int
    baseline_rate: float
    """Mean pass rate of these cases in the baseline, 0..1."""
    repeats: float
    """Runs of a case, the harmonic mean of both sides."""
    worse: int
    better: int
    quarantined: int
    left_out: int
    """Cases that errored, or are in one run only."""

    @property
    def grouped(self) -> bool:
        """Whether any unit has several cases."""
        return len(self.units) < self.cases

    @property
    def difference(self) -> float:
        """Mean difference of the cases, current less baseline, -1..1."""
        return float(sum((unit.total for unit in self.units), Fraction(0)) / self.cases)


def tally(cases: Iterable[CaseResult], quarantined: Collection[str] = ()) -> Tallied:
    """Take the repeats of each case together, for they are not independent cases; errored runs are left out."""
    tallies: dict[str, Tally] = {}
    groups: dict[str, str] = {}
    seen: set[str] = set()
    away: set[str] = set()
    for case in cases:
        if case.case_id in quarantined:
            away.add(case.case_id)
            continue
        seen.add(case.case_id)
        if case.group is not None:
            groups[case.case_id] = case.group
        if case.passed is not None:
            passed, runs = tallies.get(case.case_id, (0, 0))
            tallies[case.case_id] = (passed + case.passed, runs + 1)
    return Tallied(tallies, groups, frozenset(away), frozenset(seen - tallies.keys()))


def pair(baseline: Tallied, current: Tallied) -> Pairs | None:
    """Match the cases of two runs by id; `None` if they share none that ran in both."""
    shared = sorted(baseline.tallies.keys() & current.tallies.keys())
    if not shared:
        return None
    groups = {**baseline.groups, **current.groups}
    units: dict[tuple[bool, str], list[Fraction]] = {}
    for case_id in shared:
        key = (True, groups[case_id]) if case_id in groups else (False, case_id)
        units.setdefault(key, []).append(_difference(baseline.tallies[case_id], current.tallies[case_id]))
    differences = [each for unit in units.values() for each in unit]
    before = [baseline.tallies[case_id] for case_id in shared]
    known = {*baseline.tallies, *current.tallies, *baseline.errored, *current.errored}
    return Pairs(
        units=tuple(Unit(tuple(unit)) for unit in units.values()),
        cases=len(shared),
        baseline_rate=sum(passed / runs for passed, runs in before) / len(shared),
        repeats=_harmonic(before, [current.tallies[case_id] for case_id in shared]),
        worse=sum(each < 0 for each in differences),
        better=sum(each > 0 for each in differences),
        quarantined=len(baseline.quarantined | current.quarantined),
        left_out=len(known) - len(shared),
    )


@lru_cache(maxsize=4_096)
def _difference(baseline: Tally, current: Tally) -> Fraction:
    return Fraction(*current) - Fraction(*baseline)


def _harmonic(baseline: Sequence[Tally], current: Sequence[Tally]) -> float:
    """The number of runs a case that says as much as these do together."""
    shares = sum(1 / old + 1 / new for (_, old), (_, new) in zip(baseline, current, strict=True))
    return 2 * len(baseline) / shares
