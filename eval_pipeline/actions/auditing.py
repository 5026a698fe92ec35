"""Reading the audit log, checking it, and settling what was left open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from eval_pipeline.actions.observe import nearest
from eval_pipeline.actions.open_requests import end_closed_requests
from eval_pipeline.actions.settling import reconcile
from eval_pipeline.core.audit import Finding, verify_chain
from eval_pipeline.core.models import PromptEvent
from eval_pipeline.core.moves import AuditRecord, RecordStatus
from eval_pipeline.core.people import Deed, Person, refuse_unless
from eval_pipeline.store.aliases import list_prompts
from eval_pipeline.store.audit import read_records, read_stored
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import find_ledger

STEADY_READS = 5
"""How often to read again because somebody acted meanwhile."""


def audit_log(store: Store) -> list[AuditRecord]:
    """Every record, oldest first.

    Raises:
        StoreError: the log can't be read. A store without a log has no records.
    """
    return read_records(find_ledger(store))


def explain_no_record(records: Sequence[AuditRecord], prompt_name: str | None, alias: str | None) -> str:
    """Why none of the records is of this prompt and this alias (`None`: of any), and what there is instead."""
    of_prompt = [each for each in records if prompt_name in (None, each.prompt_name)]
    if prompt_name is not None and not of_prompt:
        known = sorted({each.prompt_name for each in records})
        return f"The audit log has no record of a prompt {prompt_name!r}: {nearest(prompt_name, known, '')}"
    whose = "" if prompt_name is None else f" of {prompt_name}"
    known = sorted({each.alias for each in of_prompt})
    return f"The audit log has no record of an alias {alias!r}{whose}: {nearest(alias or '', known, '')}"


def verify_audit(store: Store) -> list[Finding]:
    """What is wrong with the log: edited, removed or reordered records, unfinished ones, and drift."""
    ledger = find_ledger(store)
    if ledger is None:
        return []
    state = ledger.read()
    for _ in range(STEADY_READS):
        stored, records, prompts = (
            read_stored(ledger, with_content=True),
            read_records(ledger, state),
            list_prompts(store),
        )
        before, state = state, ledger.read()
        if before == state:
            break
    findings = verify_chain(state.entries, state.ends, stored, state.damaged)
    return findings + find_drift(records, prompts)


def find_drift(records: Sequence[AuditRecord], prompts: dict[str, dict[str, int]]) -> list[Finding]:
    """Aliases that point where no record put them: someone moved them outside the tool."""
    last: dict[tuple[str, str], AuditRecord] = {}
    unfinished = set()
    for record in records:
        if record.status is RecordStatus.FINISHED:
            last[record.prompt_name, record.alias] = record
        elif record.status is RecordStatus.RUNNING:
            unfinished.add((record.prompt_name, record.alias))
    findings = []
    for (name, alias), record in sorted(last.items()):
        live = prompts.get(name, {}).get(alias)
        if live != record.to_version and (name, alias) not in unfinished:
            now = "does not exist" if live is None else f"points at v{live}"
            text = f"{name}@{alias} {now}, but its last record put it at v{record.to_version}: moved outside the tool"
            findings.append(Finding("drift", record.sequence, record.id, text))
    return findings


def reconcile_audit(store: Store, now: datetime, *, actor: Person) -> list[str]:
    """Settle every record that a stopped process left open, end the requests of no more use; what was done, in words.

    Raises:
        RefusedError: the actor's role is not enough.
        StoreError: the store failed.
    """
    refuse_unless(actor, Deed.RECONCILE)
    return reconcile(find_ledger(store), now) + end_closed_requests(store, now)


def audit_events(records: Sequence[AuditRecord]) -> list[PromptEvent]:
    """Promotions and rollbacks that happened, for marks on charts; oldest first."""
    return [
        PromptEvent(
            timestamp=record.timestamp,
            action=record.action.value,
            prompt_name=record.prompt_name,
            from_version=None if record.from_version is None else f"v{record.from_version}",
            to_version=f"v{record.to_version}",
            actor=record.actor,
            alias=record.alias,
        )
        for record in records
        if record.status is RecordStatus.FINISHED
    ]
