"""Runs by stretch of the calendar, the worst of each, for the heatmap."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from eval_pipeline.report import numbers
from eval_pipeline.report.frames import naive_times
from eval_pipeline.report.looks import NOT_EVIDENCE

MOST_COLUMNS = 60
"""More than these are too narrow to read, or to click."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One kind of stretch of the calendar."""

    name: str
    period: str
    """As pandas writes it; weeks begin on Monday."""
    axis: str
    """How its begin reads on the axis, as d3 writes it."""


HOUR = Bucket("hour", "h", "%d %b %H:%M")
DAY = Bucket("day", "D", "%d %b")
WEEK = Bucket("week", "W-SUN", "%d %b")
MONTH = Bucket("month", "M", "%b %Y")
QUARTER = Bucket("quarter", "Q", "%b %Y")
YEAR = Bucket("year", "Y", "%Y")


def choose_bucket(started: pd.Series) -> Bucket:
    """The finest bucket that keeps at most `MOST_COLUMNS` columns with runs in them, days at the finest.

    Runs of one or two days alone are told apart by the hour: one column says nothing about time.
    """
    if _columns(started, DAY) <= 2 < _columns(started, HOUR) <= MOST_COLUMNS:
        return HOUR
    fine = (bucket for bucket in (DAY, WEEK, MONTH, QUARTER) if _columns(started, bucket) <= MOST_COLUMNS)
    return next(fine, YEAR)


def worst_runs(runs: pd.DataFrame, bucket: Bucket) -> pd.DataFrame:
    """One row an eval type and bucket: its worst run, with three columns more than a timed `runs_frame`.

    The worst is the complete run with the lowest margin, of equals the newest; without a complete one, the newest.
    `begin` is the first moment of the bucket (datetime64[ms], by the clocks of the zone that `started` carries), `runs`
    how many runs it holds (int64), and `regressions` how many of them are regressions (int64). Newest buckets only, up
    to `MOST_COLUMNS`.
    """
    rows = runs.assign(begin=_begin(runs["started"], bucket), unproven=runs["state"].isin(NOT_EVIDENCE))
    newest = rows["begin"].drop_duplicates().nlargest(MOST_COLUMNS)
    rows = rows[rows["begin"].isin(newest)]
    rows = rows.assign(regression=rows["state"].eq("REGRESSION"), margin=rows["margin_pp"].mask(rows["unproven"]))
    cells = rows.groupby(["eval_type", "begin"], sort=False)
    counts = cells.agg(runs=("run_id", "size"), regressions=("regression", "sum")).reset_index()
    order = rows.assign(age=-rows["started"].astype("int64")).sort_values(["unproven", "margin", "age"], kind="stable")
    worst = order.drop_duplicates(["eval_type", "begin"]).drop(columns=["unproven", "regression", "margin", "age"])
    return worst.merge(counts, on=["eval_type", "begin"]).sort_values(["eval_type", "begin"], ignore_index=True)


def bucket_label(begin: pd.Timestamp, bucket: Bucket) -> str:
    """A bucket in words: `02 Nov 2026`, `week of 02 Nov 2026`, `Nov 2026`."""
    if bucket is HOUR:
        return numbers.minute(begin)
    text = numbers.day(begin)
    if bucket in (DAY, WEEK):
        return text if bucket is DAY else f"week of {text}"
    month, year = text[3:6], text[7:]
    return year if bucket is YEAR else f"{month} {year}" if bucket is MONTH else f"quarter from {month} {year}"


def _columns(started: pd.Series, bucket: Bucket) -> int:
    return int(_begin(started, bucket).nunique())


def _begin(started: pd.Series, bucket: Bucket) -> pd.Series:
    begin: pd.Series = naive_times(started).dt.to_period(bucket.period).dt.start_time.astype("datetime64[ms]")
    return begin
