from datetime import timedelta

import pandas as pd
import pytest
from conftest import START, framed, run

from eval_pipeline.report.charts import downsample
from eval_pipeline.report.charts.buckets import bucket_label, choose_bucket, worst_runs
from eval_pipeline.report.charts.events import MOST_LANES, place_labels
from eval_pipeline.report.charts.plane import CHARACTER


def test_labels_with_room_stay_in_the_first_lane():
    assert place_labels([0.1, 0.5, 0.9], ["one", "two", "three"]) == [(0, "one"), (0, "two"), (0, "three")]


def test_a_label_under_an_earlier_one_goes_one_lane_lower():
    assert place_labels([0.1, 0.11, 0.6], ["persona v2→v3", "memory v1→v2", "late"]) == [
        (0, "persona v2→v3"),
        (1, "memory v1→v2"),
        (0, "late"),
    ]


def test_more_events_at_one_moment_than_lanes_are_counted_in_the_last():
    placed = place_labels([0.5] * 9, [f"event {k}" for k in range(9)])
    assert [text for _, text in placed] == [
        "event 0",
        "event 1",
        "event 2",
        "event 3",
        "event 4",
        "+4 more",
        "",
        "",
        "",
    ]
    assert max(lane for lane, text in placed if text) == MOST_LANES - 1


@pytest.mark.parametrize("gap", [0.0, 0.001, 0.01, 0.03, 0.2])
def test_no_two_labels_overlap(gap):
    texts = [f"prompt-{k} v{k}→v{k + 1}" for k in range(40)]
    at = [min(0.99, gap * k) for k in range(40)]
    taken: dict[float, float] = {}
    for x, (lane, text) in zip(at, place_labels(at, texts), strict=True):
        if text:
            assert taken.get(lane, -1.0) <= x
            taken[lane] = x + CHARACTER * len(text)


def hourly(name: str, runs: int) -> pd.DataFrame:
    points = [
        run(name, k, 0.9 - (k % 7) / 100 - (0.3 if k in (1234, 2345) else 0), timestamp=START + timedelta(hours=k))
        for k in range(runs)
    ]
    points[2000] = run(name, 2000, None, timestamp=START + timedelta(hours=2000))
    return framed(points)


def test_a_large_history_is_thinned_to_its_lowest_highest_and_flagged_runs():
    runs = pd.concat([hourly(f"type-{k}", 5_000) for k in range(4)], ignore_index=True)
    kept = downsample(runs)
    assert len(kept) <= 1_200
    assert set(runs.loc[runs["state"].isin(["REGRESSION", "ERROR", "WARNING"]), "run_id"]) <= set(kept["run_id"])
    for _, group in runs.groupby("eval_type"):
        assert {group["run_id"].iloc[0], group["run_id"].iloc[-1]} <= set(kept["run_id"])
    assert kept["pass_rate"].min() == runs["pass_rate"].min()
    assert kept["pass_rate"].max() == runs["pass_rate"].max()
    assert kept["run_id"].tolist() == runs.loc[runs["run_id"].isin(kept["run_id"]), "run_id"].tolist()


def test_flagged_runs_are_kept_up_to_a_third_and_thinned_evenly():
    runs = framed(
        [run("tone", 0, 0.9), *(run("tone", k, 0.7, timestamp=START + timedelta(hours=k)) for k in range(1, 5_000))]
    )
    kept = downsample(runs, 300)
    assert len(kept) <= 300
    assert kept["state"].eq("REGRESSION").sum() >= 100
    assert kept["started"].diff().max() < timedelta(hours=100)


def test_many_types_and_runs_without_evidence_stay_near_the_budget():
    runs = framed(*([run(f"t{n}", k, None) for k in range(100)] for n in range(40)))
    assert len(downsample(runs)) <= 1_200


def test_a_small_history_comes_back_whole_less_what_has_no_start():
    runs = framed([run("tone", 0, 0.9, timestamp=None), run("tone", 1, 0.9)])
    assert downsample(runs)["run_id"].tolist() == ["tone-1"]


@pytest.mark.parametrize(
    ("days", "name", "label"),
    [
        ([0, 0.3, 0.6], "hour", "01 Aug 2026 06:00"),
        (range(60), "day", "01 Aug 2026"),
        (range(0, 800, 20), "day", "01 Aug 2026"),
        (range(61), "week", "week of 27 Jul 2026"),
        (range(500), "month", "Aug 2026"),
        (range(0, 4000, 7), "quarter", "quarter from Jul 2026"),
        (range(0, 9000, 7), "year", "2026"),
    ],
)
def test_the_heatmap_takes_the_finest_calendar_that_stays_readable(days, name, label):
    started = pd.Series([START + timedelta(days=day) for day in days]).astype("datetime64[ms, UTC]")
    bucket = choose_bucket(started)
    runs = framed([run("tone", k, 0.9, timestamp=moment.to_pydatetime()) for k, moment in enumerate(started)])
    worst = worst_runs(runs, bucket)
    assert (bucket.name, bucket_label(worst["begin"].iloc[0], bucket)) == (name, label)
    assert len(worst) <= 60
