"""The chain of audit records: an untouched one verifies, and whatever is changed in it is found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.audit import (
    CHAIN_TAG,
    GENESIS,
    LINE_LENGTH,
    TAG_LENGTH,
    Entry,
    Finding,
    StoredRecord,
    canonical,
    digest,
    place_tags,
    read_entry,
    record_line,
    record_tags,
    tag_text,
    verify_chain,
)
from eval_pipeline.core.moves import RecordStatus

FINISHED, FAILED, RUNNING = RecordStatus.FINISHED, RecordStatus.FAILED, RecordStatus.RUNNING


def content(number: int, reason: str = "better", forced: bool = False) -> dict[str, Any]:
    return {
        "id": f"record-{number}",
        "action": "promote" if number % 2 else "rollback",
        "prompt_name": "persona",
        "alias": "production",
        "from_version": number if number > 1 else None,
        "to_version": number + 1,
        "timestamp": f"2026-03-0{number}T09:00:00+00:00",
        "actor": "ada",
        "reason": reason,
        "forced": forced,
        "justifying_run_ids": ["run-1", "run-2"] if number % 2 else [],
        "overridden": ["tone: below its threshold"] if forced else [],
        "source_alias": None,
        "gate": None,
    }


@dataclass
class Log:
    """A ledger and its records, as they would be read."""

    ledger: dict[int, str] = field(default_factory=dict)
    ends: dict[int, RecordStatus] = field(default_factory=dict)
    stored: dict[str, StoredRecord] = field(default_factory=dict)

    def add(self, content: dict[str, Any], end: RecordStatus | None) -> None:
        sequence = len(self.ledger) + 1
        fields = {name: content[name] for name in ("action", "prompt_name", "alias", "from_version", "to_version")}
        previous = digest(self.ledger[sequence - 1]) if sequence > 1 else GENESIS
        text = canonical(content)
        entry = Entry(sequence, content["id"], **fields, content_hash=digest(text), previous_hash=previous)
        self.ledger[sequence] = entry.text
        if end is not None:
            self.ends[sequence] = end
        tags = {**record_tags(content), **place_tags(entry), "mlflow.user": "ada"}
        self.stored[entry.record_id] = StoredRecord(entry.record_id, text, tags, (end or RUNNING).value)

    def findings(self) -> list[Finding]:
        return verify_chain(self.ledger, self.ends, self.stored)

    def change(self, number: int, **values: Any) -> None:
        self.stored[f"record-{number}"] = replace(self.stored[f"record-{number}"], **values)

    def tag(self, number: int, name: str, value: str | None) -> None:
        tags = dict(self.stored[f"record-{number}"].tags)
        tags.pop(name)
        self.change(number, tags=tags if value is None else {**tags, name: value})


def log(*ends: RecordStatus | None) -> Log:
    made = Log()
    for number, end in enumerate(ends or (FINISHED, FAILED, FINISHED), 1):
        made.add(content(number), end)
    return made


def test_an_untouched_log_verifies() -> None:
    assert (Log().findings(), log().findings()) == ([], [])


def edit_content(log: Log) -> None:
    log.change(2, content=canonical(content(2, reason="other")))


def reorder(log: Log) -> None:
    log.ledger[2], log.ledger[3] = log.ledger[3], log.ledger[2]


def rewrite_entry(log: Log) -> None:
    entry = read_entry(log.ledger[3])
    assert entry is not None
    log.ledger[3] = replace(entry, to_version=9).text


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (edit_content, "edited", "record 2 (rollback of persona@production) was edited: its record.json is not what"),
        (lambda log: log.change(2, content=None), "unreadable", "record 2 (rollback of persona@production) can't be"),
        (lambda log: log.tag(2, "audit.reason", "x"), "edited", "was edited: audit.reason is not what was signed"),
        (lambda log: log.tag(1, "audit.justifying_run_ids", "run-9"), "edited", "audit.justifying_run_ids is not what"),
        (lambda log: log.tag(1, CHAIN_TAG, None), "edited", "was edited: audit.chain_hash is not what was signed"),
        (lambda log: log.change(2, status="FINISHED"), "edited", "was edited: it ended as FAILED and says FINISHED"),
        (lambda log: log.stored.pop("record-3"), "removed", "record 3 (promote of persona@production) has been rem"),
        (lambda log: log.ledger.pop(2), "removed", "entry 2 of the ledger is missing"),
        (lambda log: log.ledger.pop(3), "removed", "entry 3 of the ledger is missing"),
        (lambda log: log.ledger.update({2: "{}"}), "edited", "entry 2 of the ledger can't be read"),
        (reorder, "reordered", "record 3 (promote of persona@production) stands at 2 and says 3"),
        (rewrite_entry, "edited", "record 3 (promote of persona@production) was edited: the ledger does not say what"),
    ],
)
def test_what_was_done_to_a_log_is_named(change: Any, kind: str, said: str) -> None:
    changed = log()
    change(changed)
    first = changed.findings()[0]
    assert (first.kind, first.breaks_chain) == (kind, True)
    assert said in first.text


def test_a_record_that_the_ledger_does_not_know_is_named() -> None:
    shortened = log()
    del shortened.ledger[3], shortened.ends[3]
    assert shortened.findings() == [
        Finding(
            "unknown",
            None,
            "record-3",
            "record record-3 says that it had a place in the log, and the ledger does not know it",
        )
    ]


def test_what_was_left_open_is_unfinished_and_does_not_break_the_chain() -> None:
    left = log(FINISHED, None)
    assert [(each.kind, each.sequence, each.breaks_chain) for each in left.findings()] == [("unfinished", 2, False)]
    ended = log(FINISHED, FINISHED)
    ended.change(2, status="RUNNING")
    assert [(each.kind, each.sequence, each.breaks_chain) for each in ended.findings()] == [("unfinished", 2, False)]
    begun = log()
    begun.stored["extra"] = StoredRecord("extra", None, {}, "RUNNING")
    assert [(each.kind, each.record_id, each.breaks_chain) for each in begun.findings()] == [
        ("unfinished", "extra", False)
    ]
    begun.stored["extra"] = StoredRecord("extra", None, {}, "FAILED")
    assert begun.findings() == []


def test_an_end_that_cannot_be_read_is_an_edit() -> None:
    made = log()
    del made.ends[2]
    assert [(each.kind, each.sequence) for each in verify_chain(made.ledger, made.ends, made.stored, {2})] == [
        ("edited", 2)
    ]


CHANGES = st.sampled_from(["content", "tag", "tag removed", "status", "removed", "entry", "entry removed", "reordered"])


@given(st.lists(st.sampled_from([FINISHED, FAILED]), min_size=1, max_size=5), CHANGES, st.data())
def test_whatever_is_changed_is_found(ends: list[RecordStatus], change: str, data: st.DataObject) -> None:
    made = log(*ends)
    number = data.draw(st.integers(1, len(ends)))
    record = made.stored[f"record-{number}"]
    ours = sorted(name for name in record.tags if name.startswith("audit."))
    text = st.text(st.characters(codec="utf-8"), max_size=20)
    if change == "content":
        assert record.content is not None
        made.change(number, content=data.draw(text.filter(lambda new: new != record.content)))
    elif change in {"tag", "tag removed"}:
        name = data.draw(st.sampled_from(ours))
        new = None if change == "tag removed" else data.draw(text.filter(lambda new: new != record.tags[name]))
        made.tag(number, name, new)
    elif change == "status":
        made.change(number, status="FAILED" if record.status == "FINISHED" else "FINISHED")
    elif change == "removed":
        del made.stored[record.record_id]
    elif change == "entry":
        entry = read_entry(made.ledger[number])
        assert entry is not None
        name = data.draw(st.sampled_from(["sequence", "to_version", "from_version", "content_hash", "alias"]))
        value: Any = 77 if name in {"sequence", "to_version", "from_version"} else "other"
        made.ledger[number] = replace(entry, **{name: value}).text
    elif change == "entry removed":
        del made.ledger[number]
    else:
        other = data.draw(st.integers(1, len(ends)))
        if other == number:
            return
        made.ledger[number], made.ledger[other] = made.ledger[other], made.ledger[number]
    assert [finding for finding in made.findings() if finding.breaks_chain]


@given(st.lists(st.sampled_from([FINISHED, FAILED, None]), max_size=6))
def test_whatever_was_not_changed_is_whole(ends: list[RecordStatus | None]) -> None:
    made = Log()
    for number, end in enumerate(ends, 1):
        made.add(content(number), end)
    assert [finding for finding in made.findings() if finding.breaks_chain] == []


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"sequence": 1}', "7", '"x"', "\ud800", canonical({**content(1)})]
)
def test_a_text_that_is_no_entry_is_none(text: str) -> None:
    assert read_entry(text) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("sequence", "1"), ("to_version", None), ("to_version", True), ("from_version", "x"), ("action", "sing")],
)
def test_an_entry_with_a_field_of_the_wrong_kind_is_none(name: str, value: Any) -> None:
    made = log(FINISHED)
    assert read_entry(made.ledger[1]) is not None
    assert read_entry(canonical({**json.loads(made.ledger[1]), name: value})) is None


@given(st.text(max_size=40))
def test_one_value_has_one_text_and_any_text_has_a_hash(text: str) -> None:
    assert canonical({"b": text, "a": 1}) == canonical({"a": 1, "b": text})
    assert len(digest(text)) == 64


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        ("a\x00b", "a\\0b"),
        ("x" * TAG_LENGTH, "x" * TAG_LENGTH),
        ("x" * (TAG_LENGTH + 1), "x" * (TAG_LENGTH - 1) + "…"),
    ],
)
def test_a_tag_says_what_fits(value: Any, shown: str) -> None:
    assert tag_text(value) == shown


@given(st.sampled_from(["\x01", '"', "\\", "x", "🦊", "\n", "\x00"]), st.integers(0, 10_000))
def test_a_record_on_one_line_fits_a_tag_whatever_it_holds(letter: str, length: int) -> None:
    line = record_line({**content(1, reason=letter * length), "actor": letter * length})
    assert len(line) <= LINE_LENGTH
    assert "\n" not in line
