"""Opening a store, and turning its failures into one clear line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from eval_pipeline.errors import StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store import probing

if TYPE_CHECKING:
    from mlflow import MlflowClient

TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
REFUSED = {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"}


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
            raise StoreError(self._explain(problem.error_code, str(problem))) from problem
        except (SQLAlchemyError, requests.RequestException, ConnectionError, TimeoutError) as problem:
            raise StoreError(self._explain("", str(problem))) from problem

    def _explain(self, code: str, text: str) -> str:
        if code in REFUSED or "error code 401" in text or "error code 403" in text:
            return (
                f"the store at {self.shown_uri} refuses these credentials: set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            )
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
