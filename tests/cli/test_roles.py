"""The role of whoever is at a terminal, and what `doctor` says of signing in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.stage import Stage, furnish
from tests.builder import StoreBuilder
from tests.cli.conftest import Run

LACKING = "and vera is a viewer: ask whoever keeps the settings, where the table [auth] gives the roles"


@pytest.fixture
def store(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    """A store whose v2 may go live."""
    return copy_of(furnish)


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (["promote", "persona"], "promoting needs the role promoter"),
        (["promote", "persona", "--force", "--reason", "x"], "promoting against the gate needs the role admin"),
        (["rollback", "persona", "--reason", "x", "--to-version", "2"], "rolling back needs the role promoter"),
        (["run-evals", "--resume", "abcdef"], "running evals needs the role promoter"),
        (["run-evals", "--cancel", "abcdef"], "cancelling a suite run needs the role promoter"),
        (["watch", "--once"], "running evals needs the role promoter"),
        (["audit", "reconcile"], "settling unfinished records needs the role admin"),
    ],
)
def test_a_viewer_at_a_terminal_is_refused_in_one_line_and_nothing_moves(
    run: Run, store: StoreBuilder, monkeypatch: pytest.MonkeyPatch, said: list[str], refusal: str
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_TERMINAL_ROLE", "viewer")
    answer = run(*said, "--actor", "vera", store=store)
    assert (answer.code, answer.out, answer.err) == (1, "", f"Error: {refusal}, {LACKING}\n")
    assert (Stage.of(store).live(), Stage.of(store).log()) == (1, [])


def test_a_viewer_at_a_terminal_may_ask_the_gate(
    run: Run, store: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_TERMINAL_ROLE", "viewer")
    assert run("promote", "persona", "--dry-run", store=store).code == 0
    assert Stage.of(store).log() == []


def test_doctor_says_that_nobody_signs_in(run: Run, store: StoreBuilder) -> None:
    assert "Sign-in  off: whoever reaches the app acts as its own user, admin\n" in run("doctor", store=store).out


def test_doctor_says_what_is_missing_to_sign_in(run: Run, store: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_ENABLED", "true")
    monkeypatch.setenv("EVAL_PIPELINE_AUTH_ADMINS", '["ada@example.com", "groups=leads"]')
    said = json.loads(run("doctor", "--format", "json", store=store).out)["sign_in"]
    assert said.pop("problem").startswith("To use authentication features you need to configure credentials")
    assert said == {"enabled": True, "matchers": {"viewer": 1, "promoter": 0, "admin": 2}}

    keys = ("client_id", "client_secret", "server_metadata_url")
    secrets = ['redirect_uri = "http://127.0.0.1:1/oauth2callback"', f'cookie_secret = "{"s" * 32}"']
    Path(".streamlit").mkdir()
    Path(".streamlit/secrets.toml").write_text("\n".join(["[auth]", *secrets, *(f'{key} = "x"' for key in keys)]))
    assert "Sign-in  on; entries in the lists: viewers 1, promoters 0, admins 2\n" in run("doctor", store=store).out
