"""Promoting on a real store: what is moved, what is recorded, and what is refused."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR

from eval_pipeline.actions.promote import execute_promotion, gate_rules, propose_promotion
from eval_pipeline.core.moves import Action, AuditRecord, NewAlias, RecordStatus
from eval_pipeline.core.people import Person, Role
from eval_pipeline.core.promotion import GateRules
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.settings import GateSettings, Settings
from eval_pipeline.store.audit import read_content
from eval_pipeline.store.connection import Store
from tests.actions.stage import TYPES, Stage, dump, interpose, now
from tests.actions.test_moving import Outage, refused
from tests.people import ADA, BOB

HOSTILE = "<script>alert('🦊')</script>\n\t\"quoted\" 質 \x1b[31m" * 250
"""Over 10,000 characters."""


def fail_security(stage: Stage, version: int = 2) -> str:
    """The newest evidence of a version on one eval type is bad; the run."""
    return stage.builder.log_run("security", 0.5, started=now(), prompts={"persona": f"v{version}"})


def content(stage: Stage, record: AuditRecord) -> dict[str, object]:
    text = read_content(stage.store, record.id)
    assert text is not None
    found: dict[str, object] = json.loads(text)
    return found


def test_an_allowed_candidate_goes_live_and_leaves_one_finished_record(stage: Stage) -> None:
    result = stage.promote(reason="better", actor=ADA)
    record = result.record
    assert record is not None
    assert record == AuditRecord(
        id=record.id,
        action=Action.PROMOTE,
        prompt_name="persona",
        alias="production",
        from_version=1,
        to_version=2,
        timestamp=record.timestamp,
        actor="ada",
        reason="better",
        forced=False,
        justifying_run_ids=tuple(stage.evidence(2)),
        status=RecordStatus.FINISHED,
        sequence=1,
    )
    assert (result.promoted, result.forced, result.from_alias, stage.live()) == (True, False, "experiment", 2)
    assert stage.log() == [record]
    whole = content(stage, record)
    gate = whole.pop("gate")
    assert whole == {
        "id": record.id,
        "action": "promote",
        "prompt_name": "persona",
        "alias": "production",
        "from_version": 1,
        "to_version": 2,
        "timestamp": record.timestamp.isoformat() if record.timestamp else None,
        "actor": "ada",
        "reason": "better",
        "forced": False,
        "justifying_run_ids": stage.evidence(2),
        "overridden": [],
        "source_alias": "experiment",
    }
    assert isinstance(gate, dict)
    assert [check["eval_type"] for check in gate["checks"]] == list(TYPES)
    stage.check_settled()


def test_every_justifying_run_says_what_it_justified_and_keeps_a_line_for_each_action(stage: Stage) -> None:
    first = stage.promote().record
    stage.roll_back()
    second = stage.promote(reason="once more", actor=BOB).record
    assert first is not None
    assert second is not None
    fields = {"prompt_name": "persona", "from_version": "1", "to_version": "2", "alias": "production"}
    newest = {
        **{f"audit.{name}": value for name, value in fields.items()},
        "audit.action": "promote",
        "audit.timestamp": second.timestamp.isoformat() if second.timestamp else "",
        "audit.actor": "bob",
        "audit.reason": "once more",
    }
    for run_id in stage.evidence(2):
        tags = stage.tags(run_id)
        lines = {record.id: json.loads(tags.pop(f"audit.record.{record.id}")) for record in (first, second)}
        assert tags == newest
        for record in (first, second):
            assert lines[record.id] == {
                **fields,
                "action": "promote",
                "timestamp": record.timestamp.isoformat() if record.timestamp else "",
                "actor": record.actor,
                "reason": record.reason,
                "forced": "false",
            }
    assert [stage.tags(run_id) for run_id in stage.evidence(1)] == [{}, {}]


def test_a_blocked_candidate_stays_where_it_is_and_nothing_is_written(stage: Stage) -> None:
    fail_security(stage)
    before = dump(stage.path)
    result = stage.promote()
    assert (result.promoted, result.record, result.gate.blocking_evals) == (False, None, ("security",))
    assert (stage.live(), dump(stage.path) == before) == (1, True)


def test_a_forced_promotion_is_recorded_as_forced_with_what_it_overrode(stage: Stage) -> None:
    run_id = fail_security(stage)
    result = stage.promote(force=True, reason="the fix is urgent")
    record = result.record
    assert record is not None
    assert (result.promoted, result.forced, result.gate.allowed, stage.live()) == (True, True, False, 2)
    assert (record.forced, record.reason) == (True, "the fix is urgent")
    assert record.overridden == ("security: below its threshold",)
    assert content(stage, record)["overridden"] == list(record.overridden)
    assert run_id in record.justifying_run_ids
    assert stage.log() == [record]
    stage.check_settled()


def test_force_where_nothing_blocks_is_no_forced_promotion(stage: Stage) -> None:
    result = stage.promote(force=True, reason="to be sure")
    assert (result.promoted, result.forced) == (True, False)


@pytest.mark.parametrize("reason", ["", "  \n "])
def test_a_forced_promotion_needs_a_reason(stage: Stage, reason: str) -> None:
    with pytest.raises(UsageError, match=r"^a forced promotion needs a reason$"):
        stage.promote(force=True, reason=reason)
    assert (stage.live(), stage.log()) == (1, [])


@pytest.mark.parametrize("actor", ["", " \t"])
def test_nobody_is_no_actor(stage: Stage, actor: str) -> None:
    with pytest.raises(UsageError, match=r"^nobody is named as the actor$"):
        stage.promote(actor=Person(actor, Role.ADMIN))
    assert (stage.live(), stage.log()) == (1, [])


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("force", [False, True])
def test_a_dry_run_writes_nothing(stage: Stage, blocked: bool, force: bool) -> None:
    if blocked:
        fail_security(stage)
    before = dump(stage.path)
    result = stage.promote(dry_run=True, force=force)
    assert (result.gate.allowed, result.promoted, result.record, result.dry_run) == (not blocked, False, None, True)
    assert dump(stage.path) == before


def test_what_is_live_already_is_not_moved_again(stage: Stage) -> None:
    before = dump(stage.path)
    result = stage.promote(version=1)
    assert (result.gate.allowed, result.promoted, result.record) == (True, False, None)
    assert dump(stage.path) == before


def test_the_first_promotion_makes_the_alias(stage: Stage) -> None:
    proposal = propose_promotion(stage.store, "persona", to_alias="staging")
    record = execute_promotion(stage.store, proposal, actor=ADA).record
    assert record is not None
    assert (record.from_version, record.to_version, stage.live("staging")) == (None, 2, 2)
    assert [each.from_version for each in stage.log()] == [None]
    stage.check_settled()


def test_an_alias_that_no_prompt_has_is_called_new_with_the_nearest_known_one(stage: Stage) -> None:
    result = stage.promote(dry_run=True)
    assert (result.new_alias, propose_promotion(stage.store, "persona").new_alias) == (None, None)
    slip = propose_promotion(stage.store, "persona", to_alias="production2")
    assert slip.new_alias == NewAlias("production2", "production")
    made = execute_promotion(stage.store, slip, actor=ADA)
    assert (made.new_alias, made.promoted) == (slip.new_alias, True)
    assert propose_promotion(stage.store, "persona", to_alias="production2").new_alias is None


def test_a_gate_setting_of_0_is_off() -> None:
    assert gate_rules(GateSettings(max_evidence_age_days=0, min_cases=0)) == GateRules()
    assert gate_rules(GateSettings(max_evidence_age_days=0.5, min_cases=1)) == GateRules(
        max_age=timedelta(hours=12), min_cases=1
    )


@pytest.mark.parametrize("alias", ["latest", "Latest", "v1", "a b", "a.b", "", "x" * 256, "a\nb"])
def test_a_name_that_can_be_no_alias_is_refused_before_anything_is_written(stage: Stage, alias: str) -> None:
    before = dump(stage.path)
    with pytest.raises(UsageError, match="can't be an alias"):
        propose_promotion(stage.store, "persona", to_alias=alias)
    assert dump(stage.path) == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"prompt_name": "persone"}, "there is no prompt 'persone': did you mean persona?"),
        ({"from_alias": "experimental"}, "persona has no alias 'experimental': did you mean experiment?"),
        ({"version": 9}, "persona has no v9: known are v1, v2, v3, v4"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest_word(stage: Stage, asked: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as mistake:
        propose_promotion(stage.store, **{"prompt_name": "persona", **asked})  # type: ignore[arg-type]
    assert str(mistake.value).startswith(said)


def test_a_candidate_that_is_deleted_between_page_and_click_is_refused(stage: Stage) -> None:
    by_alias = propose_promotion(stage.store, "persona")
    by_number = propose_promotion(stage.store, "persona", version=2)
    stage.client.delete_prompt_version("persona", "2")
    with pytest.raises(UsageError, match="persona has no alias 'experiment'"):
        execute_promotion(stage.store, by_alias, actor=ADA)
    with pytest.raises(UsageError, match="persona has no v2: known are v1, v3, v4"):
        execute_promotion(stage.store, by_number, actor=ADA)
    assert (stage.live(), stage.log()) == (1, [])


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("production", "persona@production now points at v3, not at v1: nothing was moved; look again"),
        ("experiment", "persona@experiment now points at v3, not at v2: nothing was moved; look again"),
    ],
)
def test_an_alias_that_moves_between_page_and_click_is_refused(stage: Stage, alias: str, said: str) -> None:
    proposal = propose_promotion(stage.store, "persona")
    stage.client.set_prompt_alias("persona", alias, 3)
    with pytest.raises(RefusedError, match=said):
        execute_promotion(stage.store, proposal, actor=ADA)
    assert stage.log() == []


def test_evidence_that_turns_bad_between_page_and_click_blocks(stage: Stage) -> None:
    proposal = propose_promotion(stage.store, "persona")
    fail_security(stage)
    result = execute_promotion(stage.store, proposal, actor=ADA)
    assert (proposal.gate.allowed, result.gate.allowed, result.promoted, stage.live()) == (True, False, False, 1)


def test_a_run_that_cannot_be_tagged_does_not_undo_the_move_and_is_named_in_the_record(stage: Stage) -> None:
    untaggable, other = stage.evidence(2)
    store = interpose(stage.again())
    interposed, real = store.client, store.client.log_batch

    def log_batch(run_id: str, **values: object) -> None:
        if run_id == untaggable:
            raise MlflowException("no space", INTERNAL_ERROR)
        real(run_id, **values)

    interposed.log_batch = log_batch
    record = stage.promote(store=store).record
    assert record is not None
    assert (record.status, stage.live()) == (RecordStatus.FINISHED, 2)
    assert record.outcome.startswith(f"run {untaggable} could not be tagged: the store at {stage.store.uri} failed")
    assert (stage.tags(untaggable), f"audit.record.{record.id}" in stage.tags(other)) == ({}, True)
    assert stage.log() == [record]
    stage.check_settled()


def test_a_justifying_run_that_is_deleted_meanwhile_is_named_in_the_record(stage: Stage) -> None:
    gone, _ = stage.evidence(2)

    def delete(name: str) -> None:
        if name == "set_prompt_alias":
            stage.client.delete_run(gone)

    record = stage.promote(store=interpose(stage.again(), delete)).record
    assert record is not None
    assert record.outcome.startswith(f"run {gone} could not be tagged: ")
    stage.check_settled()


def test_a_store_that_goes_away_while_the_gate_is_asked_blocks_with_an_error(stage: Stage) -> None:
    asked = 0
    while True:
        outage = Outage(asked, lasting=True, lost=False, error=refused)
        try:
            stage.promote(store=interpose(stage.again(), outage.before, outage.after), dry_run=True)
            break
        except StoreError:
            asked += 1
    assert asked > 10
    assert (stage.live(), stage.log()) == (1, [])


def test_zero_evidence_blocks(stage: Stage) -> None:
    elsewhere = stage.again(base_experiment="nobody-s")
    result = stage.promote(store=elsewhere)
    assert (result.gate.obstacles, result.promoted, stage.live()) == (("no eval type passes",), False, 1)


def test_partial_failed_running_and_unreadable_runs_are_no_evidence(stage: Stage) -> None:
    v5 = {"persona": "v5"}
    stage.client.create_prompt_version("persona", "You are number 5.")
    stage.builder.log_run("tone", 0.9, started=now(), prompts=v5, metrics={"error_cases": 1})
    stage.builder.log_run("tone", 0.9, started=now(), prompts=v5, status="FAILED")
    stage.builder.log_run("tone", 0.9, started=now(), prompts=v5, status="RUNNING")
    stage.builder.log_run("tone", math.nan, started=now(), prompts=v5)
    stage.builder.log_run("tone", None, started=now(), prompts=v5)
    gate = propose_promotion(stage.store, "persona", version=5).gate
    assert [(check.eval_type, check.status.value) for check in gate.checks] == [
        ("security", "STALE"),
        ("tone", "STALE"),
    ]
    stage.builder.log_run("tone", 0.9, started=now(), prompts=v5, params={"pass_rate_threshold": "high"})
    checks = {check.eval_type: check for check in propose_promotion(stage.store, "persona", version=5).gate.checks}
    assert (checks["tone"].status.value, checks["tone"].passed) == ("FAIL", False)


def test_the_gate_takes_todays_settings(stage: Stage) -> None:
    def gate(**settings: object) -> list[tuple[str, str]]:
        store = Store(stage.store.uri, Settings.model_validate(settings))
        checks = propose_promotion(store, "persona").gate.checks
        return [(check.eval_type, check.status.value) for check in checks]

    assert gate(thresholds={"tone": 0.91}) == [("tone", "FAIL"), ("security", "PASS")]
    assert gate(gate={"required": ["safety"]}) == [("safety", "NO_DATA"), ("security", "PASS"), ("tone", "PASS")]
    fail_security(stage, version=3)
    assert gate(gate={"evidence": "latest"}) == [("security", "FAIL"), ("tone", "PASS")]


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (HOSTILE, HOSTILE.strip()),
        ("NUL \x00 and \udcff alone", "NUL \\x00 and \\udcff alone"),
        ("ends with …", "ends with …"),
        ("\x01" * 3_000, "\x01" * 3_000),
    ],
    ids=["hostile", "NUL and surrogate", "ellipsis", "control"],
)
def test_a_long_or_hostile_reason_is_kept_whole(stage: Stage, reason: str, kept: str) -> None:
    record = stage.promote(reason=reason, actor=Person(reason, Role.ADMIN)).record
    assert record is not None
    whole = content(stage, record)
    assert (record.reason, whole["reason"], whole["actor"]) == (kept, kept, kept)
    assert stage.log() == [record]
    assert [f"audit.record.{record.id}" in stage.tags(run_id) for run_id in stage.evidence(2)] == [True, True]
    stage.check_settled()
