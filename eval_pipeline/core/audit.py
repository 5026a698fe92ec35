"""The audit log's form: what a record says, how records are chained, and how a break in the chain is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_pipeline.core.moves import Action, AuditRecord, RecordStatus

GENESIS = "0" * 64
"""What stands before the first record."""
SEQUENCE_TAG, HASH_TAG, CHAIN_TAG = "audit.sequence", "audit.content_hash", "audit.chain_hash"
RUNS_TAG, OVERRIDDEN_TAG = "audit.justifying_run_ids", "audit.overridden"
REQUEST_TAG = "audit.request"
NONE = "-"
ENTRY_TYPES: Mapping[str, type] = {
    "sequence": int,
    "record_id": str,
    "action": str,
    "prompt_name": str,
    "alias": str,
    "to_version": int,
    "content_hash": str,
    "previous_hash": str,
}
"""Of an entry's fields; `from_version` may also be missing."""


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
        entry = Entry(**json.loads(text))
        Action(entry.action)
    except (ValueError, TypeError):
        return None
    sound = all(type(getattr(entry, name)) is wanted for name, wanted in ENTRY_TYPES.items())
    return entry if sound and type(entry.from_version) in {int, type(None)} else None


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
    ledger: Mapping[int, str],
    ends: Mapping[int, RecordStatus],
    stored: Mapping[str, StoredRecord],
    damaged: Collection[int] = (),
) -> list[Finding]:
    """What is wrong with the chain. `ledger`, `ends` and `damaged` (ends that can't be read) are by sequence, `stored`
    by record id.
    """
    findings: list[Finding] = []
    previous, known = GENESIS, set()
    for sequence in range(1, max([0, *ledger, *ends, *damaged]) + 1):
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
        if sequence in damaged:
            findings.append(_about("edited", entry, "was edited: the ledger does not say how it ended"))
        else:
            findings += _verify_record(entry, stored.get(entry.record_id), ends.get(sequence))
        previous = entry.hash
    for record_id in sorted(stored.keys() - known):
        if stored[record_id].status == RecordStatus.FINISHED or SEQUENCE_TAG in stored[record_id].tags:
            text = f"record {record_id} says that it had a place in the log, and the ledger does not know it"
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
    content: dict[str, Any] = json.loads(record.content)
    if any(content[name] != getattr(entry, name) for name in PLACED_FIELDS) or content["id"] != entry.record_id:
        return [_about("edited", entry, "was edited: the ledger does not say what was signed")]
    placed = {} if end is None else place_tags(entry)
    changed = [name for name, value in {**record_tags(content), **placed}.items() if record.tags.get(name) != value]
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


LINE_LENGTH = 8_000
"""The longest tag that MLflow keeps whole."""
TAG_LENGTH = 1_000
"""A longer text is cut in tags; `record.json` has it whole."""
FIELDS = ("action", "prompt_name", "alias", "from_version", "to_version", "timestamp", "actor", "reason", "forced")
PLACED_FIELDS = ("action", "prompt_name", "alias", "from_version", "to_version")
"""Those that the ledger repeats."""


def tags_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The tags that repeat a record's fields, for people who look in MLflow, and for reading many at once."""
    return {f"audit.{name}": tag_text(content[name]) for name in FIELDS}


def record_tags(content: Mapping[str, Any]) -> dict[str, str]:
    """Every tag that a record has from its content."""
    runs, overridden = content["justifying_run_ids"], content["overridden"]
    request = content.get("request")
    return {
        **tags_of(content),
        **({REQUEST_TAG: tag_text(canonical(request))} if request else {}),
        HASH_TAG: digest(canonical(content)),
        RUNS_TAG: tag_text(",".join(runs)) if runs else NONE,
        OVERRIDDEN_TAG: tag_text("\n".join(" ".join(each.splitlines()) for each in overridden)),
    }


def place_tags(entry: Entry) -> dict[str, str]:
    """The tags that a record has from the place it claimed."""
    return {SEQUENCE_TAG: str(entry.sequence), CHAIN_TAG: entry.hash}


def record_line(content: Mapping[str, Any]) -> str:
    """A record as one JSON line, short enough for a tag whatever its texts hold."""
    line = canonical({name: tag_text(content[name]) for name in FIELDS})
    if len(line) <= LINE_LENGTH:
        return line
    return canonical({name: tag_text(content[name], TAG_LENGTH // 10) for name in FIELDS})


def tag_text(value: Any, length: int = TAG_LENGTH) -> str:
    """A value as the text of a tag: what is missing is empty, what is long is cut and ends with `…`, NUL is `\\0`."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text.replace("\x00", "\\0")
    return text if len(text) <= length else text[: length - 1] + "…"


def of_alias(records: Sequence[AuditRecord], prompt_name: str, alias: str) -> list[AuditRecord]:
    """The records of one alias, in their order."""
    return [each for each in records if (each.prompt_name, each.alias) == (prompt_name, alias)]
