"""Programs that the evaluator starts, and how it ends together with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import NoReturn

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
PATIENCE_S = 5.0
"""How long an orderly end may take."""


class Processes:
    """Programs at work, each the leader of a process group of its own."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._starting = False
        self._end: Callable[[], object] | None = None

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program whose three standard streams are pipes. Only the main thread may.

        Raises:
            OSError: it can't be started.
        """
        pipe = subprocess.PIPE
        self._starting = True
        try:
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
            self._groups.add(process.pid)
        finally:
            self._starting = False
            if self._end:  # somebody asked for the end in between, when this program was not known yet
                self.end(self._end)
        return process

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """The program has ended; what it left running on purpose may stay."""
        self._groups.discard(process.pid)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End a program and all that it started."""
        self.forget(process)
        _kill_group(process.pid)

    def end(self, end: Callable[[], object]) -> None:
        """Kill all programs and end this process by `end`; safe in signal handlers and from other threads."""
        self._end = end
        if not self._starting:
            for group in tuple(self._groups):
                _kill_group(group)
            end()


PROCESSES = Processes()
"""Those of this process."""


def end_with_children_on_signals() -> None:
    """From now on SIGTERM and Ctrl-C end this process at once, by that signal, and all programs that it started."""

    def on_signal(number: int, _frame: FrameType | None) -> None:
        PROCESSES.end(lambda: _die_by(number))

    for number in ENDING_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, on_signal)


def end_at_once(code: int) -> None:
    """End this process and all programs that it started, whatever its threads are at."""
    PROCESSES.end(lambda: os._exit(code))


def end_orderly(code: int, *, left_behind: bool) -> NoReturn:
    """End this process as usual, or, if foreign code was left behind or won't let go, without more ado."""
    sys.stderr.flush()
    if left_behind:
        os._exit(code)
    impatience = threading.Timer(PATIENCE_S, os._exit, [code])
    impatience.daemon = True
    impatience.start()
    sys.exit(code)


def _die_by(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
