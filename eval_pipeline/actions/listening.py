"""What a suite run tells whoever started it, while it works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress

Types = Callable[[], tuple[TypeProgress, ...]]
"""Gives the types as they are at the moment it is called."""


class Listener(Protocol):
    """Told from several threads, one call at a time for each method."""

    def began(self, suite: SuiteRun, types: Types) -> None:
        """Work begins; `types` may be asked at any time, also for a live display."""

    def ended(self, done: int, total: int, progress: TypeProgress) -> None:
        """A type has ended, the `done`th of `total`."""

    def warn(self, text: str) -> None:
        """Something went wrong that does not stop the work."""

    def word(self, eval_type: str, line: str) -> None:
        """A line that the child of an eval type wrote beside its results."""


class Silent:
    """Listens and says nothing."""

    def began(self, suite: SuiteRun, types: Types) -> None:
        """Nothing."""

    def ended(self, done: int, total: int, progress: TypeProgress) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    def word(self, eval_type: str, line: str) -> None:
        """Nothing."""


SILENT = Silent()
