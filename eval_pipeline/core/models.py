"""The types every other part speaks. Frozen; rates are 0..1, times are UTC, versions read `v3`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


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
    def regressed(self) -> bool:
        """Whether any eval type is a `REGRESSION`."""
        return any(report.verdict is Verdict.REGRESSION for report in self.reports)


class GateStatus(StrEnum):
    """What the evidence of one eval type says about a candidate."""

    PASS = "PASS"
    FAIL = "FAIL"
    STALE = "STALE"
    NO_DATA = "NO_DATA"


@dataclass(frozen=True, slots=True)
class PromotionEvalCheck:
    """One eval type at the gate."""

    eval_type: str
    status: GateStatus
    reason: str
    """The status in words."""
    threshold: float
    """Today's, 0..1."""
    pass_rate: float | None = None
    run_id: str | None = None
    """The run that is the evidence; `None` for STALE and NO_DATA."""
    timestamp: datetime | None = None
    total_cases: int | None = None
    of_candidate: bool = False
    """Whether that run evaluated the candidate itself."""
    blocks: bool = False

    @property
    def passed(self) -> bool:
        """Whether the evidence speaks for the candidate."""
        return self.status is GateStatus.PASS


@dataclass(frozen=True, slots=True)
class PromotionGate:
    """The gate's decision on one candidate, with its evidence."""

    prompt_name: str
    candidate: int
    checks: tuple[PromotionEvalCheck, ...]
    obstacles: tuple[str, ...]
    """Why the candidate is blocked, in words; empty if it is allowed."""
    warnings: tuple[str, ...]
    """What does not block and should be known."""

    @property
    def allowed(self) -> bool:
        """Whether the evidence allows the candidate."""
        return not self.obstacles

    @property
    def blocking_evals(self) -> tuple[str, ...]:
        """The eval types that block."""
        return tuple(check.eval_type for check in self.checks if check.blocks)

    @property
    def justifying_run_ids(self) -> tuple[str, ...]:
        """The runs that the decision rests on."""
        return tuple(check.run_id for check in self.checks if check.run_id is not None)


class Action(StrEnum):
    """What moves an alias."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class RecordStatus(StrEnum):
    """What became of an action."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    """It never happened: the alias was not moved."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One action on one alias: who moved what, from where to where, why, on what evidence."""

    id: str
    """The MLflow run that holds it."""
    action: Action
    prompt_name: str
    alias: str
    from_version: int | None
    """`None` if the alias did not exist."""
    to_version: int
    timestamp: datetime | None
    """`None` if the record was removed from the store; its place in the log stays."""
    actor: str
    reason: str
    forced: bool
    justifying_run_ids: tuple[str, ...]
    status: RecordStatus
    outcome: str = ""
    """Why it failed, or what went wrong beside the move."""
    overridden: tuple[str, ...] = ()
    """What a forced promotion overrode, in words."""
    sequence: int | None = None
    """Its place in the log, from 1; `None` if it never got one."""


@dataclass(frozen=True, slots=True)
class PromotionResult:
    """The answer of `promote`."""

    gate: PromotionGate
    from_alias: str | None
    to_alias: str
    from_version: int | None
    record: AuditRecord | None
    """`None` if nothing was moved."""
    dry_run: bool = False

    @property
    def promoted(self) -> bool:
        """Whether the alias was moved."""
        return self.record is not None and self.record.status is RecordStatus.FINISHED

    @property
    def forced(self) -> bool:
        """Whether the gate was overridden."""
        return self.record is not None and self.record.forced


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """Where a rollback would lead, and why there."""

    prompt_name: str
    alias: str
    from_version: int
    to_version: int
    why: str
    notes: tuple[str, ...] = ()
