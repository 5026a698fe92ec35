"""What a suite run is going to do: datasets, suites, thresholds, versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval_pipeline.actions.planning import (
    choose_types,
    find_datasets,
    plan_again,
    plan_suite,
    suite_names,
    suite_types,
)
from eval_pipeline.actions.suites import begin_suite
from eval_pipeline.errors import DatasetError, SettingsError, UsageError
from eval_pipeline.settings import Settings
from tests.people import ADA
from tests.trial import Trial

NINETEEN = [f"type-{number:02}" for number in range(19)]


def write(folder: Path, name: str, eval_type: str, **fields: object) -> None:
    dataset = {"eval_type": eval_type, "version": "1", "cases": [{"id": "a", "input": "x", "expected": "y"}], **fields}
    (folder / name).write_text(json.dumps(dataset))


def test_datasets_are_found_in_folders_and_by_name_and_other_files_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in", "b.json", "b")
    write(tmp_path / "in", "notes.txt", "notes")
    write(tmp_path, "a.yaml", "a")
    found = find_datasets(Settings(datasets=[str(tmp_path / "in"), str(tmp_path / "a.yaml")]))
    assert list(found) == ["a", "b"]


def test_two_files_of_one_type_or_a_bad_one_are_errors_that_name_them(tmp_path: Path) -> None:
    write(tmp_path, "a.json", "tone")
    write(tmp_path, "b.json", "tone")
    with pytest.raises(SettingsError, match=r"a\.json and .*b\.json both are of the eval type tone"):
        find_datasets(Settings(datasets=[str(tmp_path)]))
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(DatasetError, match=r"b\.json"):
        find_datasets(Settings(datasets=[str(tmp_path)]))
    (tmp_path / "b.json").write_bytes(b"\xff")
    with pytest.raises(DatasetError, match=r"b\.json can't be read"):
        find_datasets(Settings(datasets=[str(tmp_path)]))


def test_the_suites_are_the_usual_ones_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    for number, name in enumerate([*NINETEEN, "tone", "quality"]):
        write(tmp_path, f"{number}.json", name)
    settings = Settings(datasets=[str(tmp_path)], suites={"mine": ["tone", "type-03", "tone"], "full": ["tone"]})
    found = find_datasets(settings)
    assert suite_types(found, settings, "core") == ["quality", "tone"]
    assert suite_types({name: found[name] for name in NINETEEN}, settings, "core") == NINETEEN[:5]
    assert suite_types(found, settings, "mine") == ["tone", "type-03"]
    assert suite_types(found, settings, "full") == ["tone"]
    assert suite_types(found, Settings(), "full") == sorted(["quality", "tone", *NINETEEN])
    assert suite_names(settings) == ["core", "full", "mine"]
    assert [each.eval_type for each in choose_types(found, settings, None, ["tone", "quality", "tone"])] == [
        "tone",
        "quality",
    ]
    with pytest.raises(UsageError, match="no suite 'min': did you mean mine"):
        suite_types(found, settings, "min")
    with pytest.raises(UsageError, match="no dataset of the eval type 'gone'"):
        choose_types(found, Settings(suites={"core": ["gone"]}), None, [])


@pytest.mark.parametrize(
    ("own", "of_dataset", "threshold"), [(None, None, 0.7), (None, 0.9, 0.9), (0.6, 0.9, 0.6), (0.0, 0.9, 0.0)]
)
def test_the_threshold_is_that_of_the_type_the_dataset_or_all(
    trial: Trial, own: float | None, of_dataset: float | None, threshold: float
) -> None:
    trial.dataset("tone", "pass", threshold=of_dataset)
    plan = plan_suite(trial.store, "full")
    settings = Settings(default_threshold=0.7, thresholds={} if own is None else {"tone": own})
    assert plan.threshold(plan.types[0], settings) == threshold


def test_a_type_uses_the_prompts_that_its_dataset_names(trial: Trial) -> None:
    trial.dataset("all", "pass")
    trial.dataset("one", "pass", prompts=["memory"])
    plan = plan_suite(trial.store, "full")
    assert [sorted(plan.prompts_of(each)) for each in plan.types] == [["memory", "persona"], ["memory"]]
    trial.dataset("one", "pass", prompts=["memry"])
    with pytest.raises(UsageError, match=r"prompts names 'memry', .*: did you mean memory"):
        plan_suite(trial.store, "full")


def test_only_the_prompts_of_the_project_are_taken(trial: Trial) -> None:
    trial.dataset("tone", "pass")
    store = trial.store
    store.settings = store.settings.model_copy(update={"prompts": ["memory"]})
    assert list(plan_suite(store).prompts) == ["memory"]
    assert list(plan_suite(store, versions={"persona": 1}).prompts) == ["memory", "persona"]


def test_a_plan_is_made_again_with_the_versions_of_its_suite_run(trial: Trial) -> None:
    trial.dataset("tone", "pass")
    trial.dataset("routing", "pass")
    store = trial.store
    made = plan_suite(store, "full", versions={"persona": 1}, repeat=3)
    suite = trial.suite(begin_suite(store, made, trigger="page", actor=ADA))
    trial.builder.client.set_prompt_alias("persona", "experiment", 3)
    trial.dataset("new", "pass")
    assert plan_again(store, suite) == made
    (trial.folder / "evals" / "tone.json").unlink()
    with pytest.raises(UsageError, match="no dataset of the eval type 'tone'"):
        plan_again(store, suite)
    trial.dataset("tone", "pass")
    trial.builder.client.delete_prompt_version("persona", "1")
    with pytest.raises(UsageError, match="the registry has no persona v1 any more"):
        plan_again(store, suite)
