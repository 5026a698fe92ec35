"""The protocol of moving an alias: whatever fails in between, the log ends up true."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

from eval_pipeline.actions import moving, owner, settling
from eval_pipeline.actions.auditing import reconcile_audit, verify_audit
from eval_pipeline.actions.moving import move_alias
from eval_pipeline.core.moves import Action, RecordStatus
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.store.audit import Draft, read_stored, write_record
from eval_pipeline.store.ledger import find_ledger, make_ledger
from tests.actions.stage import Stage, interpose, now
from tests.people import ADA


def draft(stage: Stage, to_version: int, from_version: int | None = None) -> Draft:
    return Draft(
        action=Action.PROMOTE,
        prompt_name="persona",
        alias="production",
        from_version=from_version or stage.live(),
        to_version=to_version,
        timestamp=now(),
        actor="ada",
        reason="better",
        justifying_run_ids=tuple(stage.evidence(to_version)),
    )


@dataclass
class Outage:
    """The store is away from the k-th call on, or for that call only; or only its answer gets lost."""

    at: int
    lasting: bool
    lost: bool
    error: Callable[[], Exception]
    calls: int = -1
    struck: bool = False

    def before(self, name: str) -> None:
        self.calls += 1
        if not self.lost and (self.calls == self.at or (self.lasting and self.calls > self.at)):
            self._strike()

    def after(self, name: str) -> None:
        if self.lost and self.calls == self.at:
            self._strike()

    def _strike(self) -> None:
        self.struck = True
        raise self.error()


def unavailable() -> Exception:
    return MlflowException("the database is away", TEMPORARILY_UNAVAILABLE)


def refused() -> Exception:
    return ConnectionError("connection refused")


@pytest.mark.parametrize(
    ("lasting", "lost"),
    [(True, False), (False, False), (False, True)],
    ids=["gone for good", "gone for one call", "answer lost"],
)
def test_a_store_that_goes_away_at_any_step_leaves_a_true_log_once_it_is_back(
    stage: Stage, lasting: bool, lost: bool
) -> None:
    steps, outcomes = 0, []
    while True:
        outage = Outage(steps, lasting, lost, refused if steps % 2 else unavailable)
        before = stage.live()
        wanted = draft(stage, 3 - before)
        store = interpose(stage.again(), outage.before, outage.after)
        try:
            outcomes.append(move_alias(store, wanted, now()).status.value)
        except StoreError as problem:
            said = str(problem)
            known = ("was not moved", "was moved to", "it is not known whether")
            assert [part for part in known if part in said], said
            assert ("was moved to" not in said) or stage.live() == wanted.to_version
            assert ("was not moved" not in said) or stage.live() == before
            outcomes.append("StoreError")
        if steps % 4 == 0 or not outage.struck:
            stage.check_settled()
        else:
            reconcile_audit(stage.store, now(), actor=ADA)
            assert reconcile_audit(stage.store, now(), actor=ADA) == []
        if not outage.struck:
            break
        steps += 1
    assert steps > 15
    assert outcomes[-1] == "FINISHED"
    assert set(outcomes[:-1]) == ({"StoreError"} if lasting else {"StoreError", "FINISHED"})


def test_before_the_move_a_failure_says_that_nothing_was_moved(stage: Stage) -> None:
    def fail(name: str) -> None:
        if name == "set_prompt_alias":
            raise refused()

    with pytest.raises(StoreError, match=r"persona@production was not moved: the store .* connection refused"):
        move_alias(interpose(stage.again(), fail), draft(stage, 2), now())
    assert (stage.live(), stage.said()) == (1, [(1, 2, "FAILED")])
    stage.check_settled()


def test_a_store_that_takes_the_move_and_does_not_make_it_is_found_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "point_alias", lambda *_: None)
    with pytest.raises(StoreError, match="took the move of persona@production and did not make it; it was not moved"):
        move_alias(stage.store, draft(stage, 2), now())
    assert stage.said() == [(1, 2, "FAILED")]
    stage.check_settled()


def test_an_alias_that_no_longer_points_where_it_was_seen_is_left_alone(stage: Stage) -> None:
    with pytest.raises(RefusedError, match="persona@production now points at v1, not at v3: nothing was moved"):
        move_alias(stage.store, draft(stage, 2, from_version=3), now())
    assert (stage.live(), stage.said()) == (1, [])
    stage.check_settled()


def test_an_alias_that_moves_after_the_claim_is_left_alone_and_the_record_says_so(stage: Stage) -> None:
    def meddle(name: str) -> None:
        if name == "log_param" and stage.live("experiment") != 4:
            stage.client.set_prompt_alias("persona", "experiment", 4)
            stage.client.set_prompt_alias("persona", "production", 4)

    with pytest.raises(RefusedError, match="persona@production now points at v4, not at v1: nothing was moved"):
        move_alias(interpose(stage.again(), after=meddle), draft(stage, 2), now())
    assert (stage.live(), stage.said()) == (4, [(1, 2, "FAILED")])
    assert verify_audit(stage.store) == []


def test_a_version_that_is_deleted_at_the_last_moment_fails_with_a_record(stage: Stage) -> None:
    def delete(name: str) -> None:
        if name == "set_prompt_alias":
            stage.client.delete_prompt_version("persona", "2")

    with pytest.raises(UsageError, match="persona has no v2, or no longer: nothing was moved"):
        move_alias(interpose(stage.again(), delete), draft(stage, 2), now())
    assert (stage.live(), stage.said()) == (1, [(1, 2, "FAILED")])
    stage.check_settled()


def begin(stage: Stage, to_version: int = 2, *, turn: bool, move: bool) -> str:
    """An action that stops half-way, in this process; its record."""
    ledger, wanted = make_ledger(stage.store), draft(stage, to_version)
    record_id, content_hash = write_record(ledger, wanted, owner.own_name())
    entry = moving._claim(ledger, wanted, record_id, content_hash, now())
    if turn:
        ledger.go(entry.sequence, owner.own_name())
    if move:
        stage.client.set_prompt_alias("persona", "production", to_version)
    return record_id


@pytest.mark.parametrize(
    ("turn", "move", "ended"), [(False, False, "FAILED"), (True, False, "FAILED"), (True, True, "FINISHED")]
)
def test_the_next_action_settles_what_a_stopped_one_left_open(stage: Stage, turn: bool, move: bool, ended: str) -> None:
    begin(stage, turn=turn, move=move)
    live = stage.live()
    move_alias(stage.store, draft(stage, 3), now())
    assert stage.said() == [(1, 2, ended), (live, 3, "FINISHED")]
    stage.check_settled()


def test_a_settled_record_tags_the_runs_that_justified_it(stage: Stage) -> None:
    record_id = begin(stage, turn=True, move=True)
    stage.check_settled()
    assert [f"audit.record.{record_id}" in stage.tags(run_id) for run_id in stage.evidence(2)] == [True, True]
    assert stage.log()[0].outcome == "settled after its process stopped"


def test_an_alias_that_somebody_moved_for_a_record_that_never_had_its_turn_is_not_taken_for_its_move(
    stage: Stage,
) -> None:
    begin(stage, turn=False, move=True)
    reconcile_audit(stage.store, now(), actor=ADA)
    assert stage.said() == [(1, 2, "FAILED")]


def test_two_that_settle_at_once_agree(stage: Stage) -> None:
    begin(stage, turn=False, move=False)
    ledger = find_ledger(stage.store)
    assert ledger is not None
    state = ledger.read()
    entry = state.open_entries()[0]
    first = settling.settle(ledger, state, entry, now(), refuse=True)
    stage.client.set_prompt_alias("persona", "production", 2)  # before the second one looks
    second = settling.settle(ledger, state, entry, now(), refuse=True)
    assert (first, second) == (RecordStatus.FAILED, RecordStatus.FAILED)
    assert stage.said() == [(1, 2, "FAILED")]


def test_one_that_settles_and_is_itself_stopped_leaves_it_to_the_next(stage: Stage) -> None:
    def stop(name: str) -> None:
        if name == "log_param":
            raise KeyboardInterrupt

    begin(stage, turn=False, move=False)
    with pytest.raises(KeyboardInterrupt):
        reconcile_audit(interpose(stage.again(), after=stop), now(), actor=ADA)
    stage.client.set_prompt_alias("persona", "production", 2)
    reconcile_audit(stage.store, now(), actor=ADA)
    assert stage.said() == [(1, 2, "FAILED")]


def test_an_action_in_progress_is_named_and_nobody_acts_inside_it(stage: Stage) -> None:
    seen: list[str] = []

    def act(name: str) -> None:
        if name == "set_prompt_alias":
            with pytest.raises(RefusedError) as refusal:
                stage.promote(3)
            seen.append(str(refusal.value))
            assert [line[-17:] for line in reconcile_audit(stage.store, now(), actor=ADA)] == ["still in progress"]
            assert [finding.kind for finding in verify_audit(stage.store)] == ["unfinished"]

    record = move_alias(interpose(stage.again(), act), draft(stage, 2), now())
    assert record.timestamp is not None
    since = f"{record.timestamp:%d %b %Y %H:%M:%S} UTC"
    assert seen == [f"a promote of persona@production is in progress by ada since {since}: try again when it is done"]
    stage.check_settled()
    assert [record.status for record in stage.log()] == [RecordStatus.FINISHED]


def test_other_aliases_may_be_moved_meanwhile(stage: Stage) -> None:
    def act(name: str) -> None:
        if name == "set_prompt_alias":
            record = stage.promote(3, store=stage.again()).record
            assert record is not None

    wanted = draft(stage, 4)
    other = Draft(Action.PROMOTE, "persona", "staging", None, 4, now(), "ada", "")
    move_alias(interpose(stage.again(), act), other, now())
    assert [(record.alias, record.status.value) for record in stage.log()] == [
        ("staging", "FINISHED"),
        ("production", "FINISHED"),
    ]
    assert wanted.from_version == 1
    stage.check_settled()


@pytest.mark.parametrize("other", [None, 3])
def test_an_action_that_is_taken_for_stopped_after_its_turn_began_undoes_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, other: int | None
) -> None:
    """As when it hangs for longer than its lease and goes on after all."""

    def take_over(name: str) -> None:
        if name == "set_prompt_alias" and stage.said() == [(1, 2, "RUNNING")]:
            monkeypatch.setattr(settling, "has_stopped", lambda *_: True)
            reconcile_audit(stage.store, now(), actor=ADA)
            if other is not None:
                move_alias(stage.store, draft(stage, other), now())

    with pytest.raises(RefusedError, match="took so long that another process closed its record: it was undone"):
        move_alias(interpose(stage.again(), take_over), draft(stage, 2), now())
    assert stage.live() == (other or 1)
    assert stage.said() == [(1, 2, "FAILED"), *([(1, other, "FINISHED")] if other else [])]
    assert verify_audit(stage.store) == []


def test_an_action_that_is_taken_for_stopped_before_its_turn_moves_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_over(name: str) -> None:
        if name == "log_batch" and [said[2] for said in stage.said()] == ["RUNNING"]:
            monkeypatch.setattr(settling, "has_stopped", lambda *_: True)
            reconcile_audit(stage.store, now(), actor=ADA)

    with pytest.raises(RefusedError, match="another process took this action for stopped and closed record"):
        move_alias(interpose(stage.again(), take_over), draft(stage, 2), now())
    assert (stage.live(), stage.said()) == (1, [(1, 2, "FAILED")])
    stage.check_settled()


def test_a_record_that_was_removed_half_way_is_settled_all_the_same(stage: Stage) -> None:
    record_id = begin(stage, turn=True, move=True)
    stage.client.delete_run(record_id)
    reconcile_audit(stage.store, now(), actor=ADA)
    assert stage.said() == [(1, 2, "FINISHED")]
    assert [finding.kind for finding in verify_audit(stage.store)] == ["removed"]
    assert reconcile_audit(stage.store, now(), actor=ADA) == []


def test_a_record_that_never_claimed_a_place_is_closed(stage: Stage) -> None:
    ledger = make_ledger(stage.store)
    record_id, _ = write_record(ledger, draft(stage, 2), owner.own_name())
    assert [finding.text for finding in verify_audit(stage.store)] == [
        f"record {record_id} was begun and never claimed a place"
    ]
    assert reconcile_audit(stage.store, now(), actor=ADA) == [f"record {record_id}: its run was ended as FAILED"]
    stage.check_settled()


@pytest.mark.parametrize(
    ("whose", "age", "stopped"),
    [
        ("{machine} {pid} {started}", 3600, True),
        ("{machine} 1 0", 0, True),
        ("{machine} 99999999 5", 0, True),
        ("{machine} {parent} {parent_started}", 3600, False),
        ("{machine} {parent} ?", 1, False),
        ("{machine} {parent} ?", 61, True),
        ("elsewhere/x {pid} {started}", 59, False),
        ("elsewhere/x {pid} {started}", 61, True),
        ("elsewhere/x {pid} {started}", -3600, False),
        ("", 0, True),
        ("nonsense", 0, True),
        ("{machine} x y", 0, True),
    ],
)
def test_whether_a_process_has_stopped(whose: str, age: float, stopped: bool) -> None:
    """Here it is seen; elsewhere, or where it can't be seen, its lease of a minute decides."""
    machine, pid, started = owner.own_name().split()
    parent = os.getppid()
    said = whose.format(machine=machine, pid=pid, started=started, parent=parent, parent_started=owner._started(parent))
    moment = now()
    assert owner.has_stopped(said, "some-record", moment - timedelta(seconds=age), moment) is stopped


