"""An MLflow as teams run it: `mlflow server` on PostgreSQL, artifacts on disk, people sign in. One a session."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import start_server, stop_server
from tests.postgres import Postgres

NAMED_IN = "team-server.json"
STORE, ACCOUNTS, PEOPLE = "team", "accounts", "people"
"""Databases: the store, who may sign in to it, and the template for those."""
ADMIN, EDITOR, READER = ("admin", "an-admin-secret"), ("editor", "an-editor-secret"), ("reader", "a-reader-secret")
VARIABLES = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
CONFIGURATION = """
[mlflow]
default_permission = READ
database_uri = {accounts}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 600
"""


@dataclass(frozen=True, slots=True)
class TeamServer:
    """The server, and the database behind it."""

    uri: str
    database_uri: str


def sign_in(monkeypatch: pytest.MonkeyPatch, user: str, password: str) -> None:
    """Have MLflow's client, and processes started from here, be this user."""
    for name, value in zip(VARIABLES, (user, password), strict=True):
        monkeypatch.setenv(name, value)


def sign_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have them be nobody."""
    for name in VARIABLES:
        monkeypatch.delenv(name)


@pytest.fixture
def team_server(shared_folder: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> TeamServer:
    """The server with an empty store, signed in to as its administrator."""
    named_in = shared_folder / NAMED_IN
    if not named_in.exists():  # whoever has the database is alone here
        pid, port = _start(shared_folder / "team-server", postgres)
        named_in.write_text(json.dumps({"pid": pid, "uri": f"http://127.0.0.1:{port}"}))
    postgres.make(ACCOUNTS, PEOPLE)
    sign_in(monkeypatch, *ADMIN)
    return TeamServer(json.loads(named_in.read_text())["uri"], postgres.make(STORE))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the server, if any test started it; the workers of xdist are done by then."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if hasattr(session.config, "workerinput") or factory is None:
        return
    named_in = factory.getbasetemp() / NAMED_IN
    if named_in.exists():
        stop_server(json.loads(named_in.read_text())["pid"])
        named_in.unlink()


def _start(folder: Path, postgres: Postgres) -> tuple[int, int]:
    """Start the server and make its users, who then are the template."""
    folder.mkdir(exist_ok=True)
    configuration = folder / "auth.ini"
    configuration.write_text(CONFIGURATION.format(accounts=postgres.make(ACCOUNTS, "template0")))
    pid, port = start_server(
        postgres.make(STORE),
        folder,
        "--app-name",
        "basic-auth",
        MLFLOW_AUTH_CONFIG_PATH=str(configuration),
        MLFLOW_AUTH_ADMIN_USERNAME=ADMIN[0],
        MLFLOW_AUTH_ADMIN_PASSWORD=ADMIN[1],
        MLFLOW_FLASK_SERVER_SECRET_KEY="any",
    )
    try:
        _make_people(f"http://127.0.0.1:{port}/api")
    except httpx.HTTPError:
        stop_server(pid)
        raise
    postgres.make(PEOPLE, ACCOUNTS)
    return pid, port


def _make_people(api: str) -> None:
    """The reader, whom the server lets read everything, and the editor, who may change all experiments and prompts."""
    with httpx.Client(auth=ADMIN) as administrator:
        for name, password in (READER, EDITOR):
            account = {"username": name, "password": password}
            administrator.post(f"{api}/2.0/mlflow/users/create", json=account).raise_for_status()
        for kind in ("experiment", "prompt"):
            grant = {"username": EDITOR[0], "resource_type": kind, "resource_id": "*", "permission": "EDIT"}
            administrator.post(f"{api}/3.0/mlflow/users/permissions/grant", json=grant).raise_for_status()
