"""Suite runs: making one, working on it, resuming it, cancelling it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.actions.comparing import Against
from eval_pipeline.actions.leaving import find_left_over
from eval_pipeline.actions.listening import SILENT, Listener
from eval_pipeline.actions.owner import busy_with, has_stopped, own_name
from eval_pipeline.actions.planning import SuitePlan, plan_again
from eval_pipeline.actions.promote import stated, who_and_why
from eval_pipeline.actions.working import TakenOverError, work_through
from eval_pipeline.core.people import Deed, Person, refuse_unless
from eval_pipeline.core.runs import experiment_name
from eval_pipeline.core.suite_runs import SuiteResult, SuiteRun, SuiteState, TypeProgress
from eval_pipeline.core.suite_tags import UNKNOWN
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_evals import abandon_open, eval_runs_of_suite
from eval_pipeline.store.suite_runs import (
    SuiteDraft,
    begin_attempt,
    claim_attempt,
    create_suite_run,
    end_suite_run,
    find_suite_run,
    list_open_suite_runs,
    note_attempt,
    read_suite_run,
    request_cancel,
)

SEPARATOR = "|"
"""Between the name of a process and the nonce of its attempt."""


def begin_suite(store: Store, plan: SuitePlan, *, trigger: str, actor: Person, clock: Clock = utc_now) -> str:
    """Make the suite run of a plan; its id. Nobody works on it yet: `resume_suite` does.

    Raises:
        RefusedError: the actor's role is not enough.
        NotSaidError: nobody is named as the actor.
        StoreError: the store did not take it.
    """
    refuse_unless(actor, Deed.RUN_EVALS)
    who, _ = who_and_why(actor, "", None)
    types = tuple(
        TypeProgress(
            each.eval_type,
            total_cases=each.planned_cases(plan.repeat),
            threshold=plan.threshold(each, store.settings),
            digest=each.digest,
        )
        for each in plan.types
    )
    prompts = {name: f"v{text.version}" for name, text in plan.prompts.items()}
    draft = SuiteDraft(plan.suite, trigger, who, prompts, plan.candidate, types, plan.repeat)
    return create_suite_run(store, draft, clock())


def run_eval_suite(
    store: Store,
    plan: SuitePlan,
    *,
    trigger: str,
    actor: Person,
    listener: Listener = SILENT,
    check: bool = True,
    against: Against = None,
    jobs: int | None = None,
    clock: Clock = utc_now,
    stop: threading.Event | None = None,
) -> SuiteResult:
    """Make a suite run and work on it until it ends, or until somebody sets `stop`.

    Raises:
        RefusedError: the actor's role is not enough.
        NotSaidError: nobody is named as the actor.
        StoreError: the store failed; what was evaluated is kept on this machine, and the message says how to go on.
    """
    suite_id = begin_suite(store, plan, trigger=trigger, actor=actor, clock=clock)
    return resume_suite(
        store,
        suite_id,
        actor=actor,
        listener=listener,
        check=check,
        against=against,
        jobs=jobs,
        clock=clock,
        plan=plan,
        stop=stop,
    )


def resume_suite(
    store: Store,
    named: str,
    *,
    actor: Person,
    listener: Listener = SILENT,
    check: bool = True,
    against: Against = None,
    jobs: int | None = None,
    clock: Clock = utc_now,
    plan: SuitePlan | None = None,
    first: bool = False,
    stop: threading.Event | None = None,
) -> SuiteResult:
    """Do what is missing of a suite run: types that are not complete, and in them the cases without a result.

    `first`: only if nobody has begun it yet. `plan` spares reading it anew. Whoever sets `stop` ends the work: what it
    was at is logged as partial.

    Raises:
        RefusedError: the actor's role is not enough, or somebody is at it.
        UsageError: there is no such suite run, nothing of it is missing, or a dataset or prompt of it is gone.
        StoreError: the store failed; what was evaluated is kept on this machine, and the message says how to go on.
    """
    refuse_unless(actor, Deed.RUN_EVALS)
    suite = find_suite_run(store, named)
    _refuse_needless(suite, clock, first=first)
    plan = plan or plan_again(store, suite)
    who = SEPARATOR.join([own_name(), uuid.uuid4().hex])
    with busy_with(suite.id):
        if not claim_attempt(store, suite, who, clock()):
            raise RefusedError(f"somebody else has just begun to work on suite run {suite.id}")
        with _left_as_incomplete(store, suite.id, len(suite.attempts) + 1, clock):
            suite = _begin(store, read_suite_run(store, suite.id), plan, clock)
            return work_through(
                store,
                suite,
                plan,
                listener=listener,
                check=check,
                against=against,
                jobs=jobs or store.settings.runner.jobs,
                clock=clock,
                stop=stop,
            )


def _refuse_needless(suite: SuiteRun, clock: Clock, *, first: bool) -> None:
    if first and (suite.attempts or suite.outcome):
        raise RefusedError(f"suite run {suite.id} was begun or cancelled already")
    if suite.outcome in {SuiteState.PASSED, SuiteState.FAILED}:
        raise UsageError(f"nothing is missing of suite run {suite.id}: every type of it is complete")
    if not suite.types or suite.suite == UNKNOWN:
        raise UsageError(f"suite run {suite.id} was never made whole: its process stopped too early; cancel it")
    if is_at_work(suite, clock):
        raise RefusedError(f"suite run {suite.id} is being worked on: wait until it ends, or cancel it")


def _begin(store: Store, suite: SuiteRun, plan: SuitePlan, clock: Clock) -> SuiteRun:
    """The suite run, marked as running, with its types as an earlier attempt left them."""
    begin_attempt(store, suite, clock())
    types = find_left_over(store, suite, plan) if len(suite.attempts) > 1 else suite.types
    now, done = clock(), sum(each.done_cases for each in types)
    note_attempt(store, suite.id, now, done)
    return replace(suite, types=types, attempt_began=now, cases_before=done, ended=None)


@contextmanager
def _left_as_incomplete(store: Store, suite_id: str, attempt: int, clock: Clock) -> Iterator[None]:
    """If the work inside breaks off, say so in the store as far as it answers; else the suite run counts as lost."""
    try:
        yield
    except TakenOverError:
        raise
    except BaseException as problem:
        why = stated(str(problem)) or type(problem).__name__
        with suppress(StoreError):
            end_suite_run(store, suite_id, attempt, SuiteState.INCOMPLETE, clock(), why)
        raise


def standing(suite: SuiteRun, clock: Clock = utc_now) -> SuiteState:
    """What a suite run is now, as far as this machine can know.

    Of a process on this machine it is known at once whether it has stopped; another one is `lost` after a minute
    without a sign of life.
    """
    now = clock()
    state = suite.state(now)
    if suite.outcome is not None or not suite.attempts:
        return state
    owner = suite.attempts[-1].partition(SEPARATOR)[0]
    since = suite.heartbeat or suite.started
    stopped = since is None or has_stopped(owner, suite.id, since, now)
    return SuiteState.LOST if stopped else SuiteState.RUNNING


def is_at_work(suite: SuiteRun, clock: Clock = utc_now) -> bool:
    """Whether some process works on it now."""
    return standing(suite, clock) is SuiteState.RUNNING


def lost_suites(store: Store, clock: Clock = utc_now) -> list[SuiteRun]:
    """The suite runs that nobody works on although they have not ended, newest first.

    Raises:
        StoreError: they can't be read.
    """
    return [each for each in list_open_suite_runs(store) if standing(each, clock) is SuiteState.LOST]


def cancel_suite(store: Store, named: str, *, actor: Person, clock: Clock = utc_now) -> str:
    """Have a suite run stop, and end one whose process has stopped; what was done, in words.

    Raises:
        RefusedError: the actor's role is not enough, or somebody else has just begun to work on it.
        NotSaidError: nobody is named as the actor.
        UsageError: there is no such suite run, or it has ended.
        StoreError: the store failed.
    """
    refuse_unless(actor, Deed.CANCEL_SUITE)
    (who, _), suite = who_and_why(actor, "", None), find_suite_run(store, named)
    if suite.outcome is not None:
        raise UsageError(f"suite run {suite.id} has ended already: {suite.outcome}")
    if is_at_work(suite, clock):
        request_cancel(store, suite.id, len(suite.attempts), who)
        return f"suite run {suite.id} was asked to stop: it logs what is done and ends within seconds"
    if not claim_attempt(store, suite, f"{SEPARATOR}{uuid.uuid4().hex} cancelled by {who}", clock()):
        raise RefusedError(f"somebody else has just begun to work on suite run {suite.id}: try again")
    for each in suite.types:
        name = experiment_name(store.settings.base_experiment, store.settings.base_eval_type, each.eval_type)
        abandon_open(store, eval_runs_of_suite(store, name, suite.id))
    attempt = len(suite.attempts) + 1
    request_cancel(store, suite.id, attempt, who)
    said = "its process had stopped" if suite.attempts else "nobody had begun it"
    end_suite_run(store, suite.id, attempt, SuiteState.CANCELLED, clock(), f"cancelled by {who}; {said}")
    return f"suite run {suite.id} was ended: {said}"
