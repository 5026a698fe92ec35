"""The ledger of watchers in a real store, and what a watcher reads of the registry."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from mlflow.exceptions import MlflowException

from eval_pipeline.core.watching import Claim, VersionLog, WatchedPrompt, WatchedVersion
from eval_pipeline.errors import StoreError, UsageError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.registering import register_prompt_version
from eval_pipeline.store.watches import (
    find_noted_suite,
    find_watch_ledger,
    open_watch_ledger,
    read_prompts,
    read_versions,
    watch_experiment_name,
)
from eval_pipeline.store.webhooks import register_webhook
from tests.builder import StoreBuilder

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_NAME = "p" * 200


@pytest.fixture
def store(store_builder: StoreBuilder) -> Store:
    return Store(store_builder.uri, Settings(base_experiment=store_builder.base))


def experiments(store: Store) -> list[str]:
    return sorted(each.name for each in store.client.search_experiments())


def test_the_registry_is_read_with_the_newest_version_of_each_prompt(store: Store) -> None:
    client = store.client
    for text in ("one", "two", "three"):
        register_prompt_version(client, "persona", text, "m")
    register_prompt_version(client, "brevity", "short", "m")
    client.delete_prompt_version("persona", "3")
    client.delete_prompt_version("persona", "1")
    client.create_prompt("empty")
    client.create_registered_model("a model, no prompt")
    found = read_prompts(store)
    assert {name: each.newest for name, each in found.items()} == {"persona": 2, "brevity": 1, "empty": 0}
    made = found["persona"].created_ms
    ((version, registered),) = read_versions(store, found["persona"]).items()
    assert version == WatchedVersion("persona", made, 2)
    assert made <= registered
    assert read_versions(store, WatchedPrompt("deleted", made, 3)) == {}


def test_more_prompts_than_a_page_are_all_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        store.client.create_prompt(f"prompt-{number}")
    search: Callable[..., Any] = store.client.search_registered_models
    monkeypatch.setattr(store.client, "search_registered_models", lambda **said: search(**{**said, "max_results": 2}))
    assert sorted(read_prompts(store)) == [f"prompt-{number}" for number in range(5)]


def test_the_ledger_knows_the_versions_that_were_there_when_watching_began(store: Store) -> None:
    for name in ("persona", LONG_NAME):
        register_prompt_version(store.client, name, "one", "m")
    assert find_watch_ledger(store) is None
    ledger, first = open_watch_ledger(store)
    register_prompt_version(store.client, "persona", "two", "m")
    again, not_first = open_watch_ledger(Store(store.uri, store.settings))
    assert (first, not_first, again.run_id) == (True, False, ledger.run_id)
    state, prompts = again.read(), read_prompts(store)
    assert {name: state.has_news(each) for name, each in prompts.items()} == {"persona": True, LONG_NAME: False}


def test_processes_that_are_first_at_once_end_up_with_one_ledger(store: Store) -> None:
    stores = [Store(store.uri, store.settings) for _ in range(4)]
    for each in stores:
        each.client.search_experiments(max_results=1)
    together, found = threading.Barrier(4), []

    def begin(each: Store) -> None:
        together.wait()
        found.append(open_watch_ledger(each))

    threads = [threading.Thread(target=begin, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ledger.run_id for ledger, _ in found}) == 1
    assert [first for _, first in found].count(True) == 1
    assert experiments(store) == ["Default", watch_experiment_name(store)]


def test_what_a_killed_first_watcher_leaves_behind_is_in_nobodys_way(store: Store) -> None:
    class KilledError(BaseException):
        pass

    def die(*_: Any) -> None:
        raise KilledError

    dying = Store(store.uri, store.settings)
    dying.client.rename_experiment = die  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        open_watch_ledger(dying)
    _, first = open_watch_ledger(store)
    assert first
    default, ledger, left_behind = experiments(store)
    assert (default, ledger) == ("Default", watch_experiment_name(store))
    assert left_behind.startswith(f"{ledger}.")


def test_exactly_one_gets_a_claim_and_what_is_said_once_stays_said(store: Store) -> None:
    ledger, _ = open_watch_ledger(store)
    version = WatchedVersion(LONG_NAME, 1_762_900_000_000, 7)
    mine, other = Claim(1, "host 1 1", NOON, "mine"), Claim(1, "host 2 2", NOON, "other's")
    assert [ledger.claim(version, mine), ledger.claim(version, other), ledger.claim(version, mine)] == [
        True,
        False,
        True,
    ]
    assert [ledger.note_suite(version, "one"), ledger.note_suite(version, "two")] == [True, False]
    ledger.leave(version, other)
    assert ledger.read().log(version) == VersionLog((mine,), "one")
    assert [ledger.settle(version, "passed"), ledger.settle(version, "failed")] == [True, False]
    assert ledger.read().log(version) == VersionLog((mine,), "one", "passed")


def test_a_ledger_that_was_deleted_or_is_none_of_ours_is_told(store: Store) -> None:
    ledger, _ = open_watch_ledger(store)
    store.client.delete_run(ledger.run_id)
    with pytest.raises(StoreError, match=r"the watch ledger .* was deleted: restore it"):
        ledger.read()
    other = Store(store.uri, Settings(base_experiment="other"))
    experiment_id = other.client.create_experiment("other.watch")
    with pytest.raises(StoreError, match="is no watch log of ours"):
        open_watch_ledger(other)
    other.client.delete_experiment(experiment_id)
    with pytest.raises(StoreError, match=r"experiment other\.watch was deleted"):
        open_watch_ledger(other)


def test_a_suite_run_that_was_deleted_is_none(store: Store, store_builder: StoreBuilder) -> None:
    run_id = store_builder.log_run()
    assert find_noted_suite(store, run_id) is not None
    store.client.delete_run(run_id)
    assert find_noted_suite(store, run_id) is None
    assert find_noted_suite(store, "0" * 32) is None


def test_a_store_that_fails_while_a_claim_is_written_is_no_claim_of_somebody_else(store: Store) -> None:
    ledger, _ = open_watch_ledger(store)

    def fail(*_: Any, **__: Any) -> None:
        raise MlflowException("the database is locked")

    store.client.log_param = fail  # type: ignore[method-assign]
    with pytest.raises(StoreError, match="the database is locked"):
        ledger.claim(WatchedVersion("persona", 1, 1), Claim(1, "host 1 1", NOON, "n"))


def test_only_a_server_has_webhooks(store: Store) -> None:
    with pytest.raises(UsageError, match="is no MLflow server, and only a server sends webhooks"):
        register_webhook(store, "http://127.0.0.1:1", "secret")
