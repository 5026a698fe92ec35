"""Signing in, as the app's script sees it: who is let in, what each role may press, and that pressing asks again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton
from streamlit.testing.v1 import AppTest

from eval_pipeline.actions.promote import system_user
from eval_pipeline.ui import person
from eval_pipeline.ui.frame import SECTIONS
from eval_pipeline.ui.sign_in import find_setup_problem
from tests.pages.acting import Team, said, send
from tests.pages.conftest import Open

PAGES = [name for entries in SECTIONS.values() for name, _, _ in entries]
SECRETS = {
    "redirect_uri": "http://127.0.0.1:8501/oauth2callback",
    "cookie_secret": "a secret of more than thirty-two characters",
    "client_id": "evals",
    "client_secret": "another",
    "server_metadata_url": "http://127.0.0.1:1/.well-known/openid-configuration",
}
Write = Callable[[dict[str, str]], None]


@pytest.fixture
def write_secrets(tmp_path: Path) -> Iterator[Write]:
    """Writes the table `[auth]` of Streamlit's secrets."""
    path, before = tmp_path / "secrets.toml", config.get_option("secrets.files")
    config.set_option("secrets.files", [str(path)])

    def write(auth: dict[str, str]) -> None:
        path.write_text("\n".join(["[auth]", *(f'{key} = "{value}"' for key, value in auth.items())]))
        secrets_singleton._reset()

    write(SECRETS)
    yield write
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


@pytest.fixture
def _signing_in(monkeypatch: pytest.MonkeyPatch, write_secrets: Write) -> None:
    """The app with sign-in."""
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_ENABLED", "true")
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_VIEWERS", '["@example.com"]')
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_PROMOTERS", '["pia@example.com"]')
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_ADMINS", '["groups=leads"]')


def claims(name: str, **more: Any) -> dict[str, Any]:
    """What a provider says of somebody who has just signed in."""
    now = datetime.now(UTC).timestamp()
    return {
        "is_logged_in": True,
        "sub": f"id-{name}",
        "email": f"{name}@example.com",
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
        "name": "Somebody Else",
        **more,
    }


def asks_to_sign_in(app: AppTest) -> bool:
    """Whether it shows the sign-in page, and nothing else."""
    assert not app.exception
    alone = ([each.value for each in app.title], len(app.dataframe), len(app.sidebar.caption))
    return (alone, [each.key for each in app.button]) == ((["eval-pipeline"], 0, 0), ["sign-in"])


@pytest.mark.usefixtures("_signing_in")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_nothing_before_somebody_signs_in(open_page: Open, team: Team, page: str) -> None:
    assert asks_to_sign_in(open_page(page, team.uri))


