"""Moving an alias and recording it, as one thing.

1. Write the record (`RUNNING`) and claim the next place in the ledger: from here on the alias is ours. 2. Take the
right to move it, see that it still points where the person saw it, and move it. 3. Read it back. 4. Tag every run that
justified it. 5. End the record. If step 1 fails nothing has moved; what a stopped process left open is settled from
where the alias really points, by the next action on it or by `audit reconcile`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from eval_pipeline.actions.owner import busy_with, has_stopped, own_name
from eval_pipeline.core.audit import GENESIS, Entry, StoredRecord, digest
from eval_pipeline.core.models import AuditRecord, RecordStatus
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.store.aliases import point_alias, read_alias
from eval_pipeline.store.audit import (
    OWNER_TAG,
    Draft,
    close_record,
    drop_record,
    place_record,
    read_content,
    read_records,
    read_stored,
    tag_justifying_run,
    write_record,
)
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import Ledger, LedgerState, make_ledger

RECONCILE = "When the store answers, run `eval-pipeline audit reconcile`"


def move_alias(store: Store, draft: Draft, now: datetime) -> AuditRecord:
    """Do what the draft says and return its record, `FINISHED`.

    Raises:
        RefusedError: another action on the alias is in progress, or the alias no longer points at `from_version`.
        UsageError: the version does not exist, or no longer. Nothing has moved.
        StoreError: the store failed; the message says whether the alias has moved or that it is not known.
    """
    ledger = make_ledger(store)
    _settle_alias(ledger, draft, now)
    owner = own_name()
    record_id, content_hash = write_record(ledger, draft, owner)
    with busy_with(record_id):
        entry = _claim(ledger, draft, record_id, content_hash, now)
        _move(ledger, draft, entry, owner)
        notes = _tag_runs(store, draft.justifying_run_ids, record_id, draft.content(record_id))
        _finish(ledger, draft, entry, "; ".join(notes))
    records = read_records(ledger)
    return next(record for record in records if record.id == record_id)


def _settle_alias(ledger: Ledger, draft: Draft, now: datetime) -> LedgerState:
    """Settle what a stopped process left open on this alias; refuse if somebody is at it."""
    state = ledger.read()
    for entry in state.open_entries():
        if entry.concerns(draft.prompt_name, draft.alias):
            settle(ledger, state, entry, now, refuse=True)
            state = ledger.read()
    return state


def _claim(ledger: Ledger, draft: Draft, record_id: str, content_hash: str, now: datetime) -> Entry:
    """Take the next free place for the record; the record goes if the alias is not free."""
    try:
        while True:
            state = _settle_alias(ledger, draft, now)
            previous = digest(state.entries[state.last]) if state.last else GENESIS
            entry = Entry(
                state.last + 1,
                record_id,
                draft.action.value,
                draft.prompt_name,
                draft.alias,
                draft.from_version,
                draft.to_version,
                content_hash,
                previous,
            )
            _refuse_moved(ledger.store, draft)
            if ledger.claim(entry):
                place_record(ledger, entry)
                return entry
    except (RefusedError, UsageError):
        drop_record(ledger.store, record_id)
        raise


def _refuse_moved(store: Store, draft: Draft) -> None:
    live = read_alias(store, draft.prompt_name, draft.alias)
    if live != draft.from_version:
        raise RefusedError(
            f"{draft.prompt_name}@{draft.alias} now points at {_version(live)}, not at {_version(draft.from_version)}: "
            "nothing was moved; look again and decide anew"
        )


def _move(ledger: Ledger, draft: Draft, entry: Entry, owner: str) -> None:
    """Move the alias, once we alone may; whatever goes wrong is told in the record."""
    if not ledger.go(entry.sequence, owner):
        raise RefusedError(
            f"another process took this action for stopped and closed record {entry.record_id}: try again"
        )
    try:
        _refuse_moved(ledger.store, draft)
        point_alias(ledger.store, draft.prompt_name, draft.alias, draft.to_version)
    except (RefusedError, UsageError) as problem:
        _end(ledger, entry, RecordStatus.FAILED, str(problem))
        raise
    except StoreError as problem:
        _after_failure(ledger, draft, entry, problem)
    live = read_alias(ledger.store, draft.prompt_name, draft.alias)
    if live == draft.from_version:
        _end(ledger, entry, RecordStatus.FAILED, "the store took the move and did not make it")
        raise StoreError(
            f"the store took the move of {draft.prompt_name}@{draft.alias} and did not make it; it was not moved"
        )


def _after_failure(ledger: Ledger, draft: Draft, entry: Entry, problem: StoreError) -> None:
    """The move failed or its answer got lost: see which, if the store can be asked."""
    name = f"{draft.prompt_name}@{draft.alias}"
    try:
        live = read_alias(ledger.store, draft.prompt_name, draft.alias)
        if live == draft.to_version:
            return
        _end(ledger, entry, RecordStatus.FAILED, str(problem))
    except StoreError as again:
        raise StoreError(f"it is not known whether {name} was moved: {again}. {RECONCILE}") from problem
    raise StoreError(f"{name} was not moved: {problem}") from problem


def _tag_runs(store: Store, run_ids: tuple[str, ...], record_id: str, content: Mapping[str, Any]) -> list[str]:
    """Say on each run what it justified; what could not be said is returned, and does not undo the move."""
    notes = []
    for run_id in run_ids:
        try:
            tag_justifying_run(store, run_id, record_id, content)
        except StoreError as problem:
            notes.append(f"run {run_id} could not be tagged: {problem}")
    return notes


def _finish(ledger: Ledger, draft: Draft, entry: Entry, notes: str) -> None:
    try:
        ended = _end(ledger, entry, RecordStatus.FINISHED, notes)
    except StoreError as problem:
        raise StoreError(
            f"{draft.prompt_name}@{draft.alias} was moved to {_version(draft.to_version)}, and its record could not be "
            f"ended: {problem}. {RECONCILE}"
        ) from problem
    if not ended and ledger.read().ends.get(entry.sequence) is not RecordStatus.FINISHED:
        _undo(ledger.store, draft)


def _undo(store: Store, draft: Draft) -> None:
    """We were taken for stopped and our record was closed as never happened: make that true."""
    if read_alias(store, draft.prompt_name, draft.alias) == draft.to_version:
        point_alias(store, draft.prompt_name, draft.alias, draft.from_version)
    raise RefusedError("this action took so long that another process closed its record: it was undone, try again")


def _end(ledger: Ledger, entry: Entry, status: RecordStatus, outcome: str) -> bool:
    """Say in the ledger what became of the record, then on its run; whether nobody had said otherwise."""
    said = ledger.end(entry.sequence, status, outcome)
    if said:
        close_record(ledger.store, entry.record_id, status)
    return said


def settle(ledger: Ledger, state: LedgerState, entry: Entry, now: datetime, *, refuse: bool) -> RecordStatus | None:
    """End a record that a stopped process left open, from where the alias really points; `None` if it is in progress.

    Raises:
        RefusedError: it is in progress, and `refuse` is set.
    """
    record = next(each for each in read_records(ledger, state) if each.id == entry.record_id)
    stored = read_stored(ledger, with_content=False).get(entry.record_id)
    owner = stored.tags.get(OWNER_TAG, "") if stored else ""
    if record.timestamp is not None and not has_stopped(owner, entry.record_id, record.timestamp, now):
        if refuse:
            since = record.timestamp.strftime("%d %b %Y %H:%M:%S UTC")
            name = f"{entry.action} of {entry.prompt_name}@{entry.alias}"
            raise RefusedError(f"a {name} is in progress by {record.actor} since {since}: try again when it is done")
        return None
    may_have_moved = entry.sequence in state.go or not ledger.go(entry.sequence, f"settled by {own_name()}")
    live = read_alias(ledger.store, entry.prompt_name, entry.alias)
    if not may_have_moved or live != entry.to_version:
        _end(ledger, entry, RecordStatus.FAILED, "never happened: its process stopped before the alias was moved")
        return RecordStatus.FAILED
    text = read_content(ledger.store, entry.record_id)
    notes = [] if text is None else _tag_runs(ledger.store, record.justifying_run_ids, record.id, json.loads(text))
    _end(ledger, entry, RecordStatus.FINISHED, "; ".join(["settled after its process stopped", *notes]))
    return RecordStatus.FINISHED


def reconcile(ledger: Ledger | None, now: datetime) -> list[str]:
    """Settle everything that was left open; what was done, in words. Running it again does nothing more."""
    if ledger is None:
        return []
    done: list[str] = []
    state = ledger.read()
    for entry in state.open_entries():
        status = settle(ledger, state, entry, now, refuse=False)
        where = f"{entry.prompt_name}@{entry.alias} to {_version(entry.to_version)}"
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


def _version(version: int | None) -> str:
    return "no version" if version is None else f"v{version}"
