"""What comes between a watcher and its work: stops, cancels, deletions, outages, other machines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.suites import cancel_suite
from eval_pipeline.actions.watch_loop import keep_watching
from eval_pipeline.core.suite_runs import SuiteState
from eval_pipeline.core.watching import Claim
from eval_pipeline.errors import DatasetError, StoreError
from eval_pipeline.store.suite_runs import list_suite_runs
from eval_pipeline.store.watches import find_watch_ledger, read_prompts, read_versions
from tests.actions.stage import interpose
from tests.actions.watch_stage import Notes, WatchStage, furnish
from tests.builder import StoreBuilder
from tests.people import ADA

PASSED, FAILED = SuiteState.PASSED, SuiteState.FAILED


@pytest.fixture
def stage(make_store: Callable[..., StoreBuilder], tmp_path: Path) -> WatchStage:
    furnish(tmp_path / "work")
    return WatchStage(make_store(), tmp_path / "work")


def test_a_version_that_is_deleted_before_it_is_run_is_dropped(stage: WatchStage) -> None:
    def delete(name: str) -> None:
        if name == "search_prompt_versions":
            stage.builder.client.delete_prompt_version("persona", "2")

    watcher = stage.watcher(store=interpose(stage.store(), after=delete))
    stage.register("You are very kind.")
    assert watcher.run_pending() == []
    assert stage.notes.said == [("dropped", "persona v2", "persona v2 was deleted")]
    assert stage.suite_runs() == []


def test_what_a_person_cancels_is_not_run_again_and_ends_no_watcher(stage: WatchStage) -> None:
    def cancel(kind: str) -> None:
        if kind == "began":
            cancel_suite(stage.store(), list_suite_runs(stage.store())[0].id, actor=ADA)

    (stage.folder / "hold").touch()
    watcher = stage.watcher(Notes(cancel))
    stage.register("You are very kind.")
    (found,) = watcher.run_pending()
    (stage.folder / "hold").unlink()
    assert (found.result.state, found.result.message) == (SuiteState.CANCELLED, "cancelled by ada")
    assert stage.log(2).outcome == "cancelled: cancelled by ada"
    assert stage.watcher().run_pending() == []
    stage.register("You are kindest.")
    assert [each.result.state for each in watcher.run_pending()] == [PASSED]


def test_a_watcher_that_is_stopped_leaves_its_suite_run_to_the_next_one(stage: WatchStage) -> None:
    (stage.folder / "hold").touch()
    stop = threading.Event()
    notes = Notes(lambda kind: stop.set() if kind == "began" else None)
    watcher = stage.watcher(notes, stop=stop)
    stage.register("You are very kind.")
    assert watcher.run_pending() == []
    watcher.leave()
    assert notes.said == [("noticed", "persona v2", 1), ("left", "persona v2")]
    assert [(each.left, each.attempt) for each in stage.log(2).claims] == [(True, 1)]
    (stage.folder / "hold").unlink()
    assert [each.result.state for each in stage.watcher().run_pending()] == [PASSED]
    assert stage.suite_runs() == [(("persona", 2), PASSED)]
    assert [(each.left, each.attempt) for each in stage.log(2).claims] == [(True, 1), (False, 2)]


def test_a_store_that_fails_while_the_suite_run_is_made_costs_a_version_nothing(stage: WatchStage) -> None:
    failures = iter([MlflowException("the disk is full")])

    def fail_once(name: str) -> None:
        if name == "log_batch" and (failure := next(failures, None)):
            raise failure

    late = timedelta()
    stage.watcher()
    watcher = stage.watcher(store=interpose(stage.store(), fail_once), clock=lambda: utc_now() + late)
    stage.register("You are very kind.")
    assert watcher.run_pending() == []
    assert isinstance(watcher.problems[0], StoreError)
    assert watcher.run_pending() == []  # not at once again
    late = timedelta(seconds=11)
    assert [each.result.state for each in watcher.run_pending()] == [PASSED]
    kinds = [said[0] for said in stage.notes.said]
    assert kinds == ["noticed", "trouble", "noticed", "finished"]
    assert [(each.attempt, each.left) for each in stage.log(2).claims] == [(1, False)]


def test_a_version_that_can_not_be_planned_keeps_no_other_one_waiting_and_is_run_when_it_can_be(
    stage: WatchStage,
) -> None:
    late = timedelta()
    watcher = stage.watcher(clock=lambda: utc_now() + late)
    stage.register("You are very kind.")
    dataset = stage.folder / "evals" / "tone.json"
    good = dataset.read_text()
    dataset.write_text(good[:-9])
    assert (watcher.run_pending(), [type(each) for each in watcher.problems]) == ([], [DatasetError])
    assert stage.log(2).claims == ()
    dataset.write_text(good)
    assert watcher.run_pending() == []
    late = timedelta(seconds=11)
    assert [each.result.state for each in watcher.run_pending()] == [PASSED]
    assert [said[:2] for said in stage.notes.said if said[0] == "trouble"] == [("trouble", "persona v2")]


def test_a_claim_of_another_machine_is_waited_for_as_long_as_it_gives_a_sign(stage: WatchStage) -> None:
    late = timedelta()
    watcher = stage.watcher(clock=lambda: utc_now() + late)
    stage.register("You are very kind.")
    ledger = find_watch_ledger(stage.store())
    assert ledger is not None
    (version,) = (
        each for each in read_versions(stage.store(), read_prompts(stage.store())["persona"]) if each.version == 2
    )
    ledger.claim(version, Claim(1, "elsewhere 1 1", utc_now(), "n"))
    assert watcher.run_pending() == []
    late = timedelta(seconds=61)
    assert [each.result.state for each in watcher.run_pending()] == [PASSED]
    assert [said[:2] for said in stage.notes.said][:2] == [("waits", "persona v2"), ("noticed", "persona v2")]
    assert [each.attempt for each in stage.log(2).claims] == [1, 2]


def test_a_suite_run_that_somebody_deleted_is_not_made_again(stage: WatchStage) -> None:
    watcher = stage.watcher()
    stage.register("You are very kind.")
    stop = threading.Event()
    stopped = stage.watcher(Notes(lambda kind: stop.set()), stop=stop)
    stopped.run_pending()
    stopped.leave()
    stage.builder.client.delete_run(list_suite_runs(stage.store())[0].id)
    assert watcher.run_pending() == []
    assert stage.notes.said == [("dropped", "persona v2", "its suite run was deleted")]
    assert stage.log(2).outcome == "could not be run: its suite run was deleted"


def test_a_store_that_goes_away_is_waited_for_and_nothing_is_missed(stage: WatchStage) -> None:
    path, aside = stage.builder.path, stage.builder.path.with_suffix(".aside")

    def then(kind: str) -> None:
        if kind == "away":
            aside.rename(path)
            stage.register("You are very kind.")
            wake.set()
        if kind == "back":
            watcher.stop.set()

    notes, wake = Notes(then), threading.Event()
    watcher = stage.watcher(notes)
    path.rename(aside)
    keep_watching(watcher, notes, wake, 3600)
    assert [said[0] for said in notes.said] == ["away", "noticed", "finished", "back"]


def test_a_delivery_wakes_it_at_once(stage: WatchStage) -> None:
    wake = threading.Event()
    notes = Notes(lambda kind: watcher.stop.set() if kind == "finished" else None)
    watcher = stage.watcher(notes)
    watching = threading.Thread(target=keep_watching, args=(watcher, notes, wake, 3600))
    watching.start()
    stage.register("You are very kind.")
    wake.set()
    watching.join()
    assert notes.said[-1] == ("finished", "persona v2", "passed")
