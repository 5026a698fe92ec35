"""Watching the registry: which prompt versions are new, and the ledger that says who runs which.

The ledger is one run in `{base}.watch`; `core.watch_params` says what its params mean.
"""

from __future__ import annotations

from eval_pipeline.core import watch_params as params
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.core.watching import Claim, WatchedPrompt, WatchedVersion, WatchState
from eval_pipeline.store.aliases import PROMPTS
from eval_pipeline.store.connection import Store
from eval_pipeline.store.once import find_ledger_run, make_ledger_run, read_ledger_run, write_once
from eval_pipeline.store.suite_runs import read_suite_run

WATCH_TAG = "eval_pipeline.watch_ledger"
CALLED = "watch"
GONE = "RESOURCE_DOES_NOT_EXIST"
BATCH = 100
"""Params that MLflow takes at once."""


def watch_experiment_name(store: Store) -> str:
    """The experiment that holds the ledger."""
    return f"{store.settings.base_experiment}.watch"


def read_prompts(store: Store) -> dict[str, WatchedPrompt]:
    """Every prompt of the registry, by name, with its newest version: one call for a hundred of them.

    Raises:
        StoreError: the registry can't be read.
    """
    found: dict[str, WatchedPrompt] = {}
    token: str | None = None
    if store.absent:
        return found
    with store.reached():
        while True:
            page = store.registry.search_registered_models(filter_string=PROMPTS, max_results=100, page_token=token)
            for each in page:
                newest = max((int(version.version) for version in each.latest_versions or []), default=0)
                found[each.name] = WatchedPrompt(each.name, int(each.creation_timestamp or 0), newest)
            token = page.token
            if not token:
                return found


def read_versions(store: Store, prompt: WatchedPrompt) -> dict[WatchedVersion, int]:
    """The versions of a prompt that there are now, with when each was registered (ms since 1970).

    Raises:
        StoreError: the registry can't be read.
    """
    from mlflow.exceptions import MlflowException

    found: dict[WatchedVersion, int] = {}
    token: str | None = None
    with store.reached():
        while True:
            try:
                page = store.registry.search_prompt_versions(prompt.name, max_results=1_000, page_token=token)
            except MlflowException as problem:
                if problem.error_code == GONE:  # it was deleted a moment ago
                    return {}
                raise
            for each in page:
                version = WatchedVersion(prompt.name, prompt.created_ms, int(each.version))
                found[version] = int(each.creation_timestamp or 0)
            token = page.token
            if not token:
                return found


def find_noted_suite(store: Store, run_id: str) -> SuiteRun | None:
    """A suite run as it is now; `None` if somebody deleted it.

    Raises:
        StoreError: it can't be read.
    """
    from mlflow.exceptions import MlflowException

    with store.reached():
        try:
            run = store.client.get_run(run_id)
        except MlflowException as problem:
            if problem.error_code == GONE:
                return None
            raise
    return read_suite_run(store, run_id) if run.info.lifecycle_stage == "active" else None


class WatchLedger:
    """The ledger of one store and base experiment."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store, self.run_id = store, run_id

    def read(self) -> WatchState:
        """What it says now.

        Raises:
            StoreError: it can't be read, or it was deleted.
        """
        return params.read_watch_state(read_ledger_run(self.store, self.run_id, CALLED))

    def claim(self, version: WatchedVersion, claim: Claim) -> bool:
        """Take an attempt at a version; whether nobody else had."""
        return self._once(f"{params.CLAIM}.{version.key}.{claim.attempt}", params.claim_text(version, claim))

    def leave(self, version: WatchedVersion, claim: Claim) -> None:
        """Say that a claim was left cleanly, for others to go on."""
        self._once(f"{params.LEFT}.{version.key}.{claim.attempt}", claim.nonce)

    def note_suite(self, version: WatchedVersion, suite_id: str) -> bool:
        """Say which suite run is this version's; whether nobody had named another."""
        return self._once(f"{params.SUITE}.{version.key}", suite_id)

    def settle(self, version: WatchedVersion, outcome: str) -> bool:
        """Say what came of a version; whether nobody had said otherwise."""
        return self._once(f"{params.DONE}.{version.key}", outcome)

    def _once(self, key: str, value: str) -> bool:
        return write_once(self.store, self.run_id, key, value)


def find_watch_ledger(store: Store) -> WatchLedger | None:
    """The ledger; `None` if nobody has watched this store.

    Raises:
        StoreError: it can't be read, or it was deleted or is none of ours.
    """
    found = find_ledger_run(store, watch_experiment_name(store), WATCH_TAG, CALLED)
    return None if found is None else WatchLedger(store, found.run_id)


def open_watch_ledger(store: Store) -> tuple[WatchLedger, bool]:
    """The ledger, made if there is none, and whether it was made here: then watching begins now.

    Versions that exist then, of any prompt of the store, are never run by a watcher.

    Raises:
        StoreError: the store failed, or the ledger was deleted or is none of ours.
    """
    from mlflow.entities import Param

    def fill(run_id: str) -> None:
        known = [Param(key, value) for key, value in params.known_params(read_prompts(store).values()).items()]
        for first in range(0, len(known), BATCH):
            store.client.log_batch(run_id, params=known[first : first + BATCH])

    made, fresh = make_ledger_run(store, watch_experiment_name(store), WATCH_TAG, CALLED, fill)
    return WatchLedger(store, made.run_id), fresh
