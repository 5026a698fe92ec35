"""Who somebody is by their sign-in, which role that gives them, and what each role may do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.people import NEEDED, Deed, Person, Role, refuse_unless, why_not
from eval_pipeline.core.sign_in import Outside, Outsider, SignInRules, mistake_in, name_of, role_of, who_is
from eval_pipeline.errors import RefusedError

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOON = NOW.timestamp() + 60
ADA: dict[str, Any] = {
    "is_logged_in": True,
    "sub": "4711",
    "email": "ada@example.com",
    "email_verified": True,
    "name": "Ada",
    "groups": ["ml", "ops"],
    "hd": "example.com",
    "iat": NOW.timestamp() - 600,
    "exp": SOON,
}


def rules(*matchers: str, **said: Any) -> SignInRules:
    """Whoever fits is a promoter."""
    return SignInRules({Role.PROMOTER: matchers}, **said)


@pytest.mark.parametrize(
    ("deed", "may"),
    [
        (Deed.PROMOTE, (False, True, True)),
        (Deed.FORCE, (False, False, True)),
        (Deed.ROLL_BACK, (False, True, True)),
        (Deed.RUN_EVALS, (False, True, True)),
        (Deed.CANCEL_SUITE, (False, True, True)),
        (Deed.RECONCILE, (False, False, True)),
    ],
)
def test_what_a_viewer_a_promoter_and_an_admin_may_do(deed: Deed, may: tuple[bool, ...]) -> None:
    assert tuple(why_not(Person("ada", role), deed) is None for role in Role) == may


def test_every_deed_needs_a_role() -> None:
    assert set(NEEDED) == set(Deed)


@given(st.sampled_from(Deed), st.sampled_from(Role), st.sampled_from(Role))
def test_a_higher_role_may_do_all_that_a_lower_one_may(deed: Deed, one: Role, other: Role) -> None:
    if one.includes(other) and Person("x", other).may(deed):
        assert Person("x", one).may(deed)


def test_a_refusal_says_which_role_is_needed_which_one_the_person_has_and_whom_to_ask() -> None:
    with pytest.raises(RefusedError) as refused:
        refuse_unless(Person("vera@example.com", Role.VIEWER), Deed.PROMOTE)
    assert str(refused.value) == (
        "promoting needs the role promoter, and vera@example.com is a viewer: "
        "ask whoever keeps the settings, where the table [auth] gives the roles"
    )


@pytest.mark.parametrize(
    ("matcher", "claims", "fits"),
    [
        ("ada@example.com", {}, True),
        ("Ada@Example.COM", {}, True),
        ("ada@example.com", {"email": "ADA@EXAMPLE.COM"}, True),
        ("ada@example.com", {"email": "bada@example.com"}, False),
        ("ada@example.com", {"email": "ada@example.com.evil"}, False),
        ("ada@example.com", {"email": "ada@example.com\n"}, False),
        ("ada@example.com", {"email_verified": False}, False),
        ("ada@example.com", {"email_verified": "false"}, False),
        ("ada@example.com", {"email_verified": "true"}, True),
        ("ada@example.com", {"email_verified": 1}, False),
        ("ada@example.com", {"email_verified": None}, False),
        ("ada@example.com", {"email": ["ada@example.com"]}, False),
        ("ada@example.com", {"email": "x@y", "name": "ada@example.com", "sub": "ada@example.com"}, False),
        ("kim@example.com", {"email": "\u212aim@example.com"}, False),  # the Kelvin sign, whose lower case is k
        ("@example.com", {}, True),
        ("@EXAMPLE.com", {}, True),
        ("@example.com", {"email": "x@evil-example.com"}, False),
        ("@example.com", {"email": "x@sub.example.com"}, False),
        ("@example.com", {"email": "a@example.com.evil"}, False),
        ("@example.com", {"email": "a@example.com@evil"}, False),
        ("@example.com", {"email": "evil@evil@example.com"}, False),
        ("@example.com", {"email": "@example.com"}, False),
        ("@example.com", {"email_verified": False}, False),
        ("groups=ml", {}, True),
        ("groups=m", {}, False),
        ("groups=ML", {}, False),
        ("groups=ml", {"groups": "ml"}, True),
        ("groups=ml", {"groups": "ml ops"}, False),
        ("groups=ml", {"groups": {"ml": True}}, False),
        ("groups=ml", {"groups": None}, False),
        ("groups=cn=ml,dc=x", {"groups": ["cn=ml,dc=x"]}, True),
        ("hd=example.com", {"email_verified": False}, True),
        ("email=ada@example.com", {"email_verified": False}, False),
        ("ml", {}, False),
        ("4711", {}, False),
        ("sub=4711", {}, True),
        ("*", {"email_verified": False}, True),
    ],
)
def test_a_matcher_fits_whom_it_names_and_nobody_else(matcher: str, claims: dict[str, Any], fits: bool) -> None:
    assert (role_of({**ADA, **claims}, rules(matcher)) is Role.PROMOTER) is fits


@pytest.mark.parametrize(
    ("verified", "assumed", "name"),
    [
        ({"email_verified": True}, False, "ada@example.com"),
        ({}, False, "sub=4711"),
        ({}, True, "ada@example.com"),
        ({"email_verified": False}, True, "sub=4711"),
        ({"email_verified": "false"}, True, "sub=4711"),
    ],
)
def test_an_email_is_a_name_only_where_it_is_known_to_be_theirs(
    verified: dict[str, Any], assumed: bool, name: str
) -> None:
    claims = {key: value for key, value in ADA.items() if key != "email_verified"} | verified
    assert name_of(claims, rules(assume_verified=assumed)) == name


def test_the_highest_role_counts_and_who_is_on_no_list_has_none() -> None:
    lists = {Role.VIEWER: ["*"], Role.PROMOTER: ["groups=ml"], Role.ADMIN: ["ada@example.com"]}
    assert role_of(ADA, SignInRules(lists)) is Role.ADMIN
    assert role_of({**ADA, "email_verified": False}, SignInRules(lists)) is Role.PROMOTER
    assert role_of({**ADA, "email": "x@y.org", "groups": []}, SignInRules(lists)) is Role.VIEWER
    assert role_of(ADA, SignInRules({Role.VIEWER: ["x@y.org"], Role.PROMOTER: [], Role.ADMIN: []})) is None


@pytest.mark.parametrize(
    ("claims", "hours", "found"),
    [
        ({}, None, Person("ada@example.com", Role.PROMOTER)),
        ({"exp": NOW.timestamp()}, None, Outsider(Outside.ENDED, "ada@example.com")),
        ({"exp": None}, None, Outsider(Outside.ENDED, "ada@example.com")),
        ({"exp": "9999999999"}, None, Outsider(Outside.ENDED, "ada@example.com")),
        ({"exp": True}, None, Outsider(Outside.ENDED, "ada@example.com")),
        ({"exp": float("inf")}, None, Outsider(Outside.ENDED, "ada@example.com")),
        ({"exp": 0}, 1.0, Person("ada@example.com", Role.PROMOTER)),
        ({"iat": NOW.timestamp() - 3600}, 1.0, Outsider(Outside.ENDED, "ada@example.com")),
        ({"iat": None}, 1.0, Outsider(Outside.ENDED, "ada@example.com")),
        ({"is_logged_in": False}, None, Outsider(Outside.SIGNED_OUT)),
        ({"is_logged_in": "yes"}, None, Outsider(Outside.SIGNED_OUT)),
        ({"groups": []}, None, Outsider(Outside.STRANGER, "ada@example.com")),
        ({"sub": None, "email": None}, None, Outsider(Outside.STRANGER, "nobody that the provider names")),
    ],
)
def test_a_sign_in_lets_in_until_it_ends(claims: dict[str, Any], hours: float | None, found: Person | Outsider) -> None:
    assert who_is({**ADA, **claims}, rules("groups=ml", hours=hours), NOW) == found


def test_no_claims_are_nobody() -> None:
    assert who_is({}, rules("*"), NOW) == Outsider(Outside.SIGNED_OUT)


TEXT = st.text(max_size=12)
CLAIM = st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT, max_size=3)


@given(
    st.dictionaries(st.sampled_from(["email", "email_verified", "sub", "groups", "name", "exp", "iat"]) | TEXT, CLAIM),
    st.lists(TEXT | st.sampled_from(["ada@example.com", "@example.com", "groups=ml", "sub=1"]), max_size=4),
)
def test_whatever_a_provider_says_it_answers_and_an_unverified_email_opens_nothing(
    claims: dict[str, Any], matchers: list[str]
) -> None:
    found = who_is({"is_logged_in": True, **claims}, rules(*matchers), NOW)
    assert isinstance(found, (Person, Outsider))
    addresses = [each for each in matchers if "=" not in each and each != "*"]
    assert role_of({**claims, "email_verified": False}, rules(*addresses)) is None


@pytest.mark.parametrize("matcher", ["*", "ada@example.com", "@example.com", "groups=ml", "groups=a=b", "hd=x.org"])
def test_a_matcher_that_can_fit_somebody_is_taken(matcher: str) -> None:
    assert mistake_in(matcher) is None


@pytest.mark.parametrize("matcher", ["", "ada", "@", "=", "groups=", "=ml", "a b@x.org", " ada@x.org", "a@b@c", "**"])
def test_one_that_can_fit_nobody_is_a_mistake(matcher: str) -> None:
    assert str(mistake_in(matcher)).startswith(f"{matcher!r} names nobody: write an e-mail")


def test_an_email_is_never_matched_as_a_mere_claim() -> None:
    assert str(mistake_in("email=ada@x.org")).endswith("not verified: write the address alone")
