"""A sync with what is new gives exactly what reading everything gives, and writes nothing that is not needed."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.errors import StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store import files, syncing
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror, open_mirror
from eval_pipeline.store.syncing import SyncProgress
from tests.builder import LONG_AGO, StoreBuilder
from tests.store.oracle import fresh_mirror, mirror_contents, store_contents

NOW = datetime.now(UTC)
LATE = LONG_AGO + timedelta(days=30)


@pytest.fixture
def synced(store_builder: StoreBuilder, mirror: Mirror) -> list[str]:
    """Six runs of two types, of all kinds, already in the mirror; their ids, oldest first."""
    logged = [
        store_builder.log_run("tone", prompts={"persona": "v1"}),
        store_builder.log_run("routing", 0.8),
        store_builder.log_run("tone", float("nan"), metrics={"cost": 2.5}),
        store_builder.log_run("tone", 0.7, status="FAILED", tags={"mlflow.user": "ci", "team": "blue"}),
        store_builder.log_run("routing", 0.9, params={"git_sha": "abc"}),
        store_builder.log_run("tone", None, status="RUNNING"),
    ]
    mirror.sync()
    return logged


def check_same(builder: StoreBuilder, mirror: Mirror) -> None:
    """The mirror, synced, holds what the store says, and what a mirror made anew holds."""
    contents = mirror_contents(mirror)
    assert contents == store_contents(builder)
    assert contents == fresh_mirror(mirror.store)


def test_the_first_sync_reads_everything(store_builder: StoreBuilder, mirror: Mirror, synced: list[str]) -> None:
    check_same(store_builder, mirror)


def test_an_experiment_without_runs_is_an_empty_table(store_builder: StoreBuilder, mirror: Mirror) -> None:
    store_builder.experiment("tone")
    assert mirror_contents(mirror) == {"my-assistant-eval-tone": []}
    check_same(store_builder, mirror)


def test_new_runs_and_new_experiments_are_seen(store_builder: StoreBuilder, mirror: Mirror, synced: list[str]) -> None:
    store_builder.log_run("tone", 0.95, metrics={"brand_new": 1.0}, params={"also.new": "x"})
    store_builder.log_run("security", 0.99)
    check_same(store_builder, mirror)


def test_a_running_run_is_seen_with_its_edits_and_its_end(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    client, running = store_builder.client, synced[-1]
    client.log_metric(running, "pass_rate", 0.5)
    client.log_param(running, "prompt.persona", "v2")
    check_same(store_builder, mirror)
    client.log_metric(running, "pass_rate", 0.6)
    store_builder.end_run(running)
    check_same(store_builder, mirror)


def test_a_run_that_was_seen_running_and_ended_long_ago_by_its_own_clock_is_seen(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    store_builder.log_run("tone", started=LATE)
    check_same(store_builder, mirror)
    store_builder.end_run(synced[-1], "FINISHED", LONG_AGO + timedelta(minutes=3))
    check_same(store_builder, mirror)


def test_a_run_that_ended_without_saying_when_is_seen(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    client = store_builder.client
    client.update_run(synced[-1], "FINISHED")
    client.update_run(store_builder.log_run("tone", 0.4, status="RUNNING"), "FAILED")
    assert {run.info.end_time for run in (client.get_run(synced[-1]),)} == {None}
    check_same(store_builder, mirror)
    check_same(store_builder, mirror)
    assert files.read_state(mirror.folder).experiments[store_builder.experiment("tone")].open_runs == []


def test_a_run_that_is_resumed_is_seen_running_again_and_its_new_end_too(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    store_builder.log_run("tone", started=LATE)
    mirror.sync()
    store_builder.client.update_run(synced[0], "RUNNING")
    store_builder.client.log_metric(synced[0], "pass_rate", 0.1)
    check_same(store_builder, mirror)
    store_builder.end_run(synced[0], "KILLED", LONG_AGO + timedelta(minutes=9))
    check_same(store_builder, mirror)


def test_an_edit_of_a_run_that_ended_within_the_last_hour_is_seen(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    store_builder.client.log_metric(synced[4], "pass_rate", 0.05)
    store_builder.client.set_tag(synced[4], "eval_pipeline.suite_run_id", "s1")
    check_same(store_builder, mirror)


def test_deleted_runs_go_and_restored_ones_come_back(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    for run_id in (synced[0], synced[1], synced[-1]):
        store_builder.client.delete_run(run_id)
    check_same(store_builder, mirror)
    store_builder.client.restore_run(synced[0])
    store_builder.client.restore_run(synced[-1])
    check_same(store_builder, mirror)


def test_a_run_deleted_before_the_first_sync_and_restored_after_it_is_seen(
    store_builder: StoreBuilder, mirror: Mirror
) -> None:
    old = store_builder.log_run("tone")
    store_builder.log_run("tone", started=LATE)
    store_builder.client.delete_run(old)
    check_same(store_builder, mirror)
    store_builder.client.restore_run(old)
    check_same(store_builder, mirror)


def test_a_run_that_is_deleted_for_good_goes(store_builder: StoreBuilder, mirror: Mirror, synced: list[str]) -> None:
    for run_id in (synced[0], synced[-1]):
        store_builder.client.delete_run(run_id)
    mirror.sync()
    for run_id in (synced[0], synced[-1]):
        erase(store_builder, run_id)
    check_same(store_builder, mirror)


def test_an_open_run_that_vanishes_at_once_goes(store_builder: StoreBuilder, mirror: Mirror, synced: list[str]) -> None:
    erase(store_builder, synced[-1])
    check_same(store_builder, mirror)


def erase(builder: StoreBuilder, run_id: str) -> None:
    """Delete a run for good, as `mlflow gc` does."""
    if builder.client.get_run(run_id).info.lifecycle_stage == "active":
        builder.client.delete_run(run_id)
    builder.client._tracking_client.store._hard_delete_run(run_id)


def test_nothing_new_writes_no_file(store_builder: StoreBuilder, mirror: Mirror, synced: list[str]) -> None:
    mirror.sync()
    before = snapshot(mirror.folder)
    mirror.sync()
    assert snapshot(mirror.folder) == before


def test_a_new_run_rewrites_only_the_file_of_its_type(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    before = snapshot(mirror.folder)
    store_builder.log_run("tone")
    mirror.sync()
    changed = {name for name, seen in snapshot(mirror.folder).items() if before[name] != seen}
    assert changed == {f"{store_builder.experiment('tone')}.parquet", "state.json"}


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Each file with what changes when it is written."""
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir() if path.name != "lock"
    }


