"""What exists once, however many processes make it at the same time.

MLflow's params are write-once: of several processes that log different values for one key of one run, exactly one
succeeds. A ledger is a run that is used so. Its experiment is filled before it gets its name, so that it never exists
without its ledger, and processes that are first at the same time end up with one. What a maker that was killed leaves
behind has another name, and nobody reads it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from eval_pipeline.errors import StoreError
from eval_pipeline.store.connection import Store

TAKEN = "INVALID_PARAMETER_VALUE"


@dataclass(frozen=True, slots=True)
class LedgerRun:
    """A ledger and the experiment that holds it."""

    experiment_id: str
    run_id: str


def write_once(store: Store, run_id: str, key: str, value: str) -> bool:
    """Write a param; whether nobody had written another value. A value that is to be one's own needs a nonce.

    Raises:
        StoreError: it may or may not have been written.
    """
    from mlflow.exceptions import MlflowException

    with store.reached():
        try:
            store.client.log_param(run_id, key, value)
        except MlflowException as problem:
            if problem.error_code == TAKEN and "not allowed" in str(problem):
                return False
            raise
    return True


def read_ledger_run(store: Store, run_id: str, called: str) -> dict[str, str]:
    """The params of a ledger.

    Raises:
        StoreError: it can't be read, or it was deleted.
    """
    with store.reached():
        run = store.client.get_run(run_id)
    if run.info.lifecycle_stage != "active":
        raise StoreError(f"the {called} ledger (run {run_id}) was deleted: restore it with `mlflow runs restore`")
    return dict(run.data.params)


def find_ledger_run(store: Store, name: str, tag: str, called: str) -> LedgerRun | None:
    """The ledger in the experiment of this name, whose `tag` names it; `None` if there is no such experiment.

    Raises:
        StoreError: it can't be read, or the experiment was deleted or is none of ours.
    """
    if store.absent:
        return None
    with store.reached():
        experiment = store.client.get_experiment_by_name(name)
    if experiment is None:
        return None
    if experiment.lifecycle_stage != "active":
        raise StoreError(f"the experiment {name} was deleted: restore it with `mlflow experiments restore`")
    run_id = experiment.tags.get(tag)
    if not run_id:
        raise StoreError(f"the experiment {name} is no {called} log of ours: rename it, or set another base_experiment")
    return LedgerRun(str(experiment.experiment_id), str(run_id))


def make_ledger_run(
    store: Store, name: str, tag: str, called: str, fill: Callable[[str], None] | None = None
) -> tuple[LedgerRun, bool]:
    """The ledger, made if there is none, and whether it was made here; `fill` gets the id of its run beforehand.

    Raises:
        StoreError: the store failed, or the experiment was deleted or is none of ours.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    if (found := find_ledger_run(store, name, tag, called)) is not None:
        return found, False
    client = store.client
    with store.reached():
        experiment_id = str(client.create_experiment(f"{name}.{uuid.uuid4().hex}"))
        run_id = str(client.create_run(experiment_id, run_name="ledger", tags={tag: "true"}).info.run_id)
        if fill is not None:
            fill(run_id)
        client.set_terminated(run_id)
        client.set_experiment_tag(experiment_id, tag, run_id)
        try:
            client.rename_experiment(experiment_id, name)
        except (MlflowException, SQLAlchemyError):
            client.delete_experiment(experiment_id)
            found = find_ledger_run(store, name, tag, called)
            if found is None:
                raise
            return found, False
    return LedgerRun(experiment_id, run_id), True
