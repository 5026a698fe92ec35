"""Between a good and a bad version of a prompt: where a drop first shows, and which version to evaluate next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eval_pipeline.core.models import PromptChange, RegressionReport, TrendPoint, Verdict
from eval_pipeline.core.regression import changed_prompts, compare_runs
from eval_pipeline.core.runs import version_number


@dataclass(frozen=True, slots=True)
class VersionRun:
    """What one eval type knows of one version of the prompt."""

    version: int
    run: TrendPoint | None
    """The newest complete run that evaluated it, with the other prompts as in the good run if there is such a one;
    `None` if there is none."""
    report: RegressionReport | None
    """That run against the one of the good version; `None` without either, and for the good version itself."""

    @property
    def dropped(self) -> bool:
        """Whether it is worse than the good version: a regression or a warning, and a lower rate."""
        if self.report is None or self.report.delta_pp >= 0:
            return False
        return self.report.verdict in (Verdict.REGRESSION, Verdict.WARNING)


@dataclass(frozen=True, slots=True)
class TypeBisection:
    """What one eval type says."""

    eval_type: str
    runs: tuple[VersionRun, ...]
    """Every version from the good to the bad one, ascending."""

    @property
    def first_drop(self) -> int | None:
        """The first version that is known to be worse than the good one."""
        return next((each.version for each in self.runs if each.dropped), None)

    @property
    def last_good(self) -> int | None:
        """The last version before the drop that is known not to be worse; `None` if the good one has no run."""
        before = [each for each in self.runs if self.first_drop is None or each.version < self.first_drop]
        return next((each.version for each in reversed(before) if each.run), None) if self.good_run else None

    @property
    def good_run(self) -> TrendPoint | None:
        """The run that the others are compared with."""
        return self.runs[0].run

    @property
    def unknown(self) -> tuple[int, ...]:
        """The versions, not evaluated, that the drop may have come with besides the first that shows it."""
        last, first = self.last_good, self.first_drop
        if last is None or first is None:
            return ()
        return tuple(each.version for each in self.runs if last < each.version < first)

    @property
    def next_version(self) -> int | None:
        """What to evaluate next: the good one, the bad one, then the middle of the unknown; `None`: all is known.

        Where other prompts changed along with the first version that drops, that one, with the others as they were.
        """
        if self.good_run is None:
            return self.runs[0].version
        if self.first_drop is None:
            return self.runs[-1].version if self.runs[-1].run is None else None
        if self.unknown:
            return self.unknown[(len(self.unknown) - 1) // 2]
        return self.first_drop if self.also_changed else None

    @property
    def also_changed(self) -> tuple[PromptChange, ...]:
        """Other prompts that differ between the good run and the one that first shows the drop."""
        report = next((each.report for each in self.runs if each.dropped), None)
        return report.changed_prompts if report else ()


@dataclass(frozen=True, slots=True)
class NextTry:
    """A suite run that makes the unknown smaller."""

    version: int
    eval_types: tuple[str, ...]
    others: tuple[tuple[str, int], ...]
    """Versions of the other prompts, as the good run had them, so that nothing else differs."""


@dataclass(frozen=True, slots=True)
class Bisection:
    """What all eval types that use the prompt say."""

    prompt_name: str
    good: int
    bad: int
    types: tuple[TypeBisection, ...]

    @property
    def versions(self) -> tuple[int, ...]:
        """From the good to the bad one, ascending."""
        return tuple(each.version for each in self.types[0].runs) if self.types else ()

    @property
    def first_drop(self) -> int | None:
        """The first version that any type knows to be worse than the good one."""
        return min((each.first_drop for each in self.types if each.first_drop is not None), default=None)

    @property
    def next_tries(self) -> tuple[NextTry, ...]:
        """What to evaluate next. While some types show a drop, those that show none need not be asked."""
        asked = [each for each in self.types if each.next_version is not None]
        dropped = [each for each in self.types if each.first_drop is not None]
        groups: dict[tuple[int, tuple[tuple[str, int], ...]], list[str]] = {}
        for each in (each for each in asked if not dropped or each in dropped):
            if each.next_version is not None:
                groups.setdefault((each.next_version, self._others(each)), []).append(each.eval_type)
        return tuple(NextTry(version, tuple(types), others) for (version, others), types in groups.items())

    def _others(self, each: TypeBisection) -> tuple[tuple[str, int], ...]:
        named = sorted(each.good_run.prompt_versions.items()) if each.good_run else ()
        numbered = ((name, version_number(version)) for name, version in named if name != self.prompt_name)
        return tuple((name, number) for name, number in numbered if number is not None)


def bisect(
    prompt_name: str,
    good: int,
    bad: int,
    existing: Sequence[int],
    histories: Mapping[str, Sequence[TrendPoint]],
    thresholds: Mapping[str, float],
) -> Bisection:
    """What the runs of each type (oldest first) say of the versions from `good` to `bad`.

    `existing` are the versions that can be evaluated; one that a run names counts as well. Types none of whose complete
    runs names the prompt are left out.
    """
    found = {name: _runs_of_each(prompt_name, points) for name, points in histories.items()}
    known = {good, bad, *existing, *(version for runs in found.values() for version in runs)}
    versions = sorted(version for version in known if good <= version <= bad)
    return Bisection(
        prompt_name,
        good,
        bad,
        tuple(
            TypeBisection(name, _judged(prompt_name, versions, runs, thresholds[name]))
            for name, runs in sorted(found.items())
            if runs
        ),
    )


def newest_of(prompt_name: str, version: int, points: Sequence[TrendPoint]) -> TrendPoint | None:
    """The newest complete run that evaluated a version; `points` are oldest first."""
    return next(iter(_runs_of_each(prompt_name, points).get(version, ())), None)


def _runs_of_each(prompt_name: str, points: Sequence[TrendPoint]) -> dict[int, list[TrendPoint]]:
    """The complete runs of each version, newest first."""
    runs: dict[int, list[TrendPoint]] = {}
    for point in reversed(points):
        version = version_number(point.prompt_versions.get(prompt_name, ""))
        if point.complete and version is not None:
            runs.setdefault(version, []).append(point)
    return runs


def _judged(
    prompt_name: str, versions: Sequence[int], runs: Mapping[int, Sequence[TrendPoint]], threshold: float
) -> tuple[VersionRun, ...]:
    good = next(iter(runs.get(versions[0], ())), None)
    judged = []
    for version in versions:
        run = good if version == versions[0] else _most_alike(prompt_name, good, runs.get(version, ()))
        report = compare_runs(good, run, threshold) if good and run and run is not good else None
        judged.append(VersionRun(version, run, report and _without(report, prompt_name)))
    return tuple(judged)


def _most_alike(prompt_name: str, good: TrendPoint | None, runs: Sequence[TrendPoint]) -> TrendPoint | None:
    """The newest of the runs, of those with the other prompts as in the good run if there are such."""
    alike = (run for run in runs if good and not _others_changed(prompt_name, good, run))
    return next(alike, None) or next(iter(runs), None)


def _others_changed(prompt_name: str, good: TrendPoint, run: TrendPoint) -> bool:
    return any(change.prompt_name != prompt_name for change in changed_prompts(good.prompt_versions, run))


def _without(report: RegressionReport, prompt_name: str) -> RegressionReport:
    """The report with the prompts that changed besides the one that is looked at."""
    others = tuple(change for change in report.changed_prompts if change.prompt_name != prompt_name)
    return replace(report, changed_prompts=others)
