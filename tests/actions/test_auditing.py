"""Reading and checking the audit log of a real store that somebody meddled with."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from eval_pipeline.actions.auditing import audit_events, reconcile_audit, verify_audit
from eval_pipeline.core.audit import Finding
from eval_pipeline.core.models import PromptEvent
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import Stage, furnish_spied, interpose, now
from tests.builder import StoreBuilder
from tests.people import ADA


def tell(builder: StoreBuilder) -> None:
    """A promotion, another one, and its rollback."""
    furnish_spied(builder)
    stage = Stage.of(builder)
    stage.promote(2)
    stage.promote(3, reason="y" * 2_000)
    stage.roll_back()
    assert verify_audit(stage.store) == []


@pytest.fixture
def story(copy_of: Callable[..., StoreBuilder]) -> Stage:
    """A store in which that happened."""
    return Stage.of(copy_of(tell))


def sql(stage: Stage, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(stage.path)) as database:
        assert database.execute(statement, values).rowcount == 1
        database.commit()


def artifact(stage: Stage, record_id: str) -> Path:
    folder = urlsplit(stage.client.get_run(record_id).info.artifact_uri)
    return Path(unquote(folder.path)) / "record.json"


def edit_tag(stage: Stage, record_id: str) -> None:
    stage.client.set_tag(record_id, "audit.actor", "somebody else")


def edit_time(stage: Stage, record_id: str) -> None:
    stage.client.set_tag(record_id, "audit.timestamp", "last week")


def edit_runs(stage: Stage, record_id: str) -> None:
    stage.client.set_tag(record_id, "audit.justifying_run_ids", "another")


def delete_tag(stage: Stage, record_id: str) -> None:
    stage.client.delete_tag(record_id, "audit.reason")


def edit_artifact(stage: Stage, record_id: str) -> None:
    path = artifact(stage, record_id)
    path.write_text(path.read_text().replace("yyy", "zzz"))


def break_artifact(stage: Stage, record_id: str) -> None:
    artifact(stage, record_id).write_bytes(b"\xff{")


def delete_artifact(stage: Stage, record_id: str) -> None:
    artifact(stage, record_id).unlink()


def delete_record(stage: Stage, record_id: str) -> None:
    stage.client.delete_run(record_id)


def restate(stage: Stage, record_id: str) -> None:
    stage.client.set_terminated(record_id, "FAILED")


def edit_entry(stage: Stage, record_id: str) -> None:
    change = "UPDATE params SET value = replace(value, '\"to_version\":3', '\"to_version\":4') WHERE key = 'seq.00002'"
    sql(stage, change)


def garble_entry(stage: Stage, record_id: str) -> None:
    sql(stage, "UPDATE params SET value = '[1, 2' WHERE key = 'seq.00002'")


def delete_entry(stage: Stage, record_id: str) -> None:
    sql(stage, "DELETE FROM params WHERE key = 'seq.00002'")


def edit_end(stage: Stage, record_id: str) -> None:
    sql(stage, "UPDATE params SET value = 'FAILED' WHERE key = 'end.00002'")


def garble_end(stage: Stage, record_id: str) -> None:
    sql(stage, "UPDATE params SET value = 'PERHAPS' WHERE key = 'end.00002'")


@pytest.mark.parametrize(
    ("meddle", "kind", "said"),
    [
        (edit_tag, "edited", "was edited: audit.actor is not what was signed"),
        (edit_time, "edited", "was edited: audit.timestamp is not what was signed"),
        (edit_runs, "edited", "was edited: audit.justifying_run_ids is not what was signed"),
        (delete_tag, "edited", "was edited: audit.reason is not what was signed"),
        (edit_artifact, "edited", "was edited: its record.json is not what was signed"),
        (break_artifact, "unreadable", "can't be read from here: its record.json is missing or out of reach"),
        (delete_artifact, "unreadable", "can't be read from here: its record.json is missing or out of reach"),
        (delete_record, "removed", "has been removed"),
        (restate, "edited", "was edited: it ended as FINISHED and says FAILED"),
        (edit_entry, "edited", "was edited: the ledger does not say what was signed"),
        (garble_entry, "edited", "entry 2 of the ledger can't be read"),
        (delete_entry, "removed", "entry 2 of the ledger is missing"),
        (edit_end, "edited", "was edited: it ended as FAILED and says FINISHED"),
        (garble_end, "edited", "was edited: the ledger does not say how it ended"),
    ],
)
def test_what_was_done_to_a_record_is_named_and_the_log_can_still_be_read_and_added_to(
    story: Stage, meddle: Callable[[Stage, str], None], kind: str, said: str
) -> None:
    meddle(story, story.log()[1].id)
    finding = verify_audit(story.store)[0]
    assert (finding.kind, finding.sequence, finding.breaks_chain) == (kind, 2, True)
    assert finding.text.endswith(said)
    assert len(story.log()) == (2 if meddle in {garble_entry, delete_entry} else 3)
    assert reconcile_audit(story.store, now(), actor=ADA) == []
    assert story.promote(4).promoted


def test_an_edited_record_file_is_not_shown_as_the_truth(story: Stage) -> None:
    record_id = story.log()[1].id
    edit_artifact(story, record_id)
    assert "z" not in story.log()[1].reason


def test_a_removed_record_keeps_its_place_in_the_log(story: Stage) -> None:
    record = story.log()[1]
    delete_record(story, record.id)
    shown = story.log()[1]
    assert (shown.id, shown.from_version, shown.to_version, shown.actor, shown.reason, shown.timestamp) == (
        record.id,
        2,
        3,
        "(record removed)",
        "(record removed)",
        None,
    )


@pytest.mark.parametrize(
    ("moved_to", "now_says"), [(4, "points at v4"), (None, "does not exist")], ids=["elsewhere", "deleted"]
)
def test_an_alias_that_was_moved_outside_the_tool_is_drift(story: Stage, moved_to: int | None, now_says: str) -> None:
    if moved_to is None:
        story.client.delete_prompt_alias("persona", "production")
    else:
        story.client.set_prompt_alias("persona", "production", moved_to)
    last = story.log()[2]
    assert verify_audit(story.store) == [
        Finding(
            "drift",
            3,
            last.id,
            f"persona@production {now_says}, but its last record put it at v2: moved outside the tool",
        )
    ]


def test_a_promotion_while_the_log_is_checked_is_no_false_alarm(story: Stage) -> None:
    acted: list[str] = []

    def act(name: str) -> None:
        if name == "search_runs" and not acted:
            acted.append(name)
            story.promote(4)

    assert verify_audit(interpose(story.again(), act)) == []
    assert verify_audit(interpose(story.again(), after=act)) == []
    assert acted == ["search_runs"]


def test_what_happened_becomes_events_and_what_never_happened_does_not(story: Stage) -> None:
    def fail(name: str) -> None:
        if name == "set_prompt_alias":
            raise ConnectionError("away")

    with pytest.raises(Exception, match="was not moved"):
        story.promote(4, store=interpose(story.again(), fail))
    log = story.log()
    assert [record.status.value for record in log] == ["FINISHED", "FINISHED", "FINISHED", "FAILED"]
    assert audit_events(log) == [
        PromptEvent(record.timestamp, action, "persona", before, after, "ada", alias="production")
        for record, action, before, after in zip(
            log, ["promote", "promote", "rollback"], ["v1", "v2", "v3"], ["v2", "v3", "v2"], strict=False
        )
    ]


def test_each_base_experiment_has_a_log_of_its_own(story: Stage) -> None:
    other = Store(story.store.uri, Settings(base_experiment="other"))
    assert (verify_audit(other), reconcile_audit(other, now(), actor=ADA)) == ([], [])


def test_a_default_store_that_is_not_there_has_an_empty_log_and_is_not_made(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/none.db", Settings(), named=False)
    assert (verify_audit(store), reconcile_audit(store, now(), actor=ADA)) == ([], [])
    assert not (tmp_path / "none.db").exists()
