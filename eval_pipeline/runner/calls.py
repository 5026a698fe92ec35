"""The calls that a case makes: counted, capped, and within the time that the case has."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from eval_pipeline.core.jobs import Limits
from eval_pipeline.errors import UsageError


class NoAnswer(Exception):  # noqa: N818  the field's word is "errored": this one carries the case's error
    """A case can't be answered or judged. The message is what its result says."""


class CallCap:
    """How many calls to target and judge may be made, by all processes together that count in one file."""

    def __init__(self, limits: Limits) -> None:
        """Open the file.

        Raises:
            UsageError: there is a cap, and calls can't be counted in the file.
        """
        self._most = limits.max_calls
        self._made = 0
        self._file: int | None = None
        if self._most is not None and limits.calls_file is not None:
            try:
                self._file = os.open(limits.calls_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            except OSError as problem:
                raise UsageError(f"calls can't be counted in limits.calls_file: {problem}") from problem

    def take(self) -> None:
        """Count a call that is about to be made.

        Raises:
            NoAnswer: the cap is reached, so it must not be made.
        """
        if self._most is None:
            return
        if self._made < self._most:
            self._made = self._made + 1 if self._file is None else _append(self._file)
            if self._made <= self._most:
                return
        raise NoAnswer(f"not run: the cap of {self._most} calls is reached")


def _append(file: int) -> int:
    """The place of the byte that this writes, from 1: of those who append at once, each gets a place of its own."""
    os.write(file, b".")
    return os.lseek(file, 0, os.SEEK_CUR)


@dataclass(slots=True)
class Calls:
    """The calls that one case makes to its target or its judge."""

    cap: CallCap
    seconds: float
    """How long the case may take in all."""
    deadline: float
    """When that is over, on the clock of the running event loop."""
    made: int = 0

    @property
    def time_left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - asyncio.get_running_loop().time()

    def count(self) -> None:
        """Count a call that is about to be made.

        Raises:
            NoAnswer: the cap is reached, so it must not be made.
        """
        self.cap.take()
        self.made += 1
