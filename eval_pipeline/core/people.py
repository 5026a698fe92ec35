"""Who somebody is to this tool, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from eval_pipeline.errors import RefusedError


class Role(StrEnum):
    """What somebody may do; each role may do all that the ones before it may."""

    VIEWER = "viewer"
    PROMOTER = "promoter"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether who has this role may do what the other may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who acts, as the audit log names them."""

    name: str
    role: Role
    at_terminal: bool = False
    """Where nobody proves who they are: a name is taken at its word."""

    def may(self, deed: Deed) -> bool:
        """Whether their role is enough for it."""
        return self.role.includes(NEEDED[deed])


class Deed(StrEnum):
    """What changes something, in the word that begins a sentence about it."""

    PROMOTE = "promoting"
    FORCE = "promoting against the gate"
    ROLL_BACK = "rolling back"
    RUN_EVALS = "running evals"
    CANCEL_SUITE = "cancelling a suite run"
    RECONCILE = "settling unfinished records"


NEEDED: Mapping[Deed, Role] = {
    Deed.PROMOTE: Role.PROMOTER,
    Deed.FORCE: Role.ADMIN,
    Deed.ROLL_BACK: Role.PROMOTER,
    Deed.RUN_EVALS: Role.PROMOTER,
    Deed.CANCEL_SUITE: Role.PROMOTER,
    Deed.RECONCILE: Role.ADMIN,
}
"""The least role for each. Going back is no more than going forward, and must not wait for an admin in an incident;
what overrules the evidence, or says how the log's open questions end, is an admin's.
"""


def why_not(person: Person, deed: Deed) -> str | None:
    """Why they may not do it, in one line that says whom to ask; `None`: they may."""
    if person.may(deed):
        return None
    return (
        f"{deed} needs the role {NEEDED[deed]}, and {person.name} is {_article(person.role)} {person.role}: "
        "ask whoever keeps the settings, where the table [auth] gives the roles"
    )


def refuse_unless(person: Person, deed: Deed) -> None:
    """Let a deed pass that the person's role is enough for.

    Raises:
        RefusedError: it is not.
    """
    if (why := why_not(person, deed)) is not None:
        raise RefusedError(why)


def _article(role: Role) -> str:
    return "an" if role is Role.ADMIN else "a"
