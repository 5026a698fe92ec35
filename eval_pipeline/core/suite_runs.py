"""A suite run: one evaluation of several eval types against one snapshot of the prompts, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from eval_pipeline.core.models import CheckResult, RunStatus, TrendPoint, Verdict

LOST_AFTER = timedelta(seconds=60)
"""A suite run that has given no sign for this long is lost: its process stopped, or its machine is gone."""


class Trigger(StrEnum):
    """What made a suite run begin."""

    TERMINAL = "terminal"
    PAGE = "page"
    WATCH = "watch"


class TypeState(StrEnum):
    """How far one eval type of a suite run is."""

    WAITING = "waiting"
    RUNNING = "running"
    PASS = "PASS"
    """Complete, and its pass rate meets the threshold."""
    FAIL = "FAIL"
    """Complete, and below the threshold; or a team's own runner said no."""
    PARTIAL = "partial"
    """Some case has no result: no evidence."""
    ERROR = "error"
    """No case has a result, or it could not be run at all."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it in this attempt."""
        return self not in {TypeState.WAITING, TypeState.RUNNING}

    @property
    def complete(self) -> bool:
        """Whether it need not be run again."""
        return self in {TypeState.PASS, TypeState.FAIL}


class SuiteState(StrEnum):
    """What became of a suite run."""

    STARTING = "starting"
    RUNNING = "running"
    LOST = "lost"
    """It says that it is running, and has given no sign of it for a minute."""
    PASSED = "passed"
    FAILED = "failed"
    """Complete; a type is below its threshold, or regressed."""
    INCOMPLETE = "incomplete"
    """Ended, and some type is no evidence."""
    CANCELLED = "cancelled"

    @property
    def open(self) -> bool:
        """Whether it may still go on by itself."""
        return self in {SuiteState.STARTING, SuiteState.RUNNING}


@dataclass(frozen=True, slots=True)
class TypeProgress:
    """One eval type of a suite run, as everybody can see it."""

    eval_type: str
    state: TypeState = TypeState.WAITING
    total_cases: int = 0
    """Planned results, repeats included; 0 if it is not known."""
    done_cases: int = 0
    failed_cases: int = 0
    error_cases: int = 0
    pass_rate: float | None = None
    """0..1."""
    threshold: float | None = None
    """0..1."""
    run_id: str | None = None
    """The eval run that it was logged as."""
    problem: str | None = None
    """Why it is `partial` or an `error`, or what else went wrong."""
    verdict: str | None = None
    """Against its baseline: a `Verdict`, or `None` where there is nothing to compare with."""
    delta_pp: float | None = None
    """Against its baseline, in percentage points."""
    baseline_run_id: str | None = None
    evidence: str | None = None
    """Whether that change is more than noise: an `Evidence`, or `None` where there is nothing to compare with."""
    digest: str = ""
    """Of the dataset that it ran, so that results of another one are never mixed in."""

    @property
    def regressed(self) -> bool:
        """Whether its comparison says so."""
        return self.verdict == Verdict.REGRESSION


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """One suite run, as the store has it."""

    id: str
    """The MLflow run that holds it."""
    suite: str
    """`core`, `full`, another one of the settings, or `chosen` for single eval types."""
    trigger: str
    actor: str
    started: datetime | None
    ended: datetime | None
    heartbeat: datetime | None
    """When it last gave a sign."""
    prompts: Mapping[str, str]
    """Prompt name to version, as in `{"persona": "v3"}`."""
    candidate: tuple[str, int] | None
    """The prompt version that it was started for."""
    types: tuple[TypeProgress, ...]
    attempts: tuple[str, ...] = ()
    """Who worked on it, first to last; empty until somebody begins."""
    attempt_began: datetime | None = None
    cases_before: int = 0
    """Cases that were done when the newest attempt began."""
    repeat: int | None = None
    outcome: SuiteState | None = None
    """What it ended as; `None` while it has not ended."""
    cancelled_by: str | None = None
    message: str = ""

    @property
    def total(self) -> int:
        """Eval types in all."""
        return len(self.types)

    @property
    def done(self) -> int:
        """Eval types that have ended."""
        return sum(each.state.ended for each in self.types)

    @property
    def now(self) -> tuple[str, ...]:
        """The eval types at work."""
        return tuple(each.eval_type for each in self.types if each.state is TypeState.RUNNING)

    @property
    def total_cases(self) -> int:
        """Planned results of all types."""
        return sum(each.total_cases for each in self.types)

    @property
    def done_cases(self) -> int:
        """Results so far."""
        return sum(each.done_cases for each in self.types)

    @property
    def failures(self) -> tuple[TypeProgress, ...]:
        """The types that have ended and did not pass, or regressed."""
        return tuple(each for each in self.types if each.state.ended and (each.state != "PASS" or each.regressed))

    def state(self, now: datetime) -> SuiteState:
        """What it is at a moment (aware)."""
        if self.outcome is not None:
            return self.outcome
        sign = max((each for each in (self.heartbeat, self.started) if each is not None), default=None)
        if sign is None or now - sign > LOST_AFTER:
            return SuiteState.LOST
        return SuiteState.RUNNING if self.attempts else SuiteState.STARTING

    def time_left(self, now: datetime) -> timedelta | None:
        """How long it will go on at its pace so far; `None` while that can't be said."""
        fresh = self.done_cases - self.cases_before
        if self.attempt_began is None or fresh <= 0 or not self.total_cases:
            return None
        return (now - self.attempt_began) * (max(0, self.total_cases - self.done_cases) / fresh)


