"""The same cases in two runs of one eval type: what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from eval_pipeline.core.suites import CaseResult


class CaseState(StrEnum):
    """What a case came to in one run, over all of its repeats."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"


class CaseChange(StrEnum):
    """What became of a case between two runs, what needs a look first."""

    BROKEN = "broken"
    STILL_FAILING = "still-failing"
    ERRORED = "errored"
    FIXED = "fixed"
    STILL_PASSING = "still-passing"
    ONLY_IN_ONE = "only-in-one"


@dataclass(frozen=True, slots=True)
class CaseSide:
    """One case in one run: all of its repeats."""

    results: tuple[CaseResult, ...]
    """By repeat; at least one."""

    @property
    def state(self) -> CaseState:
        """Failed if any repeat failed, passed if all passed; errored if some errored and none failed."""
        if any(result.passed is False for result in self.results):
            return CaseState.FAILED
        return CaseState.PASSED if self.passed == len(self.results) else CaseState.ERRORED

    @property
    def passed(self) -> int:
        """How many repeats passed."""
        return sum(result.passed is True for result in self.results)

    @property
    def shown(self) -> CaseResult:
        """The repeat that says most: the first that failed, else that errored, else the first."""
        failed = (result for result in self.results if result.passed is False)
        errored = (result for result in self.results if result.passed is None)
        return next(failed, None) or next(errored, None) or self.results[0]

    @property
    def score(self) -> float | None:
        """The mean score of the repeats that did not error, 0..1."""
        scores = [result.score for result in self.results if result.score is not None]
        return sum(scores) / len(scores) if scores else None

    @property
    def duration_ms(self) -> float:
        """The mean time of a repeat."""
        return sum(result.duration_ms for result in self.results) / len(self.results)


@dataclass(frozen=True, slots=True)
class CasePair:
    """One case in two runs; at least one of them has it."""

    case_id: str
    baseline: CaseSide | None
    current: CaseSide | None
    quarantined: bool = False
    """Whether it is too flaky to prove anything: shown, and not counted in the evidence."""

    @property
    def change(self) -> CaseChange:
        """What became of it."""
        if self.baseline is None or self.current is None:
            return CaseChange.ONLY_IN_ONE
        before, after = self.baseline.state, self.current.state
        if CaseState.ERRORED in (before, after):
            return CaseChange.ERRORED
        if before is CaseState.PASSED:
            return CaseChange.STILL_PASSING if after is CaseState.PASSED else CaseChange.BROKEN
        return CaseChange.FIXED if after is CaseState.PASSED else CaseChange.STILL_FAILING

    @property
    def case(self) -> CaseResult:
        """Where the case itself is read: its input, what is expected, group and tags; the newer run's, if it has it."""
        side = self.current or self.baseline
        if side is None:
            raise ValueError("a pair of no case")
        return side.shown

    @property
    def edited(self) -> bool:
        """Whether the case itself differs between the runs, though its id does not."""
        if self.baseline is None or self.current is None:
            return False
        before, after = self.baseline.shown, self.current.shown
        return (before.input, before.expected) != (after.input, after.expected)


Counts = Mapping[CaseChange, int]


def pair_cases(baseline: Iterable[CaseResult], current: Iterable[CaseResult]) -> tuple[CasePair, ...]:
    """Every case of either run once, in the order of the current run; those that only the baseline has come last."""
    before, after = _by_case(baseline), _by_case(current)
    ids = [*after, *(case_id for case_id in before if case_id not in after)]
    return tuple(CasePair(case_id, before.get(case_id), after.get(case_id)) for case_id in ids)


def _by_case(results: Iterable[CaseResult]) -> dict[str, CaseSide]:
    grouped: dict[str, list[CaseResult]] = {}
    for result in results:
        grouped.setdefault(result.case_id, []).append(result)
    return {name: CaseSide(tuple(sorted(each, key=lambda result: result.repeat))) for name, each in grouped.items()}


def count_changes(pairs: Iterable[CasePair]) -> dict[CaseChange, int]:
    """How many cases each change has; all changes are named."""
    counts = dict.fromkeys(CaseChange, 0)
    for pair in pairs:
        counts[pair.change] += 1
    return counts


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases to show; an empty field lets all through."""

    changes: frozenset[CaseChange] = frozenset()
    tags: frozenset[str] = frozenset()
    """At least one of them."""
    groups: frozenset[str] = frozenset()
    text: str = ""
    """All of its words, anywhere in the case, whatever their case."""

    def admits(self, pair: CasePair) -> bool:
        """Whether to show this one."""
        return (
            (not self.changes or pair.change in self.changes)
            and (not self.tags or not self.tags.isdisjoint(pair.case.tags))
            and (not self.groups or pair.case.group in self.groups)
            and (not self.text.strip() or self._is_said_in(pair))
        )

    def _is_said_in(self, pair: CasePair) -> bool:
        said = "\n".join(_texts(pair)).casefold()
        return all(word in said for word in self.text.casefold().split())


def _texts(pair: CasePair) -> Iterable[str]:
    yield pair.case_id
    yield from pair.case.tags
    yield pair.case.group or ""
    for side in (pair.baseline, pair.current):
        for result in side.results if side else ():
            yield result.input if isinstance(result.input, str) else "\n".join(result.input)
            yield from (text or "" for text in (result.expected, result.output, result.reason, result.error))
