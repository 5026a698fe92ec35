"""Progress of a suite run in a terminal or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

import click

from eval_pipeline.cli.session import Session

if TYPE_CHECKING:
    from rich.live import Live

    from eval_pipeline.actions.listening import Types
    from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress

FRAMES_A_SECOND = 4


class SuiteProgress:
    """A line as each type ends; where stderr is a terminal, a bar below them that counts the cases."""

    def __init__(self, session: Session, *, verbose: bool) -> None:
        self._session, self._verbose = session, verbose
        self._bar: Live | None = None
        self.suite: SuiteRun | None = None
        """The suite run that is at work, as it began."""

    def __enter__(self) -> SuiteProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def began(self, suite: SuiteRun, types: Types) -> None:
        """Say what is going to be evaluated, and begin to draw the bar."""
        from eval_pipeline.report import suites

        self.suite = suite
        self._session.tell(lambda style: suites.began(suite, style))
        if sys.stderr.isatty():
            self._draw(suite, types)

    def _draw(self, suite: SuiteRun, types: Types) -> None:
        from rich.console import Console
        from rich.live import Live

        from eval_pipeline.actions.clock import utc_now
        from eval_pipeline.report.suites import bar

        self._bar = Live(
            get_renderable=lambda: bar(replace(suite, types=types()), utc_now()),
            console=Console(stderr=True),
            refresh_per_second=FRAMES_A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._bar.start()

    def ended(self, done: int, total: int, progress: TypeProgress) -> None:
        """A line about a type that has ended."""
        from eval_pipeline.report import suites

        with self._above_the_bar():
            self._session.tell(lambda style: suites.type_ended(done, total, progress, style))

    def warn(self, text: str) -> None:
        """A warning on stderr."""
        self._say(f"Warning: {text}")

    def word(self, eval_type: str, line: str) -> None:
        """What a child wrote, if that is wanted."""
        if self._verbose:
            self._say(f"{eval_type}: {line.rstrip()}")

    def _say(self, text: str) -> None:
        from eval_pipeline.core.plain_text import printable

        with self._above_the_bar():
            click.echo(printable(text), err=True)

    @contextmanager
    def _above_the_bar(self) -> Iterator[None]:
        if self._bar is None:
            yield
            return
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()
