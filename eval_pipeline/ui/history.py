"""The eval history that all sessions of one app process share: synced every few seconds, prepared once per change."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from eval_pipeline.actions.auditing import audit_events
from eval_pipeline.core.models import (
    CheckResult,
    EvalExperiment,
    PromptEvent,
    RegressionReport,
    TrendPoint,
    TrendSummary,
)
from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.core.regression import check_all_regressions, judge_history
from eval_pipeline.core.trends import BEFORE_ALL, build_trend_summary, prompt_events
from eval_pipeline.errors import PipelineError
from eval_pipeline.report import frames
from eval_pipeline.store.audit import read_records
from eval_pipeline.store.connection import Store, find_store
from eval_pipeline.store.ledger import find_ledger
from eval_pipeline.store.mirror import Mirror, get_trend_points, open_mirror
from eval_pipeline.store.syncing import Progress
from eval_pipeline.ui.person import app_settings

SYNC_SECONDS = 15.0
"""How long what was read may be shown before the store is asked again."""


@dataclass(frozen=True, slots=True)
class TypeHistory:
    """One eval type's runs, oldest first, and what the rules say of them."""

    version: str
    summary: TrendSummary
    reports: list[RegressionReport | None]
    """Aligned with `summary.points`."""
    runs: pd.DataFrame
    """A `frames.runs_frame`."""

    def report_of(self, run_id: str) -> RegressionReport | None:
        """What the rules say of one run."""
        pairs = zip(self.summary.points, self.reports, strict=True)
        return next((report for point, report in pairs if point.run_id == run_id), None)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All eval types as of one sync."""

    types: Mapping[str, TypeHistory]
    """By eval type, in its order of names."""
    runs: pd.DataFrame
    """All of their runs, a `frames.runs_frame`."""
    standing: pd.DataFrame
    """Where each type stands, a `frames.overview_frame`."""
    check: CheckResult
    """The newest complete run of each type against its baseline."""
    events: tuple[PromptEvent, ...]
    """Oldest first."""
    problem: str | None
    """Why the store could not be read just now; what is here was read before."""
    read_at: datetime | None
    """When the store was last read, UTC."""
    version: str
    """Differs whenever the history does; for caches."""

    def find_run(self, run_id: str) -> tuple[TrendPoint, RegressionReport | None] | None:
        """A run and its report, by its id."""
        for history in self.types.values():
            for point in history.summary.points:
                if point.run_id == run_id:
                    return point, history.report_of(run_id)
        return None


class SharedHistory:
    """Keeps the newest snapshot. One session at a time syncs; others wait only where there is nothing to show yet."""

    def __init__(self, store: Store, mirror: Mirror) -> None:
        self.store, self._mirror = store, mirror
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._types: dict[str, TypeHistory] = {}
        self._moves: tuple[PromptEvent, ...] = ()
        self._moves_ended: dict[int, RecordStatus] = {}
        self._snapshot: Snapshot | None = None

    @property
    def due(self) -> bool:
        """Whether the next snapshot will ask the store."""
        return time.monotonic() - self._asked_at > SYNC_SECONDS

    @property
    def empty_handed(self) -> bool:
        """Whether nothing was ever read here, so that the next sync may take long."""
        return self._snapshot is None and not self._mirror.held()

    @property
    def read_at(self) -> datetime | None:
        """When the store was last read for the pages, UTC."""
        return self._snapshot.read_at if self._snapshot else None

    def ask_again(self) -> None:
        """Have the next snapshot ask the store, however young the last one is."""
        self._asked_at = float("-inf")

    def snapshot(self, progress: Progress | None = None) -> Snapshot:
        """The history, at most a few seconds old; if the store fails, what was read before and the problem."""
        if self._snapshot is None:
            with self._lock:
                return self._newest(progress)
        if self.due and self._lock.acquire(blocking=False):
            try:
                return self._newest(progress)
            finally:
                self._lock.release()
        return self._snapshot

    def _newest(self, progress: Progress | None) -> Snapshot:
        if self._snapshot is None or self.due:
            self._snapshot = self._read(progress)
            self._asked_at = time.monotonic()
        return self._snapshot

    def _read(self, progress: Progress | None) -> Snapshot:
        problem: str | None = None
        read_at = self._snapshot.read_at if self._snapshot else None
        try:
            experiments, read_at = self._mirror.sync(progress), datetime.now(UTC)
            problem = self._read_moves()
        except PipelineError as failure:
            experiments, problem = self._mirror.held(), str(failure)
        self._types = {each.eval_type: self._type_history(each) for each in experiments}
        versions = [f"{name}:{history.version}" for name, history in self._types.items()]
        version = "/".join([*versions, f"moves:{len(self._moves_ended)}"])
        if self._snapshot is not None and self._snapshot.version == version:
            return replace(self._snapshot, problem=problem, read_at=read_at)
        runs = frames.all_runs([history.runs for history in self._types.values()])
        thresholds = {name: self.store.settings.threshold(name) for name in self._types}
        return Snapshot(
            types=self._types,
            runs=runs,
            standing=frames.overview_frame(runs, self._types),
            check=check_all_regressions({n: h.summary.points for n, h in self._types.items()}, thresholds),
            events=self._events(),
            problem=problem,
            read_at=read_at,
            version=version,
        )

    def _read_moves(self) -> str | None:
        """Read what the audit log says was moved, if it says more than last time; why it can't be read."""
        try:
            ledger = find_ledger(self.store)
            state = ledger.read() if ledger else None
            if state is not None and state.ends != self._moves_ended:
                self._moves = tuple(audit_events(read_records(ledger, state)))
                self._moves_ended = dict(state.ends)
        except PipelineError as failure:
            return f"the audit log: {failure}"
        return None

    def _events(self) -> tuple[PromptEvent, ...]:
        """What happened to prompts: the changes that runs show, and the moves that the audit log tells."""
        seen = prompt_events(history.summary for history in self._types.values())
        return tuple(sorted([*seen, *self._moves], key=lambda event: event.timestamp or BEFORE_ALL))

    def _type_history(self, experiment: EvalExperiment) -> TypeHistory:
        version = self._mirror.version(experiment)
        known = self._types.get(experiment.eval_type)
        if known is not None and known.version == version:
            return known
        default = self.store.settings.threshold(experiment.eval_type)
        points = get_trend_points(self._mirror, experiment)
        summary = build_trend_summary(experiment.eval_type, experiment.experiment_name, points)
        reports = judge_history(points, default)
        return TypeHistory(version, summary, reports, frames.runs_frame(points, reports, default))


@st.cache_resource(show_spinner=False)
def shared_history() -> SharedHistory:
    """The history of this process, by the settings in force when it first opened a page."""
    store = find_store(app_settings())
    gc.collect()
    gc.freeze()  # Streamlit collects garbage after every run: what was imported need not be walked each time
    return SharedHistory(store, open_mirror(store))
