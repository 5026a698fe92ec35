"""The audit log's order: a run whose params are claimed one by one.

MLflow's params are write-once (see `store.once`), which is the compare-and-set that aliases lack. The ledger has three
params a record:

- `seq.00001`: the entry (see `core.audit.Entry`). Who claims it holds the alias that it is about, until it ends.
- `go.00001`: who may still move the alias: the record's owner, or whoever settles it because its owner stopped.
- `end.00001`: what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from eval_pipeline.core.audit import Entry, read_entry
from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.store.connection import Store
from eval_pipeline.store.once import find_ledger_run, make_ledger_run, read_ledger_run, write_once

LEDGER_TAG = "eval_pipeline.ledger"
SEQ, GO, END = "seq", "go", "end"
CALLED = "audit"


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
        params = read_ledger_run(self.store, self.run_id, CALLED)
        state = LedgerState()
        for key, value in params.items():
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
        return write_once(self.store, self.run_id, f"{kind}.{sequence:05}", value)


def find_ledger(store: Store) -> Ledger | None:
    """The ledger of this store and base experiment; `None` if nothing was ever recorded.

    Raises:
        StoreError: it can't be read, or its experiment was deleted or is none of ours.
    """
    found = find_ledger_run(store, audit_experiment_name(store), LEDGER_TAG, CALLED)
    return None if found is None else Ledger(store, found.experiment_id, found.run_id)


def make_ledger(store: Store) -> Ledger:
    """The ledger, made if there is none."""
    made, _ = make_ledger_run(store, audit_experiment_name(store), LEDGER_TAG, CALLED)
    return Ledger(store, made.experiment_id, made.run_id)
