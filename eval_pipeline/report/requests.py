"""Requests to promote, as JSON values and as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from eval_pipeline.core.moves import PromotionResult
from eval_pipeline.core.requests import SHOWN_ID, PromotionRequest, RequestState
from eval_pipeline.report import gate, numbers, request_words, shell
from eval_pipeline.report.serialize import promotion_result, timestamp
from eval_pipeline.report.terminal import Style, plain, plain_table, render

LONGEST_REASON = 200

Seen = tuple[PromotionRequest, RequestState]
"""A request and what it was when it was read."""


def answer(request: PromotionRequest | None, result: PromotionResult | None) -> dict[str, Any]:
    """The answer of `promote --request` and `--approve`."""
    return {
        "request": None if request is None else fields(request),
        "promotion": None if result is None else promotion_result(result),
    }


def open_request(request: PromotionRequest, state: RequestState) -> dict[str, Any]:
    """One row of `promote --requests`."""
    return {**fields(request), "state": state.value}


def fields(request: PromotionRequest) -> dict[str, Any]:
    """What a request says. Versions are integers."""
    asked = request.asked
    return {
        "id": request.id,
        "prompt_name": asked.prompt_name,
        "alias": asked.alias,
        "from_version": asked.from_version,
        "version": asked.version,
        "forced": asked.forced,
        "reason": asked.reason,
        "requester": asked.requester,
        "requested": timestamp(asked.requested),
        "expires": timestamp(asked.expires),
        "approvals_needed": asked.needed,
        "approvals": [
            {"who": each.who, "when": timestamp(each.when), "reason": each.why} for each in request.approvals
        ],
        "decisions": [
            {
                "decision": each.choice.value,
                "who": each.who,
                "when": timestamp(each.when),
                "reason": each.why,
                "audit_id": each.record_id,
            }
            for each in request.decisions
        ],
    }


def asked_for(request: PromotionRequest | None, result: PromotionResult, style: Style) -> str:
    """What came of asking: the gate's answer, and how others approve."""
    said = gate.text(result, result.from_version, style, closing=request is None and result.gate.allowed)
    if request is None and not result.gate.allowed:
        ask = shell.request(result.gate.prompt_name, result.gate.candidate, result.to_alias)
        line = f"Nothing was asked for, as the gate blocks it. To ask all the same: {ask} --force"
        return said + render([plain(line)], style)
    if request is None:
        return said
    asked, count = request.asked, numbers.counted(request.asked.needed, "approval")
    forced = ", although the gate blocks it" if asked.forced else ""
    lines = [
        f"Asked for{forced}: {request.name} waits for {count} by others, until {style.zone.when(asked.expires)}.",
        f"To approve it: {shell.approve(request.id[:SHOWN_ID])}",
    ]
    return said + render([plain(line) for line in lines], style)


def approved(request: PromotionRequest, result: PromotionResult | None, style: Style) -> str:
    """What came of an approval."""
    if result is None:
        return render([plain(f"Approved: {request.name} has {request_words.missing(request)}.")], style)
    said = gate.text(result, result.from_version, style)
    if result.record is None:
        rest = f"The approval stands: {request.name} waits until {style.zone.when(request.asked.expires)}."
        return said + render([plain(f"{rest} To try again: {shell.approve(request.id[:SHOWN_ID])}")], style)
    return said


def closed(request: PromotionRequest, state: RequestState, style: Style) -> str:
    """What a rejection or a withdrawal came to."""
    return render([plain(request_words.sentence(request_words.why_closed(request, state, None, style.zone)))], style)


def open_ones(seen: Sequence[Seen], now: datetime, style: Style) -> str:
    """The open requests as a table, oldest first."""
    if not seen:
        return render([Text("No request waits for approval.")], style)
    at = style.zone.heading("Asked")
    headings = ("Request", at, "Alias", "Version", "By", "Approved", "Left", "Reason")
    table = plain_table(*headings, whole=("Request", at, "Version", "Approved", "Left"))
    for request, state in seen:
        asked = request.asked
        before = "–" if asked.from_version is None else f"v{asked.from_version}"
        waits = state is RequestState.WAITING
        table.add_row(
            Text(request.id[:SHOWN_ID]),
            Text(style.zone.cell(asked.requested)),
            plain(f"{asked.prompt_name}@{asked.alias}"),
            Text(f"{before}→v{asked.version}{' !' if asked.forced else ''}"),
            plain(numbers.shortened(asked.requester, 30)),
            Text(f"{len(request.approvers)} of {asked.needed}" if waits else state.value),
            Text(request_words.time_left(asked.expires, now)),
            plain(numbers.shortened(asked.reason, LONGEST_REASON)),
        )
    forced = [Text("! to be forced against the gate")] if any(each.asked.forced for each, _ in seen) else []
    return render([table, *forced], style)
