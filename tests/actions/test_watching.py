"""Watchers in this process, on a real store and with real evaluator children."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.core.suite_runs import SuiteState
from eval_pipeline.errors import DatasetError, SettingsError, UsageError
from eval_pipeline.store.suite_runs import list_suite_runs
from tests.actions.stage import interpose
from tests.actions.watch_stage import CASES, WatchStage, furnish
from tests.builder import StoreBuilder

PASSED, FAILED = SuiteState.PASSED, SuiteState.FAILED


@pytest.fixture
def stage(make_store: Callable[..., StoreBuilder], tmp_path: Path) -> WatchStage:
    furnish(tmp_path / "work")
    return WatchStage(make_store(), tmp_path / "work")


def test_versions_from_before_watching_began_are_not_run(stage: WatchStage) -> None:
    first = stage.watcher()
    assert (first.first, first.run_pending(), stage.watcher().first) == (True, [], False)
    assert stage.suite_runs() == []


def test_each_new_version_is_run_once_oldest_first_against_the_live_one_and_a_restart_repeats_none(
    stage: WatchStage,
) -> None:
    stage.builder.log_run("x")  # not of this project
    watcher = stage.watcher()
    stage.register("You are very kind.")
    stage.register("You are rude.")
    stage.register("Be brief.", "brevity")
    found = watcher.run_pending()
    assert stage.notes.said == [
        ("noticed", "persona v2", 1),
        ("finished", "persona v2", "passed"),
        ("noticed", "persona v3", 1),
        ("finished", "persona v3", "failed"),
        ("noticed", "brevity v1", None),
        ("finished", "brevity v1", "passed"),
    ]
    assert stage.answered() == ["You are very kind.", "You are rude.", "You are kind."]
    assert [(each.live, each.result.state) for each in found] == [(1, PASSED), (1, FAILED), (None, PASSED)]
    assert [watcher.run_pending(), stage.watcher().run_pending()] == [[], []]
    assert stage.suite_runs() == [(("persona", 2), PASSED), (("persona", 3), FAILED), (("brevity", 1), PASSED)]
    assert stage.log(3).outcome == "failed"


def test_the_comparison_with_the_live_versions_runs_is_in_the_record_of_the_suite_run(stage: WatchStage) -> None:
    watcher = stage.watcher()
    stage.register("You are very kind.")
    watcher.run_pending()
    stage.builder.client.set_prompt_alias("persona", "production", 2)
    stage.register("You are rude.")
    stage.register("You are kind again.")
    rude, kind = watcher.run_pending()
    (report,) = rude.result.check.reports
    assert (report.eval_type, report.verdict, report.delta_pp, rude.live) == ("tone", "REGRESSION", -100.0, 2)
    assert kind.result.check.reports[0].verdict == "PASS"  # against v2, not against the rude v3 before it
    recorded = {each.candidate: each.types[0] for each in list_suite_runs(stage.store())}
    assert recorded["persona", 3].verdict == "REGRESSION"
    assert recorded["persona", 3].baseline_run_id == recorded["persona", 4].baseline_run_id == report.baseline_run_id
    saved = stage.builder.client.download_artifacts(rude.result.run_id, "report.json")
    assert json.loads(Path(saved).read_text())["reports"][0]["verdict"] == "REGRESSION"


def test_a_version_that_is_live_already_is_compared_with_the_runs_before_it(stage: WatchStage) -> None:
    watcher = stage.watcher()
    stage.register("You are very kind.")
    stage.builder.client.set_prompt_alias("persona", "production", 2)
    (found,) = watcher.run_pending()
    assert (found.live, found.result.state) == (None, PASSED)


def test_a_prompt_that_was_deleted_and_made_anew_begins_with_its_first_version(stage: WatchStage) -> None:
    stage.register("You are very kind.")
    watcher = stage.watcher()
    client = stage.builder.client
    client.delete_prompt_alias("persona", "production")
    for version in ("1", "2"):
        client.delete_prompt_version("persona", version)
    assert watcher.run_pending() == []
    client.delete_prompt("persona")
    assert watcher.run_pending() == []
    stage.register("You are kind, and new.")
    assert [str(each.version) for each in watcher.run_pending()] == ["persona v1"]


def test_only_the_prompts_of_the_settings_are_watched(stage: WatchStage) -> None:
    watcher = stage.watcher(store=stage.store(prompts=["persona"]))
    stage.register("Be brief.", "brevity")
    assert watcher.run_pending() == []
    stage.register("You are very kind.")
    assert [str(each.version) for each in watcher.run_pending()] == ["persona v2"]


def test_a_look_at_a_registry_in_which_nothing_has_changed_is_one_call(stage: WatchStage) -> None:
    calls: list[str] = []
    store = interpose(stage.store(), calls.append)
    watcher = stage.watcher(store=store)
    stage.register("You are very kind.")
    watcher.run_pending()
    calls.clear()
    watcher.run_pending()
    assert calls == ["search_registered_models"]
    calls.clear()
    stage.register("Be brief.", "brevity")
    stage.builder.client.delete_prompt_version("brevity", "1")
    watcher.run_pending()
    assert calls == ["search_registered_models", "get_run"]


@pytest.mark.parametrize(
    ("more", "suite", "error", "said"),
    [
        ({"target": {}}, "core", UsageError, "nothing says what is to be evaluated"),
        ({"datasets": ["nowhere"]}, "core", SettingsError, "there is no such file or folder"),
        ({}, "cor", UsageError, "did you mean core"),
        ({"suites": {"core": ["tome"]}}, "core", UsageError, "did you mean tone"),
    ],
)
def test_a_suite_that_can_not_be_run_is_told_before_anything_is_written(
    stage: WatchStage, more: dict[str, Any], suite: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        stage.watcher(store=stage.store(**more), suite=suite)
    assert stage.builder.client.get_experiment_by_name(f"{stage.base}.watch") is None


def test_a_dataset_that_can_not_be_used_is_told_before_anything_is_written(stage: WatchStage) -> None:
    furnish(stage.folder, [{**CASES[0], "assert": [{"type": "kontains", "value": "x"}]}])
    with pytest.raises(DatasetError, match="kontains"):
        stage.watcher()
