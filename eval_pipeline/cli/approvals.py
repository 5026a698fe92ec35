"""`eval-pipeline promote` on protected aliases: asking, approving, rejecting, and what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.acting import naming_options, whoever_acts

if TYPE_CHECKING:
    from eval_pipeline.actions.promote import Proposal
    from eval_pipeline.cli.session import Session
    from eval_pipeline.core.people import Person
    from eval_pipeline.store.connection import Store


def ask(session: Session, store: Store, proposal: Proposal, person: Person, reason: str, *, force: bool) -> int:
    """Make a request; the exit code."""
    from eval_pipeline.actions.requesting import request_promotion
    from eval_pipeline.report import requests
    from eval_pipeline.report.outlines.answers import outline_of_promotion

    made = request_promotion(store, proposal, actor=person, reason=reason, force=force)
    result = made.result
    session.write(
        requests.answer(made.request, result),
        lambda style: requests.asked_for(made.request, result, style),
        lambda: outline_of_promotion(result),
    )
    return OK if made.request is not None or result.gate.allowed else NO


def approve(session: Session, named: str, actor: str | None, reason: str) -> int:
    """Approve a request; the exit code."""
    from eval_pipeline.actions.requesting import approve_request
    from eval_pipeline.report import requests

    store = session.open_store()
    with naming_options():
        person = whoever_acts(store.settings, actor)
        done = approve_request(store, named, actor=person, reason=reason)
    request, result = done.request, done.result
    session.write(requests.answer(request, result), lambda style: requests.approved(request, result, style))
    return OK if result is None or result.promoted else NO


def reject(session: Session, named: str, actor: str | None, reason: str) -> int:
    """Reject a request, or withdraw one's own; the exit code."""
    from eval_pipeline.actions.requesting import close_request
    from eval_pipeline.report import requests

    store = session.open_store()
    with naming_options():
        seen = close_request(store, named, actor=whoever_acts(store.settings, actor), reason=reason)
    value = requests.open_request(seen.request, seen.state)
    session.write(value, lambda style: requests.closed(seen.request, seen.state, style))
    return OK


def show_open(session: Session) -> int:
    """List what waits; the exit code."""
    from eval_pipeline.actions.clock import utc_now
    from eval_pipeline.actions.open_requests import list_open_requests
    from eval_pipeline.report import requests

    seen = [(each.request, each.state) for each in list_open_requests(session.open_store())]
    rows = [requests.open_request(*each) for each in seen]
    session.write(rows, lambda style: requests.open_ones(seen, utc_now(), style))
    return OK
