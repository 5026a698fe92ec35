"""A suite run in a process of its own: it outlives whoever started it, and says why if it could not begin."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eval_pipeline.actions import starting
from eval_pipeline.actions.lines import suite_folder
from eval_pipeline.actions.starting import last_words, launch, start_suite, state_here
from eval_pipeline.actions.suites import begin_suite
from eval_pipeline.core.suite_runs import SuiteState
from eval_pipeline.errors import PipelineError
from eval_pipeline.store.suite_runs import read_suite_run
from tests.builder import StoreBuilder
from tests.people import ADA, BOB
from tests.small_project import PATIENCE_S, SmallProject, end_processes, make_project

STARTER = """
import sys, time
from pathlib import Path
from eval_pipeline.actions.planning import plan_suite
from eval_pipeline.actions.starting import start_suite
from eval_pipeline.core.people import Person, Role
from eval_pipeline.settings import load_settings
from eval_pipeline.store.connection import open_store

store = open_store(load_settings().settings)
print(start_suite(store, plan_suite(store), trigger="page", actor=Person("ada", Role.PROMOTER)), flush=True)
time.sleep(600)
"""
SPYING = """
import json, os, sys
about = {"words": sys.argv[1:], "session": os.getsid(0) == os.getpid(), "stdin": sys.stdin.read(),
         "store": os.environ["MLFLOW_TRACKING_URI"], "role": os.environ["EVAL_PIPELINE_AUTH_TERMINAL_ROLE"],
         "config": os.environ.get("EVAL_PIPELINE_CONFIG")}
print(json.dumps(about))
"""
WAITING = """
import time
from pathlib import Path
while Path("hold").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def project(tmp_path: Path, store_builder: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallProject]:
    """A small project that the environment tells of. Its processes have ended when the test has."""
    made = make_project(tmp_path / "project", store_builder)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    yield made
    made.release()
    end_processes()


def begin(project: SmallProject) -> str:
    """A suite run that nobody works on yet."""
    return begin_suite(project.store, project.plan(), trigger="page", actor=ADA)


def have_instead(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have another process started than ours."""
    monkeypatch.setattr(starting, "COMMAND", (sys.executable, "-c", script))


def test_a_suite_run_outlives_the_process_that_started_it(project: SmallProject) -> None:
    project.hold()
    app = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert app.stdout is not None
        suite_id = app.stdout.readline().strip()
        project.wait(suite_id, lambda suite: bool(suite.attempts))
    finally:
        os.killpg(app.pid, signal.SIGKILL)
        app.communicate()
    project.release()
    suite = project.wait(suite_id)
    assert (suite.outcome, suite.done, suite.trigger, suite.actor) == (SuiteState.FAILED, 2, "page", "ada")
    assert len(suite.attempts) == 1


def test_its_process_has_a_session_of_its_own_and_the_same_settings(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_instead(monkeypatch, SPYING)
    launch(project.store, "abc", actor=BOB, first=True, jobs=3)
    starting._STARTED["abc"].process.wait(PATIENCE_S)
    assert json.loads(last_words(project.store, "abc") or "") == {
        "words": ["--resume", "abc", "--actor=bob", "--first", "--jobs", "3"],
        "role": "promoter",
        "session": True,
        "stdin": "",
        "store": project.builder.uri,
        "config": str(project.config),
    }


def test_one_that_dies_before_it_begins_is_lost_at_once_and_its_words_are_kept(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    have_instead(monkeypatch, "import sys; sys.exit('\\n\\nError: no module named persona')")
    suite_id = start_suite(project.store, project.plan(), trigger="page", actor=ADA)
    starting._STARTED[suite_id].process.wait(PATIENCE_S)
    assert state_here(read_suite_run(project.store, suite_id)) is SuiteState.LOST
    assert last_words(project.store, suite_id) == "Error: no module named persona"


def test_one_that_is_about_to_begin_is_starting_whatever_it_was_before(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.hold()
    have_instead(monkeypatch, WAITING)
    monkeypatch.chdir(project.folder)
    suite_id = begin(project)
    suite = read_suite_run(project.store, suite_id)
    launch(project.store, suite_id, actor=ADA, attempts=len(suite.attempts))
    long_after = suite.started and suite.started.replace(year=suite.started.year + 1)
    assert long_after is not None
    assert suite.state(long_after) is SuiteState.LOST
    assert state_here(suite, lambda: long_after) is SuiteState.STARTING


def test_one_whose_process_was_killed_is_lost_at_once(project: SmallProject) -> None:
    project.hold()
    suite_id = start_suite(project.store, project.plan(), trigger="page", actor=ADA)
    project.wait(suite_id, lambda suite: bool(suite.attempts))
    assert state_here(read_suite_run(project.store, suite_id)) is SuiteState.RUNNING
    starting._STARTED[suite_id].process.kill()
    deadline = time.monotonic() + PATIENCE_S
    while state_here(read_suite_run(project.store, suite_id)) is not SuiteState.LOST:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    project.release()
    launch(project.store, suite_id, actor=ADA, attempts=1)
    suite = project.wait(suite_id)
    assert (suite.outcome, len(suite.attempts)) == (SuiteState.FAILED, 2)


def test_a_second_click_while_one_is_about_to_begin_starts_no_other(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.hold()
    have_instead(monkeypatch, WAITING)
    monkeypatch.chdir(project.folder)
    suite_id = begin(project)
    launch(project.store, suite_id, actor=ADA)
    process = starting._STARTED[suite_id].process
    launch(project.store, suite_id, actor=ADA)
    assert starting._STARTED[suite_id].process is process


def test_a_process_that_cannot_be_started_leaves_no_suite_run_waiting(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "COMMAND", (str(project.folder / "no-such-python"),))
    with pytest.raises(PipelineError, match="no-such-python could not be started: No such file"):
        start_suite(project.store, project.plan(), trigger="page", actor=ADA)
    [suite] = project.suites
    assert suite.outcome is SuiteState.CANCELLED


def test_a_machine_that_can_keep_no_log_works_all_the_same(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("no folder")
    monkeypatch.setenv("EVAL_PIPELINE_MIRROR_CACHE_DIR", str(tmp_path / "taken"))
    suite_id = start_suite(project.store, project.plan("greeting", version=3), trigger="page", actor=ADA)
    assert project.wait(suite_id).outcome is SuiteState.PASSED
    assert last_words(project.store, suite_id) is None


def test_only_the_end_of_a_long_log_is_read(project: SmallProject) -> None:
    folder = suite_folder(project.store.settings, "abc")
    folder.mkdir(parents=True)
    (folder / starting.LOG_FILE).write_text("x" * 50_000 + "\n\n" + "\n".join(f"line {n}" for n in range(30)) + "\n\n")
    assert last_words(project.store, "abc") == "\n".join(f"line {n}" for n in range(18, 30))
