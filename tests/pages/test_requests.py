"""Protected aliases on the Promote page: asking instead of promoting, and the cards of what waits."""

from __future__ import annotations

import pytest

from eval_pipeline.actions.promote import propose_promotion, system_user
from eval_pipeline.actions.requesting import request_promotion
from eval_pipeline.core.people import Person, Role
from eval_pipeline.core.requests import PromotionRequest
from tests.pages.acting import Team, forms, said, send
from tests.pages.conftest import Open
from tests.people import ADA


@pytest.fixture(autouse=True)
def _protected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_GATE_PROTECTED_PRODUCTION_APPROVALS", "1")


def ask(team: Team, actor: Person = ADA, reason: str = "kinder", version: int | None = None) -> PromotionRequest:
    store = team.store_with({"gate": {"protected": {"production": {}}}})
    proposal = propose_promotion(store, "persona", version=version)
    request = request_promotion(store, proposal, actor=actor, reason=reason).request
    assert request is not None
    return request


def test_asking_takes_the_place_of_promoting_and_moves_nothing(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    assert forms(app) == {"request"}
    app = send(app, "request", reason="")
    assert "a reason is needed" in app.warning[0].value
    app = send(app, "request", reason="kinder")
    assert not app.exception
    assert "**Asked for approval:** persona@production v1 → v2" in app.success[0].value.replace("\\", "")
    assert (team.live, team.records) == (1, [])
    assert f"Asked for by {system_user()}" in said(app)
    assert "Nobody approves their own request" in said(app)
    assert [name.partition(".")[0] for name in forms(app)] == ["withdraw"]
    assert "**Asked for already**" in said(app)
    name = next(iter(forms(app)))
    app = send(app, name, reason="")
    assert f"was withdrawn by {system_user()}" in said(app).replace("\\", "")
    assert forms(app) == {"request"}


def test_another_person_approves_on_the_card_and_the_outcome_names_both(open_page: Open, team: Team) -> None:
    request = ask(team, reason="<b>kinder</b>")
    app = open_page("promote", team.uri, prompt="persona")
    assert "Gate now: Allowed: persona v2 passes 2 eval types" in said(app).replace("\\", "")
    app = send(app, f"approve.{request.id[:8]}", reason="")
    assert not app.exception
    assert team.live == 2
    [record] = team.records
    assert record.request is not None
    assert (record.request.requester, record.request.approvers, record.reason) == (
        *("ada", (system_user(),)),
        "<b>kinder</b>",
    )
    done = app.success[0].value.replace("\\", "")
    assert "**Promoted:** persona@production v1 → v2" in done
    assert f"Asked for by ada, approved by {system_user()}" in done
    assert "eval-pipeline rollback persona --alias production --reason '...'" in [each.value for each in app.code]
    details = said(open_page("audit", team.uri, record=record.id))
    assert "Asked for by" in details


def test_if_the_gate_blocks_now_the_card_says_so_and_nothing_moves(open_page: Open, team: Team) -> None:
    request = ask(team)
    team.builder.log_run("tone", 0.5, prompts={"persona": "v2"})
    app = open_page("promote", team.uri, prompt="persona")
    assert "Gate now: Blocked: persona v2; tone: below its threshold." in said(app).replace("\\", "")
    app = send(app, f"approve.{request.id[:8]}")
    assert "**Approved, and nothing was moved.**" in app.warning[0].value
    assert (team.live, team.records) == (1, [])


def test_rejecting_needs_a_reason_and_a_viewer_can_do_nothing(
    open_page: Open, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(team)
    name = f"reject.{request.id[:8]}"
    app = send(open_page("promote", team.uri, prompt="persona"), name, reason="")
    assert "a reason is needed" in app.warning[0].value
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_TERMINAL_ROLE", Role.VIEWER)
    app = open_page("promote", team.uri, prompt="persona")
    assert app.button(key=f"{name}.act").disabled
    assert "promoting needs the role promoter" in said(app).lower().replace("\\", "")
    monkeypatch.delenv("EVAL_PIPELINE_AUTH_TERMINAL_ROLE")
    app = send(open_page("promote", team.uri, prompt="persona"), name, reason="too bold")
    assert "was rejected by" in said(app)
    assert team.live == 1


def test_the_evidence_of_a_request_is_one_click_away(open_page: Open, team: Team) -> None:
    request = ask(team)
    app = open_page("promote", team.uri, prompt="persona", candidate="v3", to="experiment")
    app = app.button(key=f"look.{request.id[:8]}").click().run()
    assert [each.value for each in app.main.selectbox] == ["persona", "v2", "production"]
