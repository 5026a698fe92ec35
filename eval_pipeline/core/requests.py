"""Requests to promote to a protected alias: what one says, what has become of it, and who may approve it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.core.people import Person

SHOWN_ID = 8
UNSEEN = "Cf"
"""Unicode's category of characters that only say how others are shown."""


class RequestState(StrEnum):
    """What has become of a request."""

    WAITING = "waiting"
    PROMOTING = "promoting"
    """Approved, and its audit record has not ended."""
    PROMOTED = "promoted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    """The alias no longer points where the requester saw it."""

    @property
    def open(self) -> bool:
        """Whether something may still come of it."""
        return self in {RequestState.WAITING, RequestState.PROMOTING, RequestState.SUPERSEDED}


class Choice(StrEnum):
    """How somebody decides on a request."""

    PROMOTE = "promote"
    REJECT = "reject"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's consent."""

    who: str
    when: datetime
    why: str = ""
    at_terminal: bool = False
    """Given where nobody proves who they are."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the settings ask today of whoever wants to move an alias."""

    approvals: int = 0
    """By people other than the one who asks for it; 0: the alias is not protected."""
    terminal: bool = True
    """Whether what is said at a terminal counts."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody made of a request."""

    choice: Choice
    who: str
    when: datetime
    why: str = ""
    record_id: str | None = None
    """The audit record of a promotion."""


@dataclass(frozen=True, slots=True)
class RequestDraft:
    """What somebody asks for."""

    prompt_name: str
    alias: str
    from_version: int | None
    """What the requester saw live; `None` if the alias did not exist."""
    version: int
    forced: bool
    """Whether it is to happen also if the gate blocks it."""
    reason: str
    requester: str
    requested: datetime
    expires: datetime
    needed: int
    """Approvals, when it was made; as `under` has it, at least as many as are asked for today."""
    at_terminal: bool = False
    """Asked for where nobody proves who they are."""


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """A request, with all that people made of it."""

    id: str
    """The MLflow run that holds it."""
    asked: RequestDraft
    approvals: tuple[Approval, ...] = ()
    decisions: tuple[Decision, ...] = ()
    uncounted: tuple[Approval, ...] = ()
    """Approvals that do not count as the settings are: see `under`."""

    @property
    def name(self) -> str:
        """How people are told of it: `request 3f2a91c0`."""
        return f"request {self.id[:SHOWN_ID]}"

    @property
    def approvers(self) -> tuple[str, ...]:
        """Who has approved it, each person once."""
        found: dict[str, str] = {}
        for each in self.approvals:
            found.setdefault(person_key(each.who), each.who)
        return tuple(found.values())

    def is_by(self, who: str) -> bool:
        """Whether it is this person's own."""
        return same_person(self.asked.requester, who)

    def approved_by(self, who: str) -> bool:
        """Whether this person has approved it."""
        return any(same_person(each, who) for each in self.approvers)


def person_key(name: str) -> str:
    """What two spellings of one person's name have in common.

    Neither case, nor width, nor spaces tell people apart, nor characters that nobody sees.
    """
    seen = "".join(each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each) != UNSEEN)
    return " ".join(seen.casefold().split())


def same_person(one: str, other: str) -> bool:
    """Whether two names are of one person."""
    return person_key(one) == person_key(other)


def state_of(
    request: PromotionRequest, live: int | None, ends: Mapping[str, RecordStatus], now: datetime
) -> RequestState:
    """What has become of a request. `live`: where its alias points; `ends`: how audit records ended, by id."""
    if request.decisions:
        last = request.decisions[-1]
        if last.choice is not Choice.PROMOTE:
            return RequestState.REJECTED if last.choice is Choice.REJECT else RequestState.WITHDRAWN
        end = ends.get(last.record_id or "")
        if end is not RecordStatus.FAILED:
            return RequestState.PROMOTED if end is RecordStatus.FINISHED else RequestState.PROMOTING
    if now >= request.asked.expires:
        return RequestState.EXPIRED
    return RequestState.WAITING if live == request.asked.from_version else RequestState.SUPERSEDED


def under(request: PromotionRequest, terms: Terms) -> PromotionRequest:
    """The request as today's terms have it, whatever they were when it was made or approved."""
    counted = tuple(each for each in request.approvals if terms.terminal or not each.at_terminal)
    return replace(
        request,
        asked=replace(request.asked, needed=max(request.asked.needed, terms.approvals)),
        approvals=counted,
        uncounted=tuple(each for each in request.approvals if each not in counted),
    )


def why_not_ask(alias: str, person: Person, terms: Terms) -> str | None:
    """Why this person may not ask for it where they are; `None`: they may."""
    return f"for {alias} that is done in the app" if person.at_terminal and not terms.terminal else None


def why_not_approve(request: PromotionRequest, person: Person, terms: Terms) -> str | None:
    """Why this person, whose role is enough, may not approve it; `None`: they may."""
    if request.is_by(person.name):
        return f"nobody approves their own request, and {person.name} asked for this one: another person has to"
    if (elsewhere := why_not_ask(request.asked.alias, person, terms)) is not None:
        return elsewhere
    if request.asked.at_terminal and not terms.terminal:
        return (
            f"it was asked for at a terminal, where nobody proves who they are, and for {request.asked.alias} that is "
            "done in the app: ask anew there"
        )
    return None
