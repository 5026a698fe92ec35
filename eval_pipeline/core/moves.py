"""What moving an alias takes: the gate's decision on a candidate, a promotion or a rollback, and its audit record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
class ApprovedRequest:
    """The request behind a promotion to a protected alias."""

    id: str
    requester: str
    approvers: tuple[str, ...]


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
    request: ApprovedRequest | None = None


@dataclass(frozen=True, slots=True)
class NewAlias:
    """An alias that a promotion makes, where its name may be a slip of the pen."""

    name: str
    like: str | None
    """The known alias most like it; `None` if none is."""


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
    new_alias: NewAlias | None = None
    approvals: int = 0
    """How many other people must approve it; 0: the alias is not protected."""

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
