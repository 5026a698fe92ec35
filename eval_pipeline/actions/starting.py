"""Work on a suite run in a process of its own, which goes on when the one that started it has ended."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from eval_pipeline.actions.children import child_environment
from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.actions.lines import suite_folder
from eval_pipeline.actions.planning import SuitePlan
from eval_pipeline.actions.promote import stated
from eval_pipeline.actions.suites import begin_suite, cancel_suite, standing
from eval_pipeline.core.people import Deed, Person, refuse_unless
from eval_pipeline.core.suite_runs import SuiteRun, SuiteState
from eval_pipeline.errors import PipelineError
from eval_pipeline.store.connection import TRACKING_VARIABLE, Store
from eval_pipeline.store.suite_runs import list_open_suite_runs, read_suite_run

COMMAND = (sys.executable, "-P", "-m", "eval_pipeline", "run-evals")
ROLE_VARIABLE = "EVAL_PIPELINE_AUTH_TERMINAL_ROLE"
"""The setting that tells a process of its role."""
LOG_FILE = "log.txt"
LAST_LINES = 12
LONGEST_WORDS = 4_000
"""Characters of a log that are read from its end."""


@dataclass(frozen=True, slots=True)
class _Started:
    """A process that this one has started."""

    process: subprocess.Popen[bytes]
    attempts: int
    """How many attempts at the suite run there were by then."""

    def has_begun(self, suite: SuiteRun) -> bool:
        """Whether it, or somebody else since, has begun to work on the suite run."""
        return len(suite.attempts) > self.attempts


_STARTED: dict[str, _Started] = {}
"""The last one of each suite run, so that one that has ended can be told from one that is about to begin."""
_ENDING: list[subprocess.Popen[bytes]] = []
"""Earlier ones, until they are reaped."""


def start_suite(
    store: Store, plan: SuitePlan, *, trigger: str, actor: Person, jobs: int | None = None, clock: Clock = utc_now
) -> str:
    """Make the suite run of a plan and have a process of its own work on it; its id.

    Raises:
        RefusedError: the actor's role is not enough.
        UsageError: nobody is named as the actor.
        PipelineError: the process could not be started; the suite run is ended.
        StoreError: the store failed.
    """
    suite_id = begin_suite(store, plan, trigger=trigger, actor=actor, clock=clock)
    try:
        launch(store, suite_id, actor=actor, first=True, jobs=jobs)
    except PipelineError:
        cancel_suite(store, suite_id, actor=actor, clock=clock)
        raise
    return suite_id


def launch(
    store: Store, suite_id: str, *, actor: Person, first: bool = False, attempts: int = 0, jobs: int | None = None
) -> None:
    """Start a process that works on a suite run. It has a session of its own: nothing that ends this one ends it.

    `first`: only if nobody has begun yet. `attempts`: how many there were. Where one started here is about to begin,
    nothing is done. What it says goes to a log of this machine. It acts as the actor, with the actor's role.

    Raises:
        RefusedError: the actor's role is not enough.
        PipelineError: it could not be started.
    """
    refuse_unless(actor, Deed.RUN_EVALS)
    earlier = _STARTED.get(suite_id)
    if earlier is not None and earlier.attempts == attempts and earlier.process.poll() is None:
        return
    command = [*COMMAND, "--resume", suite_id, f"--actor={stated(actor.name)}", *(["--first"] if first else [])]
    if jobs is not None:
        command += ["--jobs", str(jobs)]
    with ExitStack() as stack:
        log = _open_log(stack, suite_folder(store.settings, suite_id))
        try:
            process = subprocess.Popen(
                command,
                env=child_environment({TRACKING_VARIABLE: store.uri, ROLE_VARIABLE: actor.role}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as problem:
            raise PipelineError(f"{command[0]} could not be started: {problem.strerror}") from problem
    _STARTED[suite_id] = _Started(process, attempts)
    _ENDING[:] = [each for each in [*_ENDING, *([earlier.process] if earlier else [])] if each.poll() is None]


def _open_log(stack: ExitStack, folder: Path) -> int | IO[bytes]:
    """Where the process writes; nowhere if this machine can't keep a log, which is no reason not to work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return stack.enter_context((folder / LOG_FILE).open("ab"))
    except OSError:
        return subprocess.DEVNULL


def state_here(suite: SuiteRun, clock: Clock = utc_now) -> SuiteState:
    """What a suite run is now, as far as this process can know.

    One that was started here is `starting` until its process begins to work, and `lost` if that has ended before.
    """
    state = standing(suite, clock)
    started = _STARTED.get(suite.id)
    if started is None:
        return state
    ended = started.process.poll() is not None  # asked in any case, so that no process stays behind as a zombie
    if started.has_begun(suite):
        return state
    if not ended:
        return SuiteState.STARTING
    return SuiteState.LOST if state.open else state


def suites_at_work(store: Store, clock: Clock = utc_now) -> list[tuple[SuiteRun, SuiteState]]:
    """Every suite run that goes on anywhere, or should and does not (`lost`), newest first.

    Raises:
        StoreError: they can't be read.
    """
    suites = {each.id: each for each in list_open_suite_runs(store)}
    for suite_id, started in list(_STARTED.items()):
        if suite_id not in suites and started.process.poll() is None:  # one that had ended and is being resumed
            suites[suite_id] = read_suite_run(store, suite_id)
    found = [(suite, state_here(suite, clock)) for suite in suites.values()]
    return [(suite, state) for suite, state in found if state.open or state is SuiteState.LOST]


def last_words(store: Store, suite_id: str) -> str | None:
    """The end of what its process wrote, if that was on this machine; `None` where there is nothing."""
    try:
        with (suite_folder(store.settings, suite_id) / LOG_FILE).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - LONGEST_WORDS))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-LAST_LINES:]) or None
