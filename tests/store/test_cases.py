"""The cases of runs: our own, other tools', and those of MLflow's evaluation traces; kept on disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import AssessmentSource, Feedback

from eval_pipeline.core.suites import CaseResult, case_table
from eval_pipeline.errors import StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store import cases as kept
from eval_pipeline.store.cases import read_run_cases
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import mirror_folder
from tests.builder import StoreBuilder
from tests.logging_cases import case, log_cases

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")  # MLflow's own, as it begins a trace

CASES = (
    case("a", True, group="g", tags=("x", "y")),
    case("b", False, repeat=2, input=["hi", "bye"], expected=None),
    case("c", None),
)
CODE = AssessmentSource(source_type="CODE", source_id="exact")


def kept_file(store: Store, run_id: str) -> Path:
    return mirror_folder(store) / "cases" / f"{run_id}.json"


def artifacts(builder: StoreBuilder, run_id: str) -> Path:
    return Path(builder.client.get_run(run_id).info.artifact_uri.removeprefix("file://"))


def test_the_cases_of_our_own_runs_are_read_as_they_were_logged(store: Store, store_builder: StoreBuilder) -> None:
    run_id = log_cases(store_builder, CASES)
    assert read_run_cases(store, run_id) == CASES


def test_a_run_without_cases_and_one_that_is_not_there_have_none(store: Store, store_builder: StoreBuilder) -> None:
    run_id = store_builder.log_run("tone", 0.9)
    store_builder.client.log_text(run_id, "hello", "notes.txt")
    assert read_run_cases(store, run_id) is None
    assert read_run_cases(store, "0" * 32) is None
    assert read_run_cases(store, "../../etc/passwd") is None


def test_a_default_store_that_is_not_there_has_none_and_is_not_made(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/none.db", Settings(), named=False)
    assert read_run_cases(store, "0" * 32) is None
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[]",
        "null",
        '{"columns": ["question", "answer"], "data": [["q", "a"]]}',
        '{"columns": ["case_id"], "data": [["a"]]}',
        json.dumps(case_table([case("a")])).replace('"a"', "7"),
        json.dumps(case_table([case("a")])).replace("true", '"yes"'),
        json.dumps(case_table([case("a")]))[:-20],
        "[" * 100_000,
    ],
)
def test_a_table_of_another_layout_is_no_table_of_cases(
    content: str, store: Store, store_builder: StoreBuilder
) -> None:
    run_id = store_builder.log_run("tone", 0.9)
    store_builder.client.log_text(run_id, content, "cases.json")
    assert read_run_cases(store, run_id) is None


def test_a_table_that_another_tool_logged_in_our_layout_is_read_with_half_characters_mended(
    store: Store, store_builder: StoreBuilder
) -> None:
    run_id = store_builder.log_run("tone", 0.9)
    table = case_table([case("a", output="\ud83d half", score=float("nan")), case("b", output="\ud83d\ude00")])
    store_builder.client.log_text(run_id, json.dumps({**table, "more": 1}), "cases.json")
    first, second = read_run_cases(store, run_id) or ()
    assert (first.output, first.score) == ("\N{REPLACEMENT CHARACTER} half", None)
    assert second.output == "\N{GRINNING FACE}"


def test_cases_of_ended_runs_are_kept_and_outlive_their_artifacts(store: Store, store_builder: StoreBuilder) -> None:
    run_id = log_cases(store_builder, CASES)
    read_run_cases(store, run_id)
    shutil.rmtree(artifacts(store_builder, run_id))
    assert read_run_cases(store, run_id) == CASES


def test_cases_of_a_run_that_goes_on_are_not_kept(store: Store, store_builder: StoreBuilder) -> None:
    run_id = store_builder.log_run("tone", None, status="RUNNING")
    store_builder.client.log_text(run_id, json.dumps(case_table(CASES[:1])), "cases.json")
    assert read_run_cases(store, run_id) == CASES[:1]
    assert not kept_file(store, run_id).exists()
    store_builder.client.log_text(run_id, json.dumps(case_table(CASES)), "cases.json")
    assert read_run_cases(store, run_id) == CASES


def test_nothing_is_kept_if_that_is_not_wanted(
    store_builder: StoreBuilder, settings_with: Callable[..., Settings]
) -> None:
    run_id = log_cases(store_builder, CASES)
    without = Store(store_builder.uri, settings_with(mirror={"enabled": False}))
    assert read_run_cases(without, run_id) == CASES
    usual = Store(store_builder.uri, settings_with())
    assert read_run_cases(usual, run_id, keep=False) == CASES
    assert not kept_file(usual, run_id).exists()


@pytest.mark.parametrize("damage", [lambda _: b"", lambda whole: whole[:-9], lambda whole: whole.replace(b"go", b"Go")])
def test_a_kept_file_that_is_not_as_it_was_written_is_read_again(
    damage: Callable[[bytes], bytes], store: Store, store_builder: StoreBuilder
) -> None:
    run_id = log_cases(store_builder, CASES)
    read_run_cases(store, run_id)
    path = kept_file(store, run_id)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert read_run_cases(store, run_id) == CASES
    assert path.read_bytes() == whole


def test_many_readers_at_once_all_get_the_whole(store: Store, store_builder: StoreBuilder) -> None:
    run_ids = [log_cases(store_builder, CASES, hour=hour) for hour in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda run_id: read_run_cases(store, run_id), run_ids * 8))
    assert found == [CASES] * 32
    assert {path.name for path in kept_file(store, "x").parent.iterdir()} == {f"{run_id}.json" for run_id in run_ids}


def test_a_disk_that_takes_nothing_costs_only_time(store: Store, store_builder: StoreBuilder) -> None:
    run_id = log_cases(store_builder, CASES)
    kept_file(store, run_id).parent.parent.mkdir(parents=True)
    kept_file(store, run_id).parent.write_text("a file where the folder should be")
    assert read_run_cases(store, run_id) == CASES


def test_what_was_looked_at_longest_ago_makes_room(
    store: Store, store_builder: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_ids = [log_cases(store_builder, CASES, hour=hour) for hour in range(4)]
    read_run_cases(store, run_ids[0])
    size = kept_file(store, run_ids[0]).stat().st_size
    monkeypatch.setattr(kept, "MOST_BYTES", 3 * size)
    for age, run_id in enumerate(run_ids[:3]):
        read_run_cases(store, run_id)
        os.utime(kept_file(store, run_id), (1_000 - age, 1_000 - age))
    left_over = kept_file(store, "x").with_suffix(".tmp")
    left_over.write_bytes(b"of a writer that was killed")
    os.utime(left_over, (5, 5))
    read_run_cases(store, run_ids[2])  # looked at just now
    read_run_cases(store, run_ids[3])
    there = {path.name.removesuffix(".json") for path in left_over.parent.iterdir()}
    assert there == {run_ids[0], run_ids[2], run_ids[3]}


def test_cases_too_large_to_keep_are_read_all_the_same(
    store: Store, store_builder: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    run_id = log_cases(store_builder, CASES)
    assert read_run_cases(store, run_id) == CASES
    assert not kept_file(store, run_id).exists()


def test_artifacts_out_of_reach_are_an_outage_and_not_a_run_without_cases(
    store: Store, store_builder: StoreBuilder, tmp_path: Path
) -> None:
    run_id = log_cases(store_builder, CASES)
    away = artifacts(store_builder, run_id).parent.rename(tmp_path / "away")
    with pytest.raises(StoreError, match=r"cases\.json"):
        read_run_cases(store, run_id)
    away.rename(artifacts(store_builder, run_id).parent)
    assert read_run_cases(store, run_id) == CASES


def test_a_store_out_of_reach_is_an_outage(
    store: Store, store_builder: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = log_cases(store_builder, CASES)

    def refuse(*_: object) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(store.client, "get_run", refuse)
    with pytest.raises(StoreError, match="refused"):
        read_run_cases(store, run_id)


def trace(builder: StoreBuilder, run_id: str, asked: str, answer: str | None, **feedback: object) -> str:
    """A trace of a run as an evaluation leaves it: what was asked and answered, and what scorers found."""
    client, experiment = builder.client, builder.client.get_run(run_id).info.experiment_id
    root = client.start_trace("predict", inputs={"question": asked}, experiment_id=experiment, run_id=run_id)
    status = "ERROR" if answer is None else "OK"
    client.end_trace(root.trace_id, outputs=answer, status=status)
    metadata = {"mlflow.assessment.sourceRunId": run_id}
    for name, value in feedback.items():
        mlflow.log_assessment(root.trace_id, judged(name, value, metadata))
    return str(root.trace_id)


def judged(name: str, value: object, metadata: dict[str, str] | None) -> Feedback:
    if isinstance(value, Exception):
        return Feedback(name=name, error=value, source=CODE, metadata=metadata)
    return Feedback(name=name, value=value, source=CODE, metadata=metadata, rationale=f"so says {name}")


@pytest.fixture
def traced(store_builder: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreBuilder]:
    """The store, also for what of MLflow's tracing asks the process for it."""
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")
    mlflow.set_tracking_uri(store_builder.uri)
    yield store_builder
    mlflow.set_tracking_uri(None)