def test_an_experiment_that_is_deleted_goes_and_comes_back_with_its_runs(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    tone = store_builder.experiment("tone")
    store_builder.client.delete_experiment(tone)
    check_same(store_builder, mirror)
    assert not (mirror.folder / f"{tone}.parquet").exists()
    store_builder.client.restore_experiment(tone)
    check_same(store_builder, mirror)


def test_an_experiment_that_is_renamed_is_another_eval_type(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    store_builder.client.rename_experiment(store_builder.experiment("tone"), "my-assistant-eval-manners")
    check_same(store_builder, mirror)
    assert [each.eval_type for each in mirror.held()] == ["manners", "routing"]
    store_builder.client.rename_experiment(store_builder.experiment("tone"), "somebody-elses")
    check_same(store_builder, mirror)
    assert [each.eval_type for each in mirror.held()] == ["routing"]


def test_a_run_whose_end_lies_in_the_far_future_does_not_hide_later_runs(
    store_builder: StoreBuilder, mirror: Mirror
) -> None:
    store_builder.log_run("tone", started=NOW - timedelta(hours=9))
    store_builder.log_run("tone", started=NOW - timedelta(hours=8), ended=NOW + timedelta(days=900))
    check_same(store_builder, mirror)
    store_builder.log_run("tone", started=NOW - timedelta(hours=7))
    check_same(store_builder, mirror)
    store_builder.log_run("routing", started=NOW - timedelta(hours=6))
    check_same(store_builder, mirror)


def test_a_clock_that_was_ahead_at_the_last_sync_hides_nothing(
    store_builder: StoreBuilder, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_builder.log_run("tone", started=NOW - timedelta(hours=9))
    store_builder.log_run("tone", started=NOW - timedelta(hours=8), ended=NOW + timedelta(days=90))
    then = time.time() + 100 * 86_400
    with monkeypatch.context() as ahead:
        ahead.setattr(syncing.time, "time", lambda: then)
        check_same(store_builder, mirror)
    store_builder.log_run("tone", started=NOW - timedelta(hours=7))
    check_same(store_builder, mirror)


def test_runs_written_with_past_times_and_late_edits_are_caught_in_rotation(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tone", "routing"):
        store_builder.log_run(name, started=LATE)
    mirror.sync()
    store_builder.log_run("tone", 0.33, started=LONG_AGO - timedelta(days=300))
    store_builder.log_run("routing", 0.44, started=LONG_AGO - timedelta(days=200))
    store_builder.client.log_metric(synced[0], "pass_rate", 0.22)
    store_builder.client.delete_run(synced[1])
    erase(store_builder, synced[1])
    assert mirror_contents(mirror) != store_contents(store_builder)
    later = time.time() + 61 * 60
    monkeypatch.setattr(syncing.time, "time", lambda: later)
    first, second = mirror_contents(mirror), mirror_contents(mirror)
    truth = store_contents(store_builder)
    assert sum(first[name] == truth[name] for name in truth) == 1  # one a sync
    assert second == truth


def test_the_refresh_is_as_often_as_the_settings_say(
    store_builder: StoreBuilder, settings_with: Callable[..., Settings]
) -> None:
    mirror = open_mirror(Store(store_builder.uri, settings_with(mirror={"refresh_minutes": 1e-6})))
    old = store_builder.log_run("tone")
    store_builder.log_run("tone", started=LATE)
    mirror.sync()
    store_builder.client.log_metric(old, "pass_rate", 0.1)
    check_same(store_builder, mirror)


def test_a_time_of_reading_that_lies_ahead_does_not_stop_the_refresh(
    store_builder: StoreBuilder, mirror: Mirror
) -> None:
    old = store_builder.log_run("tone")
    store_builder.log_run("tone", started=LATE)
    mirror.sync()
    state = files.read_state(mirror.folder)
    state.experiments[store_builder.experiment("tone")].read_in_full = time.time() + 9e6
    files.write_state(mirror.folder, state)
    store_builder.client.log_metric(old, "pass_rate", 0.1)
    check_same(store_builder, mirror)


class Meddling:
    """MLflow's client, but `meddle` is called once, before or after the search of runs with this number."""

    def __init__(self, client: Any, number: int, meddle: Callable[[], object]) -> None:
        self._client, self._number, self._meddle, self._searches = client, number, meddle, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def search_runs(self, *args: Any, **kwargs: Any) -> Any:
        self._searches += 1
        if self._searches == self._number:
            self._meddle()
        return self._client.search_runs(*args, **kwargs)


SEARCHES = range(1, 5)


@pytest.mark.parametrize("number", SEARCHES)
@pytest.mark.parametrize("first", [True, False], ids=["first sync", "later sync"])
def test_what_happens_in_the_middle_of_a_sync_is_seen_by_the_next(
    make_store: Callable[..., StoreBuilder],
    settings_with: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    first: bool,
    number: int,
) -> None:
    builder = make_store()
    mirror = open_mirror(Store(builder.uri, settings_with()))
    active = [builder.log_run(name, started=LATE + timedelta(minutes=each)) for each in range(2) for name in "ab"]
    deleted = [builder.log_run(name, started=LATE) for name in "ab"]
    running = [builder.log_run(name, status="RUNNING", started=LATE) for name in "ab"]
    for run_id in deleted:
        builder.client.delete_run(run_id)
    if not first:
        mirror.sync()

    def meddle() -> None:
        for run_id in active[:2]:
            builder.client.delete_run(run_id)
        for run_id in deleted:
            builder.client.restore_run(run_id)
        for run_id in running:
            builder.end_run(run_id, ended=LATE + timedelta(minutes=5))
        for name in "ab":
            builder.log_run(name, started=LATE + timedelta(minutes=6))
            builder.log_run(name, status="RUNNING", started=LATE + timedelta(minutes=7))

    real = mirror.store.client
    monkeypatch.setitem(mirror.store.__dict__, "client", Meddling(real, number, meddle))
    mirror.sync()
    monkeypatch.setitem(mirror.store.__dict__, "client", real)
    check_same(builder, mirror)


def test_a_store_that_fails_in_the_middle_leaves_what_was_read_and_the_next_sync_reads_the_rest(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = mirror_contents(mirror)
    store_builder.log_run("tone", started=LATE)
    store_builder.log_run("security", started=LATE)
    store_builder.client.delete_run(synced[0])
    real = mirror.store.client

    def fail() -> None:
        raise ConnectionResetError("reset by peer")

    for number in range(1, 5):
        monkeypatch.setitem(mirror.store.__dict__, "client", Meddling(real, number, fail))
        with pytest.raises(StoreError, match="reset by peer"):
            mirror.sync()
        held = {each.experiment_name: mirror.table(each).num_rows for each in mirror.held()}
        assert {name: held[name] for name in before} == {name: len(rows) for name, rows in before.items()}
    monkeypatch.setitem(mirror.store.__dict__, "client", real)
    check_same(store_builder, mirror)


def test_a_file_found_damaged_while_applying_changes_loses_no_change_of_the_others(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in synced[:2]:
        store_builder.client.delete_run(run_id)
    store_builder.log_run("tone", started=LATE)
    write, read = files.write_runs, files.read_runs
    routing = files.runs_path(mirror.folder, store_builder.experiment("routing"))

    def read_damaged(path: Path, columns: Any = None) -> Any:
        if path == routing:
            raise files.DamagedFileError("flipped")
        return read(path, columns)

    def write_once(path: Path, *args: Any) -> None:
        if path != routing:
            raise OSError("disk full")
        write(path, *args)

    monkeypatch.setattr(files, "read_runs", read_damaged)
    monkeypatch.setattr(files, "write_runs", write_once)
    with pytest.raises(StoreError, match="disk full"):
        mirror.sync()
    monkeypatch.undo()
    check_same(store_builder, mirror)


def test_progress_counts_the_experiments_that_are_read_in_full(
    store_builder: StoreBuilder, mirror: Mirror, synced: list[str]
) -> None:
    store_builder.log_run("security")
    store_builder.log_run("security")
    told: list[SyncProgress] = []
    mirror.sync(told.append)
    assert told[:3] == [SyncProgress(0, 1, 0), SyncProgress(0, 1, 2), SyncProgress(1, 1, 2)]
    assert [each for each in told if each.experiments_done > each.experiments] == []
