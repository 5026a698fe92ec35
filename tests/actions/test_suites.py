"""A suite run from its beginning to its end: what is logged, for whom, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.actions.planning import plan_suite
from eval_pipeline.core.suite_runs import SuiteState, TypeProgress, TypeState
from eval_pipeline.core.suites import CASE_COLUMNS
from eval_pipeline.errors import UsageError
from eval_pipeline.report.suites import suite_result
from eval_pipeline.store.suite_runs import SuiteDraft, create_suite_run, write_progress
from tests.builder import LONG_AGO
from tests.trial import Trial


def demo(trial: Trial) -> None:
    """Two types for the demo's assistant: one that it passes under these prompts, one that it half fails."""
    trial.configure(target={"kind": "demo"}, thresholds={"tone": 0.4})
    cases = [
        {"id": "calm", "input": "Find the form", "group": "calm", "assert": [{"type": "contains", "value": "Sure"}]},
        {"id": "upset", "input": ["Hello", "This is wrong"], "tags": ["x"], "expected": "never"},
    ]
    trial.dataset("tone", version="7", prompts=["persona"], cases=cases, threshold=0.9)
    trial.dataset("routing", cases=cases[:1], repeat=2)


def test_a_suite_run_is_logged_whole(trial: Trial) -> None:
    demo(trial)
    result = trial.run()
    assert {each.eval_type: each.state for each in result.results} == {
        "routing": TypeState.PASS,
        "tone": TypeState.PASS,
    }
    [tone], [routing] = trial.runs("tone"), trial.runs("routing")
    assert tone.data.metrics == {
        "pass_rate": 0.5,
        "average_score": 0.5,
        "total_cases": 2,
        "passed_cases": 1,
        "failed_cases": 1,
        "error_cases": 0,
    }
    assert routing.data.metrics["total_cases"] == 2
    params = {key: value for key, value in tone.data.params.items() if key != "git_sha"}
    assert params == {
        "prompt.persona": "v2",
        "pass_rate_threshold": "0.4",
        "dataset_version": "7",
        "assistant_model": "rule-follower",
    }
    assert {key for key in routing.data.params if key.startswith("prompt.")} == {"prompt.memory", "prompt.persona"}
    assert tone.data.tags["eval_pipeline.suite_run_id"] == result.run_id
    assert (tone.info.status, routing.info.status) == ("FINISHED", "FINISHED")


def test_mlflow_itself_reads_the_cases_and_the_linked_prompts(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trial.builder.uri)
    demo(trial)
    trial.run()
    [tone] = trial.runs("tone")
    table = trial.builder.client.load_table(tone.info.experiment_id, "cases.json", run_ids=[tone.info.run_id])
    assert list(table.columns) == list(CASE_COLUMNS)
    shown = ["case_id", "repeat", "passed", "score", "input", "tags"]
    assert table[shown].to_numpy().tolist() == [
        ["calm", 1, True, 1.0, "Find the form", []],
        ["upset", 1, False, 0.0, ["Hello", "This is wrong"], ["x"]],
    ]
    other = trial.builder.log_run("other")
    trial.builder.client.link_prompt_version_to_run(other, "prompts:/persona/2")
    by_mlflow = trial.builder.client.get_run(other).data.tags["mlflow.linkedPrompts"]
    assert json.loads(tone.data.tags["mlflow.linkedPrompts"]) == json.loads(by_mlflow)


def test_the_suite_run_says_what_it_came_to(trial: Trial) -> None:
    demo(trial)
    result = trial.run()
    [suite] = trial.suites
    assert (suite.id, suite.suite, suite.trigger, suite.actor) == (result.run_id, "full", "terminal", "ada")
    assert (suite.outcome, suite.candidate, dict(suite.prompts)) == (
        SuiteState.PASSED,
        ("persona", 2),
        {"memory": "v1", "persona": "v2"},
    )
    assert [(each.eval_type, each.state, each.done_cases, each.failed_cases) for each in suite.types] == [
        ("routing", TypeState.PASS, 2, 0),
        ("tone", TypeState.PASS, 2, 1),
    ]
    assert (suite.done, suite.total, suite.now, len(suite.attempts), suite.cancelled_by) == (2, 2, (), 1, None)
    run = trial.builder.client.get_run(suite.id)
    assert (run.info.status, run.info.run_name, run.data.tags["suite.done"]) == ("FINISHED", "full persona v2", "2")
    path = trial.builder.client.download_artifacts(suite.id, "report.json")
    assert json.loads(Path(path).read_text()) == suite_result(result)
    assert not list((trial.store.settings.mirror.cache_dir or trial.folder).glob("suites/*"))


def test_types_are_told_of_as_they_end_and_counted(trial: Trial) -> None:
    trial.dataset("a", "pass")
    trial.dataset("b", "fail")
    trial.run(jobs=1)
    assert trial.heard.ended_types == [(1, 2, "a", "PASS"), (2, 2, "b", "FAIL")]


@pytest.mark.parametrize(("before", "verdict", "state"), [(1.0, "WARNING", "passed"), (0.2, "IMPROVED", "passed")])
def test_each_type_is_compared_with_the_complete_run_before_it(
    trial: Trial, before: float, verdict: str, state: str
) -> None:
    trial.builder.log_run("tone", before, started=LONG_AGO)
    trial.dataset("tone", "pass", "fail", threshold=0.5)
    result = trial.run()
    [report] = result.check.reports
    [progress] = trial.suite(result.run_id).types
    assert (report.verdict.value, result.state.value) == (verdict, state)
    assert (progress.verdict, progress.delta_pp, progress.baseline_run_id) == (
        verdict,
        report.delta_pp,
        report.baseline_run_id,
    )


