"""A team's own runner: started per dataset, its exit code its result, its MLflow run found and linked."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from eval_pipeline.core.suite_runs import SuiteResult, SuiteState, TypeState
from eval_pipeline.errors import SettingsError
from eval_pipeline.store.connection import Store
from tests.actions.stage import now
from tests.builder import LONG_AGO
from tests.trial import Trial

FLUENT = """
import json, os, sys
import mlflow

dataset = json.load(open(sys.argv[1]))
with mlflow.start_run():
    mlflow.log_metrics({"pass_rate": 0.9, "total_cases": len(dataset["cases"])})
    mlflow.log_params({f"prompt.{name}": version for name, version in json.loads(os.environ["EVAL_PROMPTS"]).items()})
    with mlflow.start_run(nested=True):
        mlflow.log_metric("pass_rate", 0.1)
print("to stdout")
print("to stderr", file=sys.stderr)
"""
CLIENT = """
import os
from mlflow import MlflowClient

client = MlflowClient()
experiment = client.get_experiment_by_name(os.environ["MLFLOW_EXPERIMENT_NAME"])
number = experiment.experiment_id if experiment else client.create_experiment(os.environ["MLFLOW_EXPERIMENT_NAME"])
run = client.create_run(number)
client.log_metric(run.info.run_id, "pass_rate", 0.7)
client.set_terminated(run.info.run_id)
"""


ASKING = "touch asked; while [ ! -e logged ]; do sleep 0.02; done"
"""A command that waits until somebody has logged a run for it: importing MLflow in a child takes seconds."""


def own(trial: Trial, script: str) -> None:
    """A runner of the team's own, in Python."""
    (trial.folder / "runner.py").write_text(script)
    trial.configure(runner={"command": f"{sys.executable} runner.py {{dataset}}"})
    trial.dataset("tone", "pass", "pass")


def run_asking(trial: Trial, then: str, rate: float | None, status: str = "FINISHED") -> SuiteResult:
    """Run a command that logs a run, then does something."""
    trial.configure(runner={"command": f"sh -c '{ASKING}; {then}'"})
    trial.dataset("tone", "pass")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(trial.run)
        trial.wait((trial.folder / "asked").exists)
        tags = {"eval_pipeline.suite_run_id": trial.suites[0].id}
        trial.builder.log_run("tone", rate, status=status, started=now(), tags=tags)
        (trial.folder / "logged").touch()
        return running.result()


def test_what_a_script_logs_by_start_run_is_linked_and_its_words_are_passed_on(trial: Trial) -> None:
    trial.builder.log_run("tone", 0.8, started=LONG_AGO)
    own(trial, FLUENT)
    result = trial.run()
    _, run, nested = trial.runs("tone")
    [tone] = result.results
    assert (tone.state, tone.pass_rate, tone.run_id, tone.error) == (TypeState.PASS, 0.9, run.info.run_id, None)
    assert run.data.tags["eval_pipeline.suite_run_id"] == result.run_id
    assert "mlflow.parentRunId" in nested.data.tags
    assert {key: value for key, value in run.data.params.items() if key.startswith("prompt.")} == {
        "prompt.memory": "v1",
        "prompt.persona": "v2",
    }
    assert [(each.baseline_pass_rate, each.verdict.value) for each in result.check.reports] == [(0.8, "IMPROVED")]
    assert {("tone", "to stdout"), ("tone", "to stderr")} <= set(trial.heard.words)


def test_what_a_script_logs_by_the_client_alone_is_found_and_others_are_left_alone(trial: Trial) -> None:
    others = trial.builder.log_run("tone", 0.2, tags={"eval_pipeline.suite_run_id": "another"})
    before = trial.builder.log_run("tone", 0.3)
    own(trial, CLIENT)
    result = trial.run()
    [tone] = result.results
    assert (tone.state, tone.pass_rate) == (TypeState.PASS, 0.7)
    assert trial.runs("tone")[-1].data.tags["eval_pipeline.suite_run_id"] == result.run_id
    tags = [trial.builder.client.get_run(each).data.tags.get("eval_pipeline.suite_run_id") for each in (others, before)]
    assert tags == ["another", None]


