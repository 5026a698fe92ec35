"""The Run evals page: what it would run, one start a click, every suite run at work, and what came of the others."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from eval_pipeline.actions import starting
from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.suites import begin_suite, cancel_suite, resume_suite, run_eval_suite
from eval_pipeline.core.people import Person, Role
from eval_pipeline.core.suite_runs import SuiteRun, SuiteState, TypeState
from eval_pipeline.store.aliases import point_alias
from eval_pipeline.store.suite_runs import claim_attempt, read_suite_run, write_progress
from eval_pipeline.ui import suite_form
from tests.builder import StoreBuilder
from tests.pages.acting import said
from tests.pages.conftest import Open
from tests.people import ADA, BOB
from tests.small_project import PATIENCE_S, SmallProject, end_processes, make_project

GONE = "elsewhere 1 1|nonce"
"""An owner on another machine: whether it is alive is seen by its heartbeat alone."""
OpenHere = Callable[..., AppTest]


@pytest.fixture
def project(tmp_path: Path, store_builder: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallProject]:
    """A small project that the environment tells of."""
    made = make_project(tmp_path / "project", store_builder)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    yield made
    made.release()
    end_processes()


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the suite runs for which a process would have been started; none is."""
    ids: list[str] = []
    monkeypatch.setattr(starting, "launch", lambda store, suite_id, **said: ids.append(suite_id))
    return ids


@pytest.fixture
def open_here(open_page: Open, project: SmallProject) -> OpenHere:
    """Opens the page on the project: `open_here(evals="full")`."""
    return lambda **query: open_page("run_evals", project.builder.uri, **query)


def begun(project: SmallProject, *eval_types: str, owner: str = GONE) -> SuiteRun:
    """A suite run that somebody on another machine works on."""
    suite_id = begin_suite(
        project.store, project.plan(*eval_types), trigger="watch", actor=Person("ada@example.org", Role.ADMIN)
    )
    claim_attempt(project.store, read_suite_run(project.store, suite_id), owner, utc_now())
    return read_suite_run(project.store, suite_id)


def begin_in(project: SmallProject, suite: SuiteRun, year: int) -> None:
    """Have a suite run have begun in another year."""
    assert suite.started is not None
    then = int(suite.started.replace(year=year).timestamp() * 1000)
    with closing(sqlite3.connect(project.builder.path)) as database, database:
        database.execute("UPDATE runs SET start_time = ? WHERE run_uuid = ?", (then, suite.id))


def start_button(app: AppTest):
    """The button that starts."""
    return next(each for each in app.button if str(each.key).startswith("run_evals.start"))


def plain(app: AppTest) -> str:
    """All text of the page, without what makes it markdown."""
    return said(app).replace("\\", "")


def labels(app: AppTest) -> list[str]:
    """The headings of the cards."""
    found = [*app.get("status"), *(each for each in app.expander if each.label != "More options")]
    return [str(each.label).replace("\\", "") for each in found]


def test_what_would_run_is_shown_before_the_click_and_kept_in_the_address(open_here: OpenHere) -> None:
    app = open_here()
    assert not app.exception
    assert "**Will run 2 eval types, 4 cases:**" in said(app)
    assert ":gray-badge[tone · 2]" in said(app)
    assert ":gray-badge[persona v2]" in said(app)
    assert app.query_params == {"evals": "core"}
    app.selectbox(key="prompt:").select("persona").run()
    assert "persona v2 · candidate" in said(app)
    app.selectbox(key="version:persona").select("v3").run()
    assert "persona v3 · candidate" in said(app)
    app.number_input(key="repeat").set_value(5).run()
    assert "**Will run 2 eval types, 20 cases:**" in said(app)
    assert app.query_params == {"evals": "core", "prompt": "persona", "version": "v3", "repeat": "5"}


def test_a_link_fills_everything_in(open_here: OpenHere, project: SmallProject, launched: list[str]) -> None:
    app = open_here(prompt="persona", version="v1", type=["greeting"], jobs="3")
    assert app.segmented_control[0].value == "chosen"
    assert app.multiselect[0].value == ["greeting"]
    assert "**Will run 1 eval type, 2 cases:**" in said(app)
    start_button(app).click().run()
    [suite] = project.suites
    assert launched == [suite.id]
    assert (suite.suite, suite.candidate, suite.trigger) == ("chosen", ("persona", 1), "page")
    assert [each.eval_type for each in suite.types] == ["greeting"]
    assert app.query_params["suite"] == suite.id
    assert app.query_params["type"] == "greeting"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"type": ["tonne"]}, "there is no dataset of the eval type 'tonne': did you mean tone?"),
        ({"evals": "chosen"}, "Choose at least one eval type."),
        ({"prompt": "personas"}, "There is no prompt personas here."),
        ({"prompt": "persona", "version": "v9"}, "persona has no v9."),
    ],
)
def test_a_mistake_in_the_address_is_said_before_anything_starts(
    query: dict[str, str], problem: str, open_here: OpenHere, project: SmallProject
) -> None:
    app = open_here(**query)
    assert not app.exception
    assert problem in plain(app)
    assert start_button(app).disabled == ("prompt" not in query)
    assert project.suites == []


