"""Protected aliases move only when another person approves it; exactly once, whatever happens on the way."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from eval_pipeline.actions.auditing import reconcile_audit, verify_audit
from eval_pipeline.actions.open_requests import list_open_requests
from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.requesting import Approved, approve_request, close_request, request_promotion
from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.core.moves import ApprovedRequest
from eval_pipeline.core.people import Person, Role
from eval_pipeline.core.requests import PromotionRequest, RequestState
from eval_pipeline.errors import RefusedError, UsageError
from eval_pipeline.store.aliases import point_alias
from eval_pipeline.store.audit import read_content
from eval_pipeline.store.connection import Store
from tests.actions.actors import Actors
from tests.actions.stage import Stage, interpose, moves, now
from tests.people import ADA, BOB, LINUS

CORA = Person("cora", Role.PROMOTER)
KILLED = -signal.SIGKILL
APPROVERS = 3
KILLED_BEFORE = {
    "the record": 1,
    "the decision": 6,
    "its turn": 7,
    "the move": 8,
    "the tags": 9,
    "the request's end": 13,
}
"""By the number of the write, where there is a log already; those between are as in `test_kills`."""


def protected(stage: Stage, **protection: object) -> Store:
    return stage.again(gate={"protected": {"production": protection}})


def ask(store: Store, actor: Person = ADA, **said: object) -> PromotionRequest:
    said = {"reason": "kinder", **said}
    request = request_promotion(store, propose_promotion(store, "persona"), actor=actor, **said).request  # type: ignore[arg-type]
    assert request is not None
    return request


def at_terminal(person: Person) -> Person:
    return replace(person, at_terminal=True)


def promoted(done: Approved) -> bool:
    return done.result is not None and done.result.promoted


def later(hours: float) -> Callable[[], datetime]:
    return lambda: now() + timedelta(hours=hours)


def run_status(stage: Stage, request: PromotionRequest) -> str:
    return str(stage.client.get_run(request.id).info.status)


def states(store: Store) -> list[RequestState]:
    return [each.state for each in list_open_requests(store)]


def test_a_request_moves_nothing_until_another_person_approves_it_and_both_are_in_the_signed_record(
    stage: Stage,
) -> None:
    store = protected(stage)
    request = ask(store)
    assert (states(store), moves(stage.path), stage.log()) == ([RequestState.WAITING], [], [])
    done = approve_request(store, request.id[:6], actor=BOB, reason="read the diff")
    assert promoted(done)
    [record] = stage.log()
    assert (record.actor, record.reason, record.from_version, record.to_version) == ("bob", "kinder", 1, 2)
    assert record.request == ApprovedRequest(request.id, "ada", ("bob",))
    whole = json.loads(read_content(store, record.id) or "")
    assert whole["request"] == {"id": request.id, "requester": "ada", "approvers": ["bob"]}
    assert (states(store), run_status(stage, request), verify_audit(store)) == ([], "FINISHED", [])
    stage.client.set_tag(record.id, "audit.request", '{"id":"x","requester":"ada","approvers":["eve"]}')
    assert [each.kind for each in verify_audit(store)] == ["edited"]


def test_nobody_promotes_to_a_protected_alias_directly_and_other_aliases_are_free(stage: Stage) -> None:
    store = protected(stage)
    for force in (False, True):
        with pytest.raises(RefusedError, match=r"persona --version 2 --to-alias production --request --reason"):
            stage.promote(store=store, force=force)
    dry = execute_promotion(store, propose_promotion(store, "persona"), actor=ADA, dry_run=True)
    assert (dry.gate.allowed, dry.approvals, moves(stage.path)) == (True, 1, [])
    assert execute_promotion(store, propose_promotion(store, "persona", to_alias="staging"), actor=BOB).promoted
    with pytest.raises(UsageError, match="staging is not protected"):
        request_promotion(store, propose_promotion(store, "persona", to_alias="staging"), actor=BOB, reason="x")


def test_going_back_needs_no_approval_and_never_leads_forward(stage: Stage) -> None:
    store = protected(stage)
    approve_request(store, ask(store).id, actor=BOB)
    assert stage.roll_back(1, store=store, actor=BOB).to_version == 1
    for version in (2, 4):  # one that was rolled back, and one that was never live
        with pytest.raises(
            RefusedError, match=rf"going back from v1 of persona does not come to v{version}.* --request"
        ):
            stage.roll_back(version, store=store)
    assert moves(stage.path) == [(1, 2), (2, 1)]


def test_where_a_protected_alias_was_before_no_run_says_for_anybody_can_log_one(stage: Stage) -> None:
    point_alias(stage.store, "persona", "production", 3)
    stage.builder.log_run("tone", 0.9, prompts={"persona": "v1"})
    stage.builder.log_run("tone", 0.9, prompts={"persona": "v3"})
    plan = propose_rollback(stage.store, "persona")
    assert plan is not None
    assert "run " in plan.why
    assert propose_rollback(protected(stage), "persona") is None
    with pytest.raises(RefusedError, match="would now lead to nowhere"):
        execute_rollback(protected(stage), plan, actor=ADA, reason="worse")


@pytest.mark.parametrize(
    ("actor", "why"),
    [
        (Person(" ADA ", Role.ADMIN), "nobody approves their own request"),
        (Person("a\u200bd\u00ada\ufeff", Role.ADMIN), "nobody approves their own request"),
        (Person("\uff21\uff24\uff21\u200d", Role.ADMIN), "nobody approves their own request"),
        (Person("vic", Role.VIEWER), "promoting needs the role promoter"),
    ],
)
def test_neither_the_requester_nor_a_viewer_approves(stage: Stage, actor: Person, why: str) -> None:
    store = protected(stage)
    request = ask(store)
    with pytest.raises(RefusedError, match=why):
        approve_request(store, request.id, actor=actor)
    assert (states(store), moves(stage.path)) == ([RequestState.WAITING], [])


def test_as_many_different_people_approve_as_are_needed(stage: Stage) -> None:
    store = protected(stage, approvals=2)
    request = ask(store)
    assert [approve_request(store, request.id, actor=BOB).result for _ in range(2)] == [None, None]
    assert promoted(approve_request(store, request.id, actor=CORA))
    [record] = stage.log()
    assert record.request == ApprovedRequest(request.id, "ada", ("bob", "cora"))


def test_the_gate_is_asked_again_and_a_later_approval_tries_again(stage: Stage) -> None:
    store = protected(stage)
    request = ask(store)
    stage.builder.log_run("tone", 0.5, started=now(), prompts={"persona": "v2"})
    blocked = approve_request(store, request.id, actor=BOB)
    assert blocked.result is not None
    assert (blocked.result.gate.allowed, promoted(blocked), states(store)) == (False, False, [RequestState.WAITING])
    stage.builder.log_run("tone", 0.9, started=now() + timedelta(seconds=1), prompts={"persona": "v2"})
    assert promoted(approve_request(store, request.id, actor=BOB))
    assert moves(stage.path) == [(1, 2)]


def test_a_blocked_candidate_is_asked_for_only_by_an_admin_with_force_and_approved_by_another(stage: Stage) -> None:
    store = protected(stage)
    stage.builder.log_run("tone", 0.5, started=now(), prompts={"persona": "v2"})
    assert request_promotion(store, propose_promotion(store, "persona"), actor=ADA, reason="x").request is None
    with pytest.raises(RefusedError, match="against the gate needs the role admin"):
        ask(store, BOB, force=True)
    request = ask(store, force=True)
    with pytest.raises(RefusedError, match="against the gate needs the role admin"):
        approve_request(store, request.id, actor=BOB)
    approve_request(store, request.id, actor=LINUS)
    [record] = stage.log()
    assert (record.forced, record.overridden, record.actor) == (True, ("tone: below its threshold",), "linus")


def test_a_request_expires_is_superseded_or_is_closed_and_then_nothing_comes_of_it(stage: Stage) -> None:
    store = protected(stage, expires_hours=1)
    expired = ask(store)
    with pytest.raises(RefusedError, match="ada has asked for the same already"):
        ask(store, BOB)
    with pytest.raises(RefusedError, match=r"expired .*ask anew"):
        approve_request(store, expired.id, actor=BOB, clock=later(1))
    assert reconcile_audit(store, later(1)(), actor=ADA) == [f"{expired.name}: its run was ended, it is expired"]
    assert run_status(stage, expired) == "KILLED"
    rejected, withdrawn = ask(store), None
    with pytest.raises(UsageError, match="a rejection needs a reason"):
        close_request(store, rejected.id, actor=BOB)
    assert close_request(store, rejected.id, actor=BOB, reason="too bold").state is RequestState.REJECTED
    withdrawn = ask(store)
    assert close_request(store, withdrawn.id, actor=ADA).state is RequestState.WITHDRAWN
    for request, why in ((rejected, "was rejected by bob.*: too bold"), (withdrawn, "was withdrawn by ada")):
        with pytest.raises(RefusedError, match=why):
            approve_request(store, request.id, actor=CORA)
    superseded = ask(store)
    stage.client.set_prompt_alias("persona", "production", 3)
    with pytest.raises(RefusedError, match="superseded: persona@production now points at v3, not at v1"):
        approve_request(store, superseded.id, actor=BOB)
    assert states(store) == [RequestState.SUPERSEDED]
    close_request(store, superseded.id, actor=ADA)
    assert (states(store), stage.log(), moves(stage.path)) == ([], [], [(1, 3)])


def test_a_request_acts_once_also_if_its_promotion_was_taken_back(stage: Stage) -> None:
    store = protected(stage)
    request = ask(store)
    approve_request(store, request.id, actor=BOB)
    stage.roll_back(store=store)
    with pytest.raises(RefusedError, match="has been promoted by bob"):
        approve_request(store, request.id, actor=CORA)
    with pytest.raises(RefusedError, match="has been promoted by bob"):
        close_request(store, request.id, actor=ADA)
    assert moves(stage.path) == [(1, 2), (2, 1)]


def test_approvals_at_a_terminal_can_be_switched_off(stage: Stage) -> None:
    store = protected(stage, terminal=False)
    with pytest.raises(RefusedError, match="nothing was asked for: for production that is done in the app"):
        ask(store, at_terminal(ADA))
    assert states(store) == []
    request = ask(store)
    with pytest.raises(RefusedError, match="is done in the app"):
        approve_request(store, request.id, actor=at_terminal(BOB))
    assert promoted(approve_request(store, request.id, actor=BOB))


def test_where_people_sign_in_what_is_said_at_a_terminal_counts_only_if_the_settings_say_so(stage: Stage) -> None:
    for protection, takes in (({}, False), ({"terminal": True}, True)):
        store = stage.again(gate={"protected": {"production": protection}}, auth={"enabled": True})
        with nullcontext() if takes else pytest.raises(RefusedError, match="is done in the app"):
            close_request(store, ask(store, at_terminal(ADA)).id, actor=ADA)


def test_what_was_said_at_a_terminal_no_longer_counts_once_that_is_switched_off(stage: Stage) -> None:
    before = protected(stage, approvals=2)
    asked_there = ask(before, at_terminal(ADA))
    with pytest.raises(RefusedError, match="was asked for at a terminal, where nobody proves who they are"):
        approve_request(protected(stage, approvals=2, terminal=False), asked_there.id, actor=BOB)
    close_request(before, asked_there.id, actor=ADA)

    request = ask(before)
    assert approve_request(before, request.id, actor=at_terminal(BOB)).request.approvers == ("bob",)
    after = protected(stage, approvals=2, terminal=False)
    [seen] = list_open_requests(after)
    assert (seen.request.approvers, [each.who for each in seen.request.uncounted]) == ((), ["bob"])
    assert not promoted(approve_request(after, request.id, actor=CORA))
    assert promoted(approve_request(after, request.id, actor=BOB))
    [record] = stage.log()
    assert record.request == ApprovedRequest(request.id, "ada", ("cora", "bob"))


def test_more_approvals_that_are_asked_for_meanwhile_are_waited_for(stage: Stage) -> None:
    request = ask(protected(stage))
    raised = protected(stage, approvals=2)
    assert [each.request.asked.needed for each in list_open_requests(raised)] == [2]
    assert not promoted(approve_request(raised, request.id, actor=BOB))
    assert promoted(approve_request(raised, request.id, actor=CORA))


def test_a_withdrawal_between_the_approval_and_the_move_wins(stage: Stage) -> None:
    store = protected(stage)
    request = ask(store)
    met: list[str] = []

    def withdraw(name: str) -> None:
        if name == "log_text" and not met:
            met.append(name)
            close_request(protected(stage), request.id, actor=ADA)

    with pytest.raises(RefusedError, match="was withdrawn by ada"):
        approve_request(interpose(protected(stage), withdraw), request.id, actor=BOB)
    assert (met, moves(stage.path), [each.status.value for each in stage.log()]) == (["log_text"], [], ["FAILED"])
    stage.check_settled()


def test_a_damaged_or_unknown_request_is_said(stage: Stage) -> None:
    store = protected(stage)
    with pytest.raises(UsageError, match="there is no request 'abcdef'"):
        approve_request(store, "abcdef", actor=BOB)
    request = ask(store)
    with pytest.raises(UsageError, match=f"the newest are {request.id[:8]}"):
        approve_request(store, request.id[:5], actor=BOB)
    with pytest.raises(UsageError, match="too long"):
        close_request(store, request.id, actor=BOB, reason="x" * 6_000)


@pytest.fixture
def actors(tmp_path: Path) -> Iterator[Actors]:
    started = Actors(tmp_path)
    yield started
    started.close()


def test_of_many_who_decide_at_once_exactly_one_does(actors: Actors, stage: Stage) -> None:
    request = ask(protected(stage))
    for _ in range(APPROVERS):
        actors.start(stage, approve=request.id)
    actors.start(stage, reject=request.id)
    actors.go()
    codes, counts = actors.ended(APPROVERS + 1)
    assert codes == [0] * (APPROVERS + 1)
    assert counts["promoted"] + counts["rejected"] == 1
    assert counts["refused"] == APPROVERS
    assert moves(stage.path) == [(1, 2)] * counts["promoted"]
    stage.check_settled()


def test_killed_half_way_the_next_approval_finishes_it_and_the_alias_moves_once(
    actors: Actors, make_stage: Callable[..., Stage]
) -> None:
    moved = {}
    for what, step in KILLED_BEFORE.items():
        stage = make_stage(f"{step}.db")
        execute_promotion(stage.store, propose_promotion(stage.store, "persona", to_alias="staging"), actor=ADA)
        store = protected(stage)
        request = ask(store)
        actors.start(stage, approve=request.id, die_at=step)
        actors.go()
        assert actors.ended(1)[0] == [KILLED]
        moved[what] = len(moves(stage.path))
        with nullcontext() if not moved[what] else pytest.raises(RefusedError, match="promoted by process"):
            assert promoted(approve_request(store, request.id, actor=BOB))
        assert moves(stage.path) == [(1, 2)]
        stage.check_settled()
        assert (run_status(stage, request), states(store)) == ("FINISHED", [])
    assert list(moved.values()) == [0, 0, 0, 0, 1, 1]
