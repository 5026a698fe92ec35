"""Who a sign-in says somebody is, and the role that the settings give them.

Claims are what the OpenID provider says of somebody. A person is known by an e-mail only if it is verified, so that
nobody becomes an admin by typing an admin's address into a profile, and else by the provider's own `sub`.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from eval_pipeline.core.people import Person, Role

Claims = Mapping[str, object]

EVERYBODY = "*"
EMAIL, VERIFIED = "email", "email_verified"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""Letters beyond ASCII stay as they are: some of them become another person's when lowered, as the Kelvin sign does."""
SECONDS_PER_HOUR = 3600


class Outside(Enum):
    """Why somebody is not let in."""

    SIGNED_OUT = "signed out"
    ENDED = "ended"
    """The sign-in is too old."""
    STRANGER = "stranger"
    """Signed in, and on no list."""


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody who is not let in."""

    why: Outside
    name: str = ""


@dataclass(frozen=True, slots=True)
class SignInRules:
    """What the settings say of signing in."""

    lists: Mapping[Role, Sequence[str]]
    """The matchers of each role: an e-mail, `@domain`, `claim=value` or `*`."""
    hours: float | None = None
    """How long a sign-in lasts from when its token was issued; `None`: until the token expires."""
    assume_verified: bool = False
    """Whether an e-mail is taken for verified if the provider does not say; never against what it says."""


def who_is(claims: Claims, rules: SignInRules, now: datetime) -> Person | Outsider:
    """Whoever these claims are of, at this time."""
    if claims.get("is_logged_in") is not True:
        return Outsider(Outside.SIGNED_OUT)
    name = name_of(claims, rules)
    if name is None:
        return Outsider(Outside.STRANGER, "nobody that the provider names")
    if has_ended(claims, rules, now):
        return Outsider(Outside.ENDED, name)
    role = role_of(claims, rules)
    return Outsider(Outside.STRANGER, name) if role is None else Person(name, role)


def name_of(claims: Claims, rules: SignInRules) -> str | None:
    """What the audit log calls them: their verified e-mail, or else `sub=...`; never a name that they chose freely."""
    subject = claims.get("sub")
    return verified_email(claims, rules) or (f"sub={subject}" if isinstance(subject, str) and subject else None)


def role_of(claims: Claims, rules: SignInRules) -> Role | None:
    """The highest role that a list gives them; `None`: they are on none."""
    email = verified_email(claims, rules)
    found = [role for role, matchers in rules.lists.items() if any(_fits(each, claims, email) for each in matchers)]
    return max(found, key=list(Role).index, default=None)


def has_ended(claims: Claims, rules: SignInRules, now: datetime) -> bool:
    """Whether a sign-in is over. One that does not say when it began or expires is."""
    since, more = ("exp", 0.0) if rules.hours is None else ("iat", rules.hours * SECONDS_PER_HOUR)
    said = claims.get(since)
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not math.isfinite(said):
        return True
    return now.timestamp() >= said + more


def verified_email(claims: Claims, rules: SignInRules) -> str | None:
    """The e-mail, ASCII letters lowered, if the provider has verified that it is theirs."""
    email, verified = claims.get(EMAIL), claims.get(VERIFIED)
    if verified is None:
        verified = rules.assume_verified
    if verified is not True and verified != "true":  # some providers say it in a string
        return None
    whole = isinstance(email, str) and email.isprintable() and _ADDRESS.fullmatch(email)
    return email.translate(_LOWER) if isinstance(email, str) and whole else None


def mistake_in(matcher: str) -> str | None:
    """What is wrong with a matcher, and what to write; `None`: nothing."""
    name, is_claim, value = matcher.partition("=")
    if is_claim and name in {EMAIL, VERIFIED}:
        return f"{matcher!r} would also take an e-mail that is not verified: write the address alone"
    if matcher == EVERYBODY or (is_claim and name and value):
        return None
    if not is_claim and _ADDRESS.fullmatch(f"x{matcher}" if matcher.startswith("@") else matcher):
        return None
    return f"{matcher!r} names nobody: write an e-mail, @domain, claim=value as in groups=ml, or * for everybody"


def _fits(matcher: str, claims: Claims, email: str | None) -> bool:
    name, is_claim, value = matcher.partition("=")
    if matcher == EVERYBODY:
        return True
    if is_claim:
        found = claims.get(name)
        return name not in {EMAIL, VERIFIED} and (value == found or (isinstance(found, list) and value in found))
    if email is None:
        return False
    wanted = matcher.translate(_LOWER)
    return f"@{email.rpartition('@')[2]}" == wanted if wanted.startswith("@") else email == wanted
