"""Watching for new prompt versions, and running a suite for each, once, whoever else is watching."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.actions.drifting import DriftLookout
from eval_pipeline.actions.owner import has_stopped
from eval_pipeline.actions.planning import plan_types
from eval_pipeline.actions.suites import is_at_work
from eval_pipeline.actions.watch_listening import WatchListener
from eval_pipeline.actions.watch_turns import GoneError, WatchTurns
from eval_pipeline.core import watching as rules
from eval_pipeline.core.people import Deed, Person, refuse_unless
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.core.watching import (
    Step,
    SuiteLook,
    VersionLog,
    Watched,
    WatchedPrompt,
    WatchedVersion,
    WatchState,
)
from eval_pipeline.errors import PipelineError, RefusedError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.watches import find_noted_suite, open_watch_ledger, read_prompts, read_versions

FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=10), timedelta(minutes=5)
"""After how long a version that could not be run is tried again: at first, and at most."""


@dataclass(frozen=True, slots=True)
class Due:
    """A version and what to do about it."""

    version: WatchedVersion
    log: VersionLog
    step: Step
    suite: SuiteRun | None


class Watcher:
    """Looks for new versions and runs them, one after the other, oldest first."""

    def __init__(
        self,
        store: Store,
        suite: str,
        listener: WatchListener,
        *,
        actor: Person,
        jobs: int | None = None,
        clock: Clock = utc_now,
        stop: threading.Event | None = None,
    ) -> None:
        """Begin to watch. Versions that exist when watching a project begins for the first time are never run.

        What it starts, the actor has started. Whoever sets `stop` ends it: what is at work then is left for the next
        watcher to go on with.

        Raises:
            RefusedError: the actor's role is not enough.
            UsageError, SettingsError, DatasetError: the suite can't be run as things are.
            StoreError: the store failed.
        """
        refuse_unless(actor, Deed.RUN_EVALS)
        plan_types(store.settings, suite)
        self._store, self._suite, self._listener, self._clock = store, suite, listener, clock
        self._ledger, self.first = open_watch_ledger(store)
        self.stop = stop or threading.Event()
        self._turns = WatchTurns(
            store, self._ledger, suite, actor=actor, listener=listener, jobs=jobs, clock=clock, stop=self.stop
        )
        self._drift = DriftLookout(store)
        self._quiet: dict[str, WatchedPrompt] = {}
        self._said: set[str] = set()
        self._retries: dict[WatchedVersion, tuple[datetime, timedelta]] = {}
        self.problems: list[PipelineError] = []
        """Why versions could not be run, in the last look."""

    def run_pending(self) -> list[Watched]:
        """Run every version that is due, and look again after each; what came of them.

        Raises:
            StoreError: the store can't be read.
        """
        done: list[Watched] = []
        self.problems = []
        passed_over: set[WatchedVersion] = set()
        while not self.stop.is_set():
            due = next((each for each in self._find_due() if each.version not in passed_over), None)
            if due is None:
                break
            passed_over.add(due.version)
            watched = self._try(due)
            if watched is not None:
                self._listener.finished(watched)
                done.append(watched)
        return done

    def look_for_drift(self) -> None:
        """Tell of aliases that were moved outside the tool, if anybody wants to know.

        Raises:
            StoreError: the store can't be read.
        """
        self._drift.look()

    def leave(self) -> None:
        """Let others go on with what is not done.

        Raises:
            StoreError: the store failed; others see that this process has stopped.
        """
        self._turns.leave()

    def _find_due(self) -> list[Due]:
        """What there is to do, oldest version first. Where no prompt has changed, one call shows that there is none."""
        self._store.probe()
        prompts = {name: each for name, each in read_prompts(self._store).items() if self._is_ours(name)}
        changed = {name: each for name, each in prompts.items() if self._quiet.get(name) != each}
        if self._quiet and not changed:
            return []
        state = self._ledger.read()
        left_open = [each for each in state.open_versions if self._is_ours(each.prompt)]
        listed = self._list_versions(state, prompts, {*changed, *(each.prompt for each in left_open)})
        gone = [each for each in left_open if each not in listed]
        oldest_first = sorted(listed, key=lambda each: (listed[each], each.prompt, each.version))
        unsettled = [each for each in [*gone, *oldest_first] if state.log(each).outcome is None]
        self._quiet = {name: prompts[name] for name in prompts.keys() - {each.prompt for each in unsettled}}
        looked = (self._look(each, state.log(each), there=each in listed) for each in unsettled)
        return [due for due in looked if due is not None]

    def _is_ours(self, prompt: str) -> bool:
        ours = self._store.settings.prompts
        return not ours or prompt in ours

    def _list_versions(
        self, state: WatchState, prompts: Mapping[str, WatchedPrompt], names: set[str]
    ) -> dict[WatchedVersion, int]:
        """The versions of these prompts that were registered since watching began, and when (ms since 1970)."""
        return {
            version: registered
            for name in names
            if name in prompts and state.has_news(prompts[name])
            for version, registered in read_versions(self._store, prompts[name]).items()
            if state.is_new(version)
        }

    def _look(self, version: WatchedVersion, log: VersionLog, *, there: bool) -> Due | None:
        """What to do about a version that is not done; `None`: nothing now."""
        now, suite, look = self._clock(), None, SuiteLook.NONE
        if version in self._retries and now < self._retries[version][0]:
            return None
        if log.suite_id is not None:
            suite = find_noted_suite(self._store, log.suite_id)
            at_work = suite is not None and is_at_work(suite, self._clock)
            look = SuiteLook.DELETED if suite is None else rules.look_at(suite, at_work=at_work)
        mine = self._turns.holds(version, log)
        stopped = not mine and bool(log.claims) and _has_stopped(version, log, suite, now)
        step = rules.next_step(log, look, mine=mine, stopped=stopped, there=there)
        if step is not Step.WAIT:
            return Due(version, log, step, suite)
        self._say_once(f"{version.key} waits", lambda: self._listener.waits(version))
        return None

    def _try(self, due: Due) -> Watched | None:
        """Do what is due; what came of the version, if this watcher is the one to say so."""
        version = due.version
        try:
            return self._do(due)
        except GoneError as problem:
            self._drop(due, str(problem))
        except RefusedError:
            self._say_once(f"{version.key} waits", lambda: self._listener.waits(version))
        except PipelineError as problem:
            self._put_off(version, problem)
        return None

    def _do(self, due: Due) -> Watched | None:
        match due.step:
            case Step.CLAIM | Step.GO_ON:
                return self._run(due)
            case Step.SETTLE:
                assert due.suite is not None
                return self._settle(due, Watched(due.version, None, rules.result_of_suite(due.suite)))
            case Step.GIVE_UP:
                result = rules.result_given_up(self._suite, due.log.suite_id, due.log.crashes)
                return self._settle(due, Watched(due.version, None, result))
            case Step.DROP:
                deleted = due.log.suite_id is not None and due.suite is None
                self._drop(due, "its suite run was deleted" if deleted else f"{due.version} was deleted")
            case Step.NOTHING | Step.WAIT:
                pass
            case _:
                assert_never(due.step)
        return None

    def _run(self, due: Due) -> Watched | None:
        version = due.version
        live = self._turns.live_version(version)
        plan = self._turns.take(version, due.log)
        if plan is None:
            return None
        self._listener.noticed(version, live, due.log.suite_id)
        watched = self._turns.run(version, due.log, plan, live)
        if watched is None:
            self._listener.left(version)
            return None
        self._turns.settle(version, rules.outcome_of(watched.result))
        self._retries.pop(version, None)
        return watched

    def _settle(self, due: Due, watched: Watched) -> Watched | None:
        ours = self._turns.settle(due.version, rules.outcome_of(watched.result), due.suite)
        return watched if ours else None

    def _drop(self, due: Due, why: str) -> None:
        if due.log.claims:
            self._turns.settle(due.version, f"could not be run: {why}", due.suite)
        self._listener.dropped(due.version, why)

    def _put_off(self, version: WatchedVersion, problem: PipelineError) -> None:
        """Try it again later: what stands in the way may heal, and other versions need not wait for it."""
        self.problems.append(problem)
        _, before = self._retries.get(version, (None, FIRST_RETRY / 2))
        delay = min(before * 2, LONGEST_RETRY)
        self._retries[version] = (self._clock() + delay, delay)
        self._say_once(f"{version.key} {problem}", lambda: self._listener.trouble(version, problem))

    def _say_once(self, what: str, say: Callable[[], None]) -> None:
        if what not in self._said:
            self._said.add(what)
            say()


def _has_stopped(version: WatchedVersion, log: VersionLog, suite: SuiteRun | None, now: datetime) -> bool:
    """Whether who has the newest claim has left it; of another machine, the signs of its suite run tell."""
    claim = log.claims[-1]
    sign = max(claim.at, suite.heartbeat) if suite is not None and suite.heartbeat is not None else claim.at
    return has_stopped(claim.owner, version.key, sign, now)
