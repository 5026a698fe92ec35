"""One reading of the store serves all sessions of an app."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from eval_pipeline.core.models import EvalExperiment
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror, mirror_folder
from eval_pipeline.store.syncing import Progress
from eval_pipeline.ui.history import SharedHistory
from tests.builder import StoreBuilder

SESSIONS = 20
WAIT_SECONDS = 60


class WatchedMirror(Mirror):
    """A mirror that counts its syncs, and finishes one only while its gate is open."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, mirror_folder(store))
        self.syncs = 0
        self.at_work, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def sync(self, progress: Progress | None = None) -> list[EvalExperiment]:
        self.syncs += 1
        self.at_work.set()
        assert self.gate.wait(WAIT_SECONDS)
        return super().sync(progress)


@pytest.fixture
def mirror(store_builder: StoreBuilder) -> WatchedMirror:
    store_builder.log_run("tone", 0.9)
    return WatchedMirror(Store(store_builder.uri, Settings()))


@pytest.fixture
def sessions() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(SESSIONS) as threads:
        yield threads


def test_many_sessions_that_come_at_once_share_one_sync(mirror: WatchedMirror, sessions: ThreadPoolExecutor) -> None:
    history, ready = SharedHistory(mirror.store, mirror), threading.Barrier(SESSIONS)

    def visit(_: int) -> object:
        ready.wait(WAIT_SECONDS)
        return history.snapshot()

    shown = list(sessions.map(visit, range(SESSIONS)))
    assert mirror.syncs == 1
    assert all(each is shown[0] for each in shown)


def test_while_one_session_syncs_the_others_see_what_was_read_before(
    mirror: WatchedMirror, sessions: ThreadPoolExecutor, store_builder: StoreBuilder
) -> None:
    history = SharedHistory(mirror.store, mirror)
    before = history.snapshot()
    store_builder.log_run("routing", 0.8)
    history.ask_again()
    mirror.gate.clear()
    mirror.at_work.clear()
    first = sessions.submit(history.snapshot)
    assert mirror.at_work.wait(WAIT_SECONDS)
    others = [sessions.submit(history.snapshot).result(WAIT_SECONDS) for _ in range(SESSIONS)]
    mirror.gate.set()
    assert all(each is before for each in others)
    assert list(first.result(WAIT_SECONDS).types) == ["routing", "tone"]
    assert mirror.syncs == 2