def shown(found: tuple[CaseResult, ...] | None) -> list[tuple[object, ...]]:
    return [(each.input, each.output, each.passed, each.score, each.error, each.reason) for each in found or ()]


def test_mlflows_evaluation_traces_tell_the_cases_of_a_run(store: Store, traced: StoreBuilder) -> None:
    run_id = traced.log_run("tone", 0.5, status="RUNNING")
    trace(traced, run_id, "a", "A", exact=True, kind="yes", length=7)
    trace(traced, run_id, "b", "B", exact=False, kind="Pass")
    trace(traced, run_id, "c", None, exact=False)
    trace(traced, run_id, "d", "D", exact=True, kind=ValueError("no judge"))
    trace(traced, run_id, "e", "E", length=7)
    traced.end_run(run_id)
    assert shown(read_run_cases(store, run_id)) == [
        ("a", "A", True, 1.0, None, None),
        ("b", "B", False, 0.5, None, "exact: so says exact"),
        ("c", None, None, None, "the call that was evaluated raised an error: see its trace", None),
        ("d", "D", None, None, "kind could not be judged: no judge", None),
        ("e", "E", None, None, "no feedback says whether it passed", None),
    ]


def test_the_same_input_is_the_same_case_in_another_run_and_a_repeat_in_the_same(
    store: Store, traced: StoreBuilder
) -> None:
    first, second = (traced.log_run("tone", 0.5, status="RUNNING") for _ in range(2))
    for asked in ("a", "b", "a"):
        trace(traced, first, asked, "A", exact=True)
    trace(traced, second, "b", "B", exact=False)
    before, after = read_run_cases(store, first) or (), read_run_cases(store, second) or ()
    assert [(each.input, each.repeat) for each in before] == [("a", 1), ("b", 1), ("a", 2)]
    assert before[0].case_id == before[2].case_id != before[1].case_id == after[0].case_id