def test_an_action_of_this_process_is_in_progress_for_as_long_as_it_takes() -> None:
    moment = now()
    with owner.busy_with("some-record"):
        assert not owner.has_stopped(owner.own_name(), "some-record", moment - timedelta(hours=1), moment)
    assert owner.has_stopped(owner.own_name(), "some-record", moment, moment)


def test_without_proc_a_process_that_is_there_is_left_its_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    machine, _, _ = owner.own_name().split()
    alive, moment = f"{machine} {os.getppid()} ?", now()
    assert owner.own_name() == f"{machine} {os.getpid()} ?"
    assert not owner.has_stopped(alive, "some-record", moment, moment)
    assert owner.has_stopped(alive, "some-record", moment - 2 * owner.LEASE, moment)
    assert owner.has_stopped(f"{machine} 99999999 ?", "some-record", moment, moment)


def test_the_ledger_is_made_once_and_has_its_name_only_when_it_is_whole(stage: Stage) -> None:
    first, second = make_ledger(stage.store), make_ledger(stage.again())
    assert (first.run_id, first.experiment_id) == (second.run_id, second.experiment_id)


def test_of_two_that_make_the_ledger_at_once_both_end_up_with_one(stage: Stage) -> None:
    made: list[str] = []

    def overtake(name: str) -> None:
        if name == "rename_experiment":
            made.append(make_ledger(stage.again()).run_id)

    ledger = make_ledger(interpose(stage.again(), overtake))
    names = [each.name for each in stage.client.search_experiments() if ".audit" in each.name]
    assert ([ledger.run_id], names) == (made, ["my-assistant-eval.audit"])
    move_alias(stage.store, draft(stage, 2), now())
    stage.check_settled()


