"""The audit log in MLflow: one run a record in `{base}.audit`, its fields as tags, the whole of it as `record.json`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval_pipeline.core import audit as rules
from eval_pipeline.core.moves import Action, ApprovedRequest, AuditRecord, RecordStatus
from eval_pipeline.errors import NotPermittedError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import LEDGER_TAG, Ledger, LedgerState
from eval_pipeline.store.runs import search_pages

if TYPE_CHECKING:
    from mlflow.entities import Run

ARTIFACT = "record.json"
OWNER_TAG = "audit.owner"
GONE = "RESOURCE_DOES_NOT_EXIST"
REMOVED = "(record removed)"


@dataclass(frozen=True, slots=True)
class Draft:
    """An action that is about to happen."""

    action: Action
    prompt_name: str
    alias: str
    from_version: int | None
    to_version: int
    timestamp: datetime
    actor: str
    reason: str
    forced: bool = False
    justifying_run_ids: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()
    gate: Mapping[str, Any] | None = None
    """The gate as it was, as JSON values."""
    source_alias: str | None = None
    request: ApprovedRequest | None = None

    def content(self, record_id: str) -> dict[str, Any]:
        """The whole record, as `record.json` has it."""
        return {
            "id": record_id,
            "action": self.action.value,
            "prompt_name": self.prompt_name,
            "alias": self.alias,
            "from_version": self.from_version,
            "to_version": self.to_version,
            "timestamp": self.timestamp.isoformat(),
            "actor": self.actor,
            "reason": self.reason,
            "forced": self.forced,
            "justifying_run_ids": list(self.justifying_run_ids),
            "overridden": list(self.overridden),
            "source_alias": self.source_alias,
            "gate": self.gate,
            **({"request": asdict(self.request)} if self.request else {}),
        }

    def finished(self, entry: rules.Entry, outcome: str) -> AuditRecord:
        """The record once its action is done."""
        return AuditRecord(
            id=entry.record_id,
            action=self.action,
            prompt_name=self.prompt_name,
            alias=self.alias,
            from_version=self.from_version,
            to_version=self.to_version,
            timestamp=self.timestamp,
            actor=self.actor,
            reason=self.reason,
            forced=self.forced,
            justifying_run_ids=self.justifying_run_ids,
            status=RecordStatus.FINISHED,
            outcome=outcome,
            overridden=self.overridden,
            sequence=entry.sequence,
            request=self.request,
        )


def write_record(ledger: Ledger, draft: Draft, owner: str) -> tuple[str, str]:
    """Write a record that is about to happen (`RUNNING`); its id and the hash of its content."""
    client = ledger.store.client
    with ledger.store.reached():
        name = f"{draft.action.value} {draft.prompt_name}@{draft.alias} v{draft.to_version}"
        start = round(draft.timestamp.timestamp() * 1000)
        run = client.create_run(ledger.experiment_id, run_name=name, start_time=start, tags={OWNER_TAG: owner})
        record_id: str = run.info.run_id
        content = draft.content(record_id)
        text = rules.canonical(content)
        client.log_text(record_id, text, ARTIFACT)
        _set_tags(ledger.store, record_id, rules.record_tags(content))
    return record_id, rules.digest(text)


def _set_tags(store: Store, run_id: str, tags: Mapping[str, str]) -> None:
    from mlflow.entities import RunTag

    store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def place_record(ledger: Ledger, entry: rules.Entry) -> None:
    """Note on the record the place that it claimed."""
    with ledger.store.reached():
        _set_tags(ledger.store, entry.record_id, rules.place_tags(entry))


def close_record(store: Store, record_id: str, status: RecordStatus) -> None:
    """End the record's run as its ledger entry ended; a record that somebody removed stays as it is."""
    with store.reached():
        if (run := _find_run(store, record_id)) is not None and run.info.lifecycle_stage == "active":
            store.client.set_terminated(record_id, status.value)


def _find_run(store: Store, record_id: str) -> Run | None:
    from mlflow.exceptions import MlflowException

    try:
        return store.client.get_run(record_id)
    except MlflowException as problem:
        if problem.error_code != GONE:
            raise
        return None


def drop_record(store: Store, record_id: str) -> None:
    """Take back a record that never claimed a place; who may not delete runs ends it, and no log shows it."""
    with store.reached():
        store.client.set_terminated(record_id, RecordStatus.FAILED.value)
    with suppress(NotPermittedError), store.reached():
        store.client.delete_run(record_id)


def tag_justifying_run(store: Store, run_id: str, record_id: str, content: Mapping[str, Any]) -> None:
    """Say on a run what it justified: the latest action, and a line for each action that is never overwritten."""
    fields = {key: value for key, value in rules.tags_of(content).items() if key != "audit.forced"}
    with store.reached():
        _set_tags(store, run_id, {**fields, f"audit.record.{record_id}": rules.record_line(content)})


