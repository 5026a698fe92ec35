"""The Audit log page: every record with its evidence, and what is wrong with the log."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.core.moves import Action, RecordStatus
from eval_pipeline.report.audit_csv import audit_csv
from eval_pipeline.store.audit import Draft, place_record, write_record
from eval_pipeline.store.ledger import make_ledger
from tests.builder import StoreBuilder
from tests.pages.acting import Team, gather, said
from tests.pages.conftest import Open
from tests.people import ADA, LINUS

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def acted(copy_of: Callable[..., StoreBuilder]) -> Team:
    """A team that has promoted v2 long ago, forced v3, and taken that back."""
    return Team(copy_of(act))


def act(builder: StoreBuilder) -> None:
    """Have them do so."""
    gather(builder)
    team = Team(builder)
    execute_promotion(team.store, propose_promotion(team.store, "persona"), actor=ADA, clock=lambda: LONG_AGO)
    forced = propose_promotion(team.store, "persona", version=3)
    execute_promotion(team.store, forced, actor=LINUS, reason="an incident", force=True)
    plan = propose_rollback(team.store, "persona")
    assert plan is not None
    execute_rollback(team.store, plan, actor=ADA, reason="<b>no</b>\n\nlonger *true*")


def leave_open(team: Team, seconds_ago: int = 600) -> None:
    """A record as a process leaves it that was killed before it moved the alias."""
    moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    ledger = make_ledger(team.store)
    draft = Draft(Action.PROMOTE, "persona", "production", team.live, 3, moment, "ghost", "was killed")
    record_id, content_hash = write_record(ledger, draft, "elsewhere 1 1")
    from eval_pipeline.core.audit import GENESIS, Entry, digest

    state = ledger.read()
    previous = digest(state.entries[state.last]) if state.last else GENESIS
    entry = Entry(state.last + 1, record_id, "promote", "persona", "production", team.live, 3, content_hash, previous)
    assert ledger.claim(entry)
    place_record(ledger, entry)


def table(app: AppTest) -> list[int]:
    """The records shown, by their place in the log."""
    return [int(number) for number in app.dataframe[0].value["#"]]


def test_an_empty_log_says_so(open_page: Open, store_builder: StoreBuilder) -> None:
    app = open_page("audit", store_builder.uri)
    assert not app.exception
    assert "The audit log is empty" in app.info[0].value


def test_the_log_is_shown_newest_first_and_verified(open_page: Open, acted: Team) -> None:
    app = open_page("audit", acted.uri)
    assert not app.exception
    shown = app.dataframe[0].value
    assert table(app) == [3, 2, 1]
    assert shown["Action"].tolist() == ["↩ Rollback", "▲ Promotion", "▲ Promotion"]
    assert shown["Version"].tolist() == ["v3 → v2", "v2 → v3", "v1 → v2"]
    assert shown["Forced"].tolist() == ["", "! Forced", ""]
    assert shown["Reason"].tolist() == ["<b>no</b> longer *true*", "an incident", ""]
    assert "3 records; the chain was verified" in said(app)
    assert not app.warning
    assert not app.error


def test_filters_live_in_the_address(open_page: Open, acted: Team) -> None:
    assert table(open_page("audit", acted.uri, actor="ada")) == [3, 1]
    assert table(open_page("audit", acted.uri, action="Promotion")) == [2, 1]
    assert table(open_page("audit", acted.uri, since="30d")) == [3, 2]
    app = open_page("audit", acted.uri, prompt="persona", alias="production", actor="linus")
    assert table(app) == [2]
    assert "1 of 3 records" in said(app)
    app.multiselect(key="actor").set_value(["ada"]).run()
    assert table(app) == [3, 1]
    app = open_page("audit", acted.uri, actor="linus", action="Rollback")
    assert "No record in this view" in app.info[0].value


def test_a_record_is_shown_whole_with_the_gate_as_it_was(open_page: Open, acted: Team) -> None:
    _, forced, rollback = acted.records
    acted.builder.log_run("tone", 0.99, prompts={"persona": "v3"})  # what comes later changes nothing
    app = open_page("audit", acted.uri, record=forced.id)
    text = said(app)
    assert "Promotion of persona\\@production v2 → v3" in text or "Promotion of persona@production" in text
    assert "Forced" in text
    assert "blocked it" in text
    assert "tone\\: below its threshold" in text
    assert app.code[0].value == "an incident"
    gate = app.dataframe[1].value
    assert gate["Eval type"].tolist() == ["tone", "routing"]
    assert gate["Pass rate"].tolist() == ["50.0%", "90.0%"]
    assert gate["Run"][0] == acted.failing[:8]
    app = open_page("audit", acted.uri, record=rollback.id)
    assert app.code[0].value == "<b>no</b>\n\nlonger *true*"
    assert len(app.dataframe) == 1
    app.button(key="audit.close").click().run()
    assert "record" not in app.query_params


def test_a_record_that_is_not_there_is_said(open_page: Open, acted: Team) -> None:
    assert "There is no record \\<i\\>" in said(open_page("audit", acted.uri, record="<i>"))


def test_an_alias_that_was_moved_outside_the_tool_is_told(open_page: Open, acted: Team) -> None:
    acted.point("production", 1)
    app = open_page("audit", acted.uri)
    assert "An alias points where no record put it" in app.warning[0].value
    assert "points at v1, but its last record put it at v2" in app.warning[0].value.replace("\\", "")


def test_an_unfinished_record_is_told_and_can_be_settled(open_page: Open, acted: Team) -> None:
    leave_open(acted)
    app = open_page("audit", acted.uri)
    assert "A record is unfinished" in app.warning[0].value
    assert "was begun by ghost" in app.warning[0].value
    app.button(key="audit.settle").click().run()
    assert not app.exception
    assert "FAILED" in app.success[0].value
    assert not app.warning
    assert acted.records[-1].status is RecordStatus.FAILED
    assert app.dataframe[0].value["Status"][0] == "✕ Never happened"


def test_a_record_that_is_in_progress_elsewhere_is_left_alone(open_page: Open, team: Team) -> None:
    leave_open(team, seconds_ago=5)
    app = open_page("audit", team.uri)
    app.button(key="audit.settle").click().run()
    assert "still in progress" in app.success[0].value
    assert team.records[-1].status is RecordStatus.RUNNING


def test_an_edited_record_is_told(open_page: Open, acted: Team) -> None:
    acted.builder.client.set_tag(acted.records[1].id, "audit.actor", "nobody")
    app = open_page("audit", acted.uri)
    assert "The log does not verify" in app.error[0].value
    assert "was edited" in app.error[0].value
    assert "chain was verified" not in said(app)


def test_a_record_whose_artifact_is_nonsense_is_shown_as_far_as_it_goes(open_page: Open, acted: Team) -> None:
    record = acted.records[0]
    acted.builder.client.log_text(record.id, '{"gate": 7}', "record.json")
    app = open_page("audit", acted.uri, record=record.id)
    assert not app.exception
    assert "is not what this tool writes" in app.warning[-1].value


def test_a_long_log_is_verified_only_when_asked(open_page: Open, acted: Team, monkeypatch) -> None:
    monkeypatch.setattr("eval_pipeline.ui.log_health.VERIFIED_UNASKED", 2)
    app = open_page("audit", acted.uri)
    assert "chain was verified" not in said(app)
    app.button(key="audit.verify").click().run()
    assert "chain was verified" in said(app)


def test_csv_neutralises_what_a_spreadsheet_would_run(team: Team) -> None:
    for reason in ("=cmd|' /C calc'!A0", "+1", "-1", "@x", "plain = text"):
        seen = propose_promotion(team.store, "persona", version=2 if team.live != 2 else 3)
        execute_promotion(team.store, seen, actor=ADA, reason=reason, force=True)
    rows = list(csv.DictReader(io.StringIO(audit_csv(team.records))))
    assert [row["reason"] for row in rows] == ["'=cmd|' /C calc'!A0", "'+1", "'-1", "'@x", "plain = text"]
    assert [row["from_version"] for row in rows] == ["1", "2", "3", "2", "3"]
    assert rows[0]["justifying_run_ids"].count("; ") == 1


def test_what_was_moved_shows_on_trends_and_overview(open_page: Open, team: Team) -> None:
    app = open_page("trends", team.uri, evals="tone")
    assert "Prompt events: 2" in json.loads(app.get("vega_lite_chart")[0].proto.spec)["description"]
    seen = propose_promotion(team.store, "persona")
    moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
    execute_promotion(team.store, seen, actor=ADA, clock=lambda: moment)
    app = open_page("trends", team.uri, evals="tone")
    assert "Prompt events: 3" in json.loads(app.get("vega_lite_chart")[0].proto.spec)["description"]
    text = said(open_page("overview", team.uri))
    assert "**Promotion** · :gray-badge[persona \\@production] v1 → v2" in text.replace("persona @", "persona \\@")
    assert "02 Mar 2026 12:00 UTC · ada" in text


def test_a_log_that_cannot_be_read_does_not_hide_the_history(open_page: Open, acted: Team) -> None:
    log = acted.builder.client.get_experiment_by_name("my-assistant-eval.audit")
    acted.builder.client.delete_experiment(log.experiment_id)
    app = open_page("overview", acted.uri)
    assert "the audit log" in app.error[0].value
    assert app.metric
    app = open_page("audit", acted.uri)
    assert "was deleted" in app.error[0].value
