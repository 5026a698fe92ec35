"""A request to promote as it is written down: the params of an MLflow run, each written once.

`prompt`, `alias`, `from` (the version that was live when it was made; missing if there was none), `version`, `forced`,
`reason`, `requester`, `requested`, `expires`, `needed`, `terminal` (whether it was made at one); then, as JSON,
`approval.0001`, ... and `decision.0001`, .... A decision to promote names its audit record: whether it came to pass
stands in the audit log alone. The next decision is free only if it did not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from eval_pipeline.core.requests import Approval, Choice, Decision, PromotionRequest, RequestDraft

APPROVAL, DECISION = "approval.", "decision."


def draft_params(draft: RequestDraft) -> dict[str, str]:
    """What somebody asks for, as it is written down."""
    return {
        "prompt": draft.prompt_name,
        "alias": draft.alias,
        **({} if draft.from_version is None else {"from": str(draft.from_version)}),
        "version": str(draft.version),
        "forced": str(draft.forced).lower(),
        "reason": draft.reason,
        "requester": draft.requester,
        "requested": draft.requested.isoformat(),
        "expires": draft.expires.isoformat(),
        "needed": str(draft.needed),
        "terminal": str(draft.at_terminal).lower(),
    }


def read_request(run_id: str, params: Mapping[str, str]) -> PromotionRequest | None:
    """A request from the params of its run; `None` if they are none of ours, or not whole."""
    try:
        asked = RequestDraft(
            prompt_name=params["prompt"],
            alias=params["alias"],
            from_version=int(params["from"]) if "from" in params else None,
            version=int(params["version"]),
            forced=params["forced"] == "true",
            reason=params["reason"],
            requester=params["requester"],
            requested=_moment(params["requested"]),
            expires=_moment(params["expires"]),
            needed=int(params["needed"]),
            at_terminal=params["terminal"] == "true",
        )
        approvals = [
            Approval(each["who"], _moment(each["when"]), each["why"], each["terminal"] == "true")
            for each in _numbered(params, APPROVAL)
        ]
        decisions = [
            Decision(Choice(each["choice"]), each["who"], _moment(each["when"]), each["why"], each.get("record_id"))
            for each in _numbered(params, DECISION)
        ]
    except (KeyError, ValueError, TypeError):
        return None
    return PromotionRequest(run_id, asked, tuple(approvals), tuple(decisions))


def approval_param(request: PromotionRequest, approval: Approval) -> tuple[str, str]:
    """The next approval as a param: its key and its value."""
    said = {
        "who": approval.who,
        "when": approval.when.isoformat(),
        "why": approval.why,
        "terminal": str(approval.at_terminal).lower(),
    }
    return f"{APPROVAL}{len(request.approvals) + len(request.uncounted) + 1:04}", _json(said)


def decision_param(request: PromotionRequest, decision: Decision) -> tuple[str, str]:
    """The next decision as a param: its key and its value."""
    said = {
        "choice": decision.choice.value,
        "who": decision.who,
        "when": decision.when.isoformat(),
        "why": decision.why,
        **({"record_id": decision.record_id} if decision.record_id else {}),
    }
    return f"{DECISION}{len(request.decisions) + 1:04}", _json(said)


def _json(said: Mapping[str, str]) -> str:
    return json.dumps(said, ensure_ascii=False)


def _numbered(params: Mapping[str, str], prefix: str) -> Iterable[dict[str, str]]:
    return [json.loads(params[key]) for key in sorted(key for key in params if key.startswith(prefix))]


def _moment(said: str) -> datetime:
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError(f"a time without its zone: {said!r}")
    return moment
