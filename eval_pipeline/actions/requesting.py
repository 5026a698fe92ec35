"""Promoting to a protected alias: one person asks, others approve, and the last approval acts.

Whoever gives it runs the gate again and promotes as everybody does, with one more step while the alias is held: the
decision to promote, with the id of the audit record, is written into the request, where nobody can write another. So of
several approvals, a rejection and a withdrawal at once exactly one counts. A process that stops on the way leaves an
open record; when that is settled as never happened, the request waits again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.actions.moving import refuse_other
from eval_pipeline.actions.notifying import tell_of_request
from eval_pipeline.actions.open_requests import SeenRequest, list_open_requests, record_ends, refuse_closed, see_settled
from eval_pipeline.actions.promote import Proposal, Warrant, execute_promotion, propose_promotion, who_and_why
from eval_pipeline.core.moves import ApprovedRequest, PromotionResult
from eval_pipeline.core.people import Deed, Person, refuse_unless
from eval_pipeline.core.requests import (
    Approval,
    Choice,
    Decision,
    PromotionRequest,
    RequestDraft,
    RequestState,
    state_of,
    why_not_approve,
    why_not_ask,
)
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.report import shell
from eval_pipeline.settings.schema import Protection
from eval_pipeline.store.aliases import ask_permission
from eval_pipeline.store.connection import Store
from eval_pipeline.store.requests import (
    add_approval,
    add_decision,
    create_request,
    end_request,
    find_request,
    reread_request,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking."""

    request: PromotionRequest | None
    """`None`: it was not made, because the gate blocks or there is nothing to do."""
    result: PromotionResult
    """The gate's answer."""


@dataclass(frozen=True, slots=True)
class Approved:
    """What came of an approval."""

    request: PromotionRequest
    result: PromotionResult | None
    """The gate's answer and what was moved; `None`: further approvals are needed first."""


def request_promotion(
    store: Store, proposal: Proposal, *, actor: Person, reason: str, force: bool = False, clock: Clock = utc_now
) -> Asked:
    """Ask others to approve a promotion to a protected alias, if the gate allows it now or is to be overridden.

    Raises:
        NotSaidError: no reason, or no actor.
        UsageError: the alias is not protected, or the reason is too long.
        RefusedError: the actor's role is not enough, things are no longer as they were seen, or the same is asked for.
        StoreError: the store failed.
    """
    refuse_unless(actor, Deed.FORCE if force else Deed.PROMOTE)
    who, why = who_and_why(actor, reason, "a request to promote")
    alias = proposal.to_alias
    protection, terms = store.settings.gate.protected.get(alias), store.settings.terms(alias)
    if protection is None:
        raise UsageError(f"{alias} is not protected: nobody has to approve it, so promote without a request")
    if (elsewhere := why_not_ask(alias, actor, terms)) is not None:
        raise RefusedError(f"nothing was asked for: {elsewhere}")
    ask_permission(store, proposal.prompt_name, proposal.candidate)  # or who may only read could begin the requests
    asked = execute_promotion(store, proposal, actor=actor, reason=why, force=force, dry_run=True, clock=clock)
    result = replace(asked, dry_run=False)
    if proposal.needless or not (result.gate.allowed or force):
        return Asked(None, result)
    _refuse_twice(store, proposal, clock)
    draft = _draft(proposal, replace(actor, name=who), why, force and not result.gate.allowed, protection, clock())
    request, experiment_id = create_request(store, draft)
    tell_of_request(store, request, experiment_id)
    return Asked(request, result)


def _draft(
    proposal: Proposal, actor: Person, why: str, forced: bool, protection: Protection, moment: datetime
) -> RequestDraft:
    return RequestDraft(
        prompt_name=proposal.prompt_name,
        alias=proposal.to_alias,
        from_version=proposal.live,
        version=proposal.candidate,
        forced=forced,
        reason=why,
        requester=actor.name,
        requested=moment,
        expires=moment + timedelta(hours=protection.expires_hours),
        needed=protection.approvals,
        at_terminal=actor.at_terminal,
    )


def _refuse_twice(store: Store, proposal: Proposal, clock: Clock) -> None:
    wanted = (proposal.prompt_name, proposal.to_alias, proposal.live, proposal.candidate)
    for each in list_open_requests(store, clock):
        asked = each.request.asked
        if (asked.prompt_name, asked.alias, asked.from_version, asked.version) == wanted:
            raise RefusedError(
                f"{asked.requester} has asked for the same already: {each.request.name}; "
                f"approve it with `{shell.approve(each.request.id)}`"
            )


