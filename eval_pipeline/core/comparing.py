"""Two runs of one eval type, case by case."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from eval_pipeline.core.case_pairs import CaseChange, CasePair, CaseSide, Counts, count_changes, pair_cases
from eval_pipeline.core.evidence import Significance
from eval_pipeline.core.models import ContextChange, PromptChange, RegressionReport, TrendPoint
from eval_pipeline.core.regression import changed_context, changed_prompts, compare_runs
from eval_pipeline.core.significance import Side, compare_sides, judge_together
from eval_pipeline.core.suites import CaseResult

DECISIVE = ("dataset", "judge")
"""Where a context param whose name holds one of these words differs, the pass rates of two runs are not alike."""
THRESHOLD = "threshold"


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
    evidence: Significance | None = None
    """Whether the difference is more than noise; `None` if nobody looked."""

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


def weighed(
    comparisons: Sequence[RunComparison], quarantine: Mapping[str, Collection[str]] | None = None
) -> list[RunComparison]:
    """The same comparisons, each with its evidence as one of all these that are looked at together.

    `quarantine` names cases by eval type: they are marked, and not counted in the evidence.
    """
    away = [(quarantine or {}).get(each.eval_type, ()) for each in comparisons]
    found = judge_together([compare_sides(*_sides(each), ids) for each, ids in zip(comparisons, away, strict=True)])
    return [
        replace(each, evidence=evidence, pairs=tuple(_marked(pair, ids) for pair in each.pairs))
        for each, evidence, ids in zip(comparisons, found, away, strict=True)
    ]


def _sides(comparison: RunComparison) -> tuple[Side, Side]:
    baseline = [result for pair in comparison.pairs if pair.baseline for result in pair.baseline.results]
    current = [result for pair in comparison.pairs if pair.current for result in pair.current.results]
    known = not comparison.without_cases
    return (
        Side(comparison.baseline.counts, baseline if known else None),
        Side(comparison.current.counts, current if known else None),
    )


def _marked(pair: CasePair, quarantined: Collection[str]) -> CasePair:
    return replace(pair, quarantined=True) if pair.case_id in quarantined else pair


def _threshold_change(baseline: TrendPoint, current: TrendPoint, default: float) -> Iterable[ContextChange]:
    before = default if baseline.threshold is None else baseline.threshold
    after = default if current.threshold is None else current.threshold
    if before != after:
        yield ContextChange(THRESHOLD, _percent(before), _percent(after))


def _percent(rate: float) -> str:
    return f"{round(rate * 100, 6):g}%"
