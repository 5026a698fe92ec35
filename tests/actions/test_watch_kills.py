"""Real processes that watch one store: of several one runs a version, and of one that is killed nothing is lost."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eval_pipeline.core.suite_runs import SuiteState
from eval_pipeline.store.runs import get_eval_experiments
from tests.actions.watch_stage import WatchStage, furnish
from tests.builder import StoreBuilder
from tests.forking import Forker

KILLED = -signal.SIGKILL
PASSED = SuiteState.PASSED
MOMENTS = {
    "before it claims the version": ["log_param", "claim.", 1],
    "before the suite run is made": ["create_run", "", 1],
    "before the suite run is noted": ["log_param", "suite.", 1],
    "before anybody works on it": ["log_param", "attempt.", 1],
    "before the eval run is made": ["create_run", "", 2],
    "before the cases are logged": ["log_text", "", 1],
    "before the suite run is ended": ["log_text", "", 2],
    "before the ledger knows": ["log_param", "done.", 1],
}


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    started = Forker("tests.actions.watch_forking:watch")
    yield started
    started.close()


@pytest.fixture
def make_stage(make_store: Callable[..., StoreBuilder], tmp_path: Path) -> Callable[[], WatchStage]:
    def make() -> WatchStage:
        for left in ("answered", "cache"):
            path = tmp_path / "work" / left
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        furnish(tmp_path / "work")
        return WatchStage(make_store(), tmp_path / "work")

    return make


def order(forker: Forker, stage: WatchStage, die: list[object] | None = None) -> None:
    forker.order(uri=stage.builder.uri, folder=str(stage.folder), base=stage.base, die=die)


def hear(forker: Forker, processes: int) -> tuple[list[int], list[list[str]]]:
    """Wait for so many to end: their exit codes, and what they ran."""
    codes, ran = [], []
    while len(codes) < processes:
        word, _, said = forker.hear()
        if word == "ended":
            codes.append(int(said))
        else:
            ran += json.loads(said)
    return codes, ran


def eval_runs(stage: WatchStage) -> list[str]:
    """The status of each eval run of the store."""
    ids = [each.experiment_id for each in get_eval_experiments(stage.store())]
    return [run.info.status for run in stage.builder.client.search_runs(ids)]


@pytest.mark.parametrize("moments", [list(MOMENTS)[:4], list(MOMENTS)[4:]], ids=["before it works", "while it works"])
def test_a_watcher_that_is_killed_at_any_moment_leaves_one_suite_run_that_the_next_one_finishes(
    forker: Forker, make_stage: Callable[[], WatchStage], moments: list[str]
) -> None:
    found = {}
    for moment in moments:
        stage = make_stage()
        stage.watcher()
        stage.register("You are very kind.")
        order(forker, stage, MOMENTS[moment])
        forker.go()
        killed = hear(forker, 1)
        done = [(str(each.version), each.result.state) for each in stage.watcher().run_pending()]
        again = stage.watcher().run_pending()
        found[moment] = (killed, done, again, stage.suite_runs(), stage.answered(), eval_runs(stage).count("FINISHED"))
    expected = (([KILLED], []), [("persona v2", PASSED)], [], [(("persona", 2), PASSED)], ["You are very kind."], 1)
    assert found == dict.fromkeys(moments, expected)


def test_two_watchers_run_each_version_once(forker: Forker, make_stage: Callable[[], WatchStage]) -> None:
    stage = make_stage()
    stage.watcher()
    stage.register("You are very kind.")
    stage.register("You are kindest.")
    order(forker, stage)
    order(forker, stage)
    forker.go()
    codes, ran = hear(forker, 2)
    assert (codes, sorted(ran)) == ([0, 0], [["persona v2", "passed"], ["persona v3", "passed"]])
    assert sorted(stage.suite_runs()) == [(("persona", 2), PASSED), (("persona", 3), PASSED)]
    assert sorted(stage.answered()) == ["You are kindest.", "You are very kind."]


def test_a_version_that_kills_its_watchers_is_given_up(forker: Forker, make_stage: Callable[[], WatchStage]) -> None:
    stage = make_stage()
    stage.watcher()
    stage.register("You are very kind.")
    for _ in range(3):
        order(forker, stage, MOMENTS["before anybody works on it"])
        forker.go()
        assert hear(forker, 1) == ([KILLED], [])
    (given_up,) = stage.watcher().run_pending()
    assert given_up.result.message == "given up: 3 watchers stopped while they ran it"
    assert stage.watcher().run_pending() == []
    assert (stage.suite_runs(), stage.answered()) == ([(("persona", 2), SuiteState.CANCELLED)], [])
