"""What `eval-pipeline watch` prints while it works."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import click

from eval_pipeline.cli.session import Session
from eval_pipeline.cli.suite_progress import SuiteProgress
from eval_pipeline.core.plain_text import printable
from eval_pipeline.report import watching as words

if TYPE_CHECKING:
    from eval_pipeline.actions.listening import Types
    from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress
    from eval_pipeline.core.watching import Watched, WatchedVersion
    from eval_pipeline.errors import PipelineError, StoreError


class Teller:
    """Prints it: the answers to stdout, what goes wrong to stderr, and beside JSON everything else to stderr too."""

    def __init__(self, session: Session, suite: str, *, one_by_one: bool) -> None:
        """`one_by_one`: each answer is printed when it is there; else `list_all` prints them as one list of JSON."""
        self._session, self._suite, self._one_by_one = session, suite, one_by_one
        self._progress, self._bar = SuiteProgress(session, verbose=False), ExitStack()
        self._refused: set[str] = set()
        self._lock = threading.Lock()

    def noticed(self, version: WatchedVersion, live: int | None, suite_id: str | None) -> None:
        """A new version is about to be run."""
        self.remark(words.noticed(version, self._suite, live, suite_id))

    def began(self, suite: SuiteRun, types: Types) -> None:
        """Its suite run begins."""
        self._bar.enter_context(self._progress)
        self._progress.began(suite, types)

    def ended(self, done: int, total: int, progress: TypeProgress) -> None:
        """A type has ended."""
        self._progress.ended(done, total, progress)

    def finished(self, watched: Watched) -> None:
        """A version is done."""
        self._bar.close()
        if not self._session.as_json:
            self._session.write(None, lambda style: words.outcome(watched, style))
        elif self._one_by_one:
            line = json.dumps(words.watched(watched), allow_nan=False) + "\n"
            replace(self._session, format="table").write(None, lambda _: line)  # as it is: an object a line

    def list_all(self, done: Sequence[Watched]) -> None:
        """All that was done."""
        if self._session.as_json:
            self._session.write([words.watched(each) for each in done], lambda _: "")
        elif not done:
            self.remark(words.NOTHING)

    def left(self, version: WatchedVersion) -> None:
        """A version was stopped half-way."""
        self._bar.close()
        self.remark(words.left(version))

    def dropped(self, version: WatchedVersion, why: str) -> None:
        """A version can't be run any more."""
        self.remark(words.dropped(version, why))

    def waits(self, version: WatchedVersion) -> None:
        """Somebody else is at a version."""
        self._bar.close()
        self.remark(words.waits(version))

    def trouble(self, version: WatchedVersion, problem: PipelineError) -> None:
        """A version could not be run."""
        self._bar.close()
        self.warn(words.trouble(version, str(problem)))

    def away(self, since: datetime, problem: StoreError) -> None:
        """The store does not answer."""
        self.warn(words.away(since, str(problem), self._session.zone))

    def back(self, since: datetime) -> None:
        """The store answers again."""
        self.warn(words.back(since, self._session.zone))

    def refused(self, why: str) -> None:
        """A delivery to the webhook was refused; each reason is said once."""
        with self._lock:
            if why in self._refused:
                return
            self._refused.add(why)
        self.warn(f"a delivery to the webhook was refused: {why}")

    def word(self, eval_type: str, line: str) -> None:
        """What a child writes beside its results is in its eval run."""

    def warn(self, text: str) -> None:
        """Something went wrong that does not stop the watcher."""
        click.echo(printable(text), err=True)

    def remark(self, line: str) -> None:
        """Something beside the answers."""
        self._session.remark(line)
