"""A clean environment, an MLflow store for each test in milliseconds, and one real `mlflow server` a session."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

for _leaked in [name for name in os.environ if name.startswith(("MLFLOW_", "EVAL_PIPELINE_"))]:
    del os.environ[_leaked]  # before anything of ours or of MLflow reads them
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # children that compile all of MLflow take twice as long
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import pytest
from filelock import FileLock
from hypothesis import settings

import eval_pipeline.store  # noqa: F401 - sets how long MLflow retries, as in use
from tests.builder import StoreBuilder, remember_schema, write_without_waiting
from tests.copying import Fill, copy_store, fill_once
from tests.forking import end_forking

pytest_plugins = ["tests.demo_store", "tests.trial", "tests.postgres", "tests.team_server"]

SERVER_FILE = "mlflow-server.json"
SERVER_START_SECONDS = 90

settings.register_profile("no deadline", deadline=None)  # how long a try takes on a busy machine says nothing
settings.load_profile("no deadline")

MLFLOW_WARNINGS = (
    # MLflow 3.17 maps its tables with a loader that SQLAlchemy 2.1 is going to drop
    "ignore:The ``noload`` loader strategy:DeprecationWarning",
    # MLflow keeps an engine a store and never closes it; the collector finds its SQLite connections
    "ignore:unclosed database in <sqlite3.Connection:ResourceWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    """Ignore the warnings that MLflow itself gives and nobody here can avoid; collect garbage less often."""
    gc.set_threshold(100_000, 50, 50)  # walking MLflow's many objects would take a third of the time
    for line in MLFLOW_WARNINGS:
        config.addinivalue_line("filterwarnings", line)
    write_without_waiting()


def pytest_collection_finish() -> None:
    """Never again walk all that has been imported by now."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the server, if any test started it; the workers of xdist are done by then. Each ends what forks for it."""
    end_forking()
    factory = getattr(session.config, "_tmp_path_factory", None)
    if hasattr(session.config, "workerinput") or factory is None:
        return
    said = factory.getbasetemp() / SERVER_FILE
    if said.exists():
        stop_server(json.loads(said.read_text())["pid"])
        said.unlink()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The mirror and MLflow's artifacts go to a folder of the test; what it sets in the environment ends with it."""
    monkeypatch.setenv("EVAL_PIPELINE_MIRROR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all xdist workers of this session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def template_db(shared_folder: Path) -> Path:
    """An empty MLflow store as a SQLite file, made once a session. Copy it; creating one takes seconds."""
    remember_schema()
    path = shared_folder / "template.db"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            from mlflow import MlflowClient

            making = path.with_suffix(".making")
            MlflowClient(tracking_uri=f"sqlite:///{making}").search_experiments()
            making.rename(path)
    return path


@pytest.fixture
def make_store(template_db: Path, tmp_path: Path) -> Callable[..., StoreBuilder]:
    """Makes an empty store of this test's own: `make_store("mlflow.db", base="my-assistant-eval")`."""

    def make(name: str = "mlflow.db", base: str = "my-assistant-eval") -> StoreBuilder:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(template_db, path)
        return StoreBuilder(f"sqlite:///{path}", base)

    return make


@pytest.fixture
def store_builder(make_store: Callable[..., StoreBuilder]) -> StoreBuilder:
    """An empty SQLite store to log eval runs into."""
    return make_store()


@pytest.fixture
def copy_of(shared_folder: Path, template_db: Path, tmp_path: Path) -> Callable[..., StoreBuilder]:
    """Copies a store that is filled once a session: `copy_of(furnish, "mlflow.db")`; `furnish` is a function."""

    def copy(fill: Fill, name: str = "mlflow.db") -> StoreBuilder:
        folder = shared_folder / f"{fill.__module__}.{fill.__qualname__}"
        fill_once(folder, template_db, fill)
        return copy_store(folder, tmp_path / name)

    return copy


@dataclass(frozen=True, slots=True)
class Server:
    """A running `mlflow server` on loopback and the SQLite file behind it."""

    uri: str
    db_uri: str


@pytest.fixture(scope="session")
def mlflow_server(shared_folder: Path, template_db: Path) -> Server:
    """One server for all tests of the session: use a base experiment of your own."""
    said = shared_folder / SERVER_FILE
    with FileLock(f"{said}.lock"):
        if not said.exists():
            path = shared_folder / "server.db"
            shutil.copy(template_db, path)
            pid, port = start_server(f"sqlite:///{path}", shared_folder / "server")
            said.write_text(json.dumps({"pid": pid, "port": port, "path": str(path)}))
    known = json.loads(said.read_text())
    return Server(f"http://127.0.0.1:{known['port']}", f"sqlite:///{known['path']}")


def start_server(store_uri: str, folder: Path, *options: str, **environment: str) -> tuple[int, int]:
    """Start an `mlflow server` in a process group of its own and wait until it answers; its pid and port."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    environ = {
        **os.environ,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # or eight more processes
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **environment,
    }
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", store_uri, "--artifacts-destination", str(folder / "artifacts"), *options]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    end = time.monotonic() + SERVER_START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > end:
            stop_server(process.pid)
            pytest.fail(f"mlflow server did not start:\n{(folder / 'log.txt').read_text()}")
        time.sleep(0.2)
    process.returncode = 0  # others end it, by its group: see pytest_sessionfinish
    return process.pid, port


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def stop_server(pid: int) -> None:
    """End a server and the processes it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, sign)
        except ProcessLookupError:
            return
        time.sleep(0.5)
