"""The audit log's form: what a record says, how records are chained, and how a break in the chain is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_pipeline.core.models import AuditRecord, RecordStatus

GENESIS = "0" * 64
"""What stands before the first record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record's place in the ledger. The text of the one before it is hashed into it, so none can be changed later."""

    sequence: int
    record_id: str
    action: str
    prompt_name: str
    alias: str
    from_version: int | None
    to_version: int
    content_hash: str
    """Of the record's canonical content."""
    previous_hash: str
    """Of the text of the entry before."""

    @property
    def text(self) -> str:
        """The entry as the ledger keeps it."""
        return canonical(
            {
                "sequence": self.sequence,
                "record_id": self.record_id,
                "action": self.action,
                "prompt_name": self.prompt_name,
                "alias": self.alias,
                "from_version": self.from_version,
                "to_version": self.to_version,
                "content_hash": self.content_hash,
                "previous_hash": self.previous_hash,
            }
        )

    @property
    def hash(self) -> str:
        """What the next entry carries."""
        return digest(self.text)

    def concerns(self, prompt_name: str, alias: str) -> bool:
        """Whether it is about this alias of this prompt."""
        return (self.prompt_name, self.alias) == (prompt_name, alias)


def read_entry(text: str) -> Entry | None:
    """The entry that a ledger text is; `None` if it is none."""
    try:
        return Entry(**json.loads(text))
    except (ValueError, TypeError):
        return None


def canonical(value: Mapping[str, Any]) -> str:
    """JSON with one form for one value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the log that should not be."""

    kind: str
    """`edited`, `removed`, `reordered`, `unknown`, `unfinished`, `unreadable` or `drift`."""
    sequence: int | None
    record_id: str | None
    text: str

    @property
    def breaks_chain(self) -> bool:
        """Whether the log itself was tampered with, rather than left unfinished or gone around."""
        return self.kind not in {"unfinished", "drift"}


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it was found: the text of its `record.json`, and what its tags say."""

    record_id: str
    content: str | None
    """`None` if the artifact can't be read."""
    tags: Mapping[str, str]
    status: str
    """Of the MLflow run."""


def verify_chain(
    ledger: Mapping[int, str], ends: Mapping[int, RecordStatus], stored: Mapping[str, StoredRecord]
) -> list[Finding]:
    """What is wrong with the chain. `ledger` and `ends` are by sequence, `stored` by record id."""
    findings: list[Finding] = []
    previous, known = GENESIS, set()
    for sequence in range(1, max(ledger, default=0) + 1):
        entry = read_entry(ledger[sequence]) if sequence in ledger else None
        if entry is None:
            kind, what = ("edited", "can't be read") if sequence in ledger else ("removed", "is missing")
            findings.append(Finding(kind, sequence, None, f"entry {sequence} of the ledger {what}"))
            previous = digest(ledger.get(sequence, ""))
            continue
        known.add(entry.record_id)
        if entry.sequence != sequence:
            findings.append(_about("reordered", entry, f"stands at {sequence} and says {entry.sequence}"))
        elif entry.previous_hash != previous:
            findings.append(_about("reordered", entry, "does not follow on the entry before it"))
        findings += _verify_record(entry, stored.get(entry.record_id), ends.get(sequence))
        previous = entry.hash
    for record_id in sorted(stored.keys() - known):
        if stored[record_id].status == RecordStatus.FINISHED:
            text = f"record {record_id} is finished, and the ledger does not know it"
            findings.append(Finding("unknown", None, record_id, text))
        elif stored[record_id].status == RecordStatus.RUNNING:
            findings.append(
                Finding("unfinished", None, record_id, f"record {record_id} was begun and never claimed a place")
            )
    return findings


def _verify_record(entry: Entry, record: StoredRecord | None, end: RecordStatus | None) -> list[Finding]:
    if record is None:
        return [_about("removed", entry, "has been removed")]
    if record.content is None:
        return [_about("unreadable", entry, "can't be read from here: its record.json is missing or out of reach")]
    if digest(record.content) != entry.content_hash:
        return [_about("edited", entry, "was edited: its record.json is not what was signed")]
    changed = [name for name, value in tags_of(json.loads(record.content)).items() if record.tags.get(name) != value]
    if changed:
        return [_about("edited", entry, f"was edited: {', '.join(sorted(changed))} is not what was signed")]
    if end is None:
        return [_about("unfinished", entry, "is unfinished: run `eval-pipeline audit reconcile`")]
    if record.status not in {end.value, RecordStatus.RUNNING.value}:
        return [_about("edited", entry, f"was edited: it ended as {end.value} and says {record.status}")]
    if record.status == RecordStatus.RUNNING:
        return [_about("unfinished", entry, "has ended and still says RUNNING: run `eval-pipeline audit reconcile`")]
    return []


def _about(kind: str, entry: Entry, what: str) -> Finding:
    where = f"{entry.action} of {entry.prompt_name}@{entry.alias}"
    return Finding(kind, entry.sequence, entry.record_id, f"record {entry.sequence} ({where}) {what}")


TAG_LENGTH = 1_000
"""A longer text is cut in tags; `record.json` has it whole."""
FIELDS = ("action", "prompt_name", "alias", "from_version", "to_version", "timestamp", "actor", "reason", "forced")


def tags_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The tags that repeat a record's fields, for people who look in MLflow, and for reading many at once."""
    return {f"audit.{name}": tag_text(content[name]) for name in FIELDS}


def tag_text(value: Any) -> str:
    """A value as the text of a tag: what is missing is empty, what is long is cut and ends with `…`."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text.replace("\x00", "\\0")
    return text if len(text) <= TAG_LENGTH else text[: TAG_LENGTH - 1] + "…"


def of_alias(records: Sequence[AuditRecord], prompt_name: str, alias: str) -> list[AuditRecord]:
    """The records of one alias, in their order."""
    return [each for each in records if (each.prompt_name, each.alias) == (prompt_name, alias)]