def approve_request(
    store: Store,
    named: str,
    *,
    actor: Person,
    reason: str = "",
    clock: Clock = utc_now,
) -> Approved:
    """Approve a request; with the last approval that it needs, run the gate again and promote.

    If the gate blocks, nothing moves and the request goes on waiting; each further approval, also by the same person,
    tries again. So does one after a process that stopped half-way.

    Raises:
        NotSaidError: no actor.
        UsageError: there is no such request, or no such version any more, or the reason is too long.
        RefusedError: the actor's role is not enough, it is their own request, what is said at a terminal does not count
            and it was said there, nothing can come of the request any more, or somebody else is moving the alias.
        StoreError: the store failed; the message says what is known of the alias.
    """
    refuse_unless(actor, Deed.PROMOTE)
    request = find_request(store, named)
    if request.asked.forced:
        refuse_unless(actor, Deed.FORCE)
    who, why = who_and_why(actor, reason, None)
    refuse_closed(store, see_settled(store, request, clock))
    actor = replace(actor, name=who)
    if (obstacle := why_not_approve(request, actor, store.settings.terms(request.asked.alias))) is not None:
        raise RefusedError(f"{request.name} was not approved: {obstacle}")
    request = _approved(store, request, Approval(who, clock(), why, actor.at_terminal))
    if len(request.approvers) < request.asked.needed:
        return Approved(request, None)
    return _act(store, request, actor, clock)


def _approved(store: Store, request: PromotionRequest, approval: Approval) -> PromotionRequest:
    """The request with this person's approval among the others, once."""
    while not request.approved_by(approval.who):
        add_approval(store, request, approval)
        request = reread_request(store, request.id)
    return request


def _act(store: Store, request: PromotionRequest, actor: Person, clock: Clock) -> Approved:
    asked = request.asked
    proposal = propose_promotion(store, asked.prompt_name, to_alias=asked.alias, version=asked.version, clock=clock)
    refuse_other(asked.prompt_name, asked.alias, asked.from_version, proposal.live)
    warrant = Warrant(
        ApprovedRequest(request.id, asked.requester, request.approvers), _taking(store, request.id, actor.name, clock)
    )
    result = execute_promotion(
        store, proposal, actor=actor, reason=asked.reason, force=asked.forced, warrant=warrant, clock=clock
    )
    if result.promoted:
        with suppress(StoreError):  # the alias has moved and the record says so; `audit reconcile` ends the run
            end_request(store, request.id, "FINISHED", clock())
    return Approved(request, result)


def _taking(store: Store, request_id: str, who: str, clock: Clock) -> Callable[[str], None]:
    def take(record_id: str) -> None:
        """Use the request up for this record; called while its alias is held, so no other record on it is open."""
        request = reread_request(store, request_id)
        ends = record_ends(store, [request])
        refuse_closed(store, SeenRequest(request, state_of(request, request.asked.from_version, ends, clock()), None))
        _decide(store, request, Decision(Choice.PROMOTE, who, clock(), record_id=record_id))

    return take


def close_request(store: Store, named: str, *, actor: Person, reason: str = "", clock: Clock = utc_now) -> SeenRequest:
    """Reject a request, with a reason, or withdraw one's own; what it is then.

    Raises:
        NotSaidError: no actor, or no reason for a rejection.
        UsageError: there is no such request, or the reason is too long.
        RefusedError: the actor's role is not enough, it is closed already, or is being promoted.
        StoreError: the store failed.
    """
    refuse_unless(actor, Deed.PROMOTE)
    request = find_request(store, named)
    own = request.is_by(actor.name)
    who, why = who_and_why(actor, reason, None if own else "a rejection")
    seen = see_settled(store, request, clock)
    if seen.state is not RequestState.SUPERSEDED:
        refuse_closed(store, seen)
    _decide(store, request, Decision(Choice.WITHDRAW if own else Choice.REJECT, who, clock(), why))
    end_request(store, request.id, "KILLED", clock())
    state = RequestState.WITHDRAWN if own else RequestState.REJECTED
    return SeenRequest(reread_request(store, request.id), state, seen.live)


def _decide(store: Store, request: PromotionRequest, decision: Decision) -> None:
    if not add_decision(store, request, decision):
        raise RefusedError(f"somebody else decided on {request.name} at the same moment: look again")
