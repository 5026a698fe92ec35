"""The types every other part speaks. Frozen; rates are 0..1, times are UTC, versions read `v3`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from eval_pipeline.core.evidence import Counts, Significance, counts_from_rate


class RunStatus(StrEnum):
    """What a run is good for. Only `complete` runs are baselines, currents or evidence."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    ERROR = "error"
    RUNNING = "running"


class Verdict(StrEnum):
    """What a current run says against its baseline, worst first."""

    REGRESSION = "REGRESSION"
    WARNING = "WARNING"
    PASS = "PASS"
    IMPROVED = "IMPROVED"


class Direction(StrEnum):
    """Where the last complete runs of an eval type are heading."""

    IMPROVING = "improving"
    STABLE = "stable"
    DEGRADING = "degrading"


@dataclass(frozen=True, slots=True)
class EvalExperiment:
    """The MLflow experiment that holds the runs of one eval type."""

    eval_type: str
    experiment_id: str
    experiment_name: str
    created_ms: int = 0
    """When the experiment was made (ms since 1970 UTC); an id can come back in a store that was made anew."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One run of one eval type, as the rules see it. What the store does not say is `None`, never a guess."""

    run_id: str
    timestamp: datetime | None
    """When the run started, UTC."""
    experiment_name: str
    eval_type: str
    pass_rate: float | None
    """Passed / (passed + failed), 0..1; `None` when the run has no usable one."""
    average_score: float | None
    total_cases: int | None
    error_cases: int | None
    prompt_versions: Mapping[str, str]
    """Prompt name to version, as in `{"persona": "v3"}`."""
    eval_status: RunStatus
    status_reason: str | None = None
    """Why the run is not `complete`, in words."""
    threshold: float | None = None
    """The lowest pass rate that counted as good when the run was made, 0..1; `None` if the run does not say."""
    threshold_problem: str | None = None
    """Why the threshold that the run names can't be read."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Other params that make two runs incomparable when they differ, such as `dataset_version`."""
    notes: tuple[str, ...] = ()
    """What was found in the run and could not be used."""
    ended: datetime | None = None
    experiment_id: str = ""
    suite_run_id: str | None = None

    @property
    def complete(self) -> bool:
        """Whether this run may be a baseline, a current run or evidence."""
        return self.eval_status is RunStatus.COMPLETE

    @property
    def counts(self) -> Counts | None:
        """How many cases passed and failed, as far as the run's pass rate and numbers of cases agree."""
        return counts_from_rate(self.pass_rate, self.total_cases, self.error_cases)


@dataclass(frozen=True, slots=True)
class PromptText:
    """One version of a prompt in the registry."""

    name: str
    version: int
    template: str | Sequence[Mapping[str, Any]]
    """Text, or the messages of a chat, each with `role` and `content`."""
    commit_message: str | None
    created: datetime | None


@dataclass(frozen=True, slots=True)
class PromptChange:
    """A prompt that differs between two runs; dated by the later one, where the new version first shows."""

    timestamp: datetime | None
    run_id: str
    prompt_name: str
    from_version: str
    to_version: str


@dataclass(frozen=True, slots=True)
class ContextChange:
    """A param other than a prompt that differs between two runs. `None`: that run does not name it."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PromptEvent:
    """Something that happened to a prompt on its way to production, for marks on charts and the `events` of `trend`."""

    timestamp: datetime | None
    action: str
    """`change` (seen in runs), `promote` or `rollback` (from the audit log)."""
    prompt_name: str
    from_version: str | None
    to_version: str
    actor: str | None = None
    eval_types: tuple[str, ...] = ()
    """The eval types whose runs show a `change`; empty for actions, which concern all."""
    alias: str | None = None
    """The alias that an action moved."""


@dataclass(frozen=True, slots=True)
class TrendSummary:
    """The history of one eval type, oldest point first."""

    eval_type: str
    experiment_name: str
    points: tuple[TrendPoint, ...]
    latest_pass_rate: float | None
    """The newest complete run's, 0..1."""
    trend_direction: Direction
    prompt_changes: tuple[PromptChange, ...]
    events: tuple[PromptEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class RegressionReport:
    """A current run against its baseline, both complete."""

    eval_type: str
    baseline_run_id: str
    current_run_id: str
    baseline_pass_rate: float
    current_pass_rate: float
    delta_pp: float
    """Current less baseline, in percentage points, exact to six decimals."""
    threshold: float
    verdict: Verdict
    changed_prompts: tuple[PromptChange, ...]
    baseline_timestamp: datetime | None
    current_timestamp: datetime | None
    context_changes: tuple[ContextChange, ...] = ()
    notes: tuple[str, ...] = ()
    baseline_counts: Counts | None = None
    current_counts: Counts | None = None
    evidence: Significance | None = None
    """Whether the difference is more than noise; `None` if nobody looked. The verdict does not depend on it."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """An eval type that has no report yet, and why."""

    eval_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The answer of a regression check over some eval types."""

    reports: tuple[RegressionReport, ...]
    unjudged: tuple[Unjudged, ...]

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs that it rests on: of each report, the baseline and the current one."""
        return tuple(run for report in self.reports for run in (report.baseline_run_id, report.current_run_id))

    @property
    def regressed(self) -> bool:
        """Whether any eval type is a `REGRESSION`."""
        return any(report.verdict is Verdict.REGRESSION for report in self.reports)

    @property
    def significantly_regressed(self) -> bool:
        """Whether any eval type is a `REGRESSION` by a drop that is more than noise."""
        regressions = (report.evidence for report in self.reports if report.verdict is Verdict.REGRESSION)
        return any(evidence is not None and evidence.fell for evidence in regressions)
