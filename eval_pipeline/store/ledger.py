"""The audit log's order: a run whose params are claimed one by one.

MLflow's params are write-once: of several processes that log different values for one key of one run, exactly one
succeeds. That is the compare-and-set that aliases lack. The ledger has three params a record:

- `seq.00001`: the entry (see `core.audit.Entry`). Who claims it holds the alias that it is about, until it ends.
- `go.00001`: who may still move the alias: the record's owner, or whoever settles it because its owner stopped.
- `end.00001`: what became of it.

The experiment `{base}.audit` is filled before it gets its name, so that it never exists without its ledger and two
processes that are first at once end up with one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from eval_pipeline.core.audit import Entry, read_entry
from eval_pipeline.core.models import RecordStatus
from eval_pipeline.errors import StoreError
from eval_pipeline.store.connection import Store

LEDGER_TAG = "eval_pipeline.ledger"
SEQ, GO, END = "seq", "go", "end"
TAKEN = "INVALID_PARAMETER_VALUE"


def audit_experiment_name(store: Store) -> str:
    """The experiment that holds the audit log."""
    return f"{store.settings.base_experiment}.audit"


@dataclass(slots=True)
class LedgerState:
    """The ledger as of one reading, by sequence."""

    entries: dict[int, str] = field(default_factory=dict)
    go: dict[int, str] = field(default_factory=dict)
    ends: dict[int, RecordStatus] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)
    damaged: set[int] = field(default_factory=set)
    """Entries whose end can't be read."""

    @property
    def last(self) -> int:
        """The newest sequence; 0 if there is none."""
        return max(self.entries, default=0)

    def entry(self, sequence: int) -> Entry | None:
        """The entry at a sequence; `None` if it is missing or no entry."""
        return read_entry(self.entries[sequence]) if sequence in self.entries else None

    def open_entries(self) -> list[Entry]:
        """Entries that have not ended, oldest first."""
        ended = self.ends.keys() | self.damaged
        found = (self.entry(sequence) for sequence in sorted(self.entries) if sequence not in ended)
        return [entry for entry in found if entry is not None]


class Ledger:
    """The ledger run of one audit experiment."""

    def __init__(self, store: Store, experiment_id: str, run_id: str) -> None:
        self.store, self.experiment_id, self.run_id = store, experiment_id, run_id

    def read(self) -> LedgerState:
        """What the ledger says now.

        Raises:
            StoreError: it can't be read, or it was deleted.
        """
        with self.store.reached():
            run = self.store.client.get_run(self.run_id)
        if run.info.lifecycle_stage != "active":
            raise StoreError(f"the audit ledger (run {self.run_id}) was deleted: restore it with `mlflow runs restore`")
        state = LedgerState()
        for key, value in run.data.params.items():
            kind, _, number = key.partition(".")
            if not number.isdigit():
                continue
            if kind == SEQ:
                state.entries[int(number)] = value
            elif kind == GO:
                state.go[int(number)] = value
            elif kind == END:
                status, _, outcome = value.partition(" ")
                if status in {RecordStatus.FINISHED, RecordStatus.FAILED}:
                    state.ends[int(number)] = RecordStatus(status)
                    state.outcomes[int(number)] = outcome
                else:
                    state.damaged.add(int(number))
        return state

    def claim(self, entry: Entry) -> bool:
        """Take the entry's place; whether it was still free."""
        return self._write_once(SEQ, entry.sequence, entry.text)

    def go(self, sequence: int, who: str) -> bool:
        """Take the right to move the alias, or to say that it was not moved; whether it was still free."""
        return self._write_once(GO, sequence, who)

    def end(self, sequence: int, status: RecordStatus, outcome: str) -> bool:
        """Say what became of a record; whether nobody had said otherwise."""
        return self._write_once(END, sequence, f"{status.value} {outcome}".strip()[:500])

    def _write_once(self, kind: str, sequence: int, value: str) -> bool:
        from mlflow.exceptions import MlflowException

        with self.store.reached():
            try:
                self.store.client.log_param(self.run_id, f"{kind}.{sequence:05}", value)
            except MlflowException as problem:
                if problem.error_code == TAKEN and "not allowed" in str(problem):
                    return False
                raise
        return True


def find_ledger(store: Store) -> Ledger | None:
    """The ledger of this store and base experiment; `None` if nothing was ever recorded.

    Raises:
        StoreError: it can't be read, or its experiment was deleted or is none of ours.
    """
    if store.absent:
        return None
    name = audit_experiment_name(store)
    with store.reached():
        experiment = store.client.get_experiment_by_name(name)
    if experiment is None:
        return None
    if experiment.lifecycle_stage != "active":
        raise StoreError(f"the experiment {name} was deleted: restore it with `mlflow experiments restore`")
    run_id = experiment.tags.get(LEDGER_TAG)
    if not run_id:
        raise StoreError(f"the experiment {name} is no audit log of ours: rename it, or set another base_experiment")
    return Ledger(store, experiment.experiment_id, run_id)


def make_ledger(store: Store) -> Ledger:
    """The ledger, made if there is none."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    found = find_ledger(store)
    if found is not None:
        return found
    client, name = store.client, audit_experiment_name(store)
    with store.reached():
        experiment_id = client.create_experiment(f"{name}.{uuid.uuid4().hex}")
        run = client.create_run(experiment_id, run_name="ledger", tags={LEDGER_TAG: "true"})
        client.set_terminated(run.info.run_id)
        client.set_experiment_tag(experiment_id, LEDGER_TAG, run.info.run_id)
        try:
            client.rename_experiment(experiment_id, name)
        except (MlflowException, SQLAlchemyError):
            client.delete_experiment(experiment_id)
            found = find_ledger(store)
            if found is None:
                raise
            return found
    return Ledger(store, experiment_id, run.info.run_id)
