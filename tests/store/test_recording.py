"""An eval run, written by us and read back through MLflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from eval_pipeline.core.suites import CASE_COLUMNS, CaseResult, score_cases
from eval_pipeline.store.recording import ensure_experiment, record_eval_run
from eval_pipeline.store.registering import register_prompt_version
from tests.builder import StoreBuilder

STARTED = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
CASES = (
    CaseResult("a", "g", 1, True, 1.0, None, "hi", "hello", "hello", 1.5),
    CaseResult("b", None, 1, False, 0.5, None, ["hi", "bye"], None, "ünd {}", 2.0),
    CaseResult("c", "g", 1, None, None, "ValueError: no", "x", "y", None, 0.1),
)


def record(store: StoreBuilder, cases: tuple[CaseResult, ...] = CASES, planned: int | None = None) -> str:
    outcome = score_cases(cases, planned)
    return record_eval_run(
        store.client,
        "my-assistant-eval-tone",
        outcome,
        prompts={"persona": "v3", "memory": "v1"},
        threshold=0.85,
        dataset_version="2",
        context={"assistant_model": "m"},
        started=STARTED,
        ended=STARTED + timedelta(seconds=90),
        status="FINISHED" if cases else "FAILED",
        tags={"why": "test"},
        run_name="nightly",
    )


@pytest.fixture
def store(store_builder: StoreBuilder, tmp_path: object) -> StoreBuilder:
    """An empty store whose artifacts stay in the test's folder."""
    ensure_experiment(store_builder.client, "my-assistant-eval-tone", f"file://{tmp_path}/artifacts")
    return store_builder


def test_a_run_holds_its_numbers_params_tags_and_past_times(store: StoreBuilder) -> None:
    run = store.client.get_run(record(store))
    assert run.data.metrics == {
        "pass_rate": 0.5,
        "average_score": 0.75,
        "total_cases": 3.0,
        "passed_cases": 1.0,
        "failed_cases": 1.0,
        "error_cases": 1.0,
    }
    assert run.data.params == {
        "prompt.persona": "v3",
        "prompt.memory": "v1",
        "pass_rate_threshold": "0.85",
        "dataset_version": "2",
        "assistant_model": "m",
    }
    assert (run.data.tags["why"], run.info.run_name, run.info.status) == ("test", "nightly", "FINISHED")
    assert run.info.start_time == int(STARTED.timestamp() * 1000)
    assert run.info.end_time == run.info.start_time + 90_000
    assert store.client.get_metric_history(run.info.run_id, "pass_rate")[0].timestamp == run.info.end_time


def test_mlflow_reads_the_cases_as_its_own_kind_of_table(store: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)  # `load_table` searches there, whatever store its client has
    run_id = record(store)
    experiment = store.client.get_run(run_id).info.experiment_id
    table = store.client.load_table(experiment, "cases.json", run_ids=[run_id])
    assert tuple(table.columns) == CASE_COLUMNS
    assert table["case_id"].tolist() == ["a", "b", "c"]
    assert table["input"].tolist() == ["hi", ["hi", "bye"], "x"]
    assert table["output"].tolist()[:2] == ["hello", "ünd {}"]
    assert [value for value in table["passed"] if pd.notna(value)] == [True, False]
    assert pd.isna(table["score"].iloc[2])


def test_a_missing_pass_rate_is_not_logged_as_zero(store: StoreBuilder) -> None:
    run = store.client.get_run(record(store, (), planned=20))
    assert run.info.status == "FAILED"
    assert run.data.metrics == {"total_cases": 20.0, "passed_cases": 0.0, "failed_cases": 0.0, "error_cases": 20.0}
    assert store.client.list_artifacts(run.info.run_id) == []


def test_an_experiment_is_made_once(store_builder: StoreBuilder) -> None:
    made = ensure_experiment(store_builder.client, "new")
    assert ensure_experiment(store_builder.client, "new") == made


def test_prompt_versions_count_up_and_keep_text_and_message(store_builder: StoreBuilder) -> None:
    client = store_builder.client
    versions = [register_prompt_version(client, "persona", text, f"about {text}") for text in ("one", "two")]
    second = client.get_prompt_version("persona", 2)
    assert versions == [1, 2]
    assert (second.template, second.commit_message) == ("two", "about two")
