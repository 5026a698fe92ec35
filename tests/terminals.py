"""Real `eval-pipeline` processes, each in a session of its own, forked from one that has imported what they need.

An order is `{"arguments", "folder", "variables", "out", "err"}`; `out` and `err` are files, or the path of a terminal.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import eval_pipeline.actions.suites
import eval_pipeline.cli.doctor
import eval_pipeline.cli.run_evals
import eval_pipeline.cli.suite_progress  # noqa: F401
from eval_pipeline.cli import _outcome
from tests.forking import Forker, Ready


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    code: int
    """Negative: the number of the signal that ended it."""
    out: str
    err: str


class Terminals(Forker):
    """Starts them, and waits for their end."""

    def __init__(self) -> None:
        super().__init__("tests.terminals:carry_out")
        self.files: dict[int, tuple[Path, Path]] = {}
        """Where each writes."""
        self._at_work: set[int] = set()

    def start(self, folder: Path, *commands: Sequence[str], terminal: str | None = None, **variables: str) -> list[int]:
        """Start a process for each command line, all at the same moment; their ids. `terminal`: where they write."""
        pids = []
        for arguments in commands:
            number = len(self.files)
            out, err = folder.parent / f"out-{number}", folder.parent / f"err-{number}"
            where = {"out": terminal or str(out), "err": terminal or str(err)}
            pid = self.order(arguments=list(arguments), folder=str(folder), variables=variables, **where)
            self.files[pid] = out, err
            pids.append(pid)
            self._at_work.add(pid)
        self.go()
        return pids

    def end(self, count: int = 1) -> list[Ended]:
        """Wait until so many have ended, in the order in which they do."""
        ended = []
        for _ in range(count):
            word, pid, status = self.hear()
            assert word == "ended"
            self._at_work.discard(int(pid))
            out, err = (path.read_text() if path.exists() else "" for path in self.files[int(pid)])
            ended.append(Ended(int(status), out, err))
        return ended

    def kill_all(self) -> None:
        """End those that are still at work, as after a test that failed."""
        for pid in tuple(self._at_work):
            os.killpg(pid, signal.SIGKILL)
        self.end(len(self._at_work))


def carry_out(order: dict[str, Any], ready: Ready) -> None:
    """Be a user's `eval-pipeline`."""
    os.setsid()
    os.chdir(order["folder"])
    os.environ.update(order["variables"])
    ready()
    for descriptor, name in ((1, "out"), (2, "err")):
        file = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, descriptor)
    code = _outcome(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