def test_against_a_version_its_newest_run_is_the_baseline(trial: Trial) -> None:
    live = trial.builder.log_run("tone", 0.9, started=LONG_AGO, prompts={"persona": "v1"})
    trial.builder.log_run("tone", 0.1, prompts={"persona": "v3"})
    trial.dataset("tone", "pass")
    [report] = trial.run(against=("persona", 1)).check.reports
    assert report.baseline_run_id == live


def test_a_rate_of_zero_is_kept_as_such(trial: Trial) -> None:
    trial.builder.log_run("tone", 0.0, started=LONG_AGO)
    trial.dataset("tone", "fail")
    result = trial.run()
    [progress] = trial.suite(result.run_id).types
    assert (progress.pass_rate, progress.delta_pp, progress.state) == (0.0, 0.0, TypeState.FAIL)
    assert result.state is SuiteState.FAILED


def test_repeats_are_cases_of_their_own(trial: Trial) -> None:
    trial.dataset("tone", "pass", "fail")
    trial.run(repeat=3)
    [run] = trial.runs("tone")
    assert (run.data.metrics["total_cases"], run.data.metrics["pass_rate"]) == (6, 0.5)
    assert sorted(trial.calls) == ["fail"] * 3 + ["pass"] * 3


def test_half_a_character_in_an_answer_is_kept(trial: Trial) -> None:
    trial.dataset("tone", "odd")
    trial.run()
    [run] = trial.runs("tone")
    path = trial.builder.client.download_artifacts(run.info.run_id, "cases.json")
    [row] = json.loads(Path(path).read_text(encoding="utf-8"))["data"]
    assert row[CASE_COLUMNS.index("output")] == "half a \ud83d"


def test_errored_cases_neither_pass_nor_fail(trial: Trial) -> None:
    trial.dataset("tone", "pass", "fail", "raise")
    trial.dataset("routing", "raise")
    result = trial.run()
    assert trial.statuses("tone") == [("FINISHED", 0.5, 1)]
    assert trial.statuses("routing") == [("FINISHED", None, 1)]
    assert {each.eval_type: (each.state.value, each.error) for each in result.results} == {
        "routing": ("error", "1 of 1 cases errored: RuntimeError: no answer"),
        "tone": ("partial", "1 of 3 cases errored: RuntimeError: no answer"),
    }
    assert (result.state, result.check.reports) == (SuiteState.INCOMPLETE, ())


def test_resuming_runs_what_errored_again_and_nothing_else(trial: Trial) -> None:
    trial.dataset("tone", "pass", "raise")
    first = trial.run()
    (trial.folder / "mended").touch()
    again = trial.resume(first.run_id)
    assert (again.state, again.run_id) == (SuiteState.PASSED, first.run_id)
    assert sorted(trial.calls) == ["pass", "raise", "raise"]
    partial, whole = trial.runs("tone")
    assert partial.data.tags["eval_pipeline.superseded_by"] == whole.info.run_id
    assert trial.statuses("tone") == [("FINISHED", 1.0, 1), ("FINISHED", 1.0, 0)]
    suite = trial.suite(first.run_id)
    assert (suite.outcome, len(suite.attempts)) == (SuiteState.PASSED, 2)
    with pytest.raises(UsageError, match="nothing is missing"):
        trial.resume(first.run_id)


def test_a_cap_on_calls_counts_those_of_all_children(trial: Trial) -> None:
    trial.configure(runner={"max_calls": 3, "jobs": 2})
    trial.dataset("a", "pass", "pass")
    trial.dataset("b", "pass", "pass")
    result = trial.run()
    assert len(trial.calls) == 3
    assert result.state is SuiteState.INCOMPLETE
    errors = sum(run.data.metrics["error_cases"] for name in "ab" for run in trial.runs(name))
    assert errors == 1


def test_more_types_and_prompts_than_mlflow_takes_at_once_are_written(trial: Trial) -> None:
    prompts = {f"prompt-{number:03}": f"v{number}" for number in range(1, 121)}
    types = tuple(TypeProgress(f"type-{number}") for number in range(120))
    moment = LONG_AGO
    suite_id = create_suite_run(trial.store, SuiteDraft("full", "page", "ada", prompts, None, types), moment)
    write_progress(trial.store, suite_id, types, range(120), moment)
    suite = trial.suite(suite_id)
    assert (suite.types, dict(suite.prompts)) == (types, prompts)


def test_a_plan_resolves_each_prompt_once(trial: Trial) -> None:
    trial.dataset("tone", "pass")

    def versions(**said: Any) -> dict[str, int]:
        return {name: text.version for name, text in plan_suite(trial.store, **said).prompts.items()}

    assert versions() == {"memory": 1, "persona": 2}
    assert versions(prefer=("production",)) == {"memory": 1, "persona": 1}
    assert versions(prefer=()) == {"memory": 1, "persona": 3}
    assert versions(versions={"persona": 1}) == {"memory": 1, "persona": 1}
