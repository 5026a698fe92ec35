"""Evaluating one eval type of a suite run: a child that runs the cases, and the eval run that they are logged as."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from eval_pipeline.actions.board import Board
from eval_pipeline.actions.children import EVALUATOR, Child, ChildEnd, ended_on
from eval_pipeline.actions.clock import Clock
from eval_pipeline.actions.lines import Lines
from eval_pipeline.actions.planning import PlannedType, SuitePlan
from eval_pipeline.actions.promote import stated
from eval_pipeline.core.jobs import Job, Limits, PromptTemplate
from eval_pipeline.core.models import PromptText
from eval_pipeline.core.runs import experiment_name
from eval_pipeline.core.suite_runs import TypeProgress, TypeState, judge_type
from eval_pipeline.core.suites import EvalOutcome, in_order, score_cases, status_of
from eval_pipeline.errors import DatasetError, SettingsError, StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store.cases import read_run_cases
from eval_pipeline.store.connection import Store
from eval_pipeline.store.recording import record_eval_run
from eval_pipeline.store.suite_evals import (
    DIGEST_TAG,
    FAILURE_TAG,
    reached_with_artifacts,
    supersede,
)
from eval_pipeline.store.tables import SUITE_TAG

STALL_S = 30.0
"""Seconds beyond the longest case that a child may say nothing."""
COULD_NOT_BEGIN = 2
"""Exit code of an evaluator that evaluated nothing, so that there is no run to log."""
LOG_ATTEMPTS_S = (1.0, 4.0, 10.0)
"""Seconds to wait before each further attempt at logging."""

LONGEST_PROBLEM = 300
"""Characters of a problem that are kept."""
CHANGED = "its dataset was changed meanwhile: run it again"

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What the types of one attempt at a suite run share."""

    store: Store
    plan: SuitePlan
    suite_id: str
    folder: Path
    """Where results are kept on this machine until they are logged."""
    board: Board
    clock: Clock
    context: Mapping[str, str]
    """Further params of each eval run."""
    attempt: int
    word: Callable[[str, str], None] = field(default=lambda _, __: None)
    """Gets, by eval type, what children write to stderr."""
    warn: Told = field(default=lambda _: None)
    dask_address: str | None = None
    unsettled: threading.Event = field(default_factory=threading.Event)
    """Set when an eval run may have been left half logged."""

    @property
    def settings(self) -> Settings:
        """Those of the store."""
        return self.store.settings


def evaluate_type(work: Work, place: int) -> TypeProgress:
    """Run the cases of one type that have no result yet, and log them all as one eval run.

    Results of an earlier attempt are taken from this machine or from the run that it logged; what errored is run again.

    Raises:
        StoreError: what was logged before can't be read, or the results could not be logged. They are kept on this
            machine.
    """
    planned, before = work.plan.types[place], work.board.types[place]
    lines = Lines(work.folder, place, planned.digest)
    lines.take((read_run_cases(work.store, before.run_id) if before.run_id else None) or ())
    lines.forget_errors()
    started = work.clock()
    work.board.change(place, state=TypeState.RUNNING, **_counts(lines))
    end = None if _all_there(work, planned, lines) else _run_child(work, place, lines)
    problem = None if _all_there(work, planned, lines) else _problem(work, end)
    if not lines.cases and work.board.stop.is_set():
        return work.board.change(place, state=TypeState.WAITING)
    if not lines.cases and end is not None and end.exit_code == COULD_NOT_BEGIN:
        return work.board.change(place, state=TypeState.ERROR, problem=problem)
    return _log(work, place, lines, started, problem, before.run_id)


def _all_there(work: Work, planned: PlannedType, lines: Lines) -> bool:
    return len(lines.done()) >= planned.planned_cases(work.plan.repeat)


def _problem(work: Work, end: ChildEnd | None) -> str | None:
    if work.board.stop.is_set():
        return work.board.said_to_stop()
    return None if end is None else end.problem


def _run_child(work: Work, place: int, lines: Lines) -> ChildEnd:
    planned = work.plan.types[place]
    if not planned.is_unchanged():
        raise DatasetError(CHANGED)

    def take(line: str) -> None:
        try:
            lines.add(line)
        except ValueError as problem:
            work.warn(f"{planned.eval_type}: the evaluator printed {problem}")
        if lines.problem:
            work.warn(lines.problem)
        work.board.change(place, **_counts(lines))

    child = Child(
        [*EVALUATOR, "--dataset", str(planned.file.absolute()), "--job", "-"],
        stdin=_job(work, planned, lines).model_dump_json(),
        folder=work.settings.runner.folder,
        on_line=take,
        on_word=lambda line: work.word(planned.eval_type, line),
        stall_s=_longest_case(work, planned) + STALL_S,
    )
    with ended_on(work.board.stop, child):
        return child.wait()


