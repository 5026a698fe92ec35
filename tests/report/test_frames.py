from datetime import UTC, datetime

import pandas as pd
import pytest
from conftest import event, framed, run

from eval_pipeline.core.models import RunStatus
from eval_pipeline.report import frames
from eval_pipeline.report.runs_csv import runs_csv
from eval_pipeline.report.zones import Zone

TIME = "datetime64[ms, UTC]"
RUNS = {
    "eval_type": "str",
    "run_id": "str",
    "started": TIME,
    "pass_rate": "float64",
    "threshold": "float64",
    "delta_pp": "float64",
    "margin_pp": "float64",
    "state": "str",
    "reason": "str",
    "versions": "str",
    "error_cases": "Int64",
    "total_cases": "Int64",
}
EVENTS = {"at": TIME, "kind": "str", "prompt": "str", "short": "str", "actor": "str", "types": "object"}
OVERVIEW = {
    "eval_type": "str",
    "run_id": "str",
    "started": TIME,
    "state": "str",
    "pass_rate": "float64",
    "threshold": "float64",
    "delta_pp": "float64",
    "margin_pp": "float64",
    "reason": "str",
    "last": "object",
    "latest_state": "str",
    "runs": "int64",
}
STORY = [
    run("tone", 0, 0.95),
    run("tone", 1, 0.85),
    run("tone", 2, 0.9, status=RunStatus.PARTIAL, reason="2 of 20 cases errored", error_cases=2),
    run("tone", 3, None, error_cases=None, total_cases=None),
    run("tone", 4, 0.79),
    run("tone", 5, 0.81, threshold=0.82, prompt_versions={}),
    run("tone", 6, 0.81),
    run("tone", 7, 0.9),
    run("tone", 8, None, status=RunStatus.RUNNING, reason="not ended"),
]


def schema(frame: pd.DataFrame) -> dict[str, str]:
    return {column: str(dtype) for column, dtype in frame.dtypes.items()}


def test_frames_have_their_schema_with_and_without_rows():
    for runs in (framed(STORY), framed(), framed([])):
        assert schema(runs) == RUNS
        assert schema(frames.overview_frame(runs, ["weather"])) == OVERVIEW
        assert schema(frames.overview_frame(runs)) == OVERVIEW
    assert schema(frames.events_frame([event(1)])) == schema(frames.events_frame([])) == EVENTS


def test_every_run_gets_the_state_that_the_rules_give_it():
    runs = framed(STORY)
    states = ["FIRST", "WARNING", "PARTIAL", "ERROR", "REGRESSION", "REGRESSION", "PASS", "IMPROVED", "RUNNING"]
    assert runs["state"].tolist() == states
    assert runs["delta_pp"].fillna(99).tolist() == [99, -10.0, 99, 99, -6.0, 2.0, 0.0, 9.0, 99]
    assert runs["margin_pp"].fillna(99).tolist() == [15.0, 5.0, 10.0, 99, -1.0, -1.0, 1.0, 10.0, 99]
    assert runs["threshold"].tolist() == [0.8] * 5 + [0.82] + [0.8] * 3
    assert runs["reason"].tolist()[1:4] == ["", "2 of 20 cases errored", "the run ended as FAILED"]
    assert runs["versions"].tolist()[4:6] == ["memory v2, persona v3", ""]
    assert runs["error_cases"].isna().tolist() == [False] * 3 + [True] + [False] * 5
    assert runs["run_id"].is_unique
    assert runs["started"].iloc[0] == datetime(2026, 8, 1, 6, 3, tzinfo=UTC)


@pytest.mark.parametrize(("rate", "state"), [(0.79, "BELOW"), (0.8, "FIRST"), (0.7999999, "BELOW")])
def test_a_first_run_is_told_apart_by_its_threshold(rate, state):
    assert framed([run("tone", 0, rate)])["state"].tolist() == [state]


def test_a_run_without_a_start_stays_in_the_frame_and_out_of_charts():
    runs = framed([run("tone", 0, 0.9, timestamp=None), run("tone", 1, 0.9)])
    assert (len(runs), len(frames.timed(runs))) == (2, 1)


def test_a_start_keeps_its_milliseconds():
    moment = datetime(2026, 8, 1, 6, 3, 7, 123_000, tzinfo=UTC)
    assert framed([run("tone", 0, 0.9, timestamp=moment)])["started"].tolist() == [moment]


def test_the_overview_puts_the_worst_margin_first_and_types_without_evidence_last():
    runs = framed(
        [run("good", 0, 0.95), run("good", 1, 0.96)],
        [run("bad", 0, 0.9), run("bad", 1, 0.7), run("bad", 2, None)],
        [run("broken", 0, 0.9, status=RunStatus.PARTIAL)],
    )
    overview = frames.overview_frame(runs, ["good", "new"])
    columns = ["eval_type", "run_id", "state", "latest_state", "last", "runs"]
    assert overview[columns].to_numpy().tolist() == [
        ["bad", "bad-1", "REGRESSION", "ERROR", [0.9, 0.7], 3],
        ["good", "good-1", "IMPROVED", "IMPROVED", [0.95, 0.96], 2],
        ["broken", "broken-0", "PARTIAL", "PARTIAL", [], 1],
        ["new", "", "NO_DATA", "NO_DATA", [], 0],
    ]
    assert overview["margin_pp"].tolist()[:2] == [-10.0, 16.0]
    assert overview["pass_rate"].isna().tolist() == [False, False, True, True]


def test_the_overview_keeps_the_last_thirty_rates_oldest_first():
    runs = framed([run("tone", k, 0.5 + k / 100) for k in range(40)])
    assert frames.overview_frame(runs)["last"].iloc[0] == [0.5 + k / 100 for k in range(10, 40)]


def test_an_event_says_what_happened_in_a_few_words():
    told = frames.events_frame([event(1, "promote", actor="ada"), event(2, eval_types=("tone",))])
    assert told.drop(columns="at").to_numpy().tolist() == [
        ["promote", "persona", "persona v2→v3", "ada", ()],
        ["change", "persona", "persona v2→v3", "", ("tone",)],
    ]


def test_a_frame_in_a_zone_keeps_its_times_and_a_download_of_it_is_in_utc():
    runs, events = framed(STORY), frames.events_frame([event(1)])
    there = frames.in_zone(runs, Zone("Europe/Berlin"))
    assert schema(there) == RUNS | {"started": "datetime64[ms, Europe/Berlin]"}
    assert schema(frames.in_zone(events, Zone("Europe/Berlin"))) == EVENTS | {"at": "datetime64[ms, Europe/Berlin]"}
    assert there["started"].tolist() == runs["started"].tolist()
    assert runs_csv(there) == runs_csv(runs)
    assert "2026-08-01 06:03:00+00:00" in runs_csv(there)