@dataclass(frozen=True, slots=True)
class TypeResult:
    """What evaluating one type came to."""

    eval_type: str
    state: TypeState
    pass_rate: float | None
    """0..1; of the cases that have a result."""
    threshold: float | None
    run_id: str | None
    error: str | None
    """Why it is no evidence, or what else went wrong."""

    @property
    def passed(self) -> bool:
        """Whether it is complete and meets its threshold."""
        return self.state is TypeState.PASS


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """The answer of `run-evals`."""

    suite: str
    run_id: str
    state: SuiteState
    results: tuple[TypeResult, ...]
    check: CheckResult
    """Each complete type against its baseline."""
    message: str = ""

    @property
    def fine(self) -> bool:
        """Whether every type passed and none regressed."""
        return self.state is SuiteState.PASSED


def judge_type(status: RunStatus, pass_rate: float | None, threshold: float) -> TypeState:
    """What the run of a type says; `threshold` is 0..1, and exactly on it meets it."""
    if status is RunStatus.COMPLETE and pass_rate is not None:
        return TypeState.PASS if round((pass_rate - threshold) * 100, 6) >= 0 else TypeState.FAIL
    return TypeState.PARTIAL if pass_rate is not None else TypeState.ERROR


def judge_suite(types: Mapping[str, TypeState], check: CheckResult) -> SuiteState:
    """What a suite run came to, once all of its types have ended."""
    if not all(state.complete for state in types.values()):
        return SuiteState.INCOMPLETE
    passed = all(state is TypeState.PASS for state in types.values())
    return SuiteState.PASSED if passed and not check.regressed else SuiteState.FAILED


def with_verdict(progress: TypeProgress, check: CheckResult) -> TypeProgress:
    """The progress of a type with what the comparison says of it."""
    report = next((each for each in check.reports if each.eval_type == progress.eval_type), None)
    if report is None:
        return progress
    return replace(
        progress,
        verdict=report.verdict.value,
        delta_pp=report.delta_pp,
        baseline_run_id=report.baseline_run_id,
        evidence=report.evidence.label.value if report.evidence else None,
    )


def result_of(progress: TypeProgress) -> TypeResult:
    """What a type came to."""
    return TypeResult(
        progress.eval_type,
        progress.state,
        progress.pass_rate,
        progress.threshold,
        progress.run_id,
        progress.problem or (None if progress.state.ended else "not run"),
    )


def state_of(point: TrendPoint, threshold: float) -> TypeState:
    """What an eval run in the store says of its type."""
    return judge_type(point.eval_status, point.pass_rate, threshold)
