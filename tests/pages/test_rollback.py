"""The Roll back page: where it leads and why, and that each step back is one step."""

from __future__ import annotations

from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from tests.pages.acting import Team, diff_of, forms, said, send
from tests.pages.conftest import Open
from tests.people import ADA


def promote(team: Team, *versions: int) -> None:
    """Promote one version after another, forced where it must be."""
    for version in versions:
        seen = propose_promotion(team.store, "persona", version=version)
        execute_promotion(team.store, seen, actor=ADA, reason=f"on to {version}", force=True)


def test_the_page_says_where_it_leads_and_why(open_page: Open, team: Team) -> None:
    promote(team, 2, 3)
    app = open_page("rollback", team.uri, prompt="persona")
    assert not app.exception
    text = said(app)
    assert "### v3" in text
    assert "### v2" in text
    assert "**Why v2:** the audit log has v2 before v3" in text
    assert "commit of 2" in text
    assert "<del>" in diff_of(app)
    assert app.button(key="rollback.act").label == "Roll back to v2"


def test_the_history_of_the_alias_is_told_newest_first(open_page: Open, team: Team) -> None:
    promote(team, 2, 3)
    text = said(open_page("rollback", team.uri, prompt="persona"))
    assert text.index("**Promotion** v2 → v3 :orange-badge") < text.index("**Promotion** v1 → v2")
    assert "ada · resting on 2 runs" in text
    assert "on to 3" in text


def test_rolling_back_twice_goes_back_two_steps(open_page: Open, team: Team) -> None:
    promote(team, 2, 3)
    app = send(open_page("rollback", team.uri, prompt="persona"), "rollback", reason="users complain")
    assert not app.exception
    assert team.live == 2
    assert "**Rolled back:** persona@production v3 → v2" in app.success[0].value.replace("\\", "")
    assert "eval-pipeline promote persona --version 3 --to-alias production" in [each.value for each in app.code]
    app = send(app, "rollback", reason="still")
    assert team.live == 1
    assert [record.to_version for record in team.records] == [2, 3, 2, 1]
    assert "Nothing to roll back to" in app.info[0].value
    assert forms(app) == set()


def test_a_reason_and_the_name_are_needed(open_page: Open, team: Team) -> None:
    promote(team, 2)
    app = send(open_page("rollback", team.uri, prompt="persona"), "rollback", reason="")
    assert "a reason is needed" in app.warning[0].value
    app = send(app, "rollback", reason="why", confirm="else")
    assert "what was typed is not persona" in app.warning[0].value
    assert team.live == 2
    assert len(team.records) == 1


def test_another_version_can_be_named_and_lives_in_the_address(open_page: Open, team: Team) -> None:
    promote(team, 2, 3)
    app = open_page("rollback", team.uri, prompt="persona", version="v1")
    assert "**Why v1:** it was named" in said(app)
    assert app.query_params == {"prompt": "persona", "alias": "production", "version": "v1"}
    send(app, "rollback")
    assert team.live == 1


def test_an_alias_that_moved_between_the_page_and_the_click_is_left_alone(open_page: Open, team: Team) -> None:
    promote(team, 2, 3)
    app = open_page("rollback", team.uri, prompt="persona")
    promote(team, 1)
    app = send(app, "rollback")
    assert "Refused" in app.warning[0].value
    assert team.live == 1
    assert len(team.records) == 3


def test_where_the_log_knows_nothing_the_runs_do(open_page: Open, team: Team) -> None:
    team.point("production", 2)
    app = open_page("rollback", team.uri, prompt="persona")
    assert "the audit log knows nothing before v2" in said(app)
    assert "nobody has moved it with this tool" in said(app)


def test_nothing_to_roll_back_to_is_said(open_page: Open, team: Team) -> None:
    app = open_page("rollback", team.uri, prompt="persona")
    assert "**Nothing to roll back to.**" in app.info[0].value
    assert forms(app) == set()


def test_a_prompt_without_an_alias_has_nothing_to_take_back(open_page: Open, team: Team) -> None:
    team.builder.client.register_prompt("greeter", "Hello")
    app = open_page("rollback", team.uri, prompt="greeter")
    assert not app.exception
    assert "has no alias" in app.info[0].value
