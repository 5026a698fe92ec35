"""What a run in the store becomes: nothing is invented, nothing unusable becomes a number, order does not matter."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.entities import LifecycleStage, Metric, Param, Run, RunData, RunInfo, RunTag

from eval_pipeline.core.models import EvalExperiment, RunStatus, TrendPoint
from eval_pipeline.settings import Settings
from eval_pipeline.store import tables
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import get_trend_points, open_mirror
from tests.builder import LONG_AGO, MINUTE, StoreBuilder

EXPERIMENT = EvalExperiment("tone", "7", "my-assistant-eval-tone", 1)

Points = Callable[..., dict[str, TrendPoint]]


@pytest.fixture
def points(store_builder: StoreBuilder, settings_with: Callable[..., Settings]) -> Points:
    """Reads the points of one eval type by run id, as every face does: `points("tone", default_threshold=0.9)`."""

    def read(eval_type: str = "tone", **settings: Any) -> dict[str, TrendPoint]:
        with open_mirror(Store(store_builder.uri, settings_with(**settings)), throwaway=True) as mirror:
            experiment = next(each for each in mirror.sync() if each.eval_type == eval_type)
            return {point.run_id: point for point in get_trend_points(mirror, experiment)}

    return read


def test_a_run_is_read_whole(store_builder: StoreBuilder, points: Points) -> None:
    run_id = store_builder.log_run(
        "tone",
        0.85,
        prompts={"persona": "v3", "memory": "12"},
        params={"pass_rate_threshold": "0.75", "dataset_version": "4", "judge_model": "j-2", "temperature": "0.2"},
        metrics={"average_score": 0.91, "total_cases": 20, "error_cases": 0, "p50_ms": 120},
        tags={"eval_pipeline.suite_run_id": "suite-1", "team": "blue"},
    )
    assert points() == {
        run_id: TrendPoint(
            run_id=run_id,
            timestamp=LONG_AGO,
            experiment_name="my-assistant-eval-tone",
            eval_type="tone",
            pass_rate=0.85,
            average_score=0.91,
            total_cases=20,
            error_cases=0,
            prompt_versions={"memory": "v12", "persona": "v3"},
            eval_status=RunStatus.COMPLETE,
            threshold=0.75,
            context={"dataset_version": "4", "judge_model": "j-2"},
            ended=LONG_AGO + MINUTE,
            experiment_id=store_builder.experiment("tone"),
            suite_run_id="suite-1",
        )
    }


def test_what_a_run_does_not_say_is_none(store_builder: StoreBuilder, points: Points) -> None:
    run_id = store_builder.log_run("tone", None, status="RUNNING")
    assert points() == {
        run_id: TrendPoint(
            run_id=run_id,
            timestamp=LONG_AGO,
            experiment_name="my-assistant-eval-tone",
            eval_type="tone",
            pass_rate=None,
            average_score=None,
            total_cases=None,
            error_cases=None,
            prompt_versions={},
            eval_status=RunStatus.RUNNING,
            status_reason="not ended",
            experiment_id=store_builder.experiment("tone"),
        )
    }


def test_a_pass_rate_that_is_no_rate_makes_the_run_an_error_with_its_reason(
    store_builder: StoreBuilder, points: Points
) -> None:
    rates = [None, math.nan, math.inf, -math.inf, 1.01, -0.01, 85.0, 0.0, 1.0]
    logged = [store_builder.log_run("tone", rate) for rate in rates]
    found = points()
    assert [(found[run].pass_rate, found[run].eval_status.value, found[run].status_reason) for run in logged] == [
        (None, "error", "no pass rate was logged"),
        (None, "error", "pass_rate is NaN"),
        (None, "error", "pass_rate is infinite"),
        (None, "error", "pass_rate is infinite"),
        (None, "error", "pass_rate is 1.01, outside 0..1"),
        (None, "error", "pass_rate is -0.01, outside 0..1"),
        (None, "error", "pass_rate is 85, outside 0..1"),
        (0.0, "complete", None),
        (1.0, "complete", None),
    ]


def test_a_run_that_ended_badly_or_with_errors_keeps_its_numbers_and_says_why(
    store_builder: StoreBuilder, points: Points
) -> None:
    logged = [
        store_builder.log_run("tone", 0.9, status="FAILED"),
        store_builder.log_run("tone", 0.9, status="KILLED"),
        store_builder.log_run("tone", 0.9, status="RUNNING"),
        store_builder.log_run("tone", 0.9, metrics={"error_cases": 2, "total_cases": 20}),
        store_builder.log_run("tone", 0.9, metrics={"error_cases": 2}),
        store_builder.log_run("tone", 0.9, metrics={"error_cases": math.nan}),
        store_builder.log_run("tone", 0.9, metrics={"error_cases": -1}),
    ]
    found = points()
    assert [(found[run].pass_rate, found[run].eval_status.value, found[run].status_reason) for run in logged] == [
        (0.9, "error", "the run ended as FAILED"),
        (0.9, "error", "the run ended as KILLED"),
        (0.9, "running", "not ended"),
        (0.9, "partial", "2 of 20 cases errored"),
        (0.9, "partial", "2 cases errored"),
        (0.9, "error", "error_cases is NaN"),
        (0.9, "error", "error_cases is -1, no count"),
    ]


def test_other_numbers_that_are_unusable_are_noted_and_left_out(store_builder: StoreBuilder, points: Points) -> None:
    run_id = store_builder.log_run(
        "tone",
        0.9,
        params={"pass_rate_threshold": "eighty"},
        metrics={"average_score": math.inf, "total_cases": 2.5, "error_cases": 0},
    )
    point = points()[run_id]
    assert (point.average_score, point.total_cases, point.threshold, point.eval_status, point.notes) == (
        None,
        None,
        None,
        RunStatus.COMPLETE,
        (
            "average_score is infinite",
            "total_cases is 2.5, no count",
            "pass_rate_threshold is 'eighty', no number",
        ),
    )


def test_names_are_mapped_per_type_then_for_all_types_then_as_ours(store_builder: StoreBuilder, points: Points) -> None:
    metrics = {"tone_rate": 0.7, "any_rate": 0.8, "score.mean": 0.6}
    params = {"n": "40", "errors": "4"}
    tone = store_builder.log_run("tone", 0.9, metrics=metrics, params=params)
    routing = store_builder.log_run("routing", 0.9, metrics=metrics, params=params)
    mapping = {
        "tone": {"pass_rate": "metrics:tone_rate", "total_cases": "params:n"},
        "*": {"pass_rate": "any_rate", "average_score": "score.mean", "error_cases": "params:errors"},
    }

    def numbers(point: TrendPoint) -> tuple[object, ...]:
        return point.pass_rate, point.average_score, point.total_cases, point.error_cases, point.eval_status.value

    assert numbers(points("tone", metrics=mapping)[tone]) == (0.7, 0.6, 40, 4, "partial")
    assert numbers(points("routing", metrics=mapping)[routing]) == (0.8, 0.6, None, 4, "partial")
    assert numbers(points("routing")[routing]) == (0.9, None, None, None, "complete")


def test_a_pass_rate_from_a_param_is_read_or_its_text_is_the_reason(
    store_builder: StoreBuilder, points: Points
) -> None:
    texts = ["0.9", " 0.85 ", "1e-1", "85%", "n/a", "nan", "inf", "1.5", ""]
    logged = [store_builder.log_run("tone", None, params={"rate": text}) for text in texts]
    found = points(metrics={"tone": {"pass_rate": "params:rate"}})
    assert [(found[run].pass_rate, found[run].status_reason) for run in logged] == [
        (0.9, None),
        (0.85, None),
        (0.1, None),
        (None, "params:rate is '85%', no number"),
        (None, "params:rate is 'n/a', no number"),
        (None, "params:rate is NaN"),
        (None, "params:rate is infinite"),
        (None, "params:rate is 1.5, outside 0..1"),
        (None, "params:rate is '', no number"),
    ]


def test_prompt_versions_read_alike_however_they_were_written(store_builder: StoreBuilder, points: Points) -> None:
    run_id = store_builder.log_run(
        "tone",
        prompts={"a": "3", "b": "v3", "c": "v03", "d": " 3 ", "e": "latest", "f": "0", "g": "3.1", "h": "V3"},
        params={"prompt.": "v1", "prompt": "v2", "prompts.x": "v3"},
    )
    assert points()[run_id].prompt_versions == {
        "a": "v3",
        "b": "v3",
        "c": "v3",
        "d": "v3",
        "e": "latest",
        "f": "0",
        "g": "3.1",
        "h": "V3",
    }


def test_the_first_threshold_param_that_a_run_has_counts_even_if_it_is_unreadable(
    store_builder: StoreBuilder, points: Points
) -> None:
    said = [{"min_rate": "0.7", "pass_rate_threshold": "0.6"}, {"pass_rate_threshold": "0.6"}, {}, {"min_rate": "2"}]
    logged = [store_builder.log_run("tone", params=params) for params in said]
    found = points(threshold_params=["min_rate", "pass_rate_threshold"])
    assert [(found[run].threshold, found[run].notes) for run in logged] == [
        (0.7, ()),
        (0.6, ()),
        (None, ()),
        (None, ("min_rate is 2, outside 0..1",)),
    ]


def test_names_with_dots_slashes_spaces_and_any_letters_are_kept_apart(
    store_builder: StoreBuilder, points: Points
) -> None:
    rates = {"m": 0.1, "m.rate": 0.2, "m.rate.final": 0.3, "m/rate": 0.4, "m rate": 0.5, "质量": 0.6, "m:rate": 0.7}
    prompts = {"persona": "v1", "persona.v2": "v2", "team/persona": "v3", "persönlich": "v4", "人格": "v5"}
    run_id = store_builder.log_run(
        "a.b/ü", 0.9, metrics=rates, prompts=prompts, params={"prompt": "no", "a": "1", "a.b": "2"}
    )
    for name, rate in rates.items():
        point = points("a.b/ü", metrics={"a.b/ü": {"pass_rate": name, "average_score": "m.rate"}})[run_id]
        assert (point.pass_rate, point.average_score, point.prompt_versions) == (rate, 0.2, prompts)
    assert points("a.b/ü", context_params=["a", "a.b", "c"])[run_id].context == {"a": "1", "a.b": "2"}


def test_a_metric_that_is_nan_is_kept_apart_from_one_that_is_missing() -> None:
    table = tables.runs_table([run("a", metrics={"x": math.nan}), run("b", metrics={"x": 1.0}), run("c")])
    assert [str(value) for value in table["m:x"].to_pylist()] == ["nan", "1.0", "None"]


def test_tables_have_the_columns_that_are_documented() -> None:
    empty, one = tables.runs_table([]), tables.runs_table([run("a", metrics={"x": 1.0}, params={"y": "2"}, tags=TAGS)])
    assert empty.schema == tables.FIXED
    assert one.schema == pa.schema(
        [
            *tables.FIXED,
            ("m:x", pa.float64()),
            ("p:y", pa.string()),
            ("t:eval_pipeline.a", pa.string()),
            ("t:mlflow.user", pa.string()),
        ]
    )


def test_merging_replaces_adds_and_drops_rows_and_fills_new_columns_with_null() -> None:
    old = tables.newest_first(tables.runs_table([run(name, 10 * number) for number, name in enumerate("abcd")]))
    new = tables.runs_table([run("b", 10, metrics={"x": 0.5}), run("e", 5)])
    merged = tables.merge(old, new, ["c", "unknown"])
    assert merged.select(["run_id", "started", "m:x"]).to_pylist() == [
        {"run_id": "d", "started": 30, "m:x": None},
        {"run_id": "b", "started": 10, "m:x": 0.5},
        {"run_id": "e", "started": 5, "m:x": None},
        {"run_id": "a", "started": 0, "m:x": None},
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"started": 2},
        {"ended": 9},
        {"status": "FAILED"},
        {"metrics": {"x": 0.5}},
        {"metrics": {"x": math.nan}},
        {"params": {"x": "1"}},
        {"tags": {"mlflow.user": "me"}},
    ],
)
def test_the_fingerprint_tells_any_edit_of_what_is_read(other: dict[str, Any]) -> None:
    def fingerprint(**values: Any) -> str:
        said: str = tables.runs_table([run("a", **values)])["fingerprint"][0].as_py()
        return said

    assert fingerprint() == fingerprint(tags={"team": "blue"})
    assert fingerprint(**other) == fingerprint(**other)
    assert fingerprint() != fingerprint(**other)


names = st.sampled_from(["pass_rate", "total_cases", "error_cases", "average_score", "other"])
numbers = st.one_of(st.floats(), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
said_params = st.dictionaries(
    st.sampled_from(["prompt.a", "prompt.b.c", "pass_rate_threshold", "dataset_version"]),
    st.one_of(st.text(max_size=5), st.sampled_from(["v1", "2", "0.8"])),
)
any_runs = st.lists(
    st.builds(
        lambda run_id, started, status, metrics, params: run(run_id, started, None, status, metrics, params),
        st.text("0123456789abcdef", min_size=1, max_size=4),
        st.integers(0, 3),
        st.sampled_from(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]),
        st.dictionaries(names, numbers),
        said_params,
    ),
    max_size=8,
    unique_by=lambda each: each.info.run_id,
)


def read_points(found: list[Run]) -> str:
    """The points of these runs, as text, for NaN is not equal to itself."""
    table = tables.newest_first(tables.runs_table(found))
    return repr([ordered(point) for point in tables.trend_points(table, EXPERIMENT, Settings())])


def ordered(point: TrendPoint) -> tuple[object, ...]:
    """A point as values that compare whatever the order of its mappings."""
    return point, sorted(point.prompt_versions.items()), sorted(point.context.items())


@given(any_runs, st.randoms())
def test_the_order_of_runs_in_the_store_does_not_matter(found: list[Run], random: Any) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)
    assert read_points(shuffled) == read_points(found)


@given(any_runs, st.integers(0, 8))
def test_runs_read_in_parts_and_merged_are_the_same_as_read_at_once(found: list[Run], cut: int) -> None:
    empty = tables.runs_table([])
    merged = tables.merge(tables.merge(empty, tables.runs_table(found[:cut])), tables.runs_table(found[cut:]))
    again = tables.merge(merged, tables.runs_table(found[cut:]))
    at_once = tables.newest_first(tables.runs_table(found))
    columns = sorted(at_once.column_names)
    expected = repr(at_once.select(columns).to_pylist())
    assert [repr(each.select(columns).to_pylist()) for each in (merged, again)] == [expected, expected]


@given(any_runs)
def test_only_finished_runs_with_a_rate_and_no_errors_are_complete(found: list[Run]) -> None:
    table = tables.newest_first(tables.runs_table(found))
    by_id = {each.info.run_id: each for each in found}
    for point in tables.trend_points(table, EXPERIMENT, Settings()):
        entity = by_id[point.run_id]
        rate, errors = (entity.data.metrics.get(name, math.nan) for name in ("pass_rate", "error_cases"))
        sound = entity.info.status == "FINISHED" and 0 <= rate <= 1 and not entity.data.metrics.get("error_cases")
        assert point.complete == sound, (entity.data.metrics, errors)
        assert point.pass_rate is None or 0 <= point.pass_rate <= 1
        assert (point.status_reason is None) == point.complete


TAGS = {"mlflow.user": "me", "eval_pipeline.a": "1", "mlflow.source.name": "x", "team": "blue"}


def run(
    run_id: str,
    started: int = 1,
    ended: int | None = None,
    status: str = "FINISHED",
    metrics: dict[str, float] | None = None,
    params: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> Run:
    """A run as MLflow's client returns it."""
    info = RunInfo(run_id, "7", "user", status, started, ended, LifecycleStage.ACTIVE)
    data = RunData(
        [Metric(name, value, 0, 0) for name, value in (metrics or {}).items()],
        [Param(name, value) for name, value in (params or {}).items()],
        [RunTag(name, value) for name, value in (tags or {}).items()],
    )
    return Run(info, data)


def test_times_are_utc_and_a_missing_one_is_none() -> None:
    table = tables.runs_table([run("a", 1_772_442_000_123, 1_772_442_060_000), run("b")])
    table = table.set_column(2, "started", pa.array([1_772_442_000_123, None], pa.int64()))
    found = [(point.timestamp, point.ended) for point in tables.trend_points(table, EXPERIMENT, Settings())]
    started = datetime(2026, 3, 2, 9, 0, tzinfo=UTC) + timedelta(milliseconds=123)
    assert found == [(None, None), (started, datetime(2026, 3, 2, 9, 1, tzinfo=UTC))]
