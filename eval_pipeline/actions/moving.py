"""Moving an alias and recording it, as one thing.

1. Write the record (`RUNNING`) and claim the next place in the ledger: from here on the alias is ours. 2. Take the
right to move it, see that it still points where the person saw it, and move it. 3. Read it back. 4. Tag every run that
justified it. 5. End the record. If step 1 fails nothing has moved; what a stopped process left open is settled from
where the alias really points, by the next action on it or by `audit reconcile`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from eval_pipeline.actions.notifying import tell_of_move
from eval_pipeline.actions.owner import busy_with, own_name
from eval_pipeline.actions.settling import end_entry, settle_alias, tag_runs
from eval_pipeline.core.audit import GENESIS, Entry, digest
from eval_pipeline.core.moves import AuditRecord, RecordStatus
from eval_pipeline.errors import RefusedError, StoreError, UsageError
from eval_pipeline.report import numbers
from eval_pipeline.store.aliases import ask_permission, point_alias, read_alias
from eval_pipeline.store.audit import (
    Draft,
    drop_record,
    place_record,
    write_record,
)
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import Ledger, LedgerState, make_ledger

Take = Callable[[str], None]
RECONCILE = "When the store answers, settle it: `eval-pipeline audit reconcile`, or the page Audit log"


def move_alias(store: Store, draft: Draft, now: datetime, take: Take | None = None) -> AuditRecord:
    """Do what the draft says, tell of it, and return its record, `FINISHED`.

    `take` is called with the record's id when the alias is ours and has not moved; it may refuse.

    Raises:
        RefusedError: another action on the alias is in progress, or the alias no longer points at `from_version`.
        UsageError: the version does not exist, or no longer. Nothing has moved.
        StoreError: the store failed; the message says whether the alias has moved or that it is not known.
    """
    owner = own_name()
    with _unmoved(draft):
        ask_permission(store, draft.prompt_name, draft.to_version)  # or who may only read could begin the log
        ledger = make_ledger(store)
        settle_alias(ledger, draft.prompt_name, draft.alias, now)
        record_id, content_hash = write_record(ledger, draft, owner)
    with busy_with(record_id):
        with _unmoved(draft):
            entry = _claim(ledger, draft, record_id, content_hash, now)
            if take is not None:
                with _refused_for_good(ledger, entry):
                    take(record_id)
            _take_turn(ledger, draft, entry, owner)
        _move(ledger, draft, entry)
        notes = "; ".join(tag_runs(store, draft.justifying_run_ids, record_id, draft.content(record_id)))
        _finish(ledger, draft, entry, notes)
    record = draft.finished(entry, notes)
    tell_of_move(store, record, ledger.experiment_id)
    return record


@contextmanager
def _unmoved(draft: Draft) -> Iterator[None]:
    """If the store fails inside, say that nothing has moved."""
    try:
        yield
    except StoreError as problem:
        raise StoreError(f"{draft.prompt_name}@{draft.alias} was not moved: {problem}") from problem


def _claim(ledger: Ledger, draft: Draft, record_id: str, content_hash: str, now: datetime) -> Entry:
    """Take the next free place for the record; the record goes if the alias is not free."""
    try:
        while True:
            state = settle_alias(ledger, draft.prompt_name, draft.alias, now)
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
    with _refused_for_good(ledger, entry):
        _refuse_moved(ledger.store, draft)


@contextmanager
def _refused_for_good(ledger: Ledger, entry: Entry) -> Iterator[None]:
    """If it is refused inside, the record says that it never happened, and why."""
    try:
        yield
    except RefusedError as problem:
        end_entry(ledger, entry, RecordStatus.FAILED, str(problem))
        raise


def _move(ledger: Ledger, draft: Draft, entry: Entry) -> None:
    """Move the alias and read it back; whatever goes wrong is told in the record."""
    try:
        point_alias(ledger.store, draft.prompt_name, draft.alias, draft.to_version)
    except UsageError as problem:
        end_entry(ledger, entry, RecordStatus.FAILED, str(problem))
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
        end_entry(ledger, entry, RecordStatus.FAILED, "the store took the move and did not make it")
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
        end_entry(ledger, entry, RecordStatus.FAILED, str(problem))
    except StoreError as again:
        raise StoreError(f"it is not known whether {name} was moved: {again}. {RECONCILE}") from problem
    raise StoreError(f"{name} was not moved: {problem}") from problem


def _finish(ledger: Ledger, draft: Draft, entry: Entry, notes: str) -> None:
    try:
        ended = end_entry(ledger, entry, RecordStatus.FINISHED, notes)
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
