"""Links to MLflow beside the runs that this tool keeps itself, where somebody said where people open it."""

from __future__ import annotations

import pytest

from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.requesting import request_promotion
from eval_pipeline.actions.suites import begin_suite
from eval_pipeline.core.moves import AuditRecord
from tests.pages.acting import Team, said
from tests.pages.conftest import Open
from tests.people import ADA, BOB
from tests.small_project import SmallProject, make_project

HOME = "https://mlflow.example"


@pytest.fixture(params=[HOME, ""])
def home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where people open MLflow; empty: nobody said."""
    if request.param:
        monkeypatch.setenv("EVAL_PIPELINE_MLFLOW_UI_URL", request.param)
    return str(request.param)


def linked(text: str, team: Team, experiment: str, run_id: str) -> bool:
    """Whether a page links to a run of an experiment."""
    experiment_id = team.builder.client.get_experiment_by_name(f"my-assistant-eval.{experiment}").experiment_id
    return f"]({HOME}/#/experiments/{experiment_id}/runs/{run_id})" in text


@pytest.fixture
def record(team: Team) -> AuditRecord:
    """The record of a promotion."""
    done = execute_promotion(team.store, propose_promotion(team.store, "persona"), actor=ADA, reason="kinder")
    assert done.record is not None
    return done.record


def test_roll_back_and_the_audit_log_link_to_records_and_prompts(
    open_page: Open, team: Team, record: AuditRecord, home: str
) -> None:
    for page, query in (("rollback", {"prompt": "persona"}), ("audit", {"record": record.id})):
        app = open_page(page, team.uri, **query)
        assert not app.exception
        assert linked(said(app), team, "audit", record.id) == bool(home)
    assert (f"]({HOME}/#/prompts/persona)" in said(open_page("rollback", team.uri))) == bool(home)


def test_a_request_links_to_its_run(open_page: Open, team: Team, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_GATE_PROTECTED_PRODUCTION_APPROVALS", "1")
    store = team.store_with({"gate": {"protected": {"production": {}}}})
    request = request_promotion(store, propose_promotion(store, "persona"), actor=BOB, reason="kinder").request
    assert request is not None
    assert linked(said(open_page("promote", team.uri)), team, "requests", request.id) == bool(home)


def test_a_suite_at_work_links_to_its_run(
    open_page: Open, team: Team, home: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project: SmallProject = make_project(tmp_path_factory.mktemp("project"), team.builder)
    suite_id = begin_suite(project.store, project.plan("tone"), trigger="page", actor=ADA)
    for name, value in project.variables.items():
        monkeypatch.setenv(name, value)
    app = open_page("run_evals", team.uri)
    assert not app.exception
    assert linked(said(app), team, "suites", suite_id) == bool(home)
