"""How all eval types together stood, day by day."""

from __future__ import annotations

import pandas as pd

from eval_pipeline.report import numbers
from eval_pipeline.report.frames import naive_times, timed
from eval_pipeline.report.looks import NOT_EVIDENCE


def daily_frame(runs: pd.DataFrame) -> pd.DataFrame:
    """The state of all eval types at the end of each day with runs, from a `runs_frame`; oldest first.

    Columns: `day` datetime64[ms] (unique; in the zone that `started` carries), `judged` int64 (types with a complete
    run by then), `meeting` int64 (of those, how many met their threshold in their newest complete run), `median`
    float64 (of their pass rates, 0..1).
    """
    complete = timed(runs[~runs["state"].isin(NOT_EVIDENCE)])
    days = complete.assign(day=naive_times(complete["started"]).dt.floor("D")).sort_values("started", kind="stable")
    last = days.drop_duplicates(["day", "eval_type"], keep="last")
    margins = last.pivot(index="day", columns="eval_type", values="margin_pp").sort_index().ffill()
    rates = last.pivot(index="day", columns="eval_type", values="pass_rate").sort_index().ffill()
    return pd.DataFrame(
        {
            "judged": margins.notna().sum(axis=1).astype("int64"),
            "meeting": (margins >= 0).sum(axis=1).astype("int64"),
            "median": rates.median(axis=1).astype("float64"),
        }
    ).reset_index()


def daily_table(days: pd.DataFrame) -> pd.DataFrame:
    """A `daily_frame` as people read it, newest first."""
    newest_first = days[::-1].reset_index(drop=True)
    return pd.DataFrame(
        {
            "Day": newest_first["day"].map(numbers.day),
            "Meeting threshold": newest_first["meeting"].map(numbers.count),
            "Eval types": newest_first["judged"].map(numbers.count),
            "Median pass rate": newest_first["median"].map(numbers.rate),
        }
    )
