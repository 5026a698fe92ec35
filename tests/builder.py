"""Logs eval runs into a store as teams do, through MLflow's own client."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from mlflow import MlflowClient

LONG_AGO = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def remember_schema() -> None:
    """Have MLflow find out its newest schema once; at each store opened it loads 67 migrations, in 0.2 s."""
    from mlflow.store.db import utils

    if not hasattr(utils._get_latest_schema_revision, "cache_info"):
        utils._get_latest_schema_revision = cache(utils._get_latest_schema_revision)
        utils._get_latest_schema_revision()


def write_without_waiting() -> None:
    """Have SQLite not wait for the disk: what is written outlives this process, and need not outlive the machine."""

    @event.listens_for(Engine, "connect")
    def connected(connection: Any, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")


def milliseconds(moment: datetime) -> int:
    """A time as MLflow keeps it."""
    return round(moment.timestamp() * 1000)


class StoreBuilder:
    """Fills the store at `uri` with eval runs of the base experiment `base`."""

    def __init__(self, uri: str, base: str = "my-assistant-eval") -> None:
        self.uri, self.base = uri, base
        self._ids: dict[str, str] = {}
        self._logged = 0

    def memory(self) -> dict[str, Any]:
        """What it knows of what it has made, as JSON values."""
        return {"base": self.base, "ids": self._ids, "logged": self._logged}

    @classmethod
    def remembering(cls, uri: str, memory: Mapping[str, Any]) -> StoreBuilder:
        """A builder that goes on where another one stopped."""
        builder = cls(uri, memory["base"])
        builder._ids, builder._logged = dict(memory["ids"]), memory["logged"]
        return builder

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client of this store."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    @property
    def path(self) -> Path:
        """The file of a SQLite store."""
        return Path(self.uri.removeprefix("sqlite:///"))

    def experiment(self, eval_type: str) -> str:
        """The id of the experiment `{base}-{eval_type}`, made if it is new; `""` is the base experiment itself."""
        if eval_type not in self._ids:
            name = f"{self.base}-{eval_type}" if eval_type else self.base
            artifacts = (self.path.parent / "artifacts").as_uri() if self.uri.startswith("sqlite") else None
            self._ids[eval_type] = self.client.create_experiment(name, artifact_location=artifacts)
        return self._ids[eval_type]

    def log_run(
        self,
        eval_type: str = "tone",
        pass_rate: float | None = 0.9,
        *,
        status: str = "FINISHED",
        started: datetime | None = None,
        ended: datetime | None = None,
        prompts: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Log one run and return its id.

        By default each run starts an hour after the one logged before and takes a minute; `RUNNING` ones do not end.
        """
        from mlflow.entities import Metric, Param

        started = started or LONG_AGO + timedelta(hours=self._logged)
        self._logged += 1
        run = self.client.create_run(
            self.experiment(eval_type), start_time=milliseconds(started), tags=dict(tags or {})
        )
        run_id: str = run.info.run_id
        numbers = {**({} if pass_rate is None else {"pass_rate": pass_rate}), **(metrics or {})}
        said = {**{f"prompt.{name}": version for name, version in (prompts or {}).items()}, **(params or {})}
        self.client.log_batch(
            run_id,
            metrics=[Metric(name, value, milliseconds(started), 0) for name, value in numbers.items()],
            params=[Param(name, value) for name, value in said.items()],
        )
        if status != "RUNNING":
            self.end_run(run_id, status, ended or started + MINUTE)
        return run_id

    def end_run(self, run_id: str, status: str = "FINISHED", ended: datetime | None = None) -> None:
        """End a run, now unless told when."""
        self.client.set_terminated(run_id, status, milliseconds(ended) if ended else None)