def read_content(store: Store, record_id: str) -> str | None:
    """The text of a record's `record.json`; `None` if it is missing or out of reach."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory(prefix="eval-pipeline-") as folder, store.reached():
        try:
            path = store.client.download_artifacts(record_id, ARTIFACT, folder)
            return Path(path).read_bytes().decode("utf-8", "surrogatepass")
        except (MlflowException, OSError, UnicodeDecodeError):
            return None


def read_stored(ledger: Ledger, *, with_content: bool) -> dict[str, rules.StoredRecord]:
    """Every record in the audit experiment, by id. Contents cost a download each."""
    with ledger.store.reached():
        runs = [run for page in search_pages(ledger.store.client, [ledger.experiment_id]) for run in page]
    return {
        run.info.run_id: rules.StoredRecord(
            run.info.run_id,
            read_content(ledger.store, run.info.run_id) if with_content else None,
            dict(run.data.tags),
            run.info.status,
        )
        for run in runs
        if LEDGER_TAG not in run.data.tags
    }


def read_records(ledger: Ledger | None, state: LedgerState | None = None) -> list[AuditRecord]:
    """The audit log, in its order; records that never claimed a place are not in it.

    Raises:
        StoreError: the log can't be read.
    """
    if ledger is None:
        return []
    state = state or ledger.read()
    with ledger.store.reached():
        found = [run for page in search_pages(ledger.store.client, [ledger.experiment_id]) for run in page]
    runs = {run.info.run_id: run for run in found}
    entries = [entry for sequence in sorted(state.entries) if (entry := state.entry(sequence))]
    return [_record(ledger.store, entry, runs.get(entry.record_id), state) for entry in entries]


@dataclass(frozen=True, slots=True)
class OpenRecord:
    """A record that has not ended: what it says, whose it is, and whether it is still there."""

    record: AuditRecord
    owner: str
    removed: bool


def read_open(ledger: Ledger, state: LedgerState, entry: rules.Entry) -> OpenRecord:
    """The record of an entry that has not ended, also if somebody removed it."""
    with ledger.store.reached():
        run = _find_run(ledger.store, entry.record_id)
    removed = run is None or run.info.lifecycle_stage != "active"
    owner = "" if run is None else run.data.tags.get(OWNER_TAG, "")
    return OpenRecord(_record(ledger.store, entry, run, state), owner, removed)


def _record(store: Store, entry: rules.Entry, run: Run | None, state: LedgerState) -> AuditRecord:
    tags = dict(run.data.tags) if run else {}
    content = _whole(store, entry, tags)
    return AuditRecord(
        id=entry.record_id,
        action=Action(entry.action),
        prompt_name=entry.prompt_name,
        alias=entry.alias,
        from_version=entry.from_version,
        to_version=entry.to_version,
        timestamp=_moment(content["timestamp"]),
        actor=content["actor"],
        reason=content["reason"],
        forced=bool(content["forced"]),
        justifying_run_ids=tuple(content["justifying_run_ids"]),
        status=state.ends.get(entry.sequence, RecordStatus.RUNNING),
        outcome=state.outcomes.get(entry.sequence, ""),
        overridden=tuple(content["overridden"]),
        sequence=entry.sequence,
        request=_request(content.get("request")),
    )


def _request(said: Mapping[str, Any] | None) -> ApprovedRequest | None:
    return ApprovedRequest(said["id"], said["requester"], tuple(said["approvers"])) if said else None


def _whole(store: Store, entry: rules.Entry, tags: Mapping[str, str]) -> dict[str, Any]:
    """The record's fields, from its tags where they hold them whole."""
    names = ("audit.reason", "audit.actor", rules.RUNS_TAG, rules.OVERRIDDEN_TAG)
    cut = tags.get(rules.REQUEST_TAG, "").endswith("…")
    if not tags or (not cut and all(name in tags and not tags[name].endswith("…") for name in names)):
        return _from_tags(tags)
    text = read_content(store, entry.record_id)
    if text is None or rules.digest(text) != entry.content_hash:
        return _from_tags(tags)
    whole: dict[str, Any] = json.loads(text)
    return whole


def _moment(said: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(said or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _from_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    runs = tags.get(rules.RUNS_TAG, rules.NONE)
    return {
        "timestamp": tags.get("audit.timestamp"),
        "actor": tags.get("audit.actor", REMOVED),
        "reason": tags.get("audit.reason", REMOVED),
        "forced": tags.get("audit.forced") == "true",
        "justifying_run_ids": [] if runs == rules.NONE else runs.split(","),
        "overridden": list(filter(None, tags.get(rules.OVERRIDDEN_TAG, "").split("\n"))),
        "request": _read_request(tags.get(rules.REQUEST_TAG)),
    }


def _read_request(said: str | None) -> dict[str, Any] | None:
    """A tag can be edited by anyone; what `record.json` says instead is for `audit verify` to find."""
    try:
        found = json.loads(said or "null")
    except ValueError:
        return None
    whole = isinstance(found, dict) and {"id", "requester", "approvers"} <= found.keys()
    return found if whole and isinstance(found["approvers"], list) else None
