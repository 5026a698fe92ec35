"""Moving an alias and recording it, as one thing.

1. Write the record (`RUNNING`) and claim the next place in the ledger: from here on the alias is ours. 2. Take the
right to move it, see that it still points where the person saw it, and move it. 3. Read it back. 4. Tag every run that
justified it. 5. End the record. If step 1 fails nothing has moved; what a stopped process left open is settled from
where the alias really points, by the next action on it or by `audit reconcile`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from eval_pipeline.actions.owner import busy_with, has_stopped, own_name
from eval_pipeline.core.audit import GENESIS, Entry, StoredRecord, digest
from eval_pipeline.core.moves import AuditRecord, RecordStatus
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.report import numbers
from eval_pipeline.store.aliases import point_alias, read_alias
from eval_pipeline.store.audit import (
    OWNER_TAG,
    Draft,
    close_record,
    drop_record,
    place_record,
    read_content,
    read_open,
    read_stored,
    tag_justifying_run,
    write_record,
)
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import Ledger, LedgerState, make_ledger

SETTLED = "settled"
RECONCILE = "When the store answers, settle it: `eval-pipeline audit reconcile`, or the page Audit log"


def move_alias(store: Store, draft: Draft, now: datetime) -> AuditRecord:
    """Do what the draft says and return its record, `FINISHED`.

    Raises:
        RefusedError: another action on the alias is in progress, or the alias no longer points at `from_version`.
        UsageError: the version does not exist, or no longer. Nothing has moved.
        StoreError: the store failed; the message says whether the alias has moved or that it is not known.
    """
    owner = own_name()
    with _unmoved(draft):
        ledger = make_ledger(store)
        _settle_alias(ledger, draft, now)
        record_id, content_hash = write_record(ledger, draft, owner)
    with busy_with(record_id):
        with _unmoved(draft):
            entry = _claim(ledger, draft, record_id, content_hash, now)
            _take_turn(ledger, draft, entry, owner)
        _move(ledger, draft, entry)
        notes = "; ".join(_tag_runs(store, draft.justifying_run_ids, record_id, draft.content(record_id)))
        _finish(ledger, draft, entry, notes)
    return draft.finished(entry, notes)


@contextmanager
def _unmoved(draft: Draft) -> Iterator[None]:
    """If the store fails inside, say that nothing has moved."""
    try:
        yield
    except StoreError as problem:
        raise StoreError(f"{draft.prompt_name}@{draft.alias} was not moved: {problem}") from problem


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
    refuse_other(draft.prompt_name, draft.alias, draft.from_version, live)


def refuse_other(prompt_name: str, alias: str, seen: int | None, now: int | None) -> None:
    """Move nothing if an alias does not point where the person saw it.

    Raises:
        RefusedError: it points elsewhere.
    """
    if seen != now:
        moved = f"now points at {numbers.version(now)}, not at {numbers.version(seen)}"
        raise RefusedError(f"{prompt_name}@{alias} {moved}: nothing was moved; look again and decide anew")


def _take_turn(ledger: Ledger, draft: Draft, entry: Entry, owner: str) -> None:
    """From here on we alone may move the alias."""
    if not ledger.go(entry.sequence, owner):
        raise RefusedError(
            f"another process took this action for stopped and closed record {entry.record_id}: try again"
        )
    try:
        _refuse_moved(ledger.store, draft)
    except RefusedError as problem:
        _end(ledger, entry, RecordStatus.FAILED, str(problem))
        raise


def _move(ledger: Ledger, draft: Draft, entry: Entry) -> None:
    """Move the alias and read it back; whatever goes wrong is told in the record."""
    try:
        point_alias(ledger.store, draft.prompt_name, draft.alias, draft.to_version)
    except UsageError as problem:
        _end(ledger, entry, RecordStatus.FAILED, str(problem))
        raise
    except StoreError as problem:
        _after_failure(ledger, draft, entry, problem)
        return
    try:
        live = read_alias(ledger.store, draft.prompt_name, draft.alias)
    except StoreError as problem:
        raise StoreError(
            f"{draft.prompt_name}@{draft.alias} was moved to v{draft.to_version}, and could not be read back: "
            f"{problem}. {RECONCILE}"
        ) from problem
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
            f"{draft.prompt_name}@{draft.alias} was moved to v{draft.to_version}, and its record could not be "
            f"ended: {problem}. {RECONCILE}"
        ) from problem
    if not ended and (state := ledger.read()).ends.get(entry.sequence) is not RecordStatus.FINISHED:
        _undo(ledger.store, draft, state)


def _undo(store: Store, draft: Draft, state: LedgerState) -> None:
    """We were taken for stopped and our record was closed as never happened: make that true."""
    rightful = draft.from_version
    for sequence in sorted(state.ends):
        entry = state.entry(sequence)
        if entry and entry.concerns(draft.prompt_name, draft.alias) and state.ends[sequence] is RecordStatus.FINISHED:
            rightful = entry.to_version
    if read_alias(store, draft.prompt_name, draft.alias) == draft.to_version != rightful:
        point_alias(store, draft.prompt_name, draft.alias, rightful)
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
        _end(ledger, entry, RecordStatus.FAILED, "never happened: its process stopped before the alias was moved")
    else:
        notes = _tag_runs_late(ledger, found.record)
        _end(ledger, entry, RecordStatus.FINISHED, "; ".join(["settled after its process stopped", *notes]))
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
    return _tag_runs(ledger.store, record.justifying_run_ids, record.id, json.loads(text))


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
