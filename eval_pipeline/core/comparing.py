"""Two runs of one eval type, case by case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from eval_pipeline.core.models import ContextChange, PromptChange, RegressionReport, TrendPoint
from eval_pipeline.core.regression import changed_context, changed_prompts, compare_runs
from eval_pipeline.core.suites import CaseResult

DECISIVE = ("dataset", "judge")
"""Where a context param whose name holds one of these words differs, the pass rates of two runs are not alike."""
THRESHOLD = "threshold"


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


@dataclass(frozen=True, slots=True)
class Rates:
    """Pass rates (0..1) over the repeats that passed or failed; `None` without any."""

    baseline: float | None
    current: float | None


def common_rates(pairs: Iterable[CasePair]) -> Rates:
    """The pass rates of both runs over the cases that both have."""
    both = [(pair.baseline, pair.current) for pair in pairs if pair.baseline and pair.current]
    return Rates(_rate(before for before, _ in both), _rate(after for _, after in both))


def _rate(sides: Iterable[CaseSide]) -> float | None:
    said = [result.passed for side in sides for result in side.results if result.passed is not None]
    return sum(said) / len(said) if said else None


@dataclass(frozen=True, slots=True)
class RunComparison:
    """A current run against a baseline of the same eval type, whatever their status."""

    baseline: TrendPoint
    current: TrendPoint
    report: RegressionReport | None
    """The verdict; `None` if one of the runs is not complete."""
    pairs: tuple[CasePair, ...]
    """Empty if a run logged no cases."""
    without_cases: tuple[str, ...]
    """Ids of the runs that logged no cases that can be read."""
    changed_prompts: tuple[PromptChange, ...]
    other_changes: tuple[ContextChange, ...]
    """Context params and the threshold."""

    @property
    def eval_type(self) -> str:
        """That of both runs."""
        return self.current.eval_type

    @property
    def decisive(self) -> tuple[ContextChange, ...]:
        """The changes that make the pass rates unlike: another dataset, another judge."""
        return tuple(each for each in self.other_changes if any(word in each.name.lower() for word in DECISIVE))

    @property
    def counts(self) -> Counts:
        """How many cases each change has."""
        return count_changes(self.pairs)

    @property
    def edited(self) -> tuple[str, ...]:
        """The cases whose input or expected output differs between the runs."""
        return tuple(pair.case_id for pair in self.pairs if pair.edited)

    @property
    def broke(self) -> bool:
        """Whether a case broke; where no cases are known, whether the pass rate fell."""
        if not self.without_cases:
            return self.counts[CaseChange.BROKEN] > 0
        before, after = self.baseline.pass_rate, self.current.pass_rate
        return before is not None and after is not None and after < before


def compare_cases(
    baseline: TrendPoint,
    current: TrendPoint,
    cases: tuple[Sequence[CaseResult] | None, Sequence[CaseResult] | None],
    default_threshold: float,
) -> RunComparison:
    """Compare two runs of one type; `cases` are those of the baseline and of the current run, `None` if unknown."""
    before, after = cases
    sides = ((baseline, before), (current, after))
    judged = baseline.complete and current.complete
    return RunComparison(
        baseline=baseline,
        current=current,
        report=compare_runs(baseline, current, default_threshold) if judged else None,
        pairs=() if before is None or after is None else pair_cases(before, after),
        without_cases=tuple(point.run_id for point, known in sides if known is None),
        changed_prompts=changed_prompts(baseline.prompt_versions, current),
        other_changes=(*changed_context(baseline, current), *_threshold_change(baseline, current, default_threshold)),
    )


def _threshold_change(baseline: TrendPoint, current: TrendPoint, default: float) -> Iterable[ContextChange]:
    before = default if baseline.threshold is None else baseline.threshold
    after = default if current.threshold is None else current.threshold
    if before != after:
        yield ContextChange(THRESHOLD, _percent(before), _percent(after))


def _percent(rate: float) -> str:
    return f"{round(rate * 100, 6):g}%"
