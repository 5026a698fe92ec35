"""Opening a store, and turning its failures into one clear line."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from eval_pipeline.errors import NotPermittedError, StoreError
from eval_pipeline.report.links import mlflow_home
from eval_pipeline.settings import Settings
from eval_pipeline.store import probing

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
PASSWORD = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
TOKEN_VARIABLE = "MLFLOW_TRACKING_TOKEN"
UNKNOWN_USER = {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"}
NOT_PERMITTED = "error code 403", "permission denied for", "attempt to write a readonly database"
"""As a server, PostgreSQL and SQLite say it."""
FAILS = re.compile(r"too many (\d+) error responses")
"""What MLflow's client says once it has tried often enough."""
ANY_ERROR = 500


class Store:
    """An MLflow store and the settings to read it by."""

    def __init__(self, uri: str, settings: Settings, *, named: bool = True) -> None:
        """`named`: somebody named this store, so it must be there; MLflow's own default store need not be."""
        self.uri, self.settings, self._named = uri, settings, named

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client. Opening a store that was not probed can block for minutes or create it: see `probe`."""
        import mlflow

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)  # the traceback of what it then raises
        return mlflow.MlflowClient(tracking_uri=self.uri)

    @property
    def absent(self) -> bool:
        """Whether this is MLflow's own default store and not there yet: it is empty, and reading does not create it."""
        path = None if self._named else probing.sqlite_path(self.uri)
        return path is not None and not path.exists()

    @property
    def shown_uri(self) -> str:
        """The address without its password."""
        return probing.shown_uri(self.uri)

    @property
    def mlflow_home(self) -> str | None:
        """Where people open MLflow, for links; `None` if nobody said."""
        return mlflow_home(self.uri, self.settings.mlflow_ui_url)

    @cached_property
    def registry(self) -> MlflowClient:
        """MLflow's client for prompts: it opens the store's registry on first use, for minutes if that is away.

        Raises:
            StoreError: it does not answer.
        """
        self.probe()
        return self.client

    def probe(self) -> None:
        """Raise StoreError, within about ten seconds, unless the store answers and this MLflow can read it."""
        if not self.absent:
            probing.probe(self.uri)

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Turn whatever MLflow raises inside into a StoreError of one line."""
        import requests
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except MlflowException as problem:
            raise self._failure(problem.error_code, str(problem)) from problem
        except (SQLAlchemyError, requests.RequestException, ConnectionError, TimeoutError) as problem:
            raise self._failure("", str(problem)) from problem

    def _failure(self, code: str, text: str) -> StoreError:
        if code == "PERMISSION_DENIED" or any(words in text for words in NOT_PERMITTED):
            return NotPermittedError(
                f"the store at {self.shown_uri} does not permit this with these credentials: ask for permission there "
                "(READ to look, EDIT to act), or use those of somebody who has it"
            )
        return StoreError(self._explain(code, text))

    def _explain(self, code: str, text: str) -> str:
        if code in UNKNOWN_USER or "error code 401" in text:
            return f"the store at {self.shown_uri} refuses these credentials: set {PASSWORD}, or {TOKEN_VARIABLE}"
        if failing := FAILS.search(text):
            status, token = int(failing[1]), os.environ.get(TOKEN_VARIABLE)
            hint = (
                f"; MLflow's own sign-in fails so on a token: set {PASSWORD}" if token and status == ANY_ERROR else ""
            )
            return probing.failing(self.uri, status) + hint
        if "Connection refused" in text and self.uri.startswith("http"):
            return probing.absent(self.uri, "Connection refused")
        if "error code 404" in text or "not in a valid JSON format" in text:
            return f"what answers at {self.shown_uri} is no MLflow server: check the tracking URI"
        lines = text.strip().splitlines()
        said = probing.hide_password(lines[0] if lines else "no reason given", self.uri)
        return f"the store at {self.shown_uri} failed: {said[:300]}"


def tracking_uri(settings: Settings, option: str | None = None) -> tuple[str | None, str]:
    """The store that was named and where: the option, MLflow's variable, the settings; `None` for MLflow's default."""
    if option:
        return option, "--tracking-uri"
    if named := os.environ.get(TRACKING_VARIABLE):
        return named, TRACKING_VARIABLE
    return settings.tracking_uri, "settings" if settings.tracking_uri else "MLflow's default"


def find_store(settings: Settings, option: str | None = None) -> Store:
    """The store that is named, or else MLflow's own default store; whether it answers is not known yet."""
    named, _ = tracking_uri(settings, option)
    if named is not None:
        return Store(named, settings)
    import mlflow

    return Store(mlflow.get_tracking_uri(), settings, named=False)


def open_store(settings: Settings, option: str | None = None) -> Store:
    """The store that is named, or else MLflow's own default store, once it has answered.

    Raises:
        StoreError: it can't be reached, or it is no store, within about ten seconds.
    """
    store = find_store(settings, option)
    store.probe()
    return store
