"""How far a suite run is: kept by the process that works on it, and written to the store for everybody to see."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eval_pipeline.actions.clock import Clock
from eval_pipeline.core.suite_runs import TypeProgress
from eval_pipeline.errors import StoreError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import read_suite_run, write_progress

INTERRUPTED = "interrupted"
WRITE_S = 1.0
"""Seconds between two writes of what has changed."""
SIGN_S = 3.0
"""Seconds between two signs of life, and between two looks whether somebody wants it to stop."""


class Board:
    """The progress of each type. It may be changed from any thread; one thread writes it."""

    def __init__(
        self,
        store: Store,
        suite_id: str,
        types: Sequence[TypeProgress],
        clock: Clock,
        attempt: int = 1,
        stop: threading.Event | None = None,
    ) -> None:
        """`attempt` is which one at the suite run this is; where somebody sets `stop`, the work stops."""
        self._store, self._suite_id, self._clock, self._attempt = store, suite_id, clock, attempt
        self._types = list(types)
        self._changed: set[int] = set()
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, daemon=True)
        self.stop = stop or threading.Event()
        """Set when the work is to stop: somebody cancelled it, here or elsewhere, or has taken it over."""
        self.cancelled_by: str | None = None
        self.taken_over = False
        """Whether somebody else took this process for lost and works on the suite run now."""
        self.problem: str | None = None
        """Why the store did not take the last write."""

    @property
    def types(self) -> tuple[TypeProgress, ...]:
        """All types as they are now."""
        with self._lock:
            return tuple(self._types)

    def change(self, place: int, **fields: Any) -> TypeProgress:
        """Note what has changed about a type; it is written within a second."""
        with self._lock:
            self._types[place] = changed = replace(self._types[place], **fields)
            self._changed.add(place)
            return changed

    def said_to_stop(self) -> str:
        """Why the work stops, in words."""
        if self.taken_over:
            return "somebody else has taken it over"
        return INTERRUPTED if self.cancelled_by is None else f"cancelled by {self.cancelled_by}"

    def __enter__(self) -> None:
        """Begin to write, and to look whether the work is to stop."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Write no more by itself."""
        self._closed.set()
        self._thread.join()

    def write(self) -> bool:
        """Write what has changed, now; whether the store took it. A store that is away does not stop the work."""
        with self._writing:
            with self._lock:
                types, changed = tuple(self._types), set(self._changed)
                self._changed.clear()
            try:
                write_progress(self._store, self._suite_id, types, changed, self._clock())
            except StoreError as problem:
                self.problem = str(problem)
                with self._lock:
                    self._changed |= changed
                return False
            self.problem = None
            return True

    def _keep_writing(self) -> None:
        since_sign = 0.0
        while not self._closed.wait(WRITE_S):
            since_sign += WRITE_S
            if self._changed or since_sign >= SIGN_S:
                self.write()
            if since_sign >= SIGN_S:
                since_sign = 0.0
                self._look_for_cancel()

    def _look_for_cancel(self) -> None:
        try:
            suite = read_suite_run(self._store, self._suite_id)
        except StoreError as problem:
            self.problem = str(problem)
            return
        self.cancelled_by = suite.cancelled_by
        self.taken_over = len(suite.attempts) > self._attempt
        if self.taken_over or self.cancelled_by is not None:
            self.stop.set()
