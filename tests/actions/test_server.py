"""Promote, roll back and verify through a real `mlflow server`."""

from __future__ import annotations

import uuid

import pytest

from eval_pipeline.actions.auditing import verify_audit
from eval_pipeline.errors import UsageError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import Stage, furnish, now
from tests.actions.test_promote import HOSTILE
from tests.builder import StoreBuilder
from tests.conftest import Server


@pytest.mark.server
def test_a_story_through_a_server_ends_in_a_log_that_verifies(
    mlflow_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"persona-{uuid.uuid4().hex[:8]}"
    builder = StoreBuilder(mlflow_server.uri, f"story-{uuid.uuid4().hex[:8]}")
    furnish(builder, name)
    store = Store(mlflow_server.uri, Settings.model_validate({"base_experiment": builder.base}))
    stage = Stage(store, builder, builder.path, name)
    blocked = builder.log_run("security", 0.1, started=now(), prompts={name: "v4"})
    first = stage.promote()
    refused = stage.promote(4)
    forced = stage.promote(4, force=True, reason=HOSTILE)
    back, again = stage.roll_back(), stage.roll_back()
    assert (first.promoted, refused.promoted, forced.forced, stage.live()) == (True, False, True, 1)
    assert [check.run_id for check in refused.gate.checks if check.blocks] == [blocked]
    assert stage.said() == [(1, 2, "FINISHED"), (2, 4, "FINISHED"), (4, 2, "FINISHED"), (2, 1, "FINISHED")]
    assert stage.log() == [first.record, forced.record, back, again]
    assert first.record is not None
    assert [f"audit.record.{first.record.id}" in stage.tags(run_id) for run_id in stage.evidence(2)] == [True, True]
    assert verify_audit(store) == []
    assert capsys.readouterr().out == ""  # it would spoil the JSON of a command
    stage.client.delete_prompt_version(name, "3")
    with pytest.raises(UsageError, match=f"{name} has no v3: known are v1, v2, v4"):
        stage.promote(3)
    stage.client.set_tag(back.id, "audit.reason", "")
    assert [(finding.kind, finding.sequence) for finding in verify_audit(store)] == [("edited", 3)]
