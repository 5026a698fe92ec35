"""Stopping in an orderly way when the person or the system wants this process to end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from eval_pipeline.actions.children import kill_children

SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 130
"""The exit code of a command that was interrupted."""
STDERR = 2
NEW_LINE, SHOW_CURSOR = "\n", "\x1b[?25h"


class Stopping:
    """Whether somebody has asked this process to stop."""

    def __init__(self, said: str) -> None:
        """`said` is what the person is told then."""
        self.event = threading.Event()
        """Set when the work is to stop, by whoever wants it."""
        self.signalled = False
        """Whether it was Ctrl-C, or the system's request to end."""
        self._said = said

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Ask for an orderly end; asked again, end at once, with all children."""
        if self.signalled:
            kill_children()
            _write(f"{SHOW_CURSOR if _is_terminal() else ''}ended at once\n")
            os._exit(INTERRUPTED)
        self.signalled = True
        self.event.set()
        _write(f"{self._said}\n")


@contextmanager
def stopping_on_signals(said: str) -> Iterator[Stopping]:
    """While inside, Ctrl-C and SIGTERM only ask for an orderly end; the second one ends this process and its children.

    In a thread other than the main one, which gets no signals, nothing changes.
    """
    stopping = Stopping(said)
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {number: signal.signal(number, stopping.on_signal) for number in SIGNALS}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_terminal() -> bool:
    return os.isatty(STDERR)


def _write(text: str) -> None:
    """Past Python's own buffers, which may be half written when a signal comes."""
    try:
        os.write(STDERR, f"{NEW_LINE if _is_terminal() else ''}{text}".encode())
    except OSError:
        return  # nobody listens any more
