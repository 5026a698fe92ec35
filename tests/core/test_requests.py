"""Requests to promote: what has become of one, who may approve it, and that it reads back as it was written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.core.people import Person, Role
from eval_pipeline.core.request_params import approval_param, decision_param, draft_params, read_request
from eval_pipeline.core.requests import (
    Approval,
    Choice,
    Decision,
    PromotionRequest,
    RequestDraft,
    RequestState,
    Terms,
    state_of,
    under,
    why_not_approve,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ASKED = RequestDraft("persona", "production", 1, 2, False, "kinder", "ada", NOON, NOON + HOUR, 1)
WAITING = PromotionRequest("r1", ASKED)


def decided(choice: Choice, record_id: str | None = None) -> PromotionRequest:
    return replace(WAITING, decisions=(Decision(choice, "bob", NOON, "", record_id),))


PROMOTING = decided(Choice.PROMOTE, "a1")


@pytest.mark.parametrize(
    ("request_", "live", "ends", "after", "state"),
    [
        (WAITING, 1, {}, 0.99, RequestState.WAITING),
        (WAITING, 1, {}, 1, RequestState.EXPIRED),
        (WAITING, 3, {}, 0, RequestState.SUPERSEDED),
        (WAITING, 2, {}, 0, RequestState.SUPERSEDED),
        (WAITING, None, {}, 0, RequestState.SUPERSEDED),
        (decided(Choice.REJECT), 1, {}, 0, RequestState.REJECTED),
        (decided(Choice.WITHDRAW), 1, {}, 2, RequestState.WITHDRAWN),
        (PROMOTING, 1, {}, 2, RequestState.PROMOTING),
        (PROMOTING, 1, {"a1": RecordStatus.FINISHED}, 2, RequestState.PROMOTED),
        (PROMOTING, 1, {"a1": RecordStatus.FAILED}, 0, RequestState.WAITING),
        (PROMOTING, 1, {"a1": RecordStatus.FAILED}, 2, RequestState.EXPIRED),
    ],
)
def test_what_has_become_of_a_request(
    request_: PromotionRequest, live: int | None, ends: dict[str, RecordStatus], after: float, state: RequestState
) -> None:
    assert state_of(request_, live, ends, NOON + after * HOUR) is state


@pytest.mark.parametrize("who", ["ada", "ADA", " Ada\t", "\uff41da", "a\u00adda", "\u200bada", "ad\u2060a"])
def test_nobody_approves_their_own_request_however_their_name_is_spelt(who: str) -> None:
    assert why_not_approve(WAITING, Person(who, Role.ADMIN), Terms(1)) is not None
    assert why_not_approve(WAITING, Person("bob", Role.PROMOTER), Terms(1)) is None


@pytest.mark.parametrize(("asked", "approved", "terminal"), list(product((True, False), repeat=3)))
def test_what_is_said_at_a_terminal_counts_where_the_terms_say_so(asked: bool, approved: bool, terminal: bool) -> None:
    request = replace(WAITING, asked=replace(ASKED, at_terminal=asked))
    why = why_not_approve(request, Person("bob", Role.PROMOTER, approved), Terms(1, terminal))
    assert (why is None) == (terminal or not (asked or approved))
    given = replace(request, approvals=(Approval("bob", NOON, "", approved),))
    assert bool(under(given, Terms(1, terminal)).approvers) == (terminal or not approved)


@given(st.integers(0, 5), st.integers(1, 5))
def test_the_terms_may_ask_for_more_approvals_and_never_for_fewer(now: int, then: int) -> None:
    request = replace(WAITING, asked=replace(ASKED, needed=then))
    assert under(request, Terms(now)).asked.needed == max(now, then)


def test_nobody_counts_twice() -> None:
    names = ("bob", "Cora", " BOB ", "cora")
    approved = replace(WAITING, approvals=tuple(Approval(name, NOON) for name in names))
    assert approved.approvers == ("bob", "Cora")


@given(name=st.text(), text=st.text(), before=st.none() | st.integers(1), forced=st.booleans())
def test_a_request_reads_back_as_it_was_written(name: str, text: str, before: int | None, forced: bool) -> None:
    draft = RequestDraft(name, "production", before, 2, forced, text, name, NOON, NOON + HOUR, 2)
    params, wanted = draft_params(draft), PromotionRequest("r1", draft)
    for approval in (Approval(name, NOON, text), Approval("bob", NOON + HOUR, at_terminal=True)):
        key, value = approval_param(wanted, approval)
        params[key] = value
        wanted = replace(wanted, approvals=(*wanted.approvals, approval))
    for decision in (Decision(Choice.PROMOTE, name, NOON, "", "a1"), Decision(Choice.REJECT, "bob", NOON, text)):
        key, value = decision_param(wanted, decision)
        params[key] = value
        wanted = replace(wanted, decisions=(*wanted.decisions, decision))
    assert read_request("r1", params) == wanted


@pytest.mark.parametrize(
    "damage",
    [
        {"expires": "tomorrow"},
        {"expires": "2026-03-02T12:00:00"},
        {"version": "two"},
        {"approval.0001": "bob"},
        {"decision.0001": "{}"},
        {"decision.0001": '"promote"'},
        {"approval.0001": '["bob"]'},
    ],
)
def test_what_is_not_whole_is_no_request(damage: dict[str, str]) -> None:
    assert read_request("r1", {**draft_params(ASKED), **damage}) is None
    assert read_request("r1", {key: value for key, value in draft_params(ASKED).items() if key != "needed"}) is None
