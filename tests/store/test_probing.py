"""A store that can't be used says so in one line, in seconds, and stays as it was."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eval_pipeline.errors import StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store import probing
from eval_pipeline.store.connection import Store, open_store
from eval_pipeline.store.runs import list_experiments
from tests.builder import StoreBuilder
from tests.conftest import free_port

LIMIT_SECONDS = 10


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """What takes seconds and is done once a process is not part of the time."""
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    import psycopg  # noqa: F401


def complaint(uri: str) -> str:
    """What is said of the store at `uri`: one line, in time, without a password."""
    begun = time.monotonic()
    with pytest.raises(StoreError) as raised:
        list_experiments(open_store(Settings(), uri))
    said = str(raised.value)
    assert time.monotonic() - begun < LIMIT_SECONDS
    assert "\n" not in said
    assert "secret" not in said
    return said


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def web_server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """An HTTP server on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET  # noqa: N815 - as http.server calls it

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def always(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """Answers everything in one way."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def test_a_server_that_refuses_is_asked_whether_it_runs() -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    assert complaint(uri) == f"no server answers at {uri} ([Errno 111] Connection refused): is it running?"


def test_a_server_that_accepts_and_never_answers_is_given_up_in_time(silent_port: int) -> None:
    uri = f"http://user:secret@127.0.0.1:{silent_port}/mlflow"
    shown = f"http://user:***@127.0.0.1:{silent_port}/mlflow"
    assert complaint(uri) == f"the server at {shown} accepts but does not answer within 4 s: is it overloaded?"


def test_a_server_whose_front_is_healthy_and_whose_database_hangs_is_given_up_in_time() -> None:
    done = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path != "/health":
            done.wait(LIMIT_SECONDS)
        always(200, b"OK")(request)

    with web_server(answer) as uri:
        said = complaint(uri)
        done.set()
    assert said == f"the server at {uri} accepts but does not answer within 4 s: is it overloaded?"


@pytest.mark.parametrize("kind", ["http", "https"])
def test_a_host_that_does_not_exist_is_named(kind: str) -> None:
    assert complaint(f"{kind}://mlflow.invalid:5000") == "there is no host mlflow.invalid: check the tracking URI"


def test_what_speaks_something_else_than_http_is_no_web_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        greeter = threading.Thread(target=greet)
        greeter.start()
        uri = f"http://127.0.0.1:{listener.getsockname()[1]}"
        said = complaint(uri)
        greeter.join()
    assert said == f"no web server answers at {uri} (SSH-2.0-OpenSSH_9.6): check the tracking URI"


def test_http_spoken_to_as_https_is_told() -> None:
    with web_server(always(200)) as uri:
        said = complaint(uri.replace("http", "https"))
    assert re.fullmatch(r"no server answers at https://127.0.0.1:\d+ \(\[SSL: .*\): is it running\?", said)


def test_a_web_server_that_is_no_mlflow_is_told() -> None:
    with web_server(always(404, b"<h1>Not here</h1>")) as uri:
        assert complaint(uri) == f"what answers at {uri} is no MLflow server: check the tracking URI"


def test_a_web_page_in_place_of_an_answer_is_no_mlflow() -> None:
    with web_server(always(200, b"<html><h1>Welcome</h1></html>")) as uri:
        assert complaint(uri) == f"what answers at {uri} is no MLflow server: check the tracking URI"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            401,
            "refuses these credentials: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN",
        ),
        (
            403,
            "does not permit this with these credentials: ask for permission there (READ to look, EDIT to act), or use "
            "those of somebody who has it",
        ),
    ],
)
def test_wrong_credentials_are_told_apart_from_a_server_that_is_down(status: int, told: str) -> None:
    with web_server(always(status, b"You are not authenticated")) as uri:
        said = complaint(uri.replace("//", "//user:secret@"))
    assert said == f"the store at {uri.replace('//', '//user:***@')} {told}"


def test_a_redirect_to_a_sign_in_that_is_out_of_reach_is_still_an_answer() -> None:
    with web_server(always(302, Location=f"http://127.0.0.1:{free_port()}/sign-in")) as uri:
        probing.probe(uri)


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_fails_is_given_up_in_time(status: int) -> None:
    with web_server(always(status, b'{"error_code": "INTERNAL_ERROR", "message": "no database"}')) as uri:
        said = complaint(uri)
    assert said == f"the server at {uri} fails (HTTP {status}): see its log, or try again later"


def test_a_postgresql_that_refuses_is_told() -> None:
    port = free_port()
    assert complaint(f"postgresql://user:secret@127.0.0.1:{port}/mlflow") == (
        f"the database at postgresql://user:***@127.0.0.1:{port}/mlflow can't be opened (Connection refused): check "
        "the tracking URI, and that the database runs"
    )


def test_a_postgresql_that_accepts_and_never_answers_is_given_up_in_time(silent_port: int) -> None:
    assert complaint(f"postgresql+psycopg://user:secret@127.0.0.1:{silent_port}/mlflow") == (
        f"the database at postgresql+psycopg://user:***@127.0.0.1:{silent_port}/mlflow can't be opened (connection "
        "timeout expired): check the tracking URI, and that the database runs"
    )


def test_a_postgresql_host_that_does_not_exist_is_named() -> None:
    said = complaint("postgresql://user:secret@db.invalid/mlflow")
    assert said.startswith("the database at postgresql://user:***@db.invalid/mlflow can't be opened (failed to resolve")


@pytest.mark.parametrize(("scheme", "driver"), [("mysql", "MySQLdb"), ("mysql+pymysql", "pymysql")])
def test_a_driver_that_is_not_installed_is_named(scheme: str, driver: str) -> None:
    said = complaint(f"{scheme}://user:secret@127.0.0.1/mlflow")
    assert said == f"{scheme}://user:***@127.0.0.1/mlflow needs the driver {driver}: install it beside eval-pipeline"


def test_a_driver_that_does_not_exist_is_told() -> None:
    said = complaint("postgresql+nope://user:secret@127.0.0.1/mlflow")
    assert said == "postgresql+nope://user:***@127.0.0.1/mlflow names no driver that is known: write postgresql://..."


def test_a_sqlite_file_that_is_not_there_is_an_error_and_neither_it_nor_its_folder_is_created(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "mlflow.db"
    said = complaint(f"sqlite:///{path}")
    assert said == f"there is no file {path}, and it was not created: check the tracking URI"
    assert not path.parent.exists()


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    assert complaint(f"sqlite:///{tmp_path}") == f"{tmp_path} can't be read (Is a directory): check the tracking URI"


@pytest.mark.parametrize("content", [b"", b"run,pass_rate\n1,0.9\n", b"SQLite format 2\x00 of old"])
def test_a_file_that_is_no_database_is_told_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(content)
    assert complaint(f"sqlite:///{path}") == f"{path} is no SQLite database: check the tracking URI"
    assert path.read_bytes() == content


def test_a_damaged_database_is_told_and_stays_as_it_is(store_builder: StoreBuilder) -> None:
    content = bytearray(store_builder.path.read_bytes())
    content[16:4_096] = b"\xff" * 4_080
    store_builder.path.write_bytes(content)
    said = complaint(store_builder.uri)
    assert said == f"the database at {store_builder.uri} can't be opened (file is not a database): check the file"
    assert store_builder.path.read_bytes() == content


def test_a_database_of_something_else_is_told_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE experiments (name TEXT)")
        db.commit()
    content = path.read_bytes()
    said = complaint(f"sqlite:///{path}")
    assert said == f"the database at sqlite:///{path} holds no MLflow store: check the tracking URI"
    assert path.read_bytes() == content
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["shop.db"]


@pytest.mark.parametrize("revision", ["cfd24bdc0731", "ffffffffffff", None])
def test_a_store_of_another_schema_is_told_and_stays_as_it_is(
    store_builder: StoreBuilder, revision: str | None
) -> None:
    with closing(sqlite3.connect(store_builder.path)) as db:
        db.execute("DELETE FROM alembic_version")
        db.execute("INSERT INTO alembic_version SELECT ? WHERE ? IS NOT NULL", (revision, revision))
        db.commit()
    content = store_builder.path.read_bytes()
    assert complaint(store_builder.uri) == (
        f"the database at {store_builder.uri} has schema {revision}, which this MLflow does not read: back it up and "
        "run 'mlflow db upgrade', or install the MLflow that wrote it"
    )
    assert store_builder.path.read_bytes() == content


@pytest.mark.parametrize("uri", ["./mlruns", "mlruns", "/var/mlruns", "file:///var/mlruns"])
def test_a_store_of_files_is_told_what_to_name_instead(uri: str) -> None:
    assert complaint(uri) == (
        f"{uri} is a store of files, which MLflow 3.17 no longer opens: "
        "name a database (sqlite:///mlflow.db) or a server (http://...)"
    )
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("uri", ["localhost:5000", "127.0.0.1:5000", "mlflow.example.com:80/base"])
def test_a_server_without_http_is_told_how_to_write_it(uri: str) -> None:
    assert complaint(uri) == f"{uri} names no kind of store: for a server write http://{uri}"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("htp://user:secret@h", "htp://user:***@h is no kind of store that is read here: name a server (http://...)"),
        ("http://user:secret@[::1", "http://user:***@[::1 is no address (Invalid IPv6 URL): check the tracking URI"),
        ("http://", "http:// names no host: write http://HOST:PORT"),
        ("http://127.0.0.1:99999", "no web server answers at http://127.0.0.1:99999 (Port out of range 0-65535)"),
        ("postgresql://user:secret@h:five/db", "the database at postgresql://user:***@h:five/db can't be opened"),
        ("sqlite://", "sqlite:// names no file: write sqlite:///mlflow.db or sqlite:////absolute/path/mlflow.db"),
        ("sqlite:///:memory:", "sqlite:///:memory: names no file: write sqlite:///mlflow.db"),
    ],
)
def test_an_address_that_is_mistyped_is_told(uri: str, said: str) -> None:
    assert complaint(uri).startswith(said)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://host:5000/path", "http://host:5000/path"),
        ("http://user@host", "http://user@host"),
        ("http://user:secret@host:5000", "http://user:***@host:5000"),
        ("http://user:se@cret@host", "http://user:***@host"),
        ("postgresql://postgres:postgres@host/db", "postgresql://postgres:***@host/db"),
        ("postgresql://user:se/cr@et@host/db", "postgresql://user:***@host/db"),
        (
            "postgresql://host/db?user=me&password=secret&sslmode=on",
            "postgresql://host/db?user=me&password=***&sslmode=on",
        ),
        ("postgresql://host/db?sslpassword=secret", "postgresql://host/db?sslpassword=***"),
    ],
)
def test_an_address_is_shown_without_its_password(uri: str, shown: str) -> None:
    assert probing.shown_uri(uri) == shown


@pytest.mark.parametrize(
    ("text", "uri", "shown"),
    [
        ("no route to http://u:s3cret@h/x", "http://u:s3cret@h", "no route to http://u:***@h/x"),
        ("user u with s3cret", "http://u:s3cret@h", "user u with ***"),
        ("user u with p@ss", "http://u:p%40ss@h", "user u with ***"),
        ("no host cret@h", "postgresql://u:se@cret@h/db", "no host ***@h"),
        ("nothing", "http://h", "nothing"),
    ],
)
def test_a_text_about_a_store_is_shown_without_its_password(text: str, uri: str, shown: str) -> None:
    assert probing.hide_password(text, uri) == shown


def test_mlflows_default_store_that_is_not_there_is_empty_and_is_not_created(
    settings_with: Callable[..., Settings],
) -> None:
    store = open_store(settings_with())
    assert (store.absent, list_experiments(store)) == (True, [])
    assert list(Path().iterdir()) == []


def test_a_named_store_that_is_the_default_one_must_be_there(settings_with: Callable[..., Settings]) -> None:
    assert "there is no file mlflow.db" in complaint("sqlite:///mlflow.db")
    with pytest.raises(StoreError, match=r"there is no file mlflow\.db, and it was not created"):
        open_store(settings_with(tracking_uri="sqlite:///mlflow.db"))


def test_a_path_with_spaces_and_hashes_is_opened(make_store: Callable[..., StoreBuilder]) -> None:
    builder = make_store("my runs#1/ml flow.db")
    builder.log_run("tone")
    assert [name for _, name, _ in list_experiments(Store(builder.uri, Settings()))] == [
        "my-assistant-eval-tone",
        "Default",
    ]
