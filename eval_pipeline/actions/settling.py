"""Settling what a stopped process left open in the ledger, from where the alias really points."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from eval_pipeline.actions.owner import has_stopped, own_name
from eval_pipeline.core.audit import Entry, StoredRecord
from eval_pipeline.core.moves import AuditRecord, RecordStatus
from eval_pipeline.errors import RefusedError, StoreError
from eval_pipeline.store.aliases import read_alias
from eval_pipeline.store.audit import (
    OWNER_TAG,
    close_record,
    place_record,
    read_content,
    read_open,
    read_stored,
    tag_justifying_run,
)
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import Ledger, LedgerState

SETTLED = "settled"


def settle_alias(ledger: Ledger, prompt_name: str, alias: str, now: datetime) -> LedgerState:
    """Settle what a stopped process left open on this alias.

    Raises:
        RefusedError: somebody is at it.
    """
    state = ledger.read()
    for entry in state.open_entries():
        if entry.concerns(prompt_name, alias):
            settle(ledger, state, entry, now, refuse=True)
            state = ledger.read()
    return state


def settle(ledger: Ledger, state: LedgerState, entry: Entry, now: datetime, *, refuse: bool) -> RecordStatus | None:
    """End a record that a stopped process left open, from where the alias really points; `None` if it is in progress.

    Raises:
        RefusedError: it is in progress, and `refuse` is set.
    """
    found = read_open(ledger, state, entry)
    since = found.record.timestamp
    if since is not None and not has_stopped(found.owner, entry.record_id, since, now):
        if refuse:
            name = f"{entry.action} of {entry.prompt_name}@{entry.alias}"
            raise RefusedError(
                f"a {name} is in progress by {found.record.actor} since {since:%d %b %Y %H:%M:%S} UTC: "
                "try again when it is done"
            )
        return None
    if not found.removed:
        place_record(ledger, entry)
    if not _may_have_moved(ledger, entry) or entry.to_version != read_alias(
        ledger.store, entry.prompt_name, entry.alias
    ):
        end_entry(ledger, entry, RecordStatus.FAILED, "never happened: its process stopped before the alias was moved")
    else:
        notes = _tag_runs_late(ledger, found.record)
        end_entry(ledger, entry, RecordStatus.FINISHED, "; ".join(["settled after its process stopped", *notes]))
    return ledger.read().ends.get(entry.sequence)


def _may_have_moved(ledger: Ledger, entry: Entry) -> bool:
    """Whether its owner had begun to move the alias; if not, from here on it no longer may."""
    if ledger.go(entry.sequence, f"{SETTLED} by {own_name()}"):
        return False
    return not ledger.read().go[entry.sequence].startswith(SETTLED)


def _tag_runs_late(ledger: Ledger, record: AuditRecord) -> list[str]:
    text = read_content(ledger.store, record.id)
    if text is None:
        return ["its record.json can't be read, so no run was tagged"]
    return tag_runs(ledger.store, record.justifying_run_ids, record.id, json.loads(text))


def reconcile(ledger: Ledger | None, now: datetime) -> list[str]:
    """Settle everything that was left open; what was done, in words. Running it again does nothing more."""
    if ledger is None:
        return []
    done: list[str] = []
    state = ledger.read()
    for entry in state.open_entries():
        status = settle(ledger, state, entry, now, refuse=False)
        where = f"{entry.prompt_name}@{entry.alias} to v{entry.to_version}"
        name = f"record {entry.sequence} ({entry.action} of {where})"
        done.append(f"{name}: {'still in progress' if status is None else status.value}")
    return done + _close_runs(ledger, now)


def _close_runs(ledger: Ledger, now: datetime) -> list[str]:
    """End the runs of records that ended in the ledger, or that never claimed a place there."""
    done, state = [], ledger.read()
    places = {entry.record_id: sequence for sequence in state.entries if (entry := state.entry(sequence))}
    for record_id, stored in read_stored(ledger, with_content=False).items():
        if stored.status != RecordStatus.RUNNING:
            continue
        sequence = places.get(record_id)
        end = state.ends.get(sequence) if sequence else _unplaced(stored, now)
        if end is None:
            continue
        close_record(ledger.store, record_id, end)
        done.append(f"record {sequence or record_id}: its run was ended as {end.value}")
    return done


def _unplaced(stored: StoredRecord, now: datetime) -> RecordStatus | None:
    """A record without a place: it never happened, once its process has stopped."""
    said = stored.tags.get("audit.timestamp")
    since = datetime.fromisoformat(said) if said else datetime.min.replace(tzinfo=now.tzinfo)
    return RecordStatus.FAILED if has_stopped(stored.tags.get(OWNER_TAG, ""), stored.record_id, since, now) else None


def end_entry(ledger: Ledger, entry: Entry, status: RecordStatus, outcome: str) -> bool:
    """Say in the ledger what became of the record, then on its run; whether nobody had said otherwise."""
    said = ledger.end(entry.sequence, status, outcome)
    if said:
        close_record(ledger.store, entry.record_id, status)
    return said


def tag_runs(store: Store, run_ids: tuple[str, ...], record_id: str, content: Mapping[str, Any]) -> list[str]:
    """Say on each run what it justified; what could not be said is returned, and does not undo the move."""
    notes = []
    for run_id in run_ids:
        try:
            tag_justifying_run(store, run_id, record_id, content)
        except StoreError as problem:
            notes.append(f"run {run_id} could not be tagged: {problem}")
    return notes
