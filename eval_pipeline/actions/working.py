"""Working through the types of a suite run, some at once, until all have ended or somebody stops it."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

from eval_pipeline.actions.board import INTERRUPTED as INTERRUPTED
from eval_pipeline.actions.board import Board
from eval_pipeline.actions.cases import reading
from eval_pipeline.actions.clock import Clock
from eval_pipeline.actions.clusters import dask_cluster
from eval_pipeline.actions.comparing import Against, compare_types
from eval_pipeline.actions.context import run_context
from eval_pipeline.actions.evaluating import Work, evaluate_type
from eval_pipeline.actions.evidence import add_evidence
from eval_pipeline.actions.lines import forget_lines, suite_folder
from eval_pipeline.actions.listening import Listener
from eval_pipeline.actions.notifying import tell_of_regressions
from eval_pipeline.actions.own_runner import run_own_command
from eval_pipeline.actions.planning import SuitePlan
from eval_pipeline.core.models import CheckResult
from eval_pipeline.core.runs import experiment_name
from eval_pipeline.core.suite_runs import (
    SuiteResult,
    SuiteRun,
    SuiteState,
    TypeProgress,
    TypeState,
    judge_suite,
    result_of,
    with_verdict,
)
from eval_pipeline.errors import PipelineError, RefusedError, StoreError
from eval_pipeline.report.suites import suite_result
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_evals import abandon_open, eval_runs_of_suite
from eval_pipeline.store.suite_runs import end_suite_run, log_report


class TakenOverError(RefusedError):
    """Somebody else took this process for lost, and works on the suite run now."""


def work_through(
    store: Store,
    suite: SuiteRun,
    plan: SuitePlan,
    *,
    listener: Listener,
    check: bool,
    against: Against,
    jobs: int,
    clock: Clock,
    stop: threading.Event | None = None,
) -> SuiteResult:
    """Evaluate the types that are not complete, `jobs` at once, and say in the store what it came to.

    `stop`, or a KeyboardInterrupt, ends the children; what they did is logged as partial.

    Raises:
        TakenOverError: somebody else works on it now.
        StoreError: the store failed; what was evaluated is kept on this machine, and the message says how to go on.
    """
    board = Board(store, suite.id, suite.types, clock, len(suite.attempts), stop)
    telling = _Telling(listener, board)
    with dask_cluster(store.settings) as address:
        work = Work(
            store=store,
            plan=plan,
            suite_id=suite.id,
            folder=suite_folder(store.settings, suite.id),
            board=board,
            clock=clock,
            context=run_context(store.settings),
            attempt=len(suite.attempts),
            word=telling.word,
            warn=telling.warn,
            dask_address=address,
        )
        listener.began(suite, lambda: board.types)
        try:
            with board:
                _evaluate_all(work, telling, jobs)
                found = _compare(work, against) if check else CheckResult((), ())
            return _conclude(work, suite, found)
        except StoreError as problem:
            raise StoreError(f"{problem}. {_how_to_go_on(work)}") from problem


class _Telling:
    """Counts the types that have ended, and tells of them one at a time."""

    def __init__(self, listener: Listener, board: Board) -> None:
        types = board.types
        self._listener, self._lock = listener, threading.Lock()
        self._done, self._total = sum(each.state.complete for each in types), len(types)
        self._warned: set[str] = set()

    def ended(self, progress: TypeProgress) -> None:
        """Tell of a type that has ended."""
        with self._lock:
            self._done += 1
            self._listener.ended(self._done, self._total, progress)

    def word(self, eval_type: str, line: str) -> None:
        """Pass on what a child wrote."""
        with self._lock:
            self._listener.word(eval_type, line)

    def warn(self, text: str) -> None:
        """Warn of something, once."""
        with self._lock:
            if text not in self._warned:
                self._warned.add(text)
                self._listener.warn(text)


def _evaluate_all(work: Work, telling: _Telling, jobs: int) -> None:
    """Evaluate what is not complete.

    Raises:
        StoreError: some results could not be logged.
    """
    lost: list[StoreError] = []
    places = [place for place, each in enumerate(work.board.types) if not each.state.complete]

    def evaluate(place: int) -> None:
        if work.board.stop.is_set():
            return
        try:
            progress = _evaluate(work, place)
        except StoreError as problem:
            lost.append(problem)
            progress = work.board.change(place, state=TypeState.ERROR, problem=f"not logged: {problem}")
        except PipelineError as problem:
            progress = work.board.change(place, state=TypeState.ERROR, problem=str(problem))
        if progress.state.ended:
            work.board.write()
            telling.ended(progress)

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(evaluate, place) for place in places]
        _wait(work.board, futures)
    for future in futures:
        future.result()
    if lost:
        raise lost[0]
    if work.unsettled.is_set():
        _settle(work)


def _wait(board: Board, futures: list[Future[None]]) -> None:
    """Wait until all have ended; when the person interrupts, until what they were at is logged."""
    try:
        wait(futures)
    except KeyboardInterrupt:
        board.stop.set()
        wait(futures)


def _evaluate(work: Work, place: int) -> TypeProgress:
    if work.settings.runner.command is not None:
        return run_own_command(work, place)
    return evaluate_type(work, place)


def _compare(work: Work, against: Against) -> CheckResult:
    """Judge each type against what was known before, with the evidence of its cases, and note it."""
    compared = compare_types(work.store, work.board.types, against)
    found = add_evidence(compared, reading(work.store), work.settings.quarantine)
    for place, each in enumerate(work.board.types):
        judged = with_verdict(each, found)
        if judged != each:
            names = ("verdict", "delta_pp", "baseline_run_id", "evidence")
            work.board.change(place, **{name: getattr(judged, name) for name in names})
    return found


def _conclude(work: Work, suite: SuiteRun, found: CheckResult) -> SuiteResult:
    """Say in the store what it came to; all that is needed to go on stays on this machine until then."""
    board, types = work.board, work.board.types
    if board.taken_over:
        raise TakenOverError(f"suite run {suite.id} was taken for lost: somebody else works on it now")
    state = judge_suite({each.eval_type: each.state for each in types}, found)
    message = ""
    if board.stop.is_set() and state is SuiteState.INCOMPLETE:
        state, message = SuiteState.CANCELLED, board.said_to_stop()
    result = SuiteResult(suite.suite, suite.id, state, tuple(result_of(each) for each in types), found, message)
    if not board.write():
        raise StoreError(board.problem or "the store failed")
    log_report(work.store, suite.id, suite_result(result))
    end_suite_run(work.store, suite.id, len(suite.attempts), state, work.clock(), message)
    if all(each.state.complete for each in types):
        forget_lines(work.folder)
    tell_of_regressions(work.store, found, suite)
    return result


def _settle(work: Work) -> None:
    """End eval runs that were begun while the store was failing; they were logged anew."""
    base, usual = work.settings.base_experiment, work.settings.base_eval_type
    for each in work.board.types:
        name = experiment_name(base, usual, each.eval_type)
        abandon_open(work.store, eval_runs_of_suite(work.store, name, work.suite_id))


def _how_to_go_on(work: Work) -> str:
    return (
        f"What was evaluated is kept in {work.folder}. When the store answers: "
        f"eval-pipeline run-evals --resume {work.suite_id}"
    )