def test_what_another_run_or_a_person_said_of_a_trace_does_not_count(store: Store, traced: StoreBuilder) -> None:
    run_id = traced.log_run("tone", 0.5, status="RUNNING")
    trace_id = trace(traced, run_id, "a", "A", exact=True)
    mlflow.log_assessment(trace_id, judged("exact", False, {"mlflow.assessment.sourceRunId": "1" * 32}))
    mlflow.log_assessment(trace_id, judged("person", False, None))
    [only] = read_run_cases(store, run_id) or ()
    assert only.passed is True


def test_feedback_that_names_no_run_counts_where_no_other_does_and_is_read_anew(
    store: Store, traced: StoreBuilder
) -> None:
    run_id = traced.log_run("tone", 0.5, status="RUNNING")
    trace_id = trace(traced, run_id, "a", "A")
    traced.end_run(run_id)
    assert read_run_cases(store, run_id) is None
    mlflow.log_assessment(trace_id, judged("person", "no", None))
    [only] = read_run_cases(store, run_id) or ()
    assert (only.passed, only.reason) == (False, "person: so says person")


def test_a_run_with_more_traces_than_an_evaluation_has_is_an_application(
    store: Store, traced: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = traced.log_run("tone", 0.5, status="RUNNING")
    for asked in ("a", "b", "c"):
        trace(traced, run_id, asked, "A", exact=True)
    monkeypatch.setattr("eval_pipeline.store.trace_cases.PAGE", 1)
    assert len(read_run_cases(store, run_id) or ()) == 3
    monkeypatch.setattr("eval_pipeline.store.trace_cases.MOST_TRACES", 2)
    assert read_run_cases(store, run_id) is None
