"""Requests to promote in MLflow: a run in `{base}.requests` each, whose params say all of it (see `core.requests`).

It runs while the request waits; `FINISHED` is promoted, `KILLED` that nothing came of it. That is for people who look
in MLflow and for finding the open ones: what counts are the params, which nobody can write twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from eval_pipeline.core.request_params import approval_param, decision_param, draft_params, read_request
from eval_pipeline.core.requests import (
    SHOWN_ID,
    Approval,
    Decision,
    PromotionRequest,
    RequestDraft,
    under,
)
from eval_pipeline.errors import StoreError, UsageError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.once import write_once
from eval_pipeline.store.recording import ensure_experiment
from eval_pipeline.store.runs import NOT_ENDED

if TYPE_CHECKING:
    from mlflow.entities import Run

SHORTEST_ID = 6
"""A request may be named by as few first characters of its id, if no other begins so."""
WHOLE_ID = 32
LONGEST_TEXT = 6_000
"""MLflow cuts a longer param."""
MOST_READ = 1_000


def requests_experiment_name(store: Store) -> str:
    """The experiment that holds the requests."""
    return f"{store.settings.base_experiment}.requests"


def create_request(store: Store, draft: RequestDraft) -> tuple[PromotionRequest, str]:
    """Write a request down; it exists once it is whole. Gives it and the id of the experiment that holds it.

    Raises:
        UsageError: its reason is too long.
        StoreError: the store did not take it.
    """
    from mlflow.entities import Param

    params = draft_params(draft)
    _refuse_long(params)
    with store.reached():
        experiment_id = ensure_experiment(store.client, requests_experiment_name(store))
        name = f"{draft.prompt_name}@{draft.alias} v{draft.version}"
        start = int(draft.requested.timestamp() * 1000)
        run_id = str(store.client.create_run(experiment_id, start_time=start, run_name=name).info.run_id)
        store.client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])
    return PromotionRequest(run_id, draft), experiment_id


def list_running_requests(store: Store) -> list[PromotionRequest]:
    """The requests whose runs have not ended, oldest first; some may have expired.

    Raises:
        StoreError: they can't be read.
    """
    return list(_requests(store, _search(store, NOT_ENDED)))[::-1]


def find_request(store: Store, named: str) -> PromotionRequest:
    """The request with this id, or with the only id that begins so.

    Raises:
        UsageError: there is none, or several are meant.
        StoreError: they can't be read.
    """
    whole = len(named) == WHOLE_ID and named.isalnum()
    known = list(_requests(store, _search(store, f"attributes.run_id = '{named}'" if whole else "")))
    found = [each for each in known if len(named) >= SHORTEST_ID and each.id.startswith(named)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} requests begin with {named!r}: give more of the id")
    newest = ", ".join(each.id[:SHOWN_ID] for each in known[:3])
    hint = f"the newest are {newest}" if newest else "`eval-pipeline promote --requests` lists the open ones"
    raise UsageError(f"there is no request {named!r}: {hint}")


def reread_request(store: Store, run_id: str) -> PromotionRequest:
    """A request as it is now.

    Raises:
        StoreError: it can't be read, or no longer.
    """
    with store.reached():
        run = store.client.get_run(run_id)
    found = read_request(run_id, dict(run.data.params))
    if found is None or run.info.lifecycle_stage != "active":
        raise StoreError(f"request {run_id} was deleted or damaged: ask anew")
    return under(found, store.settings.terms(found.asked.alias))


def add_approval(store: Store, request: PromotionRequest, approval: Approval) -> bool:
    """Write the next approval of the request as it was read; whether nobody else had.

    Raises:
        UsageError: its reason is too long.
        StoreError: it may or may not have been written.
    """
    key, value = approval_param(request, approval)
    _refuse_long({"reason": value})
    return write_once(store, request.id, key, value)


def add_decision(store: Store, request: PromotionRequest, decision: Decision) -> bool:
    """Write the next decision on the request as it was read; whether nobody else had.

    Raises:
        UsageError: its reason is too long.
        StoreError: it may or may not have been written.
    """
    key, value = decision_param(request, decision)
    _refuse_long({"reason": value})
    return write_once(store, request.id, key, value)


def end_request(store: Store, run_id: str, status: Literal["FINISHED", "KILLED"], now: datetime) -> None:
    """End the run of a request that nothing more will come of."""
    with store.reached():
        store.client.set_terminated(run_id, status, int(now.timestamp() * 1000))


def _refuse_long(params: Mapping[str, str]) -> None:
    for name, text in params.items():
        if len(text) > LONGEST_TEXT:
            raise UsageError(f"the {name} is too long: a request takes {LONGEST_TEXT:,} characters")


def _search(store: Store, condition: str = "") -> list[Run]:
    if store.absent:
        return []
    with store.reached():
        experiment = store.client.get_experiment_by_name(requests_experiment_name(store))
        if experiment is None:
            return []
        return list(
            store.client.search_runs(
                [experiment.experiment_id], condition, max_results=MOST_READ, order_by=["attributes.start_time DESC"]
            )
        )


def _requests(store: Store, runs: list[Run]) -> Iterator[PromotionRequest]:
    """Those that are whole, as today's settings have them."""
    found = (read_request(run.info.run_id, dict(run.data.params)) for run in runs)
    return (under(each, store.settings.terms(each.asked.alias)) for each in found if each is not None)
