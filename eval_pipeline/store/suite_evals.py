"""The eval runs that belong to a suite run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from eval_pipeline.errors import StoreError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.runs import ENDED
from eval_pipeline.store.tables import SUITE_TAG

if TYPE_CHECKING:
    from mlflow.entities import Run

PARENT_TAG = "mlflow.parentRunId"
FAILURE_TAG = "eval_pipeline.failure"
"""Why a run is no evidence, in words."""
ABANDONED = "its process stopped before all of it was logged"
DIGEST_TAG = "eval_pipeline.dataset_digest"
"""Of the dataset's text that was evaluated."""
SUPERSEDED_TAG = "eval_pipeline.superseded_by"
"""The run that took the place of this one when its suite run was resumed."""


@contextmanager
def reached_with_artifacts(store: Store) -> Iterator[None]:
    """As `Store.reached`, also for what is written into a folder or a service of artifacts."""
    try:
        with store.reached():
            yield
    except OSError as problem:
        raise StoreError(f"the artifacts of {store.shown_uri} can't be written or read: {problem}") from problem


def eval_runs_of_suite(store: Store, experiment_name: str, suite_id: str) -> list[Run]:
    """The runs that a suite run logged for one eval type, newest first."""
    with store.reached():
        experiment = store.client.get_experiment_by_name(experiment_name)
        if experiment is None:
            return []
        return list(
            store.client.search_runs(
                [experiment.experiment_id],
                f"tags.`{SUITE_TAG}` = '{suite_id}'",
                max_results=100,
                order_by=["attributes.start_time DESC"],
            )
        )


def abandon_open(store: Store, runs: Iterable[Run]) -> None:
    """End those of the runs that nobody is going to end."""
    with store.reached():
        for run in runs:
            if run.info.status not in ENDED:
                store.client.set_tag(run.info.run_id, FAILURE_TAG, ABANDONED)
                store.client.set_terminated(run.info.run_id, "FAILED")


def supersede(store: Store, run_id: str, by: str) -> None:
    """Say on a run which other one took its place."""
    with store.reached():
        store.client.set_tag(run_id, SUPERSEDED_TAG, by)


def runs_since(store: Store, experiment_name: str, since: datetime) -> list[Run]:
    """The runs of an experiment that began since a moment, newest first."""
    with store.reached():
        experiment = store.client.get_experiment_by_name(experiment_name)
        if experiment is None:
            return []
        begun = f"attributes.start_time >= {int(since.timestamp() * 1000)}"
        return list(
            store.client.search_runs(
                [experiment.experiment_id], begun, max_results=100, order_by=["attributes.start_time DESC"]
            )
        )


def adopt_runs(store: Store, found: Sequence[Run], suite_id: str) -> list[Run]:
    """Those of the runs (newest first) that are of a suite run, now said to be; nested runs come last.

    Runs that name another suite run are left out. Where none names this one, those are taken that name no suite run and
    have ended: one that goes on is somebody else's.
    """
    ours = [run for run in found if run.data.tags.get(SUITE_TAG) == suite_id]
    free = [run for run in found if not ours and SUITE_TAG not in run.data.tags and run.info.status in ENDED]
    with store.reached():
        for run in free:
            store.client.set_tag(run.info.run_id, SUITE_TAG, suite_id)
    return sorted(ours or free, key=lambda run: PARENT_TAG in run.data.tags)
