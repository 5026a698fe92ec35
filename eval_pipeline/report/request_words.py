"""What to say of a request to promote, in words."""

from __future__ import annotations

from datetime import datetime, timedelta

from eval_pipeline.core.moves import ApprovedRequest
from eval_pipeline.core.requests import SHOWN_ID, PromotionRequest, RequestState
from eval_pipeline.report import numbers
from eval_pipeline.report.zones import Zone


def why_closed(request: PromotionRequest, state: RequestState, live: int | None, zone: Zone) -> str:
    """Why nothing can come of a request any more, or not now. `live`: where its alias points; times are in `zone`."""
    asked, name = request.asked, request.name
    last = request.decisions[-1] if request.decisions else None
    by = f" by {last.who}, {zone.when(last.when)}" if last else ""
    why = f": {last.why}" if last and last.why else ""
    match state:
        case RequestState.PROMOTED:
            record = f", record {last.record_id}" if last else ""
            return f"{name} has been promoted{by}{record}"
        case RequestState.PROMOTING:
            return f"{name} is being promoted{by}: look again in a moment"
        case RequestState.REJECTED | RequestState.WITHDRAWN:
            return f"{name} was {state.value}{by}{why}"
        case RequestState.EXPIRED:
            return f"{name} expired {zone.when(asked.expires)}: ask anew"
        case RequestState.SUPERSEDED:
            there = f"{asked.prompt_name}@{asked.alias} now points at {numbers.version(live)}"
            return f"{name} is superseded: {there}, not at {numbers.version(asked.from_version)}; ask anew"
        case RequestState.WAITING:
            return f"{name} waits for {missing(request)}"


def behind(request: ApprovedRequest) -> str:
    """Who asked for a promotion and who approved it."""
    names = ", ".join(request.approvers)
    return f"asked for by {request.requester}, approved by {names} (request {request.id[:SHOWN_ID]})"


def missing(request: PromotionRequest) -> str:
    """How many approvals it has: `1 of 2 approvals`."""
    return f"{len(request.approvers)} of {numbers.counted(request.asked.needed, 'approval')}"


def sentence(said: str) -> str:
    """The same as a sentence: with a capital and a full stop."""
    return f"{said[:1].upper()}{said[1:]}."


def time_left(moment: datetime, now: datetime) -> str:
    """How long until a time, in its largest fitting unit: `12 min`, `5 h`."""
    return numbers.age(now, moment + timedelta(minutes=1))  # 72 hours are not "2 days" as soon as they are asked for
