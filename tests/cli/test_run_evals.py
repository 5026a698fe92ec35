"""`run-evals` as a user types it: lines, table, JSON, exit codes, mistakes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eval_pipeline.actions.planning import plan_suite
from eval_pipeline.actions.suites import begin_suite
from tests.builder import LONG_AGO
from tests.cli.conftest import Answer, Run
from tests.people import ADA
from tests.trial import Trial

GOLDEN = Path(__file__).parent / "golden"
RESULT = {"eval_type", "passed", "pass_rate", "run_id", "error"}


@pytest.fixture
def project(trial: Trial) -> Trial:
    """Three types: one that passes, one that fails, one of which a case errors; all with history."""
    trial.configure(thresholds={"tone": 0.9}, suites={"small": ["tone"]})
    trial.dataset("routing", "pass")
    trial.dataset("tone", "pass", "fail")
    trial.dataset("weather", "pass", "raise")
    trial.builder.log_run("routing", 1.0, started=LONG_AGO)
    trial.builder.log_run("tone", 0.95, started=LONG_AGO, prompts={"persona": "v1"})
    return trial


def ask(run: Run, trial: Trial, *arguments: str) -> Answer:
    return run("run-evals", *arguments, "--config", str(trial.config))


TABLE = re.compile(r"^(Eval type|\w+: starting) .*?^(?=\d+ eval types?: )", re.MULTILINE | re.DOTALL)


def check_golden(name: str, said: str) -> None:
    """What differs from run to run, and the table of `check`, are left out; `REGOLD=1` writes the file instead."""
    said = re.sub(r"\b[0-9a-f]{32}\b", "<suite run>", said)
    said = re.sub(r"(?<=Suite run )[0-9a-f]{8}", "<suite>", said)
    said = TABLE.sub("<the table of check>\n\n", said)
    path = GOLDEN / name
    if os.environ.get("REGOLD"):
        path.write_text(said)
    assert said == path.read_text()


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("run-evals", ["--suite", "full", "--jobs", "1"], 1),
        ("run-evals-failed", ["--eval-type", "tone", "--eval-type", "routing", "--jobs", "1"], 1),
        ("run-evals-passed", ["--eval-type", "routing", "--prompt", "persona=v3"], 0),
        ("run-evals-no-check", ["--eval-type", "routing", "--no-check"], 0),
    ],
)
def test_the_lines_and_the_table_are_as_people_know_them(
    project: Trial, run: Run, name: str, arguments: list[str], code: int
) -> None:
    answer = ask(run, project, *arguments)
    assert (answer.code, answer.err) == (code, "")
    check_golden(f"{name}.txt", answer.out)


def test_resuming_says_what_is_left_and_ends_as_the_whole(project: Trial, run: Run) -> None:
    ask(run, project, "--eval-type", "routing", "--eval-type", "weather", "--jobs", "1")
    (project.folder / "mended").touch()
    answer = ask(run, project, "--resume", project.suites[0].id)
    assert (answer.code, answer.err) == (0, "")
    check_golden("run-evals-resumed.txt", answer.out)


def test_json_is_the_only_thing_on_stdout(project: Trial, run: Run) -> None:
    answer = ask(run, project, "--suite", "full", "--format", "json", "--jobs", "1")
    said = json.loads(answer.out)
    [suite] = project.suites
    assert answer.code == 1
    assert (said["suite"], said["run_id"], said["state"]) == ("full", suite.id, "incomplete")
    assert all(each.keys() >= RESULT for each in said["results"])
    assert [(each["eval_type"], each["passed"], each["pass_rate"]) for each in said["results"]] == [
        ("routing", True, 1.0),
        ("tone", False, 0.5),
        ("weather", False, 1.0),
    ]
    assert said["results"][2]["error"] == "1 of 2 cases errored: RuntimeError: no answer"
    assert [(each["eval_type"], each["verdict"]) for each in said["reports"]] == [
        ("routing", "PASS"),
        ("tone", "REGRESSION"),
    ]
    assert [line[:5] for line in answer.err.splitlines()][:4] == ["Suite", "[1/3]", "[2/3]", "[3/3]"]
    assert answer.err.splitlines()[-1] == f"To run what is missing: eval-pipeline run-evals --resume {suite.id}"


def test_what_evaluators_write_is_shown_if_wanted(project: Trial, run: Run) -> None:
    assistant = project.folder / "assistant.py"
    assistant.write_text(f"print('loading \\x1b[31m')\n{assistant.read_text()}")
    assert "loading" not in ask(run, project, "--eval-type", "routing").err
    answer = ask(run, project, "--eval-type", "routing", "--verbose")
    assert answer.err == "routing: loading  [31m\n"


def test_a_suite_run_that_nobody_began_can_be_cleared_and_is_not_begun_then(project: Trial, run: Run) -> None:
    store = project.store
    suite_id = begin_suite(store, plan_suite(store, "small"), trigger="page", actor=ADA)
    cancelled = ask(run, project, "--cancel", suite_id, "--format", "json", "--actor", "bob")
    assert (cancelled.code, json.loads(cancelled.out)) == (
        0,
        {"said": f"suite run {suite_id} was ended: nobody had begun it"},
    )
    refused = ask(run, project, "--resume", suite_id, "--first")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == f"Error: suite run {suite_id} was begun or cancelled already\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "ful"], "Error: there is no suite 'ful': did you mean full?"),
        (["--eval-type", "ton"], "Error: there is no dataset of the eval type 'ton': did you mean tone?"),
        (["--prompt", "persone=2"], "Error: there is no prompt 'persone': did you mean persona?"),
        (["--prompt", "persona=9"], "Error: persona has no v9: known are v1, v2, v3"),
        (["--prompt", "persona"], "Error: 'persona' names no version of a prompt: write NAME=VERSION"),
        (["--prompt", "persona="], "Error: 'persona=' names no version of a prompt: write NAME=VERSION"),
        (["--prompt", "persona=@prodction"], "Error: persona has no alias 'prodction': did you mean production?"),
        (["--prompt", "persona=production"], "Error: 'production' is no version of persona: write persona=@production"),
        (["--prompt", "persona=1", "--prompt", "persona=2"], "Error: the prompt persona is named twice"),
        (["--resume", "abcdef12"], "Error: there is no suite run 'abcdef12' in my-assistant-eval.suites: it has none"),
        (["--cancel", "a"], "Error: there is no suite run 'a' in my-assistant-eval.suites: it has none"),
        (["--jobs", "0"], "Error: Invalid value for '--jobs': 0 is not in the range x>=1"),
        (["--repeat", "x"], "Error: Invalid value for '--repeat': 'x' is not a valid integer range"),
        (["--suit", "core"], "Error: No such option '--suit'. (Did you mean one of: "),
        (["--suite", "core", "--eval-type", "tone"], "Error: --suite does not go with --eval-type"),
        (["--resume", "abcdef12", "--suite", "core"], "Error: --suite does not go with --resume"),
        (["--resume", "abcdef12", "--repeat", "2"], "Error: --repeat does not go with --resume"),
        (["--resume", "abcdef12", "--cancel", "abcdef12"], "Error: --resume does not go with --cancel"),
        (["--cancel", "abcdef12", "--verbose"], "Error: --verbose does not go with --cancel"),
        (["--first"], "Error: --first goes with --resume only"),
        (["--actor", " "], "Error: nobody is named as the actor: give --actor"),
        (["tone"], "Error: Got unexpected extra argument"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_suite_run(
    project: Trial, run: Run, arguments: list[str], said: str
) -> None:
    answer = ask(run, project, *arguments)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert answer.err.startswith(said)
    assert project.suites == []


def test_nothing_to_evaluate_is_said_with_what_to_set(trial: Trial, run: Run) -> None:
    trial.configure(target={})
    assert ask(run, trial).err.startswith("Error: nothing says what is to be evaluated: set [target] kind")
    trial.configure()
    assert "evals': there is no such file or folder; set datasets" in ask(run, trial).err
    (trial.folder / "evals").mkdir()
    assert ask(run, trial).err.startswith("Error: there are no datasets in ")


def test_an_alias_names_the_version_that_it_points_to(project: Trial, run: Run) -> None:
    assert ask(run, project, "--eval-type", "routing", "--prompt", "persona=@production").code == 0
    assert (project.suites[0].candidate, dict(project.suites[0].prompts)["persona"]) == (("persona", 1), "v1")


def test_cases_run_on_a_local_cluster_that_finds_the_team_s_modules(project: Trial) -> None:
    command = [sys.executable, "-m", "eval_pipeline", "run-evals", "--eval-type", "routing", "--executor", "dask"]
    options = ["--no-check", "--format", "json", "--config", str(project.config)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120)
    [result] = json.loads(done.stdout)["results"]
    assert (done.returncode, result["error"], result["pass_rate"]) == (0, None, 1.0)


def test_a_cap_on_calls_does_not_go_with_dask(project: Trial, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_RUNNER_MAX_CALLS", "5")
    monkeypatch.setenv("EVAL_PIPELINE_RUNNER_DASK_ADDRESS", "tcp://127.0.0.1:1")
    answer = ask(run, project, "--eval-type", "routing", "--executor", "dask", "--format", "json")
    [result] = json.loads(answer.out)["results"]
    assert (answer.code, result["run_id"]) == (1, None)
    assert "max_calls" in result["error"]
