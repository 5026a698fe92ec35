"""What a watcher does about one new version: it claims it, makes or finds its suite run, and works on that."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from eval_pipeline.actions.board import INTERRUPTED
from eval_pipeline.actions.clock import Clock
from eval_pipeline.actions.listening import Listener
from eval_pipeline.actions.owner import own_name
from eval_pipeline.actions.planning import SuitePlan, plan_again, plan_suite
from eval_pipeline.actions.promote import FROM_ALIAS, TO_ALIAS
from eval_pipeline.actions.suites import begin_suite, cancel_suite, resume_suite
from eval_pipeline.core.people import Person
from eval_pipeline.core.suite_runs import SuiteRun, SuiteState, Trigger
from eval_pipeline.core.watching import Claim, VersionLog, Watched, WatchedVersion, next_attempt
from eval_pipeline.errors import PipelineError, RefusedError, UsageError
from eval_pipeline.store.aliases import read_alias
from eval_pipeline.store.connection import Store
from eval_pipeline.store.prompts import get_prompt_text
from eval_pipeline.store.suite_runs import list_suite_runs, read_suite_run
from eval_pipeline.store.watches import WatchLedger

LOOKED_THROUGH = 200
"""Of so many of the newest suite runs one may be that a watcher made and could not note."""
SKEW = timedelta(minutes=1)
"""By how much clocks may differ."""

FOLLOW_S = 0.1


class GoneError(PipelineError):
    """The version was deleted: there is nothing to run."""


class WatchTurns:
    """The versions that this watcher has claimed, and its work on them."""

    def __init__(
        self,
        store: Store,
        ledger: WatchLedger,
        suite: str,
        *,
        actor: Person,
        listener: Listener,
        jobs: int | None,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        self._store, self._ledger, self._suite = store, ledger, suite
        self._listener, self._jobs, self._clock, self._stop = listener, jobs, clock, stop
        self._held: dict[WatchedVersion, Claim] = {}
        self._actor = actor

    def holds(self, version: WatchedVersion, log: VersionLog) -> bool:
        """Whether the newest claim of a version is this watcher's."""
        held = self._held.get(version)
        return held is not None and bool(log.claims) and log.claims[-1].nonce == held.nonce

    def live_version(self, version: WatchedVersion) -> int | None:
        """What a version is judged against: the live one, unless there is none, or it is live itself."""
        live = read_alias(self._store, version.prompt, TO_ALIAS)
        return None if live == version.version else live

    def take(self, version: WatchedVersion, log: VersionLog) -> SuitePlan | None:
        """Plan the suite run of a version, then claim it, unless it is held already; `None` if somebody was quicker.

        Raises:
            GoneError: the version was deleted.
            UsageError, SettingsError, DatasetError: it can't be planned; nothing was claimed.
            StoreError: the store failed.
        """
        plan = self._plan(version, log.suite_id)
        if self.holds(version, log):
            return plan
        claim = Claim(next_attempt(log), own_name(), self._clock(), uuid.uuid4().hex)
        self._held[version] = claim  # before it is written: a store that fails may have taken it
        if self._ledger.claim(version, claim):
            return plan
        del self._held[version]
        return None

    def run(self, version: WatchedVersion, log: VersionLog, plan: SuitePlan, live: int | None) -> Watched | None:
        """Work on the suite run of a version that was taken, until it ends; `None` if it was stopped before.

        Raises:
            RefusedError: somebody is at it.
            PipelineError: it did not end; it may be tried again.
        """
        suite_id = log.suite_id
        if suite_id is None:
            suite_id, plan = self._make_suite(version, log, plan)
        with _following(self._stop) as stop:
            result = resume_suite(
                self._store,
                suite_id,
                actor=self._actor,
                listener=self._listener,
                against=None if live is None else (version.prompt, live),
                jobs=self._jobs,
                clock=self._clock,
                plan=plan,
                stop=stop,
            )
        interrupted = result.state is SuiteState.CANCELLED and result.message == INTERRUPTED
        return None if interrupted else Watched(version, live, result)

    def settle(self, version: WatchedVersion, outcome: str, suite: SuiteRun | None = None) -> bool:
        """Note what came of a version; whether nobody had. A suite run that is left open is ended."""
        ours = self._ledger.settle(version, outcome)
        self._held.pop(version, None)
        if suite is not None and suite.outcome is None:
            self._end(suite.id)
        return ours

    def leave(self) -> None:
        """Let others go on with what is not done.

        Raises:
            StoreError: the store failed; others see that this process has stopped.
        """
        for version, claim in list(self._held.items()):
            self._ledger.leave(version, claim)
            del self._held[version]

    def _plan(self, version: WatchedVersion, suite_id: str | None) -> SuitePlan:
        try:
            if suite_id is not None:
                return plan_again(self._store, read_suite_run(self._store, suite_id))
            prefer = (TO_ALIAS, FROM_ALIAS)
            return plan_suite(self._store, self._suite, versions={version.prompt: version.version}, prefer=prefer)
        except UsageError as problem:
            if get_prompt_text(self._store, version.prompt, version.version) is None:
                raise GoneError(f"{version} was deleted") from problem
            raise

    def _make_suite(self, version: WatchedVersion, log: VersionLog, plan: SuitePlan) -> tuple[str, SuitePlan]:
        """Its suite run, noted in the ledger: one that was made and not noted, or a new one."""
        made = self._find_unnoted(version, log)
        if made is not None:
            suite_id, plan = made.id, plan_again(self._store, made)
        else:
            suite_id = begin_suite(self._store, plan, trigger=Trigger.WATCH.value, actor=self._actor, clock=self._clock)
        if not self._ledger.note_suite(version, suite_id):
            self._end(suite_id)
            raise RefusedError(f"another watcher has just begun to run {version}")
        return suite_id, plan

    def _find_unnoted(self, version: WatchedVersion, log: VersionLog) -> SuiteRun | None:
        """The suite run of an earlier attempt that ended before it could note it."""
        if not log.claims:
            return None
        return next(
            (
                suite
                for suite in list_suite_runs(self._store, LOOKED_THROUGH)
                if (suite.trigger, suite.candidate) == (Trigger.WATCH.value, (version.prompt, version.version))
                and suite.outcome is None
                and not suite.attempts
                and suite.started is not None
                and suite.started >= log.claims[0].at - SKEW
            ),
            None,
        )

    def _end(self, suite_id: str) -> None:
        """End a suite run that nobody is going to work on, if it is there and has not ended."""
        try:
            cancel_suite(self._store, suite_id, actor=self._actor, clock=self._clock)
        except (UsageError, RefusedError) as problem:
            self._listener.warn(str(problem))


@contextmanager
def _following(stop: threading.Event) -> Iterator[threading.Event]:
    """An event for one suite run, set when `stop` is. Somebody who cancels that run sets it, and ends no watcher."""
    own, over = threading.Event(), threading.Event()

    def follow() -> None:
        while not over.wait(FOLLOW_S):
            if stop.is_set():
                own.set()
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield own
    finally:
        over.set()
        thread.join()
