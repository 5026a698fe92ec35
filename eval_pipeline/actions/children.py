"""Child processes: their lines read as they come, their end seen, and none left behind."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from platformdirs import user_cache_path

from eval_pipeline.errors import PipelineError

EVALUATOR = (sys.executable, "-P", "-m", "eval_pipeline.runner")
LAST_WORDS = 40
"""Lines of a child's complaints that are kept."""
WATCH_S = 0.5
GRACE_S = 3.0
"""Seconds that a child has to end by itself before it is killed."""

Line = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child ended."""

    exit_code: int
    """Negative: the number of the signal that ended it."""
    last_words: tuple[str, ...]
    """The end of what it wrote to stderr."""
    stalled: bool
    """Whether it was ended because it gave no sign for too long."""

    @property
    def problem(self) -> str | None:
        """Why it did not end well, in words; `None` if it did."""
        if self.stalled:
            return "the evaluator gave no sign for too long and was ended"
        if self.exit_code == 0:
            return None
        if self.exit_code < 0:
            return f"the evaluator was ended by {self.signal_name}"
        said = next((line for line in reversed(self.last_words) if line.strip()), "")
        return said.strip()[:500] or f"the evaluator ended with exit code {self.exit_code}"

    @property
    def signal_name(self) -> str:
        """What ended it, if it was a signal."""
        try:
            return signal.Signals(-self.exit_code).name
        except ValueError:
            return f"signal {-self.exit_code}"


class Child:
    """A process in a session of its own, so that Ctrl-C reaches only its parent, who ends it with all it started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
        on_line: Line,
        on_word: Line | None = None,
        stall_s: float | None = None,
    ) -> None:
        """`on_line` gets each line of stdout, `on_word` each of stderr; `stall_s` is how long it may say nothing.

        Raises:
            PipelineError: it could not be started.
        """
        self._on_line, self._on_word, self._stall_s = on_line, on_word, stall_s
        self._words: deque[str] = deque(maxlen=LAST_WORDS)
        self._heard = time.monotonic()
        self._ending = threading.Event()
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=folder,
                env=child_environment(variables),
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            raise PipelineError(f"{command[0]} could not be started: {problem}") from problem
        self._threads = [
            threading.Thread(target=target, args=arguments, daemon=True)
            for target, arguments in ((self._feed, (stdin,)), (self._read, ()), (self._listen, ()), (self._watch, ()))
        ]
        self._unread: BaseException | None = None
        """Why nobody reads its lines any more."""
        self._stalled = False
        self._end_at = math.inf
        """When it is killed (monotonic seconds)."""
        with _LOCK:
            _CHILDREN.add(self)

    @property
    def pid(self) -> int:
        """Its process id, which is its group's too."""
        return self._process.pid

    def wait(self) -> ChildEnd:
        """Read what it says until it ends. It is ended, with all it started, whatever happens meanwhile."""
        try:
            for thread in self._threads:
                thread.start()
            self._process.wait()
            self._read_to_the_end()
        finally:
            self._ending.set()
            self.kill()
            with _LOCK:
                _CHILDREN.discard(self)
        if self._unread is not None:
            raise self._unread
        return ChildEnd(self._process.returncode, tuple(self._words), self._stalled)

    def _read_to_the_end(self) -> None:
        """Wait for its last lines, but not for ever: what it left behind may hold its output open."""
        self._heard = time.monotonic()
        for thread in self._threads[:-1]:
            while thread.is_alive() and time.monotonic() - self._heard < GRACE_S:
                thread.join(WATCH_S)

    def end(self) -> None:
        """Ask it to end; if it does not, it is killed some seconds later."""
        self._end_at = time.monotonic() + GRACE_S
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and all that it started, and see it gone."""
        self.strike()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)

    def strike(self) -> None:
        """End it and all that it started, at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _feed(self, text: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, OSError), self._process.stdin as stdin:
            stdin.write(text)

    def _read(self) -> None:
        self._pump(self._process.stdout, self._on_line)

    def _listen(self) -> None:
        self._pump(self._process.stderr, self._take_word)

    def _take_word(self, line: str) -> None:
        self._words.append(line.rstrip("\n"))
        if self._on_word is not None:
            self._on_word(line)

    def _pump(self, stream: IO[str] | None, take: Line) -> None:
        assert stream is not None
        try:
            with stream:
                for line in stream:
                    self._heard = time.monotonic()
                    take(line)
        except BaseException as problem:  # noqa: BLE001 - whoever waits gets it
            self._unread = problem
            self.strike()

    def _watch(self) -> None:
        """Kill a child that says nothing for too long, or that was asked to end and does not."""
        while not self._ending.wait(WATCH_S):
            now = time.monotonic()
            self._stalled |= self._stall_s is not None and now - self._heard > self._stall_s
            if self._stalled or now > self._end_at:
                self.strike()


class ended_on:  # noqa: N801 - reads as what it is
    """While inside, the child is ended when the event is set."""

    def __init__(self, stop: threading.Event, child: Child) -> None:
        self._stop, self._child, self._done = stop, child, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            if self._stop.is_set():
                self._child.end()
                return


_CHILDREN: set[Child] = set()
_LOCK = threading.Lock()


def kill_children() -> None:
    """End all children of this process, and all that they started, at once. Safe in a signal handler."""
    for child in tuple(_CHILDREN):
        child.strike()


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours; where Python is told to write no bytecode beside the sources, the many children share some elsewhere."""
    variables = dict(os.environ)
    if variables.pop("PYTHONDONTWRITEBYTECODE", ""):
        variables["PYTHONPYCACHEPREFIX"] = str(user_cache_path("eval-pipeline", appauthor=False) / "bytecode")
    return {**variables, **(more or {})}