def _job(work: Work, planned: PlannedType, lines: Lines) -> Job:
    runner = work.settings.runner
    if runner.max_calls:
        _make_room(work.folder)
    limits = Limits(
        concurrency=runner.concurrency,
        timeout_s=runner.timeout_s,
        retries=runner.retries,
        max_calls=runner.max_calls or None,
        calls_file=str(work.folder / f"calls-{work.attempt}") if runner.max_calls else None,
    )
    return Job(
        target=work.settings.target,
        judge=work.settings.judge if work.settings.judge.kind else None,
        prompts={name: _template(text) for name, text in work.plan.prompts_of(planned).items()},
        repeat=work.plan.repeat,
        done=lines.done(),
        limits=limits,
        executor=runner.executor,
        dask_address=work.dask_address,
    )


def _make_room(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise SettingsError(f"runner.max_calls: calls can't be counted in {folder}: {problem.strerror}") from problem


def _template(text: PromptText) -> PromptTemplate:
    return text.template if isinstance(text.template, str) else [dict(message) for message in text.template]


def _longest_case(work: Work, planned: PlannedType) -> float:
    cases = planned.dataset.cases if planned.dataset else []
    return max([work.settings.runner.timeout_s, *(case.timeout_s or 0.0 for case in cases)])


def _counts(lines: Lines) -> dict[str, int]:
    return {"done_cases": len(lines.cases), "failed_cases": lines.failed, "error_cases": lines.errored}


def _log(
    work: Work, place: int, lines: Lines, started: datetime, problem: str | None, before: str | None
) -> TypeProgress:
    planned = work.plan.types[place]
    ids = [case.id for case in planned.dataset.cases] if planned.dataset else []
    outcome = score_cases(in_order(lines.cases.values(), ids), planned.planned_cases(work.plan.repeat))
    threshold = work.plan.threshold(planned, work.settings)
    run_id = _record(work, planned, outcome, threshold, started, problem)
    if before is not None:
        supersede(work.store, before, run_id)
    return work.board.change(
        place,
        state=judge_type(status_of(outcome), outcome.pass_rate, threshold),
        pass_rate=outcome.pass_rate,
        threshold=threshold,
        run_id=run_id,
        problem=problem or first_error(outcome),
        total_cases=outcome.total_cases,
        done_cases=len(outcome.cases),
        failed_cases=outcome.failed_cases,
        error_cases=outcome.error_cases,
    )


def first_error(outcome: EvalOutcome) -> str | None:
    """Why cases errored, in the words of the first."""
    said = next((case.error for case in outcome.cases if case.error), None)
    return None if said is None else f"{outcome.error_cases} of {outcome.total_cases} cases errored: {_shown(said)}"


def _shown(text: str) -> str:
    """As every store takes it as a tag, and not too long."""
    return stated(text)[:LONGEST_PROBLEM]


def _record(
    work: Work,
    planned: PlannedType,
    outcome: EvalOutcome,
    threshold: float,
    started: datetime,
    problem: str | None,
) -> str:
    """Log the eval run; a store that is away for some seconds is waited for."""
    settings, waits = work.settings, list(LOG_ATTEMPTS_S)
    while True:
        try:
            with reached_with_artifacts(work.store):
                return record_eval_run(
                    work.store.client,
                    experiment_name(settings.base_experiment, settings.base_eval_type, planned.eval_type),
                    outcome,
                    prompts={name: f"v{text.version}" for name, text in work.plan.prompts_of(planned).items()},
                    threshold=threshold,
                    dataset_version=planned.dataset.version if planned.dataset else "",
                    context=work.context,
                    started=started,
                    ended=work.clock(),
                    status="FINISHED" if outcome.cases else "FAILED",
                    tags={
                        SUITE_TAG: work.suite_id,
                        DIGEST_TAG: planned.digest,
                        **({FAILURE_TAG: _shown(problem)} if problem else {}),
                    },
                )
        except StoreError:
            work.unsettled.set()
            if not waits or work.board.stop.wait(waits.pop(0)):
                raise
