"""A sync may be killed at any moment, and several may run at once: the next one still gives exactly the store."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import ViewType

from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror, open_mirror
from tests.builder import LONG_AGO, StoreBuilder
from tests.forking import Forker
from tests.store.oracle import mirror_contents, store_contents

LATE = LONG_AGO + timedelta(days=30)
PAGE = 7
KILLS = int(os.environ.get("KILLS", "4"))
"""At random moments, of a first sync and as many of a later one."""
TYPES = ("tone", "routing")


class Syncers(Forker):
    """Real processes that sync one store into one cache folder."""

    def __init__(self) -> None:
        super().__init__("tests.store.forking:sync")
        self.told: dict[str, Any] = {}
        """What each of them is told: the address of the store and the cache folder."""

    def start(self, die_at: int | None = None) -> int:
        """Start a process that opens the store; its id, once it waits to sync."""
        return self.order(**self.told, die_at=die_at)

    def ended(self) -> int:
        """Wait for one to end; its exit code, -9 for a kill."""
        word, _, status = self.hear()
        assert word == "ended"
        return int(status)


@pytest.fixture
def filled(store_builder: StoreBuilder) -> StoreBuilder:
    """A store with runs of two types, on several pages, some of them running and some deleted."""
    for number in range(10):
        for name in TYPES:
            status = "RUNNING" if number == 9 else "FINISHED"
            run_id = store_builder.log_run(name, number / 10, status=status, prompts={"persona": str(number // 3)})
            if number == 4:
                store_builder.client.delete_run(run_id)
    return store_builder


@pytest.fixture(scope="module")
def any_syncers() -> Iterator[Syncers]:
    started = Syncers()
    yield started
    started.close()


@pytest.fixture
def syncers(any_syncers: Syncers, filled: StoreBuilder, tmp_path: Path) -> Syncers:
    """Processes that sync the store of this test."""
    any_syncers.told = {"uri": filled.uri, "cache": str(tmp_path / "cache"), "page": PAGE}
    return any_syncers


@pytest.fixture
def mirror(filled: StoreBuilder, settings_with: Callable[..., Settings]) -> Mirror:
    return open_mirror(Store(filled.uri, settings_with()))


def change(builder: StoreBuilder) -> None:
    """Something of every kind, in every type: new, ended, deleted and restored runs."""
    for name in TYPES:
        ids = [builder.experiment(name)]
        builder.log_run(name, 0.5, started=LATE)
        running = builder.client.search_runs(ids, "attributes.status = 'RUNNING'")
        builder.end_run(running[0].info.run_id, ended=LATE)
        builder.log_run(name, 0.1, status="RUNNING", started=LATE)
        for run in builder.client.search_runs(ids, run_view_type=ViewType.DELETED_ONLY, max_results=1):
            builder.client.restore_run(run.info.run_id)
        oldest = builder.client.search_runs(ids, order_by=["attributes.start_time"], max_results=1)
        builder.client.delete_run(oldest[0].info.run_id)


def forget(folder: Path) -> None:
    """Make the next sync a first one."""
    for path in folder.iterdir():
        path.unlink()


def leftovers(folder: Path) -> list[str]:
    """Files that are neither runs nor state nor lock."""
    return [path.name for path in folder.iterdir() if path.suffix not in {".parquet", ".json"} and path.name != "lock"]


def check(filled: StoreBuilder, mirror: Mirror) -> None:
    assert mirror_contents(mirror) == store_contents(filled)
    assert leftovers(mirror.folder) == []


@pytest.mark.parametrize("kind", ["first", "later"])
def test_a_sync_killed_at_any_moment_loses_nothing(
    filled: StoreBuilder, mirror: Mirror, syncers: Syncers, kind: str
) -> None:
    chance, killed = random.Random(20_261_122), 0
    syncers.start()
    syncers.go()
    begun = time.monotonic()
    assert syncers.ended() == 0
    longest = time.monotonic() - begun
    for _ in range(KILLS):
        if kind == "first":
            forget(mirror.folder)
        else:
            change(filled)
        pid = syncers.start()
        begun = time.monotonic()
        syncers.go()
        time.sleep(chance.uniform(0, longest))
        with suppress(ProcessLookupError):  # it was faster
            os.kill(pid, signal.SIGKILL)
        status = syncers.ended()
        killed += status == -signal.SIGKILL
        if status == 0:
            longest = min(longest, time.monotonic() - begun)
        check(filled, mirror)
    print(f"{kind} sync: {killed} of {KILLS} killed in {longest:.3f} s")  # noqa: T201 - the figure that counts, with -s
    assert killed >= KILLS // 3


@pytest.mark.parametrize("kind", ["first", "later", "gone"])
def test_a_sync_killed_at_each_step_of_writing_loses_nothing(
    filled: StoreBuilder, mirror: Mirror, syncers: Syncers, kind: str
) -> None:
    mirror.sync()
    statuses = []
    while not statuses or statuses[-1] != 0:
        if kind == "first":
            forget(mirror.folder)
        elif kind == "later":
            change(filled)
        else:
            filled.experiment(f"gone-{len(statuses)}")
            mirror.sync()
            filled.client.delete_experiment(filled.experiment(f"gone-{len(statuses)}"))
        syncers.start(die_at=len(statuses))
        syncers.go()
        statuses.append(syncers.ended())
        check(filled, mirror)
    # a table: begun, half written, renaming, renamed, aside removed; a state: the same but begun
    table, state = 5, 4
    steps = {"first": 2 * (table + state), "later": 2 * table + state, "gone": 1 + state}
    assert statuses == [-signal.SIGKILL] * steps[kind] + [0]


def test_processes_that_sync_at_once_all_succeed_and_agree(
    filled: StoreBuilder, mirror: Mirror, syncers: Syncers
) -> None:
    for round_number in range(3):
        if round_number % 2:
            change(filled)
        elif round_number:
            forget(mirror.folder)
        for _ in range(3):
            syncers.start()
        syncers.go()
        assert [syncers.ended() for _ in range(3)] == [0, 0, 0]
        check(filled, mirror)


def test_a_process_that_is_killed_while_others_wait_for_it_blocks_none_of_them(
    filled: StoreBuilder, mirror: Mirror, syncers: Syncers
) -> None:
    mirror.sync()
    for _ in range(3):
        forget(mirror.folder)
        syncers.start(die_at=0)
        syncers.start()
        syncers.start()
        syncers.go()
        statuses = sorted(syncers.ended() for _ in range(3))
        assert statuses[0] in {0, -signal.SIGKILL}  # if it came last, there was nothing left to write
        assert statuses[1:] == [0, 0]
        check(filled, mirror)
