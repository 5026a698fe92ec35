"""Every run is read once, whatever happens between two pages; and experiments are the right ones."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mlflow import MlflowClient

from eval_pipeline.core.models import EvalExperiment
from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import Settings
from eval_pipeline.store import runs
from eval_pipeline.store.connection import Store
from eval_pipeline.store.runs import NOT_ENDED, collector_paused, get_eval_experiments, list_experiments, search_pages
from tests.builder import StoreBuilder

AT = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Interrupted:
    """MLflow's client, but `between` is called with the page's number after each page of runs."""

    def __init__(self, client: MlflowClient, between: Callable[[int], object]) -> None:
        self._client, self._between, self.pages = client, between, 0

    def search_runs(self, *args: Any, **kwargs: Any) -> Any:
        page = self._client.search_runs(*args, **kwargs)
        self.pages += 1
        self._between(self.pages)
        return page


def read(client: Any, experiment_id: str, condition: str = "", *, deleted: bool = False) -> list[str]:
    """The ids of the runs, in the order read."""
    pages = search_pages(client, [experiment_id], condition, deleted=deleted)
    return [run.info.run_id for page in pages for run in page]


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "PAGE", 4)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 11])
def test_runs_on_any_number_of_pages_are_read_once_newest_first(store_builder: StoreBuilder, count: int) -> None:
    experiment = store_builder.experiment("tone")
    logged = [store_builder.log_run("tone") for _ in range(count)]
    assert read(store_builder.client, experiment) == logged[::-1]


def test_runs_added_between_pages_repeat_none_and_hide_none(store_builder: StoreBuilder) -> None:
    logged = [store_builder.log_run("tone") for _ in range(13)]
    client = Interrupted(store_builder.client, lambda _: [store_builder.log_run("tone", started=AT) for _ in range(3)])
    assert read(client, store_builder.experiment("tone")) == logged[::-1]


def test_runs_deleted_between_pages_hide_none_of_the_others(store_builder: StoreBuilder) -> None:
    logged = [store_builder.log_run("tone") for _ in range(13)]
    already_read = logged[::-1][:3]

    def delete(page: int) -> None:
        if page == 1:
            for run_id in already_read:
                store_builder.client.delete_run(run_id)

    client = Interrupted(store_builder.client, delete)
    assert read(client, store_builder.experiment("tone")) == logged[::-1]


def test_the_run_that_a_page_ends_with_may_be_deleted_before_the_next_page(store_builder: StoreBuilder) -> None:
    logged = [store_builder.log_run("tone") for _ in range(9)]

    def delete(page: int) -> None:
        if page == 1:
            store_builder.client.delete_run(logged[::-1][3])

    assert read(Interrupted(store_builder.client, delete), store_builder.experiment("tone")) == logged[::-1]


@pytest.mark.parametrize("alike", [4, 5, 11])
def test_more_runs_than_a_page_holds_may_start_in_one_millisecond(store_builder: StoreBuilder, alike: int) -> None:
    older = [store_builder.log_run("tone", started=AT - timedelta(hours=9 - hour)) for hour in range(6)]
    same = {store_builder.log_run("tone", started=AT) for _ in range(alike)}
    newer = [store_builder.log_run("tone", started=AT + timedelta(hours=1 + hour)) for hour in range(2)]
    found = read(store_builder.client, store_builder.experiment("tone"))
    assert len(found) == alike + 8
    assert (found[:2], set(found[2:-6]), found[-6:]) == (newer[::-1], same, older[::-1])


def test_pages_go_over_several_experiments_and_a_condition(store_builder: StoreBuilder) -> None:
    running = {store_builder.log_run(name, status="RUNNING") for name in ("tone", "routing") for _ in range(5)}
    for name in ("tone", "routing"):
        for status in ("FINISHED", "FAILED", "KILLED"):
            store_builder.log_run(name, status=status)
    ids = [store_builder.experiment(name) for name in ("tone", "routing")]
    pages = list(search_pages(store_builder.client, ids, NOT_ENDED))
    found = [run for page in pages for run in page]
    assert ({run.info.run_id for run in found}, len(found)) == (running, 10)
    assert {(run.info.status, run.info.end_time) for run in found} == {("RUNNING", None)}


def test_deleted_runs_are_read_only_when_asked_for(store_builder: StoreBuilder) -> None:
    logged = [store_builder.log_run("tone") for _ in range(11)]
    for run_id in logged[1::2]:
        store_builder.client.delete_run(run_id)
    experiment = store_builder.experiment("tone")
    assert read(store_builder.client, experiment) == logged[::-1][::2]
    assert read(store_builder.client, experiment, deleted=True) == logged[::-1][1::2]


def test_experiments_of_the_base_are_eval_types_and_look_alikes_are_not(store_builder: StoreBuilder) -> None:
    client = store_builder.client
    names = ["", "-tone", "-memory-write", "2-tone", "-", ".audit", "s", "-Ünïcode/日本"]
    ids = {name: client.create_experiment("my-assistant-eval" + name) for name in names}
    client.delete_experiment(client.create_experiment("my-assistant-eval-gone"))
    made = {each.experiment_id: each.creation_time for each in client.search_experiments()}

    def found(eval_type: str, name: str) -> EvalExperiment:
        return EvalExperiment(eval_type, ids[name], "my-assistant-eval" + name, made[ids[name]])

    assert get_eval_experiments(Store(store_builder.uri, Settings())) == [
        found("memory-write", "-memory-write"),
        found("quality", ""),
        found("tone", "-tone"),
        found("Ünïcode/日本", "-Ünïcode/日本"),
    ]


def test_two_experiments_of_one_eval_type_are_a_mistake_in_the_settings(store_builder: StoreBuilder) -> None:
    store_builder.experiment("")
    store_builder.experiment("quality")
    with pytest.raises(SettingsError) as raised:
        get_eval_experiments(Store(store_builder.uri, Settings()))
    assert str(raised.value) == (
        "the experiments my-assistant-eval and my-assistant-eval-quality both are the eval type quality: "
        "set base_eval_type to another name"
    )
    renamed = get_eval_experiments(Store(store_builder.uri, Settings(base_eval_type="all")))
    assert [each.eval_type for each in renamed] == ["all", "quality"]


def test_experiments_on_several_pages_are_all_listed(
    store_builder: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"my-assistant-eval-{number}" for number in range(7)]
    for name in names:
        store_builder.client.create_experiment(name)
    store = Store(store_builder.uri, Settings())
    search = store.client.search_experiments
    monkeypatch.setattr(store.client, "search_experiments", lambda **asked: search(**{**asked, "max_results": 3}))
    assert sorted(name for _, name, _ in list_experiments(store)) == ["Default", *names]


def test_the_collector_is_paused_only_while_somebody_reads() -> None:
    seen: list[bool] = []
    with collector_paused():
        with collector_paused():
            seen.append(gc.isenabled())
        seen.append(gc.isenabled())
    seen.append(gc.isenabled())
    with pytest.raises(KeyError), collector_paused():
        raise KeyError
    seen.append(gc.isenabled())
    assert seen == [False, False, True, True]


def test_the_collector_stays_paused_until_the_last_of_many_readers_is_done() -> None:
    started, end = threading.Barrier(2), threading.Event()

    def read_long() -> None:
        with collector_paused():
            started.wait()
            end.wait()

    reader = threading.Thread(target=read_long)
    reader.start()
    started.wait()
    with collector_paused():
        pass
    seen = [gc.isenabled()]
    end.set()
    reader.join()
    assert [*seen, gc.isenabled()] == [False, True]
