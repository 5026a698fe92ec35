"""The Promote page: what it shows of the gate, and that it moves an alias only if everything is as it was seen."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from eval_pipeline.actions import promote as actions
from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.core.people import Person, Role
from eval_pipeline.errors import StoreError
from eval_pipeline.store import audit as audit_store
from eval_pipeline.ui import confirming
from tests.builder import StoreBuilder
from tests.pages.acting import Team, diff_of, forms, said, send
from tests.pages.conftest import Open


def test_an_allowed_candidate_is_shown_with_its_evidence(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    assert not app.exception
    assert app.success[0].value == "**Allowed:** persona v2 passes 2 eval types and fails none\\."
    table = app.dataframe[0].value
    assert table["Eval type"].tolist() == ["routing", "tone"]
    assert table["Gate"].tolist() == ["✓ Pass", "✓ Pass"]
    assert table["Pass rate"].tolist() == ["95.0%", "95.0%"]
    assert table["Threshold"].tolist() == ["80%", "80%"]
    assert table["Margin"].tolist() == ["+15.0", "+15.0"]
    assert table["Cases"].tolist() == ["40", "40"]
    assert table["Age"].str.endswith(" days").all()
    assert table["Run"].str.len().tolist() == [8, 8]
    text = said(app)
    assert "commit of 1" in text
    assert "commit of 2" in text
    assert re.search(r"\d+ (min|h) ago", text)
    assert "<ins>" in diff_of(app)
    assert forms(app) == {"promote"}


@pytest.mark.parametrize("candidate", ["v2", "v3"])
def test_what_to_know_and_the_form_come_before_the_long_table_and_the_texts(
    open_page: Open, team: Team, candidate: str
) -> None:
    app = open_page("promote", team.uri, prompt="persona", candidate=candidate)
    kinds = [each.type for each in app.main]
    decision, form = kinds.index("success" if candidate == "v2" else "error"), kinds.index("form")
    order = [decision, kinds.index("warning"), form, kinds.index("dataframe"), kinds.index("html")]
    assert order == sorted(order)


def test_a_blocked_candidate_can_only_be_forced(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona", candidate="v3")
    assert app.error[0].value.startswith("**Blocked:** persona v3; tone\\: below its threshold")
    assert app.dataframe[0].value["Gate"].tolist() == ["✕ Below threshold", "✓ Pass"]
    assert forms(app) == {"force"}
    assert app.expander[0].label == "Promote against the gate"


def test_stale_evidence_comes_with_the_command_that_makes_it(open_page: Open, team: Team) -> None:
    team.builder.log_run("greeting", 0.9, prompts={"persona": "v1"})
    app = open_page("promote", team.uri, prompt="persona")
    assert "◷ Not evaluated" in app.dataframe[0].value["Gate"].tolist()
    assert "eval-pipeline run-evals --eval-type greeting --prompt persona=2" in [each.value for each in app.code]


def test_promoting_moves_the_alias_and_shows_the_record_and_the_way_back(open_page: Open, team: Team) -> None:
    app = send(open_page("promote", team.uri, prompt="persona"), "promote", reason="kinder\nand tested")
    assert not app.exception
    [record] = team.records
    assert team.live == 2
    assert (record.from_version, record.to_version, record.forced) == (1, 2, False)
    assert record.reason == "kinder\nand tested"
    assert record.actor == actions.system_user()
    done = app.success[0].value
    assert "**Promoted:** persona@production v1 → v2" in done.replace("\\", "")
    assert record.id in done
    assert "resting on 2 runs" in done
    assert "eval-pipeline rollback persona --alias production --reason '...'" in [each.value for each in app.code]
    assert forms(app) == set()
    assert "Nothing to do" not in said(app)


def test_a_version_that_is_live_already_is_needless(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona", candidate="v1")
    assert app.info[0].value == "**Nothing to do:** persona@production points at v1 already."
    assert forms(app) == set()


@pytest.mark.parametrize("typed", ["", "Persona", "personas"])
def test_nothing_moves_unless_the_name_is_typed(typed: str, open_page: Open, team: Team) -> None:
    app = send(open_page("promote", team.uri, prompt="persona"), "promote", confirm=typed)
    assert "Nothing was moved" in app.warning[0].value
    assert team.live == 1
    assert team.records == []
    app = send(app, "promote", confirm="persona")
    assert team.live == 2


def test_forcing_needs_a_reason_and_is_recorded_with_what_it_overrode(open_page: Open, team: Team) -> None:
    app = send(open_page("promote", team.uri, prompt="persona", candidate="v3"), "force", reason="  ")
    assert "a reason is needed" in app.warning[0].value
    assert team.records == []
    app = send(app, "force", reason="an incident")
    [record] = team.records
    assert team.live == 3
    assert record.forced
    assert record.overridden == ("tone: below its threshold",)
    assert app.success[0].value.startswith("**Promoted against the gate:**")


def test_an_alias_that_moved_between_the_page_and_the_click_is_left_alone(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    team.point("production", 3)
    app = send(app, "promote")
    assert "Refused" in app.warning[0].value
    assert "now points at v3, not at v1" in app.warning[0].value.replace("\\", "")
    assert team.live == 3
    assert team.records == []
    assert app.text_input[0].value == ""  # what is proposed now is another thing: it is confirmed anew


def test_a_candidate_that_moved_between_the_page_and_the_click_is_refused(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    team.point("experiment", 3)
    app = send(app, "promote")
    assert "Refused" in app.warning[0].value
    assert team.live == 1


def test_evidence_that_turned_bad_between_the_page_and_the_click_blocks(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    team.builder.log_run("tone", 0.1, prompts={"persona": "v2"})
    app = send(app, "promote")
    assert "Nothing was moved" in app.warning[0].value
    assert team.live == 1
    assert team.records == []
    assert app.error[0].value.startswith("**Blocked:**")


def test_the_second_click_of_a_double_click_does_nothing(
    open_page: Open, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    sent = confirming._sent
    monkeypatch.setattr(confirming, "_sent", lambda click: (sent(click), sent(click)))
    app = send(app.run(), "promote")
    assert team.live == 2
    assert len(team.records) == 1
    assert app.success[0].value.startswith("**Promoted:**")


def test_check_again_reads_the_gate_anew(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    team.builder.log_run("tone", 0.1, prompts={"persona": "v2"})
    app.button(key="promote.again").click().run()
    assert app.error[0].value.startswith("**Blocked:**")
    assert team.records == []


def test_a_store_that_fails_while_acting_is_said_without_a_traceback(
    open_page: Open, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StoreError("the store at <b>x</b> failed: disk full")

    app = open_page("promote", team.uri, prompt="persona")
    monkeypatch.setattr("eval_pipeline.actions.moving.write_record", fail)
    app = send(app, "promote")
    assert not app.exception
    assert "**The store failed.**" in app.error[0].value
    assert "\\<b\\>" in app.error[0].value
    assert team.live == 1


def test_what_was_said_is_forgotten_on_another_page(open_page: Open, team: Team) -> None:
    app = send(open_page("promote", team.uri, prompt="persona"), "promote")
    assert app.success
    app.switch_page("pages/audit.py").run()
    app.switch_page("pages/promote.py").run()
    assert "Promoted:" not in said(app)


def test_the_choice_lives_in_the_address(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona", candidate="v3", to="staging")
    assert app.query_params == {"prompt": "persona", "candidate": "v3", "to": "production"}
    team.point("staging", 1)
    app = open_page("promote", team.uri, prompt="persona", candidate="v3", to="staging")
    assert app.query_params["to"] == "staging"
    app.selectbox[1].set_value("experiment").run()
    assert app.query_params["candidate"] == "experiment"


def test_a_prompt_that_was_never_live_has_no_version_yet(open_page: Open, team: Team) -> None:
    team.builder.client.register_prompt("greeter", "Hello")
    app = send(open_page("promote", team.uri, prompt="greeter"), "force", confirm="greeter")
    assert not app.exception
    assert "no version yet" in said(open_page("promote", team.uri, prompt="greeter", candidate="v1", to="experiment"))
    assert team.records[0].from_version is None


def test_an_alias_that_would_be_new_is_said(open_page: Open, team: Team) -> None:
    assert "does not exist yet" not in said(open_page("promote", team.uri, prompt="persona"))
    team.builder.client.delete_prompt_alias("persona", "production")
    app = open_page("promote", team.uri, prompt="persona")
    assert "production does not exist yet: it will be made" in said(app).replace("\\", "")
    app = send(app, "promote")
    assert team.live == 2
    assert app.success[0].value.startswith("**Promoted:**")
    assert "roll back" not in said(app)  # there is nothing that it pointed to before
    assert app.code == []


def test_a_store_without_prompts_says_so(open_page: Open, store_builder: StoreBuilder) -> None:
    for page in ("promote", "rollback"):
        app = open_page(page, store_builder.uri)
        assert not app.exception
        assert "No prompts in the registry" in app.info[0].value


def test_hostile_texts_are_shown_as_they_are(open_page: Open, team: Team) -> None:
    bad = "<script>alert(1)</script> **bold** :red[x]"
    team.builder.client.register_prompt("persona", bad, commit_message=bad)
    app = open_page("promote", team.uri, prompt="persona", candidate="v4")
    assert "<script" not in diff_of(app)
    assert "&lt;script" in diff_of(app)
    assert "\\<script\\>alert\\(1\\)" in said(app)
    app = send(app, "force", reason=bad)
    assert team.records[0].reason == bad
    for page in ("rollback", "audit"):
        app = open_page(page, team.uri, prompt="persona", record=team.records[0].id)
        assert not app.exception
        assert "<script" not in "".join(str(each.value) for each in app.markdown).replace("\\<", "")


def test_a_run_is_a_link_where_mlflow_has_a_home(open_page: Open, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_MLFLOW_UI_URL", "https://mlflow.example.org")
    app = open_page("promote", team.uri, prompt="persona")
    assert app.dataframe[0].value["Run"].str.startswith("https://mlflow.example.org/#/experiments/").all()


def test_what_the_page_records_is_what_the_command_line_records(open_page: Open, team: Team) -> None:
    seen = propose_promotion(team.store, "persona")
    send(open_page("promote", team.uri, prompt="persona"), "promote", reason="same")
    page = team.records[-1]
    team.point("production", 1)
    execute_promotion(team.store, seen, actor=Person(page.actor, Role.PROMOTER), reason="same")
    line = team.records[-1]
    assert isinstance(page.timestamp, datetime)
    assert audit_store.read_content(team.store, page.id) is not None
    assert (page.action, page.from_version, page.to_version, page.justifying_run_ids, page.actor, page.reason) == (
        *(line.action, line.from_version, line.to_version, line.justifying_run_ids, line.actor, line.reason),
    )