def test_a_deleted_audit_experiment_is_an_error_and_not_a_new_log(stage: Stage) -> None:
    move_alias(stage.store, draft(stage, 2), now())
    ledger = make_ledger(stage.store)
    stage.client.delete_experiment(ledger.experiment_id)
    for act in (lambda: move_alias(stage.store, draft(stage, 3), now()), stage.log, lambda: verify_audit(stage.store)):
        with pytest.raises(StoreError, match=r"my-assistant-eval\.audit was deleted: restore it with `mlflow experim"):
            act()
    assert stage.live() == 2
    stage.client.restore_experiment(ledger.experiment_id)
    assert stage.said() == [(1, 2, "FINISHED")]


def test_a_deleted_ledger_is_an_error(stage: Stage) -> None:
    move_alias(stage.store, draft(stage, 2), now())
    stage.client.delete_run(stage.ledger_id())
    for act in (lambda: move_alias(stage.store, draft(stage, 3), now()), stage.log, lambda: verify_audit(stage.store)):
        with pytest.raises(StoreError, match=r"was deleted: restore it with `mlflow runs restore"):
            act()
    assert stage.live() == 2


def test_an_experiment_of_another_tool_in_the_place_of_the_log_is_left_alone(stage: Stage) -> None:
    number = stage.client.create_experiment("my-assistant-eval.audit")
    with pytest.raises(StoreError, match=r"my-assistant-eval\.audit is no audit log of ours: rename it, or set"):
        move_alias(stage.store, draft(stage, 2), now())
    assert (stage.live(), len(stage.client.search_runs([number]))) == (1, 0)


def test_reading_the_log_of_a_store_without_one_makes_none(stage: Stage) -> None:
    assert (stage.log(), verify_audit(stage.store), reconcile_audit(stage.store, now(), actor=ADA)) == ([], [], [])
    assert find_ledger(stage.store) is None


def test_a_record_of_an_action_that_was_refused_is_taken_back(stage: Stage) -> None:
    with pytest.raises(RefusedError):
        move_alias(stage.store, draft(stage, 2, from_version=4), now())
    ledger = find_ledger(stage.store)
    assert ledger is not None
    assert read_stored(ledger, with_content=False) == {}
