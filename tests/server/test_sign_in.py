"""Credentials of an MLflow that people sign in to: by MLflow's own variables, and what each may do."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from eval_pipeline.actions.auditing import verify_audit
from eval_pipeline.actions.moving import move_alias
from eval_pipeline.errors import RefusedError
from eval_pipeline.settings import Settings
from eval_pipeline.store.aliases import read_alias
from eval_pipeline.store.connection import Store
from tests.actions.stage import Stage, furnish, now
from tests.actions.test_moving import draft
from tests.builder import StoreBuilder
from tests.cli.conftest import Answer, Run
from tests.pages.acting import said, send
from tests.pages.conftest import Open
from tests.small_project import SmallProject
from tests.team_server import ADMIN, EDITOR, READER, TeamServer, sign_in, sign_out

pytestmark = pytest.mark.server

REFUSED = (
    "refuses these credentials: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
)
NO_TOKENS = (
    "fails (HTTP 500): see its log, or try again later; MLflow's own sign-in fails so on a token: "
    "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
)
NOT_PERMITTED = (
    "the store at {uri} does not permit this with these credentials: ask for permission there (READ to look, EDIT to "
    "act), or use those of somebody who has it"
)
READING = (
    "doctor",
    "trend",
    "check",
    "flaky",
    "diff --eval-type tone",
    "promote persona --version 3 --dry-run",
    "audit log",
    "audit verify",
    "audit reconcile",
)
ACTING = {
    "promote persona --version 3": "persona@production was not moved: ",
    "promote persona --force --reason why": "persona@production was not moved: ",
    "rollback persona --reason worse --to-version 2": "persona@production was not moved: ",
    "run-evals --prompt persona=2": "",
}


@pytest.mark.parametrize("password", ["a-wrong-secret", None])
def test_wrong_credentials_and_none_are_one_line_that_says_what_to_set(
    project: SmallProject, run: Run, monkeypatch: pytest.MonkeyPatch, password: str | None
) -> None:
    sign_out(monkeypatch)
    if password:
        sign_in(monkeypatch, ADMIN[0], password)
    for command in ("check", "promote persona", "run-evals", "watch --once"):
        answer = run(*command.split(), store=project.builder)
        assert answer == Answer(2, "", f"Error: the store at {project.builder.uri} {REFUSED}\n")


def test_a_token_on_which_mlflows_own_sign_in_fails_is_told(
    team_server: TeamServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_out(monkeypatch)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-secret")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    answer = run("check", "--tracking-uri", team_server.uri)
    assert answer == Answer(2, "", f"Error: the server at {team_server.uri} {NO_TOKENS}\n")


def test_a_reader_reads_everything_and_what_acts_is_refused_before_anything_is_written(
    project: SmallProject, team_server: TeamServer, run: Run, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = team_server.uri
    for version in (1, 3):
        run("run-evals", "--prompt", f"persona={version}", store=project.builder)
    sign_in(monkeypatch, *READER)
    assert {line: run(*line.split(), store=project.builder).code for line in READING} == dict.fromkeys(READING, 0)
    for line, before in ACTING.items():
        answer = run(*line.split(), store=project.builder)
        assert (answer.code, answer.err) == (2, f"Error: {before}{NOT_PERMITTED.format(uri=uri)}\n")

    promote = open_page("promote", uri, candidate="v3")
    assert "**Read only.** Here persona can't be moved" in said(promote)
    assert "The store failed" in shown(send(promote, "promote"))
    assert "Read only" in said(open_page("rollback", uri, version="v2"))
    run_evals = open_page("run_evals", uri)
    started = next(each for each in run_evals.button if each.label == "Start run").click().run()
    assert "Nothing was started" in shown(started)

    sign_in(monkeypatch, *ADMIN)
    assert read_alias(project.store, "persona", "production") == 1
    assert len(project.suites) == 2
    experiments = {each.name.removeprefix("my-assistant-eval") for each in project.builder.client.search_experiments()}
    assert experiments == {"-tone", "-greeting", ".suites", "Default"}


def test_an_editor_who_comes_too_late_is_told_so_though_editors_may_delete_nothing(
    team_server: TeamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = StoreBuilder(team_server.uri)
    furnish(builder)
    stage = Stage(Store(team_server.uri, Settings()), builder, builder.path)
    stage.promote(2)
    sign_in(monkeypatch, *EDITOR)
    with pytest.raises(RefusedError, match="persona@production now points at v2, not at v3: nothing was moved"):
        move_alias(stage.again(), draft(stage, 4, from_version=3), now())
    assert (stage.said(), verify_audit(stage.store)) == ([(1, 2, "FINISHED")], [])


def shown(app: AppTest) -> str:
    """What a page says that has not failed, and that says what is not permitted."""
    text = said(app)
    assert (list(app.exception), "does not permit this with these credentials" in text) == ([], True)
    return text