@pytest.mark.parametrize(
    ("then", "rate", "status", "state", "said"),
    [
        ("exit 0", 0.9, "FINISHED", TypeState.PASS, None),
        ("echo two are wrong; exit 3", 0.9, "FINISHED", TypeState.FAIL, "exit code 3: two are wrong"),
        ("echo oh >&2; exit 1", None, "FINISHED", TypeState.ERROR, "exit code 1: oh"),
        ("exit 0", None, "FINISHED", TypeState.ERROR, "no pass rate was logged"),
        ("kill -9 $$", 0.9, "RUNNING", TypeState.ERROR, "the runner was ended by SIGKILL"),
    ],
)
def test_the_exit_code_is_the_result_of_a_run_that_is_evidence(
    trial: Trial, then: str, rate: float | None, status: str, state: TypeState, said: str | None
) -> None:
    [tone] = run_asking(trial, then, rate, status).results
    assert tone.state is state
    assert (tone.error is None) if said is None else (said in str(tone.error))
    assert [run.info.status for run in trial.runs("tone")] == ["FAILED" if status == "RUNNING" else "FINISHED"]


@pytest.mark.parametrize(
    ("command", "state", "said"),
    [
        ("true", TypeState.PASS, "the runner logged no MLflow run that could be found"),
        ("false", TypeState.ERROR, "the runner ended with exit code 1"),
    ],
)
def test_without_a_run_only_the_exit_code_is_left(trial: Trial, command: str, state: TypeState, said: str) -> None:
    trial.configure(runner={"command": command})
    trial.dataset("tone", "pass")
    [tone] = trial.run().results
    assert (tone.state, tone.error, tone.run_id) == (state, said, None)


def test_what_passed_is_not_run_again_on_resuming(trial: Trial) -> None:
    trial.configure(runner={"command": "sh -c 'echo {eval_type} >> ran; test {eval_type} = a -o -e mended'"})
    trial.dataset("a", "pass")
    trial.dataset("b", "pass")
    first = trial.run(jobs=1)
    assert [each.state for each in first.results] == [TypeState.PASS, TypeState.ERROR]
    (trial.folder / "mended").touch()
    assert trial.resume(first.run_id).state is SuiteState.PASSED
    assert (trial.folder / "ran").read_text().split() == ["a", "b", "b"]


def test_a_dataset_in_a_format_of_the_teams_own_is_passed_on(trial: Trial) -> None:
    trial.configure(runner={"command": "grep -q mine {dataset}"})
    (trial.folder / "evals").mkdir()
    (trial.folder / "evals" / "tone.yaml").write_text("mine: [1, 2]\n")
    assert [each.eval_type for each in trial.run().results] == ["tone"]
    assert trial.suites[0].outcome is SuiteState.PASSED


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-program {dataset}", "there is no program 'no-such-program' in the PATH that can be started"),
        ("./no-such.sh", "there is no program './no-such.sh' in "),
        ("run {datset}", "it may name {dataset}, {eval_type}, {suite_run_id}"),
        ("run 'it", "it may name {dataset}, {eval_type}, {suite_run_id}"),
        ("run {dataset.x}", "it may name {dataset}, {eval_type}, {suite_run_id}"),
        ("", "runner.command is empty"),
    ],
)
def test_a_command_that_can_not_be_started_is_one_line_before_anything_begins(
    trial: Trial, command: str, said: str
) -> None:
    trial.configure(runner={"command": command})
    trial.dataset("tone", "pass")
    with pytest.raises(SettingsError) as problem:
        trial.run()
    assert said in str(problem.value)
    assert "\n" not in str(problem.value)
    assert trial.suites == []


def test_a_store_in_a_relative_file_is_the_same_one_for_the_command(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.configure(runner={"command": "sh -c 'echo $MLFLOW_TRACKING_URI > uri'", "folder": "evals"})
    trial.dataset("tone", "pass")
    monkeypatch.chdir(trial.folder)
    trial.run(store=Store("sqlite:///mlflow.db", trial.store.settings))
    assert (trial.folder / "evals" / "uri").read_text() == f"{trial.builder.uri}\n"
