"""Rolling back on a real store."""

from __future__ import annotations

import pytest

from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.core.moves import Action, AuditRecord, RecordStatus, RollbackPlan
from eval_pipeline.core.people import Person, Role
from eval_pipeline.errors import RefusedError, UsageError
from tests.actions.stage import Stage, dump, interpose
from tests.actions.test_moving import refused
from tests.people import ADA


def test_a_rollback_leads_to_what_was_live_before_and_leaves_one_finished_record(stage: Stage) -> None:
    stage.promote()
    plan = propose_rollback(stage.store, "persona")
    assert plan == RollbackPlan("persona", "production", 2, 1, "the audit log has v1 before v2")
    record = execute_rollback(stage.store, plan, actor=ADA, reason="worse")
    assert record == AuditRecord(
        id=record.id,
        action=Action.ROLLBACK,
        prompt_name="persona",
        alias="production",
        from_version=2,
        to_version=1,
        timestamp=record.timestamp,
        actor="ada",
        reason="worse",
        forced=False,
        justifying_run_ids=(),
        status=RecordStatus.FINISHED,
        sequence=2,
    )
    assert (stage.live(), stage.log()[1:]) == (1, [record])
    stage.check_settled()


def test_rolling_back_twice_goes_back_two_steps_and_then_no_further(stage: Stage) -> None:
    stage.promote(3)
    stage.promote(2)
    stage.promote(4)
    assert [stage.roll_back().to_version for _ in range(3)] == [2, 3, 1]
    assert propose_rollback(stage.store, "persona") is None
    assert stage.live() == 1
    stage.check_settled()


def test_after_a_rollback_to_a_named_version_the_next_one_goes_on_from_there(stage: Stage) -> None:
    for version in (2, 3, 4):
        stage.promote(version)
    assert stage.roll_back(2).to_version == 2
    assert stage.roll_back().to_version == 1


def test_a_failed_action_is_no_step(stage: Stage) -> None:
    stage.promote(2)

    def fail(name: str) -> None:
        if name == "set_prompt_alias":
            raise refused()

    with pytest.raises(Exception, match="was not moved"):
        stage.promote(3, store=interpose(stage.again(), fail))
    assert stage.said() == [(1, 2, "FINISHED"), (2, 3, "FAILED")]
    assert stage.roll_back().to_version == 1


def test_a_deleted_version_is_skipped_with_a_note(stage: Stage) -> None:
    for version in (2, 3):
        stage.promote(version)
    stage.client.delete_prompt_version("persona", "2")
    assert propose_rollback(stage.store, "persona") == RollbackPlan(
        "persona", "production", 3, 1, "the audit log has v1 before v3", ("v2 came before, and was deleted",)
    )


def test_an_alias_that_was_moved_outside_the_tool_goes_back_to_the_last_record(stage: Stage) -> None:
    stage.promote(2)
    stage.client.set_prompt_alias("persona", "production", 4)
    plan = propose_rollback(stage.store, "persona")
    assert plan == RollbackPlan(
        "persona",
        "production",
        4,
        2,
        "the audit log has v2 before v4",
        ("the alias was moved to v4 outside the tool",),
    )
    assert stage.roll_back().from_version == 4


def test_without_a_log_the_runs_name_it(stage: Stage) -> None:
    stage.client.set_prompt_alias("persona", "production", 3)
    before = stage.client.search_runs(
        [stage.builder.experiment(name) for name in ("security", "tone")],
        "params.`prompt.persona` = 'v2'",
        order_by=["attributes.start_time DESC"],
    )[0].info.run_id
    plan = propose_rollback(stage.store, "persona")
    assert plan is not None
    assert (plan.from_version, plan.to_version) == (3, 2)
    assert plan.why.startswith(f"the audit log knows nothing before v3; run {before[:8]} of ")


def test_without_a_log_and_without_runs_before_there_is_nothing_to_roll_back_to(stage: Stage) -> None:
    assert propose_rollback(stage.store, "persona") is None


def test_planning_writes_nothing(stage: Stage) -> None:
    stage.promote()
    before = dump(stage.path)
    assert propose_rollback(stage.store, "persona") is not None
    assert propose_rollback(stage.store, "persona", to_version=4) is not None
    assert dump(stage.path) == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"prompt_name": "personna"}, "there is no prompt 'personna': did you mean persona?"),
        ({"alias": "prodution"}, "persona has no alias 'prodution': did you mean production?"),
        ({"to_version": 9}, "persona has no v9: known are v1, v2, v3, v4"),
        ({"to_version": 1}, "persona@production points at v1 already: name another version"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest_word(stage: Stage, asked: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as mistake:
        propose_rollback(stage.store, **{"prompt_name": "persona", **asked})  # type: ignore[arg-type]
    assert str(mistake.value) == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"reason": " "}, "a rollback needs a reason"),
        ({"actor": Person("", Role.ADMIN)}, "nobody is named as the actor"),
    ],
)
def test_a_rollback_needs_a_reason_and_an_actor(stage: Stage, values: dict[str, str], said: str) -> None:
    stage.promote()
    with pytest.raises(UsageError, match=said):
        stage.roll_back(**values)
    assert stage.live() == 2


def test_a_plan_that_no_longer_holds_is_refused(stage: Stage) -> None:
    stage.promote()
    plan = propose_rollback(stage.store, "persona")
    assert plan is not None
    stage.promote(3)
    with pytest.raises(RefusedError) as refusal:
        execute_rollback(stage.store, plan, actor=ADA, reason="worse")
    assert str(refusal.value) == (
        "a rollback of persona@production would now lead from v3 to v2, not from v2 to v1: nothing was moved; "
        "look again and decide anew"
    )
    assert stage.live() == 3


def test_a_named_version_that_is_deleted_between_page_and_click_is_refused(stage: Stage) -> None:
    stage.promote()
    plan = propose_rollback(stage.store, "persona", to_version=4)
    assert plan is not None
    stage.client.delete_prompt_version("persona", "4")
    with pytest.raises(UsageError, match="persona has no v4: known are v1, v2, v3"):
        execute_rollback(stage.store, plan, actor=ADA, reason="worse", named=True)
    assert stage.live() == 2
