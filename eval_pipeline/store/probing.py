"""Whether a store answers, found out in seconds and without changing it.

MLflow itself creates a missing SQLite file, migrates an old database unasked, and retries an unreachable one for
minutes. So each store is looked at first, and MLflow only opens what will work.
"""

from __future__ import annotations

import functools
import http.client
import re
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from eval_pipeline.errors import StoreError

ANSWER_SECONDS = 4
"""How long a server may take to accept, and then to answer."""
DATABASES = ("postgresql", "mysql", "mssql", "sqlite")
WITH_CONNECT_TIMEOUT = ("postgresql", "mysql")
SQLITE_HEADER = b"SQLite format 3\x00"
BROKEN = 500
QUESTION = "/api/2.0/mlflow/experiments/search?max_results=1"
"""Asked instead of `/health`, which answers even when the database behind the server does not."""

_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+(/.*)?")
_CONNECTION_FAILED = re.compile(r"connection failed: connection to server at .* failed: (FATAL: +)?")
"""What PostgreSQL's driver puts before the reason."""
_PASSWORD = re.compile(r"(?P<before>://[^:/@]*:)(?P<password>.+)(?=@)")
_PASSWORD_OPTION = re.compile(r"(?P<before>[?&]\w*password=)(?P<password>[^&#]+)", re.IGNORECASE)


def probe(uri: str) -> None:
    """Return if the store at `uri` can be opened by MLflow as it is.

    Raises:
        StoreError: it can't, with the reason and what to do, within about ten seconds.
    """
    scheme = _scheme(uri)
    if scheme in {"http", "https"}:
        _probe_server(uri)
    elif scheme.partition("+")[0] == "sqlite":
        _probe_sqlite(uri)
    elif scheme.partition("+")[0] in DATABASES:
        _probe_database(uri)
    elif _HOST_AND_PORT.fullmatch(uri):
        raise StoreError(f"{shown_uri(uri)} names no kind of store: for a server write http://{uri}")
    elif scheme in {"", "file"}:
        raise StoreError(
            f"{shown_uri(uri)} is a store of files, which MLflow 3.17 no longer opens: "
            "name a database (sqlite:///mlflow.db) or a server (http://...)"
        )
    elif not scheme.startswith("databricks") and scheme != "uc":
        raise StoreError(
            f"{shown_uri(uri)} is no kind of store that is read here: "
            "name a server (http://...) or a database (postgresql://..., sqlite:///mlflow.db)"
        )


def _scheme(uri: str) -> str:
    try:
        return urlsplit(uri).scheme
    except ValueError as problem:
        raise StoreError(f"{shown_uri(uri)} is no address ({problem}): check the tracking URI") from problem


def shown_uri(uri: str) -> str:
    """The address as it may be shown: without its passwords."""
    return _PASSWORD_OPTION.sub(r"\g<before>***", _PASSWORD.sub(r"\g<before>***", uri))


def hide_password(text: str, uri: str) -> str:
    """`text` with the passwords of `uri` taken out."""
    text = text.replace(uri, shown_uri(uri))
    found = [match["password"] for pattern in (_PASSWORD, _PASSWORD_OPTION) for match in pattern.finditer(uri)]
    for password in (*found, *map(unquote, found)):
        text = text.replace(password, "***")
        for part in password.split("@"):  # a driver may take what follows an @ for the host
            text = text.replace(f"{part}@", "***@")
    return text


def sqlite_path(uri: str) -> Path | None:
    """The file of a SQLite address; `None` for any other address, and for a database in memory."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if _scheme(uri).partition("+")[0] != "sqlite":
        return None
    try:
        database = make_url(uri).database
    except ArgumentError as problem:
        raise StoreError(f"{shown_uri(uri)} is no address of a database: check the tracking URI") from problem
    return Path(database) if database and database != ":memory:" else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: where it leads, such as to a sign-in, need not be reached."""

    def redirect_request(self, *_: object) -> None:
        return None


