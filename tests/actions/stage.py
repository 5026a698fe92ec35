"""A store to promote and roll back in, whose database itself notes every move of an alias."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval_pipeline.actions.auditing import audit_log, reconcile_audit, verify_audit
from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.core.moves import AuditRecord, PromotionResult, RecordStatus
from eval_pipeline.settings import Settings
from eval_pipeline.store.audit import read_stored
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import find_ledger
from eval_pipeline.store.registering import register_prompt_version
from tests.builder import StoreBuilder
from tests.people import ADA

if TYPE_CHECKING:
    from tests.conftest import Server

VERSIONS = (1, 2, 3, 4)
TYPES = ("security", "tone")
CANDIDATE, LIVE = 2, 1
SPY = """
CREATE TABLE IF NOT EXISTS spied_moves (prompt TEXT, alias TEXT, before INTEGER, after INTEGER);
CREATE TRIGGER IF NOT EXISTS spied_insert AFTER INSERT ON registered_model_aliases
  BEGIN INSERT INTO spied_moves VALUES (new.name, new.alias, NULL, new.version); END;
CREATE TRIGGER IF NOT EXISTS spied_update AFTER UPDATE ON registered_model_aliases WHEN old.version != new.version
  BEGIN INSERT INTO spied_moves VALUES (new.name, new.alias, old.version, new.version); END;
CREATE TRIGGER IF NOT EXISTS spied_delete AFTER DELETE ON registered_model_aliases
  BEGIN INSERT INTO spied_moves VALUES (old.name, old.alias, old.version, NULL); END;
"""


def now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def furnish(builder: StoreBuilder, prompt: str = "persona") -> None:
    """Four versions of a prompt, all of them good, the first one live, the second the candidate."""
    for version in VERSIONS:
        register_prompt_version(builder.client, prompt, f"You are number {version}.", f"the {version}.")
        for name in TYPES:
            builder.log_run(name, 0.9, started=now(), prompts={prompt: f"v{version}"}, metrics={"total_cases": 20})
    builder.client.set_prompt_alias(prompt, "production", LIVE)
    builder.client.set_prompt_alias(prompt, "experiment", CANDIDATE)


def spy(path: Path, prompt: str = "persona") -> None:
    """Have the database of a store note every move of an alias from now on; of this prompt no earlier ones."""
    with closing(sqlite3.connect(path, timeout=60)) as database:
        database.executescript(SPY)
        database.execute("DELETE FROM spied_moves WHERE prompt = ?", (prompt,))  # another test may spy there already
        database.commit()


def furnish_spied(builder: StoreBuilder) -> None:
    """The same, and from then on its database notes every move of an alias."""
    furnish(builder)
    spy(builder.path)


def moves(path: Path, prompt: str = "persona", alias: str = "production") -> list[tuple[int | None, int | None]]:
    """Every move of an alias that really was, in order."""
    question = "SELECT before, after FROM spied_moves WHERE prompt = ? AND alias = ? ORDER BY rowid"
    with closing(sqlite3.connect(path)) as database:
        return list(database.execute(question, (prompt, alias)))


def dump(path: Path) -> list[str]:
    """Everything a database holds."""
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


@dataclass(frozen=True)
class Stage:
    """A furnished store with its settings."""

    store: Store
    builder: StoreBuilder
    path: Path
    """Of the database behind it."""
    prompt: str = "persona"

    @classmethod
    def of(cls, builder: StoreBuilder) -> Stage:
        """A store on a file."""
        return cls(Store(builder.uri, Settings()), builder, builder.path)

    @classmethod
    def behind(cls, server: Server) -> Stage:
        """A store behind the server of all tests: a base experiment and a prompt of its own."""
        name = uuid.uuid4().hex[:8]
        builder = StoreBuilder(server.uri, name)
        furnish(builder, name)
        path = Path(server.db_uri.removeprefix("sqlite:///"))
        spy(path, name)
        return cls(Store(server.uri, Settings.model_validate({"base_experiment": name})), builder, path, name)

    @property
    def client(self) -> Any:
        """MLflow's client."""
        return self.builder.client

    def again(self, **settings: Any) -> Store:
        """The same store, opened anew."""
        said = {"base_experiment": self.builder.base, **settings}
        return Store(self.store.uri, Settings.model_validate(said))

    def promote(self, version: int | None = None, store: Store | None = None, **said: Any) -> PromotionResult:
        """Promote as the command line does."""
        store = store or self.store
        said = {"actor": ADA, "reason": "better", **said}
        return execute_promotion(store, propose_promotion(store, self.prompt, version=version), **said)

    def roll_back(self, to_version: int | None = None, store: Store | None = None, **said: Any) -> AuditRecord:
        """Roll back as the command line does."""
        store = store or self.store
        plan = propose_rollback(store, self.prompt, to_version=to_version)
        assert plan is not None
        said = {"actor": ADA, "reason": "worse", **said}
        return execute_rollback(store, plan, named=to_version is not None, **said)

    def live(self, alias: str = "production") -> int:
        """What an alias points to."""
        return int(self.client.get_prompt_version_by_alias(self.prompt, alias).version)

    def log(self) -> list[AuditRecord]:
        """The audit log."""
        return audit_log(self.store)

    def said(self) -> list[tuple[int | None, int, str]]:
        """The audit log in short: from, to, status."""
        return [(record.from_version, record.to_version, record.status.value) for record in self.log()]

    def evidence(self, version: int) -> list[str]:
        """The runs of a version, by eval type."""
        found = []
        for name in TYPES:
            condition = f"params.`prompt.{self.prompt}` = 'v{version}'"
            found += [run.info.run_id for run in self.client.search_runs([self.builder.experiment(name)], condition)]
        return found

    def tags(self, run_id: str) -> dict[str, str]:
        """The tags of ours on a run."""
        tags = self.client.get_run(run_id).data.tags
        return {name: value for name, value in tags.items() if name.startswith("audit.")}

    def record_tags(self, record_id: str) -> dict[str, str]:
        """All tags of a record."""
        return dict(self.client.get_run(record_id).data.tags)

    def ledger_id(self) -> str:
        """The ledger's run."""
        ledger = find_ledger(self.store)
        assert ledger is not None
        return ledger.run_id

    def check_settled(self) -> None:
        """Reconcile; then every move has exactly one finished record, no finished record lacks its move, nothing is
        left open, the log verifies, and there is nothing left to reconcile.
        """
        reconcile_audit(self.store, now(), actor=ADA)
        records = [each for each in self.log() if each.alias == "production"]
        finished = [(each.from_version, each.to_version) for each in records if each.status is RecordStatus.FINISHED]
        ledger = find_ledger(self.store)
        runs = read_stored(ledger, with_content=False).values() if ledger else []
        begun = [record for record in records if record.status is RecordStatus.RUNNING]
        assert (finished, begun) == (moves(self.path, self.prompt), [])
        assert [run.record_id for run in runs if run.status == "RUNNING"] == []
        assert verify_audit(self.store) == []
        assert reconcile_audit(self.store, now(), actor=ADA) == []


class Interposed:
    """MLflow's client, with something that happens before and after each of its calls."""

    def __init__(self, client: Any, before: Callable[[str], None], after: Callable[[str], None]) -> None:
        self._client, self._before, self._after = client, before, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._before(name)
            result = method(*args, **kwargs)
            self._after(name)
            return result

        return call


def interpose(
    store: Store, before: Callable[[str], None] = lambda _: None, after: Callable[[str], None] = lambda _: None
) -> Store:
    """Have something happen at each call to the store."""
    store.__dict__["client"] = Interposed(store.client, before, after)
    return store