@pytest.mark.usefixtures("_signing_in")
def test_each_role_sees_its_name_and_may_press_what_it_may_do(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona", candidate="v3")
    for who, role, may in (("vera", "viewer", False), ("pia", "promoter", False), ("ada", "admin", True)):
        app.user = claims(who, groups=["leads"] if who == "ada" else [])
        app.run()
        assert app.sidebar.caption[0].value.replace("\u2060", "") == f":material/person: {who}@example\\.com · {role}"
        assert app.button(key="force.act").disabled is not may
        needs = f"Promoting against the gate needs the role admin, and {who}@example.com is a {role}: ask"
        assert (needs in said(app).replace("\\", "").replace("\u2060", "")) is not may
    for who, may in (("vera", False), ("pia", True)):
        app = open_page("promote", team.uri, prompt="persona")
        app.user = claims(who)
        app.run()
        assert app.button(key="promote.act").disabled is not may
    app = send(app, "promote", reason="kinder")
    assert [(each.actor, each.to_version) for each in team.records] == [("pia@example.com", 2)]


@pytest.mark.usefixtures("_signing_in")
def test_pressing_asks_again_who_it_is(open_page: Open, team: Team) -> None:
    app = open_page("promote", team.uri, prompt="persona")
    app.user = claims("pia")
    app.run()
    app.user = claims("vera")
    app = send(app, "promote")
    assert "Refused" in said(app)
    assert app.button(key="promote.act").disabled
    assert "vera@example.com is a viewer" in said(app).replace("\\", "").replace("\u2060", "")

    app.user = claims("pia")
    app.run()
    app.user = claims("pia", exp=datetime.now(UTC).timestamp() - 1)
    app = send(app, "promote")
    assert asks_to_sign_in(app)
    assert "Your sign-in has ended" in app.info[0].value

    app.user = claims("pia")
    app.run()
    app.user = {}
    app = send(app, "promote")
    assert asks_to_sign_in(app)
    assert (team.live, team.records) == (1, [])


@pytest.mark.usefixtures("_signing_in")
def test_signing_out_ends_the_sign_in_in_every_tab(open_page: Open, team: Team) -> None:
    here, there = open_page("promote", team.uri, prompt="persona"), open_page("audit", team.uri)
    here.user = there.user = claims("pia")
    here.run()
    there.run()
    there.button(key="sign-out").click().run()
    here = send(here, "promote")
    assert asks_to_sign_in(here)
    here.user = claims("pia", nonce="signed in again")
    here.run()
    assert here.title[0].value.endswith("Promote")
    assert team.records == []


@pytest.mark.usefixtures("_signing_in")
@pytest.mark.parametrize(
    ("user", "name"),
    [
        (claims("eve", email="eve@elsewhere.org"), "eve@elsewhere.org"),
        (claims("pia", email_verified=False), "sub=id-pia"),
    ],
)
def test_a_stranger_is_told_what_to_ask_for(open_page: Open, team: Team, user: dict[str, Any], name: str) -> None:
    app = open_page("promote", team.uri)
    app.user = user
    app.run()
    assert "on no list" in app.warning[0].value
    assert ([each.value for each in app.code], [each.key for each in app.button]) == ([name], ["sign-out"])


def test_where_nobody_signs_in_the_frame_says_who_acts(
    open_page: Open, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_TERMINAL_ROLE", "promoter")
    app = open_page("promote", team.uri)
    who = f":material/person: Nobody signs in here: acts as {system_user()}, promoter"
    assert app.sidebar.caption[0].value.replace("\\", "") == who


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        (SECRETS, None),
        ({}, 'are missing the "redirect_uri" key'),
        ({**SECRETS, "redirect_uri": "http://127.0.0.1:8501/"}, "must be the app's address and /oauth2callback"),
        ({**SECRETS, "cookie_secret": "guess me"}, "is shorter than 32 characters"),
        ({key: value for key, value in SECRETS.items() if key != "client_id"}, "missing the following keys"),
    ],
)
def test_what_is_missing_to_sign_in_is_said(write_secrets: Write, secrets: dict[str, str], problem: str | None) -> None:
    write_secrets(secrets)
    found = find_setup_problem()
    assert (found is None) if problem is None else (problem in str(found) and "\n" not in str(found))


def test_a_sign_in_that_would_end_elsewhere_than_where_people_are_is_said(write_secrets: Write) -> None:
    write_secrets(SECRETS)
    home = SECRETS["redirect_uri"].removesuffix("/oauth2callback")
    assert find_setup_problem(home) is None
    assert "people open https://evals.example.org: it must be https://evals.example.org/oauth2callback" in str(
        find_setup_problem("https://evals.example.org")
    )


@pytest.mark.usefixtures("_signing_in")
def test_a_set_up_that_is_not_whole_is_one_clear_page(open_page: Open, team: Team, write_secrets: Write) -> None:
    write_secrets({})
    app = open_page("promote", team.uri)
    assert not app.exception
    assert app.error[0].value.startswith("**Nobody can sign in yet.** Authentication credentials in")
    assert len(app.button) == 0


def test_the_list_of_ended_sign_ins_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person, "MOST_REMEMBERED", 2)
    monkeypatch.setattr(person, "_SIGNED_OUT", {"first": None, "second": None})
    monkeypatch.setattr(person.st, "logout", lambda: None)
    person.sign_out()
    assert next(iter(person._SIGNED_OUT)) == "second"
    assert len(person._SIGNED_OUT) == 2
