"""The runs that a gate or a rollback rests on, read from the store itself and never from the mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eval_pipeline.core.models import EvalExperiment, TrendPoint
from eval_pipeline.core.promotion import TypeEvidence
from eval_pipeline.core.runs import PROMPT_PARAM, version_number
from eval_pipeline.store import tables
from eval_pipeline.store.connection import Store
from eval_pipeline.store.runs import FINISHED_RUNS, search_pages

FEW = 25
"""Runs asked for at once: mostly the first will do."""


def read_evidence(
    store: Store, experiment: EvalExperiment, prompt_name: str, candidate: int, live: int | None
) -> TypeEvidence:
    """The newest complete runs of one eval type: of any version, of the prompt, of the candidate, of the live version.

    Raises:
        StoreError: the store can't be read. That is not the same as no evidence.
    """
    return TypeEvidence(
        eval_type=experiment.eval_type,
        newest=_newest_complete(store, experiment),
        of_prompt=_newest_complete(
            store, experiment, _names(prompt_name), lambda run: prompt_name in run.prompt_versions
        ),
        of_candidate=read_newest_of(store, experiment, prompt_name, candidate),
        of_live=None if live is None else read_newest_of(store, experiment, prompt_name, live),
    )


def read_point(store: Store, experiment: EvalExperiment, run_id: str) -> TrendPoint | None:
    """One run of an eval type, as the rules see it; `None` if the store has no such run in its experiment.

    Raises:
        StoreError: the store can't be read.
    """
    from mlflow.exceptions import MlflowException

    with store.reached():
        try:
            run = store.client.get_run(run_id)
        except MlflowException as problem:
            if problem.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
    if run.info.experiment_id != experiment.experiment_id:
        return None
    return tables.trend_points(tables.runs_table([run]), experiment, store.settings)[0]


def read_baseline(store: Store, experiment: EvalExperiment, current: TrendPoint) -> TrendPoint | None:
    """The newest complete run of the type that started before the current one."""
    return _newest_complete(
        store,
        experiment,
        wanted=lambda run: (
            run.run_id != current.run_id
            and run.timestamp is not None
            and current.timestamp is not None
            and run.timestamp <= current.timestamp
        ),
    )


def read_runs_of_prompt(store: Store, experiments: list[EvalExperiment], prompt_name: str) -> list[TrendPoint]:
    """Every complete run that names the prompt, of all eval types, oldest first."""
    found = [
        point
        for experiment in experiments
        for point in _complete(store, experiment, _names(prompt_name))
        if prompt_name in point.prompt_versions and point.timestamp is not None
    ]
    return sorted(found, key=lambda point: (point.timestamp, point.run_id) if point.timestamp else ())


def read_newest_of(store: Store, experiment: EvalExperiment, prompt_name: str, version: int) -> TrendPoint | None:
    """The newest complete run of an eval type that evaluated exactly this version."""
    condition = f"params.`{PROMPT_PARAM}{prompt_name}` LIKE '%{version}'"
    return _newest_complete(
        store,
        experiment,
        condition,
        lambda run: version_number(run.prompt_versions.get(prompt_name, "")) == version,
    )


def _names(prompt_name: str) -> str:
    return f"params.`{PROMPT_PARAM}{prompt_name}` LIKE '%'"


def _newest_complete(
    store: Store,
    experiment: EvalExperiment,
    condition: str = "",
    wanted: Callable[[TrendPoint], bool] = lambda _: True,
) -> TrendPoint | None:
    return next((run for run in _complete(store, experiment, condition) if wanted(run)), None)


def _complete(store: Store, experiment: EvalExperiment, condition: str) -> Iterator[TrendPoint]:
    """Complete runs, newest first, read as far as they are asked for."""
    conditions = " AND ".join(filter(None, [FINISHED_RUNS, condition]))
    with store.reached():
        for page in search_pages(store.client, [experiment.experiment_id], conditions, first_page=FEW):
            points = tables.trend_points(tables.runs_table(page), experiment, store.settings)
            yield from (point for point in reversed(points) if point.complete)
