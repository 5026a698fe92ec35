"""Reading experiments and runs from MLflow, quickly and without losing any to paging."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eval_pipeline.core.models import EvalExperiment
from eval_pipeline.core.runs import find_eval_experiments
from eval_pipeline.errors import SettingsError
from eval_pipeline.store.connection import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

PAGE = 2_000
"""Runs asked for at once: MLflow takes 55 KB for each, so 110 MB a page; larger pages are no faster."""
LARGEST_PAGE = 50_000
"""The most that MLflow allows."""
ENDED = ("FINISHED", "FAILED", "KILLED")
FINISHED_RUNS = "attributes.status = 'FINISHED'"
NOT_ENDED = " AND ".join(f"attributes.status != '{status}'" for status in ENDED)

Counted = Callable[[int], None]


def get_eval_experiments(store: Store) -> list[EvalExperiment]:
    """The eval types of the store, by name.

    Raises:
        StoreError: the store can't be read.
        SettingsError: two experiments are the same eval type.
    """
    found = find_eval_experiments(
        list_experiments(store), store.settings.base_experiment, store.settings.base_eval_type
    )
    for first, second in itertools.pairwise(found):
        if first.eval_type == second.eval_type:
            raise SettingsError(
                f"the experiments {first.experiment_name} and {second.experiment_name} both are the eval type "
                f"{first.eval_type}: set base_eval_type to another name"
            )
    return found


def list_experiments(store: Store) -> list[tuple[str, str, int]]:
    """Every active experiment of the store, of any project, as (id, name, creation time in ms)."""
    if store.absent:
        return []
    found: list[tuple[str, str, int]] = []
    token: str | None = None
    with store.reached():
        while True:
            page = store.client.search_experiments(max_results=1_000, page_token=token)
            found.extend((each.experiment_id, each.name, each.creation_time or 0) for each in page)
            token = page.token
            if not token:
                return found


def search_pages(
    client: MlflowClient,
    experiment_ids: Sequence[str],
    condition: str = "",
    *,
    deleted: bool = False,
    first_page: int | None = None,
) -> Iterator[list[Run]]:
    """Pages of runs, newest start first, each run once.

    MLflow pages by offset, so a run that is added or deleted between two pages makes it repeat or skip others. Here
    each page instead begins at the start time where the last one ended. `first_page` is the size of the first page, for
    callers that mostly need no more.
    """
    from mlflow.entities import ViewType

    view = ViewType.DELETED_ONLY if deleted else ViewType.ACTIVE_ONLY
    seen: set[str] = set()
    before: int | None = None
    size = first_page or PAGE
    while True:
        conditions = [condition, "" if before is None else f"attributes.start_time <= {before}"]
        page = client.search_runs(
            list(experiment_ids),
            " AND ".join(filter(None, conditions)),
            view,
            max_results=size,
            order_by=["attributes.start_time DESC"],
        )
        fresh = [run for run in page if run.info.run_id not in seen]
        seen.update(run.info.run_id for run in fresh)
        if fresh:
            yield fresh
        if len(page) < size or (not fresh and size == LARGEST_PAGE):
            return
        size = PAGE if fresh else LARGEST_PAGE  # more runs than a page holds started in one millisecond
        before = page[-1].info.start_time


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking MLflow's many small objects: two thirds of the time of reading runs."""
    _PAUSE.enter()
    try:
        yield
    finally:
        _PAUSE.leave()


class _Pause:
    """Counts who wants the collector off, so that nested and concurrent readers switch it on again only once."""

    def __init__(self) -> None:
        self._lock, self._depth, self._was_enabled = threading.Lock(), 0, False

    def enter(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._depth += 1

    def leave(self) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0 and self._was_enabled:
                gc.enable()


_PAUSE = _Pause()
