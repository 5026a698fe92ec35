"""What a watcher tells whoever started it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from eval_pipeline.actions.listening import Listener
from eval_pipeline.core.watching import Watched, WatchedVersion
from eval_pipeline.errors import PipelineError, StoreError


class WatchListener(Listener, Protocol):
    """Told what a watcher sees and does."""

    def noticed(self, version: WatchedVersion, live: int | None, suite_id: str | None) -> None:
        """A new version is about to be run, against the live one; `suite_id`: a suite run is gone on with."""

    def finished(self, watched: Watched) -> None:
        """A version is done."""

    def left(self, version: WatchedVersion) -> None:
        """A version was stopped half-way: the next watcher goes on with it."""

    def dropped(self, version: WatchedVersion, why: str) -> None:
        """A version can't be run any more."""

    def waits(self, version: WatchedVersion) -> None:
        """Somebody else is at a version; said once."""

    def trouble(self, version: WatchedVersion, problem: PipelineError) -> None:
        """A version could not be run, and is tried again; said once for each reason."""

    def away(self, since: datetime, problem: StoreError) -> None:
        """The store does not answer; said once."""

    def back(self, since: datetime) -> None:
        """The store answers again."""