def test_the_second_click_of_a_double_click_starts_nothing(
    open_here: OpenHere, project: SmallProject, launched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_here()
    start = suite_form._start
    monkeypatch.setattr(suite_form, "_start", lambda click: (start(click), start(click)))
    start_button(app.run()).click().run()
    assert len(project.suites) == len(launched) == 1


def test_what_is_no_longer_as_it_was_seen_is_not_started(
    open_here: OpenHere, project: SmallProject, launched: list[str]
) -> None:
    app = open_here()
    point_alias(project.store, "persona", "experiment", 3)
    start_button(app).click().run()
    assert "Nothing was started: persona is now at v3, not at v2. Look again." in plain(app).replace("*", "")
    assert launched == project.suites == []
    start_button(app).click().run()
    assert project.suites[0].prompts == {"persona": "v3"}


def test_a_run_started_here_is_seen_to_its_end(open_here: OpenHere, project: SmallProject) -> None:
    project.hold()
    app = open_here(prompt="persona", version="v2")
    start_button(app).click().run()
    [suite] = project.suites
    project.wait(suite.id, lambda each: bool(each.now))
    app.run()
    assert [label.partition(" · by ")[0] for label in labels(app)] == [f"Run `{suite.id[:8]}` · Core · **persona v2**"]
    assert "0 of 2 · now: " in plain(app)
    project.release()
    ended = project.wait(suite.id)
    app.run()
    assert not app.exception
    assert ended.outcome is SuiteState.FAILED
    history, types = (each.value for each in app.dataframe)
    assert history["Outcome"].tolist() == ["✕ Failed"]
    assert history["Passed"].tolist() == ["1 / 2"]
    assert dict(zip(types["Eval type"], types["Result"], strict=True)) == {
        "greeting": "✓ Pass",
        "tone": "✕ Below threshold",
    }
    assert "**tone** Below threshold: 50.0%, threshold 80%" in plain(app)


def test_one_whose_process_dies_at_once_says_why(
    open_here: OpenHere, project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "COMMAND", (sys.executable, "-c", "raise SystemExit('Error: no room on the disk')"))
    app = open_here()
    start_button(app).click().run()
    [suite] = project.suites
    starting._STARTED[suite.id].process.wait(PATIENCE_S)
    app.run()
    assert labels(app)[0].startswith(f":orange-badge[Lost] Run `{suite.id[:8]}` · Core · by ")
    assert "Nobody works on it" in plain(app)
    assert "Error: no room on the disk" in [each.value for each in app.code]


def test_a_process_that_cannot_be_started_is_said(
    open_here: OpenHere, project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "COMMAND", (str(project.folder / "no-python"),))
    app = open_here()
    start_button(app).click().run()
    assert "no-python could not be started" in app.error[0].value.replace("\\", "")
    assert project.suites[0].outcome is SuiteState.CANCELLED


def test_every_run_at_work_is_shown_wherever_it_works(open_here: OpenHere, project: SmallProject) -> None:
    suite = begun(project)
    moving = [
        replace(suite.types[0], state=TypeState.FAIL, pass_rate=0.5, done_cases=2, failed_cases=1),
        replace(suite.types[1], state=TypeState.RUNNING, done_cases=1),
    ]
    write_progress(project.store, suite.id, moving, [0, 1], utc_now())
    app = open_here()
    by = "by ada@\u2060example.org (watch)"
    assert labels(app) == [f"Run `{suite.id[:8]}` · Core · **persona v2** · {by} · 1/2 evals"]
    text = plain(app)
    failing, running = (each.eval_type for each in suite.types)
    assert f"1 of 2 · now: {running} · 1 failed" in text
    assert f":red-badge[:material/error: {failing} 50.0%]" in text
    assert f":blue-badge[:material/progress_activity: {running} 1/2]" in text
    assert f"**{failing}** Below threshold: 50.0%, threshold 80%" in text
    assert "No suite run has ended on this store yet." in text


def test_cancelling_asks_once_more(open_here: OpenHere, project: SmallProject) -> None:
    suite = begun(project)
    app = open_here()
    app.button(key=f"cancel:{suite.id}:ask").click().run()
    app.button(key=f"cancel:{suite.id}:no").click().run()
    assert read_suite_run(project.store, suite.id).cancelled_by is None
    app.button(key=f"cancel:{suite.id}:ask").click().run()
    app.button(key=f"cancel:{suite.id}:yes").click().run()
    assert read_suite_run(project.store, suite.id).cancelled_by is not None
    assert "Stopping, asked for by" in plain(app)
    assert not any("cancel" in str(each.key) for each in app.button)


def test_a_lost_run_is_no_longer_at_work_and_can_be_cleared(open_here: OpenHere, project: SmallProject) -> None:
    suite = begun(project)
    long_ago = utc_now().replace(year=2020)
    write_progress(project.store, suite.id, [replace(suite.types[0], state=TypeState.RUNNING)], [0], long_ago)
    begin_in(project, suite, 2020)
    app = open_here()
    assert app.get("status") == []
    assert "Its process has stopped, or its machine is out of reach" in plain(app)
    assert f":gray-badge[:material/schedule: {suite.types[0].eval_type}" in plain(app)
    app.button(key=f"clear:{suite.id}").click().run()
    assert not app.exception
    assert "was ended: its process had stopped" in app.success[0].value.replace("\\", "")
    assert app.dataframe[0].value["Outcome"].tolist() == ["⊘ Cancelled"]


def test_what_is_missing_is_resumed_from_its_details(open_here: OpenHere, project: SmallProject) -> None:
    project.hold()
    suite_id = begin_suite(project.store, project.plan(), trigger="page", actor=ADA)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(resume_suite, project.store, suite_id, actor=ADA, first=True)
        project.wait(suite_id, lambda suite: bool(suite.now))
        cancel_suite(project.store, suite_id, actor=BOB)
        assert ended.result(PATIENCE_S).state is SuiteState.CANCELLED
    project.release()
    app = open_here(suite=suite_id)
    assert "cancelled by bob" in plain(app)
    assert f"eval-pipeline run-evals --resume {suite_id}" in [each.value for each in app.code]
    app.button(key=f"resume:{suite_id}").click().run()
    suite = project.wait(suite_id, lambda each: len(each.attempts) == 2 and each.outcome is not None)
    app.run()
    assert suite.outcome is SuiteState.FAILED
    assert "2 attempts" in plain(app)
    assert not any(str(each.key).startswith("resume:") for each in app.button)


def test_details_name_what_regressed_against_which_version_and_lead_on(
    open_here: OpenHere, project: SmallProject
) -> None:
    run_eval_suite(project.store, project.plan(version=3), trigger="terminal", actor=ADA)
    worse = run_eval_suite(project.store, project.plan(version=1), trigger="watch", actor=BOB)
    app = open_here(suite=worse.run_id)
    history, types = (each.value for each in app.dataframe)
    assert history["Candidate"].tolist() == ["persona v1", "persona v3"]
    assert history["Trigger"].tolist() == ["watch", "terminal"]
    assert history["Outcome"].tolist() == ["✕ Failed", "✓ Passed"]
    named = history["Regressed"].tolist()
    assert sorted(named[0].split(", ")) == ["greeting -50.0 pp against v3", "tone -100.0 pp against v3"]
    assert named[1] == ""
    assert set(types["Change"]) == {"✕ Regression -50.0 pp, v3", "✕ Regression -100.0 pp, v3"}
    assert all(f"run={each.run_id}" in "".join(types["Run"]) for each in worse.results)
    text = plain(app)
    assert "**greeting** Below threshold: 50.0%, threshold 80% · -50.0 pp against v3" in text
    links = [(each.proto.page, each.proto.query_string) for each in app.get("page_link")]
    assert ("promote", "prompt=persona&candidate=v1") in links
    assert any(page == "compare" and "type=tone" in query for page, query in links)


def test_a_suite_run_that_is_not_there_is_said(open_here: OpenHere) -> None:
    app = open_here(suite="0123456789")
    assert "There is no suite run 0123456789 on this store." in plain(app)
    assert "No suite has been run on this store yet." in plain(app)
    app.button(key="run_evals.close").click().run()
    assert "suite" not in app.query_params


def test_without_a_target_the_page_teaches_and_still_shows_the_history(
    open_here: OpenHere, project: SmallProject
) -> None:
    begun(project)
    project.write(target=False)
    app = open_here()
    assert not app.exception
    assert "No target yet." in app.info[0].value
    assert any("[target]" in str(each.value) for each in app.code)
    assert "/2 evals" in "".join(labels(app))
    assert not any(str(each.key).startswith("run_evals.start") for each in app.button)


@pytest.mark.parametrize(
    ("missing", "title"), [("folder", "The datasets can't be used."), ("files", "No datasets yet.")]
)
def test_without_datasets_the_page_says_which_lines_to_add(
    missing: str, title: str, open_here: OpenHere, project: SmallProject
) -> None:
    shutil.rmtree(project.folder / "datasets")
    if missing == "files":
        (project.folder / "datasets").mkdir()
    app = open_here()
    assert title in app.info[0].value
    assert any("datasets = [" in str(each.value) for each in app.code)


def test_a_broken_dataset_is_named(open_here: OpenHere, project: SmallProject) -> None:
    (project.folder / "datasets" / "broken.json").write_text("{")
    app = open_here()
    assert not app.exception
    assert "broken.json" in plain(app)


def test_promote_leads_here_with_the_missing_evidence_filled_in(open_page: Open, project: SmallProject) -> None:
    for eval_type in ("greeting", "tone"):
        project.builder.log_run(eval_type, 0.9, prompts={"persona": "v1"})
    app = open_page("promote", project.builder.uri, prompt="persona")
    links = {each.proto.page: each.proto.query_string for each in app.get("page_link")}
    assert links["run_evals"] == "prompt=persona&version=v2&type=greeting&type=tone"