def _probe_server(uri: str) -> None:
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE  # is it there? MLflow checks who it is
    address = urlsplit(uri)
    if not address.hostname:
        raise StoreError(f"{shown_uri(uri)} names no host: write http://HOST:PORT")
    try:
        port = f":{address.port}" if address.port else ""
        host = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
        where = f"{address.scheme}://{host}{port}{address.path.rstrip('/')}{QUESTION}"
        opener = urllib.request.build_opener(_NoRedirect, urllib.request.HTTPSHandler(context=anyone))
        with opener.open(where, timeout=ANSWER_SECONDS):
            return
    except urllib.error.HTTPError as problem:
        problem.close()
        if problem.code >= BROKEN:
            raise StoreError(failing(uri, problem.code)) from problem
        return  # it answers; whether it is MLflow, and lets us in, the first question of its client shows
    except TimeoutError as problem:
        raise StoreError(_silent(uri)) from problem
    except urllib.error.URLError as problem:
        if isinstance(problem.reason, TimeoutError):
            raise StoreError(_silent(uri)) from problem
        if isinstance(problem.reason, socket.gaierror):
            raise StoreError(f"there is no host {address.hostname}: check the tracking URI") from problem
        raise StoreError(absent(uri, _words(problem.reason))) from problem
    except (http.client.HTTPException, OSError, ValueError) as problem:
        reason = _words(problem)
        raise StoreError(f"no web server answers at {shown_uri(uri)} ({reason}): check the tracking URI") from problem


def failing(uri: str, status: int) -> str:
    """What is said of a server that answers with an error of its own."""
    return f"the server at {shown_uri(uri)} fails (HTTP {status}): see its log, or try again later"


def absent(uri: str, reason: str) -> str:
    """What is said where no server listens."""
    return f"no server answers at {shown_uri(uri)} ({reason}): is it running?"


def _silent(uri: str) -> str:
    return f"the server at {shown_uri(uri)} accepts but does not answer within {ANSWER_SECONDS} s: is it overloaded?"


def _probe_sqlite(uri: str) -> None:
    path = sqlite_path(uri)
    if path is None:
        raise StoreError(f"{uri} names no file: write sqlite:///mlflow.db or sqlite:////absolute/path/mlflow.db")
    try:
        with path.open("rb") as file:
            header = file.read(len(SQLITE_HEADER))
    except FileNotFoundError:
        raise StoreError(f"there is no file {path}, and it was not created: check the tracking URI") from None
    except OSError as problem:
        raise StoreError(f"{path} can't be read ({problem.strerror}): check the tracking URI") from problem
    if header != SQLITE_HEADER:
        raise StoreError(f"{path} is no SQLite database: check the tracking URI")
    _probe_database(f"sqlite:///file:{quote(str(path.absolute()))}?mode=ro&uri=true", shown=uri)


def _probe_database(uri: str, shown: str | None = None) -> None:
    import sqlalchemy
    from sqlalchemy import exc

    shown = shown_uri(shown or uri)
    dialect = _scheme(uri).partition("+")[0]
    arguments = {"connect_timeout": ANSWER_SECONDS} if dialect in WITH_CONNECT_TIMEOUT else {}
    try:
        engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool, connect_args=arguments)
        with engine.connect() as connection:
            tables = set(sqlalchemy.inspect(connection).get_table_names())
            if not {"experiments", "alembic_version"} <= tables:
                raise StoreError(f"the database at {shown} holds no MLflow store: check the tracking URI")
            revision = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version")).scalar()
    except ModuleNotFoundError as problem:
        raise StoreError(f"{shown} needs the driver {problem.name}: install it beside eval-pipeline") from problem
    except exc.NoSuchModuleError as problem:
        raise StoreError(f"{shown} names no driver that is known: write {dialect}://...") from problem
    except (exc.SQLAlchemyError, ValueError, OSError) as problem:
        said = _CONNECTION_FAILED.sub("", _words(getattr(problem, "orig", None) or problem))
        remedy = _remedy(dialect, said)
        raise StoreError(f"the database at {shown} can't be opened ({hide_password(said, uri)}): {remedy}") from problem
    if revision != _expected_revision():
        raise StoreError(
            f"the database at {shown} has schema {revision}, which this MLflow does not read: back it up and run "
            f"'mlflow db upgrade', or install the MLflow that wrote it"
        )


def _remedy(dialect: str, said: str) -> str:
    if dialect == "sqlite":
        return "check the file"
    if "password" in said:
        return "check the user and the password in the tracking URI"
    if "does not exist" in said:
        return "check the tracking URI"
    return "check the tracking URI, and that the database runs"


@functools.cache
def _expected_revision() -> str | None:
    """The database schema that the installed MLflow reads."""
    import mlflow
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(Path(mlflow.__file__).parent / "store" / "db_migrations")).get_current_head()


def _words(problem: object) -> str:
    """The first line of an error, in one piece."""
    lines = str(problem).strip().splitlines()
    return lines[0].rstrip(".: ") if lines else type(problem).__name__
