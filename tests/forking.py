"""Real processes to start and kill by the dozen: one imports what they need, and forks a child for each order.

`Forker` starts that process and speaks with it in lines: an order as JSON, `go` to start all that are ready. It hears
`ready <pid>` from a child that waits, whatever a child says, and `ended <pid> <status>` for each that ended, -9 for a
kill. The module that it starts calls `serve` with what a child does.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builder import remember_schema

Ready = Callable[[], None]
"""Says that the child is ready, and waits for the word."""


class Forker:
    """The process that forks, as a test has it."""

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def order(self, **order: Any) -> int:
        """Start a child; its id, once it waits for the word."""
        self._say(json.dumps(order))
        word, pid = self.hear()
        assert word == "ready"
        return int(pid)

    def go(self) -> None:
        """Let all children that wait begin."""
        self._say("go")

    def hear(self) -> list[str]:
        """What is said next: a word, the id of the child, and the rest."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n").split(" ", 2)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


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


def serve(carry_out: Callable[[dict[str, Any], Ready], None]) -> None:
    """Fork a child for each order until stdin ends; what is slow the first time is done before."""
    remember_schema()
    gc.freeze()
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
            pid, starter = _fork(carry_out, json.loads(line))
            waiting[pid] = starter


def _fork(carry_out: Callable[[dict[str, Any], Ready], None], order: dict[str, Any]) -> tuple[int, int]:
    """A child that carries out the order; its pid and the end of a pipe that makes it go."""
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
        carry_out(order, ready)
        status = 0
    finally:
        os._exit(status)
