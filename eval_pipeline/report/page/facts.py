"""What the page is told, and what it works out before it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from eval_pipeline.core.comparing import RunComparison
from eval_pipeline.core.models import (
    CheckResult,
    PromptChange,
    PromptEvent,
    PromptText,
    RegressionReport,
    TrendPoint,
    TrendSummary,
    Verdict,
)
from eval_pipeline.core.moves import AuditRecord
from eval_pipeline.core.regression import judge_history
from eval_pipeline.core.trends import BEFORE_ALL, prompt_events
from eval_pipeline.report import frames
from eval_pipeline.report.zones import IN_UTC, Zone

LOUD = (Verdict.REGRESSION, Verdict.WARNING)
"""Verdicts that are told with their cases."""
MOST_TOLD = 8
"""So many eval types are told with their cases, worst first; all are in the table."""
MOST_TEXTS = 6
"""So many prompts are told with what changed in their texts; further ones are named."""


@dataclass(frozen=True, slots=True)
class ChangedPrompt:
    """A prompt that differs between current runs and their baselines."""

    name: str
    before: str
    """Its version then, as in `v3`."""
    after: str
    eval_types: tuple[str, ...]
    """Whose runs show it, worst verdict first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The state of all eval types at one moment. The page is made of this and nothing else."""

    base_experiment: str
    store: str
    """Its address, without a password."""
    made_at: datetime
    version: str
    """Of eval-pipeline."""
    histories: Mapping[str, TrendSummary]
    """By eval type, also of those without runs; the points of each are its whole history."""
    thresholds: Mapping[str, float]
    """Today's, 0..1, by eval type."""
    check: CheckResult
    """With evidence."""
    comparisons: Mapping[str, RunComparison]
    """Case by case, of the eval types that regressed or are warned of."""
    texts: Mapping[tuple[str, str], PromptText]
    """By name and version, as far as they were read and the registry has them."""
    moves: Sequence[AuditRecord]
    """The audit log, oldest first."""
    events: Sequence[PromptEvent]
    """The moves that happened, oldest first."""
    zone: Zone = IN_UTC
    """In which times are written."""
    mlflow_home: str | None = None
    """Where people open MLflow."""
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What follows from the facts, and several parts of the page need."""

    facts: Facts
    runs: pd.DataFrame
    """All runs, a `frames.runs_frame` in the zone of the facts."""
    standing: pd.DataFrame
    """Where each type stands, a `frames.overview_frame`."""
    reports: Mapping[str, RegressionReport]
    """By eval type, worst verdict first."""
    newest: Mapping[str, TrendPoint]
    """The newest complete run of each eval type that has one."""
    events: Sequence[PromptEvent]
    """What happened to prompts, oldest first: changes that runs show, and moves."""

    @property
    def drawn_events(self) -> pd.DataFrame:
        """The same as a `frames.events_frame` in the zone of the facts."""
        return frames.in_zone(frames.events_frame(self.events), self.facts.zone)

    @property
    def judged(self) -> pd.DataFrame:
        """The rows of `standing` that have a complete run."""
        return self.standing[self.standing["margin_pp"].notna()]

    @property
    def meeting(self) -> int:
        """How many eval types meet their threshold."""
        return int((self.judged["margin_pp"] >= 0).sum())

    @property
    def loud(self) -> list[RegressionReport]:
        """The regressions and warnings, worst first; the first `MOST_TOLD` of them are told with their cases."""
        return [report for report in self.reports.values() if report.verdict in LOUD]

    def place(self, eval_type: str) -> int:
        """A number that stands for an eval type in the addresses within the page, whatever its name holds."""
        return list(self.facts.histories).index(eval_type)

    def named(self, *states: str) -> list[str]:
        """The eval types whose newest complete run is in one of these states, worst margin first."""
        return [str(name) for name in self.standing.loc[self.standing["state"].isin(states), "eval_type"]]


def work_out(facts: Facts) -> State:
    """What follows from the facts."""
    judged = {
        name: (summary.points, judge_history(summary.points, facts.thresholds[name]), facts.thresholds[name])
        for name, summary in facts.histories.items()
    }
    runs = frames.in_zone(frames.all_runs([frames.runs_frame(*each) for each in judged.values()]), facts.zone)
    seen = prompt_events(facts.histories.values())
    return State(
        facts=facts,
        runs=runs,
        standing=frames.overview_frame(runs, facts.histories),
        reports={report.eval_type: report for report in worst_first(facts.check)},
        newest={
            name: next(point for point in reversed(summary.points) if point.complete)
            for name, summary in facts.histories.items()
            if any(point.complete for point in summary.points)
        },
        events=sorted([*seen, *facts.events], key=lambda event: event.timestamp or BEFORE_ALL),
    )


def worst_first(result: CheckResult) -> list[RegressionReport]:
    """The reports by verdict, then by how much the pass rate fell."""
    return sorted(result.reports, key=lambda report: (list(Verdict).index(report.verdict), report.delta_pp))


def told_with_cases(result: CheckResult) -> list[RegressionReport]:
    """The regressions and warnings that the page tells case by case: of those it needs the comparisons."""
    return [report for report in worst_first(result) if report.verdict in LOUD][:MOST_TOLD]


def told_with_text(result: CheckResult) -> list[ChangedPrompt]:
    """The prompts whose change the page shows in full: of those it needs the texts."""
    return changed_prompts(result)[:MOST_TEXTS]


def changed_prompts(result: CheckResult) -> list[ChangedPrompt]:
    """Each prompt that changed, once; those that the worst verdicts show come first."""
    shown_by: dict[tuple[str, str, str], list[str]] = {}
    for report in worst_first(result):
        for change in report.changed_prompts:
            shown_by.setdefault(_versions(change), []).append(report.eval_type)
    return [ChangedPrompt(*versions, tuple(names)) for versions, names in shown_by.items()]


def _versions(change: PromptChange) -> tuple[str, str, str]:
    return change.prompt_name, change.from_version, change.to_version
