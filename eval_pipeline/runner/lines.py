"""The way out for results: standard output, which nobody else in the process can reach any more."""

from __future__ import annotations

import fcntl
import os
import select
import sys
import threading

from eval_pipeline.core.suites import CaseResult, write_case_line
from eval_pipeline.errors import UsageError
from eval_pipeline.runner.processes import end_at_once

STDIN, STDOUT, STDERR = 0, 1, 2
READER_IS_GONE = 141
"""The exit code of a shell's command that nobody listens to any more: 128 + SIGPIPE."""
CAN_NOT_WRITE = 1


class Lines:
    """Writes one line of JSON per result. The process ends when they can't be written, or nobody reads them."""

    def __init__(self) -> None:
        """Take over standard output: what anybody else writes there, programs and C code too, goes to stderr.

        Raises:
            UsageError: there is no standard output.
        """
        try:
            self._file = fcntl.fcntl(STDOUT, fcntl.F_DUPFD_CLOEXEC, STDERR + 1)
            os.set_blocking(self._file, True)
        except OSError as problem:
            raise UsageError(f"the results have nowhere to go, standard output is closed: {problem}") from problem
        _open_if_closed(STDIN, STDERR)  # or the next file that is opened would take its place
        os.dup2(STDERR, STDOUT)
        if sys.stderr is None:
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  as long as the process
        sys.stdout = sys.stderr
        threading.Thread(target=self._watch_reader, name="reader-watch", daemon=True).start()

    def write(self, result: CaseResult) -> None:
        """Write one result, at once and whole."""
        # JSON has an escape for what UTF-8 can't hold, and Python writes it the same way
        data = (write_case_line(result) + "\n").encode("utf-8", errors="backslashreplace")
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except BrokenPipeError:
            end_at_once(READER_IS_GONE)
        except OSError as problem:
            os.write(STDERR, f"the results can't be written: {problem}\n".encode())
            end_at_once(CAN_NOT_WRITE)

    def _watch_reader(self) -> None:
        """End the process when the other end of the pipe is closed, also while no line is due for long."""
        poller = select.poll()
        poller.register(self._file, 0)  # errors and hang-ups are told without being asked for
        while True:
            if any(event & (select.POLLERR | select.POLLHUP) for _, event in poller.poll()):
                end_at_once(READER_IS_GONE)


def close_input() -> None:
    """From now on standard input is empty, so that nobody waits there for what never comes."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, STDIN)
    os.close(nothing)


def _open_if_closed(*descriptors: int) -> None:
    for descriptor in descriptors:
        try:
            os.fstat(descriptor)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != descriptor:
                os.dup2(nothing, descriptor, inheritable=True)
                os.close(nothing)
