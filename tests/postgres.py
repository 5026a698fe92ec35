"""A PostgreSQL of the tests' own, one a session, in a folder that goes when the session ends.

Without PostgreSQL its tests skip and say so; with `REQUIRE_POSTGRES=1`, as in CI, that is a failure.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

FOLDER_NAMED_IN = "postgres.json"
PASSWORD = "a-db-secret"
OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300"
TEMPLATE = "empty_store"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database server on 127.0.0.1; its data, its socket and its log lie in `folder`."""

    folder: Path
    port: int

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = f"{OPTIONS} -c unix_socket_directories={self.folder} -p {self.port}"
        _run("pg_ctl", "start", "-w", "-D", self.folder / "data", "-l", self.folder / "log", "-o", options)

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        _run("pg_ctl", "stop", "-w", "-D", self.folder / "data", "-m", "immediate")

    def uri(self, database: str, password: str = PASSWORD) -> str:
        """The address of a database."""
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{database}"

    def ask(self, statement: str, database: str = "postgres") -> None:
        """Carry out a statement."""
        import psycopg

        with psycopg.connect(self.uri(database), autocommit=True) as connection:
            connection.execute(statement)

    def make(self, database: str, template: str = TEMPLATE) -> str:
        """Make a database anew, by default an empty MLflow store, which otherwise takes seconds; its address."""
        self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'")
        self.ask(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.ask(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.uri(database)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Waiting for the database server, which another test has, is no part of a test's time."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(300, func_only=True))


@pytest.fixture(scope="session")
def postgres_server(shared_folder: Path) -> Postgres:
    """The database server of the session."""
    if _programs() is None:
        reason = "no PostgreSQL here: install Debian's postgresql"
        if os.environ.get("REQUIRE_POSTGRES"):
            pytest.fail(reason)
        pytest.skip(reason)
    named_in = shared_folder / FOLDER_NAMED_IN
    with FileLock(f"{named_in}.lock"):
        if not named_in.exists():
            named_in.write_text(json.dumps(_install()))
    known = json.loads(named_in.read_text())
    return Postgres(Path(known["folder"]), known["port"])


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """The database server, for one test at a time, which may stop it."""
    with FileLock(postgres_server.folder / "in-use.lock"):
        yield postgres_server


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the database server, if any test started it; the workers of xdist are done by then."""
    factory = getattr(session.config, "_tmp_path_factory", None)
    if hasattr(session.config, "workerinput") or factory is None:
        return
    named_in = factory.getbasetemp() / FOLDER_NAMED_IN
    if named_in.exists():
        known = json.loads(named_in.read_text())
        _remove(Postgres(Path(known["folder"]), known["port"]))
        named_in.unlink()


def _install() -> dict[str, Any]:
    """Make a database server with an empty MLflow store and start it."""
    from mlflow import MlflowClient

    from tests.conftest import free_port

    folder = Path(tempfile.mkdtemp(prefix="eval-pipeline-postgres-"))  # pytest's own are closed to other users
    made = Postgres(folder, free_port())
    password = folder / "password"
    password.write_text(PASSWORD)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        shutil.chown(password, "postgres")
    arguments = ("--username=postgres", f"--pwfile={password}", "--encoding=UTF8", "--locale=C", "--no-sync")
    _run("initdb", "--pgdata", folder / "data", "--auth=scram-sha-256", *arguments)
    made.start()
    try:
        made.make(TEMPLATE, "template0")
        MlflowClient(tracking_uri=made.uri(TEMPLATE)).search_experiments()
    except BaseException:
        _remove(made)
        raise
    return {"folder": str(folder), "port": made.port}


def _remove(server: Postgres) -> None:
    server.stop()
    shutil.rmtree(server.folder)


def _programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest there are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _run(program: str, *arguments: object) -> None:
    """Run one of PostgreSQL's programs; they refuse to be root and run as the user that Debian makes for them."""
    folder = _programs()
    assert folder is not None
    command = [str(folder / program), *map(str, arguments)]
    other: dict[str, Any] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    with tempfile.TemporaryFile() as said:  # a pipe would stay open as long as the database server
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=said, stderr=said, **other)
        said.seek(0)
        assert done.returncode == 0, said.read().decode()
