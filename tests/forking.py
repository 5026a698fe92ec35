"""Real processes to start and kill by the dozen: one imports what they need, and forks a child for each order.

That process serves all tests of this one, as importing MLflow takes it seconds. A `Forker` speaks with it in lines: an
order as JSON, `go` to start all that are ready. It hears `ready <pid>` from a child that waits, whatever a child says,
and `ended <pid> <status>` for each that ended, -9 for a kill. What a child does is said by the name of a function,
which gets the order, and what says that it is ready.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.builder import remember_schema, write_without_waiting

Ready = Callable[[], None]
"""Says that the child is ready, and waits for the word."""

_PROCESSES: list[subprocess.Popen[str]] = []
"""The one that forks, if it has been started."""


class Forker:
    """The process that forks, as a test has it."""

    def __init__(self, carry_out: str) -> None:
        """`carry_out` is what its children do: `tests.actions.forking:act`."""
        self._carry_out = carry_out
        self._unheard = 0
        """How many children may still have something to say."""

    def close(self) -> None:
        """Leave nothing behind for other tests."""
        if self._unheard:
            end_forking()

    def order(self, **order: Any) -> int:
        """Start a child in the environment of this process; its id, once it waits for the word."""
        self._say(json.dumps({"carry_out": self._carry_out, "environ": dict(os.environ), "order": order}))
        self._unheard += 1
        word, pid = self.hear()
        assert word == "ready"
        return int(pid)

    def go(self) -> None:
        """Let all children that wait begin."""
        self._say("go")

    def hear(self) -> list[str]:
        """What is said next: a word, the id of the child, and the rest."""
        said = _process().stdout
        assert said is not None
        words = said.readline().rstrip("\n").split(" ", 2)
        self._unheard -= words[0] == "ended"
        return words

    def _say(self, line: str) -> None:
        told = _process().stdin
        assert told is not None
        told.write(line + "\n")
        told.flush()


def _process() -> subprocess.Popen[str]:
    if not _PROCESSES:
        command, pipe = [sys.executable, "-m", "tests.forking"], subprocess.PIPE
        root = Path(__file__).parents[1]
        _PROCESSES.append(subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, text=True, bufsize=1))
    return _PROCESSES[0]


def end_forking() -> None:
    """End the process that forks, and children of it that wait for the word."""
    while _PROCESSES:
        process = _PROCESSES.pop()
        process.kill()
        process.communicate()


def say(*words: object) -> None:
    """Tell the test, in one write."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def killing_at(step: int) -> Callable[[], None]:
    """What to call at each step: this process is killed at the one with this number, from 0."""
    left = [step]

    def count_down() -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return count_down


def serve() -> None:
    """Fork a child for each order until stdin ends; what is slow the first time is done before."""
    import mlflow.store.model_registry.sqlalchemy_store
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

    remember_schema()
    write_without_waiting()
    gc.set_threshold(100_000, 50, 50)  # as in `tests/conftest.py`
    waiting: dict[int, int] = {}
    for line in sys.stdin:
        if line.strip() == "go":
            for starter in waiting.values():
                os.write(starter, b"g")
                os.close(starter)
            for _ in range(len(waiting)):
                pid, status = os.wait()
                say("ended", pid, os.waitstatus_to_exitcode(status))
            waiting.clear()
        else:
            pid, starter = _fork(**json.loads(line))
            waiting[pid] = starter


def _fork(carry_out: str, environ: dict[str, str], order: dict[str, Any]) -> tuple[int, int]:
    """A child that carries out the order; its pid and the end of a pipe that makes it go."""
    module, _, function = carry_out.partition(":")
    act = getattr(import_module(module), function)
    gc.freeze()
    go, starter = os.pipe()
    pid = os.fork()
    if pid:
        os.close(go)
        return pid, starter
    os.close(starter)

    def ready() -> None:
        say("ready", os.getpid())
        os.read(go, 1)

    status = 1
    try:
        os.environ.clear()
        os.environ.update(environ)
        act(order, ready)
        status = 0
    except BaseException:  # noqa: BLE001 - nobody else would say it
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve()
