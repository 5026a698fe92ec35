"""What is posted to a team's webhook: what happened, who did it and why, in Slack's markup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.audit import Finding
from eval_pipeline.core.evidence import Evidence, Significance
from eval_pipeline.core.models import PromptChange, RegressionReport, Verdict
from eval_pipeline.core.moves import Action, AuditRecord, RecordStatus
from eval_pipeline.core.notices import Event
from eval_pipeline.core.requests import PromotionRequest, RequestDraft
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.report import requests, serialize
from eval_pipeline.report.notices import LONGEST_TEXT, Notice, of_findings, of_move, of_regressions, of_request

THEN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOURS = timedelta(hours=72)
PROJECT = "my-assistant-eval"
URL = "https://mlflow.example/#/experiments/1/runs/r&d"


def record(action: Action = Action.PROMOTE, reason: str = "better", *overridden: str, **said: str) -> AuditRecord:
    return AuditRecord(
        id="rec-1",
        action=action,
        prompt_name=said.get("prompt", "persona"),
        alias="production",
        from_version=2,
        to_version=3,
        timestamp=THEN,
        actor=said.get("actor", "ada@example.org"),
        reason=reason,
        forced=bool(overridden),
        justifying_run_ids=("run-1", "run-2") if action is Action.PROMOTE else (),
        status=RecordStatus.FINISHED,
        overridden=overridden,
        sequence=7,
    )


def report(eval_type: str = "security", evidence: Significance | None = None) -> RegressionReport:
    change = PromptChange(THEN, "run-2", "persona", "v3", "v4")
    rates = {"baseline_pass_rate": 1.0, "current_pass_rate": 0.76, "delta_pp": -24.0, "threshold": 0.95}
    return RegressionReport(
        eval_type=eval_type,
        baseline_run_id="run-1",
        current_run_id="run-2",
        verdict=Verdict.REGRESSION,
        changed_prompts=(change,),
        baseline_timestamp=THEN,
        current_timestamp=THEN,
        evidence=evidence,
        **rates,
    )


def suite() -> SuiteRun:
    said = {"started": THEN, "ended": None, "heartbeat": THEN, "prompts": {"persona": "v4"}, "types": ()}
    return SuiteRun("3f2c1a00ffff", "core", "watch", "watch on box", candidate=("persona", 4), **said)


def test_a_promotion_says_who_why_and_on_what_evidence() -> None:
    notice = of_move(PROJECT, record(), URL)
    text = (
        "*Promoted*: persona@production v2 → v3 · my-assistant-eval\n"
        "By ada@example.org: better\n"
        "Evidence: 2 eval runs\n"
        "<https://mlflow.example/#/experiments/1/runs/r&amp;d|Audit record 7>"
    )
    known = {"event": "promotion", "base_experiment": PROJECT, "url": URL}
    assert notice.payload == {"text": text, "eval_pipeline": {**known, **serialize.audit_record(record())}}


def test_a_forced_promotion_says_so_and_what_it_overrides() -> None:
    forced = record(Action.PROMOTE, "users <b>wait</b>", "security: 76.0% is below 95%", "tone: not evaluated")
    assert of_move(PROJECT, forced).payload["text"] == (
        "*Promoted against the gate*: persona@production v2 → v3 · my-assistant-eval\n"
        "By ada@example.org: users &lt;b&gt;wait&lt;/b&gt;\n"
        "• overrides security: 76.0% is below 95%\n"
        "• overrides tone: not evaluated\n"
        "Evidence: 2 eval runs\n"
        "Audit record 7"
    )


def test_a_wanted_approval_says_who_asks_for_what_and_how_to_give_it() -> None:
    asked = RequestDraft("persona", "production", 2, 3, True, "users <b>wait</b>", "ada", THEN, THEN + HOURS, 2)
    request = PromotionRequest("3f2a91c0ffff", asked)
    notice = of_request(PROJECT, request, URL)
    assert notice.payload["text"] == (
        "*Approval wanted* against the gate: persona@production v2 → v3 · my-assistant-eval\n"
        "Asked for by ada: users &lt;b&gt;wait&lt;/b&gt;\n"
        "Waits for 2 approvals by others, at most 3 days\n"
        "On the page Promote, or `eval-pipeline promote --approve 3f2a91c0`\n"
        "<https://mlflow.example/#/experiments/1/runs/r&amp;d|Request 3f2a91c0>"
    )
    known = {"event": "request", "base_experiment": PROJECT, "url": URL}
    assert notice.payload["eval_pipeline"] == {**known, **requests.fields(request)}


def test_a_rollback_is_told_as_what_it_is() -> None:
    notice = of_move(PROJECT, record(Action.ROLLBACK, ""))
    text = "*Rolled back*: persona@production v2 → v3 · my-assistant-eval\nBy ada@example.org\nAudit record 7"
    assert (notice.event, notice.payload["text"]) == (Event.ROLLBACK, text)


def test_a_regression_says_which_types_by_how_much_and_what_changed() -> None:
    clear = Significance(Evidence.SIGNIFICANT, None, p_adjusted=0.0004)
    reports = [report("security", clear), report("tone")]
    notice = of_regressions(PROJECT, reports, 5, suite(), {"run-2": URL})
    link = "https://mlflow.example/#/experiments/1/runs/r&amp;d"
    text = (
        "*REGRESSION* in 2 of 5 eval types · my-assistant-eval\n"
        "Suite core, persona v4, by watch on box (watch), suite run 3f2c1a00\n"
        f"• <{link}|security>: 76.0%, threshold 95%, -24.0 pp, significant p&lt;0.001\n"
        f"• <{link}|tone>: 76.0%, threshold 95%, -24.0 pp\n"
        "Changed: persona v3→v4"
    )
    facts = {
        "event": "regression",
        "base_experiment": PROJECT,
        "regressed": ["security", "tone"],
        "reports": [serialize.regression_report(each) for each in reports],
        "suite_run_id": "3f2c1a00ffff",
        "suite": "core",
        "trigger": "watch",
        "actor": "watch on box",
    }
    assert notice.payload == {"text": text, "eval_pipeline": facts}


def test_of_many_regressions_the_first_are_named_and_the_others_counted() -> None:
    lines = of_regressions(PROJECT, [report(f"type-{n}") for n in range(60)], 60, None).payload["text"].split("\n")
    assert lines[1:3] == ["Found by `eval-pipeline check`", "• type-0: 76.0%, threshold 95%, -24.0 pp"]
    assert lines[-2:] == ["and 50 more", "Changed: persona v3→v4"]


def test_drift_says_where_the_alias_points_and_where_it_should() -> None:
    drift = Finding("drift", 7, "rec-1", "persona@production points at v5, but its last record put it at v3")
    text = "*Drift*: 1 finding · my-assistant-eval\n" + f"• {drift.text}\n" + "See `eval-pipeline audit verify`"
    known = {"event": "drift", "base_experiment": PROJECT, "findings": [serialize.finding(drift)]}
    assert of_findings(PROJECT, [drift]).payload == {"text": text, "eval_pipeline": known}


def test_an_edited_record_is_not_called_drift() -> None:
    edited = Finding("edited", 7, "rec-1", "record 7 was edited")
    text = of_findings(PROJECT, [edited]).payload["text"]
    assert text.startswith("*The audit log and the aliases do not agree*: 1 finding")


@given(st.text(), st.text(max_size=5_000), st.lists(st.text(max_size=5_000), max_size=60))
def test_no_text_from_outside_links_calls_anybody_or_grows_without_end(
    name: str, reason: str, overridden: list[str]
) -> None:
    hostile = record(Action.PROMOTE, "<!channel> @here " + reason, *overridden, prompt=name, actor="@all" + name)
    text = of_move(PROJECT, hostile).payload["text"]
    assert not {"<", ">"} & set(text)
    assert not [word for word in text.split() if word.startswith(("@here", "@all"))]
    assert len(text) <= LONGEST_TEXT + 2
    assert "&lt;!channel&gt;" in text


def test_a_text_that_would_be_too_long_ends_with_a_whole_line() -> None:
    text = Notice(Event.DRIFT, PROJECT, ("&amp;" * 400, "&amp;" * 400, "last"), {}).payload["text"]
    assert text == "&amp;" * 400 + "\n…"
