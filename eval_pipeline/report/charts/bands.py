"""How sure each pass rate is: the band of its 95% interval around a line."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from eval_pipeline.core.evidence import counts_from_rate
from eval_pipeline.core.statistics import Interval, wilson_interval
from eval_pipeline.report import numbers
from eval_pipeline.report.charts.spec import chart_of, milliseconds
from eval_pipeline.report.looks import NOT_EVIDENCE

TOOLTIP = alt.Tooltip("interval:N", title="95% interval")


def with_intervals(runs: pd.DataFrame) -> pd.DataFrame:
    """A `runs_frame` with the columns `low` and `high`, 0..1: Wilson's interval of each complete run's pass rate.

    NaN where the run is not complete, or does not say how many cases it has. Repeats of a case count as cases here, so
    the band of a run with repeats is narrower than it should be.
    """
    rows = runs[["state", "pass_rate", "total_cases", "error_cases"]].itertuples(index=False)
    found = [None if state in NOT_EVIDENCE else _interval(*numbers_of) for state, *numbers_of in rows]
    low = pd.Series([each.low if each else None for each in found], index=runs.index, dtype="float64")
    high = pd.Series([each.high if each else None for each in found], index=runs.index, dtype="float64")
    return runs.assign(low=low, high=high)


def _interval(rate: Any, total: Any, errors: Any) -> Interval | None:
    known, judged, errored = (None if pd.isna(value) else value for value in (rate, total, errors))
    counts = counts_from_rate(known, judged, errored)
    return wilson_interval(counts.passed, counts.total) if counts else None


def band_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a run that has an interval, of a timed frame `with_intervals`: `eval_type`, `at`, `low` and `high`."""
    known = runs[runs["low"].notna()]
    return known[["eval_type", "low", "high"]].assign(at=milliseconds(known["started"]))


def interval_words(runs: pd.DataFrame) -> pd.Series:
    """The column of the tooltip, of a frame `with_intervals`."""
    pairs = zip(runs["low"], runs["high"], strict=True)
    words = [numbers.MISSING if pd.isna(low) else f"{numbers.rate(low)} to {numbers.rate(high)}" for low, high in pairs]
    return pd.Series(words, index=runs.index, dtype="str")


def band_layer(time: alt.X, y: alt.Scale, series: alt.Color, faint: object) -> alt.Chart:
    """The bands, over the dataset `bands`, in the colours of their lines."""
    mark = chart_of("bands").mark_area(clip=True, strokeWidth=0, tooltip=None)
    layer: alt.Chart = mark.encode(
        x=time, y=alt.Y("low:Q", scale=y, title=None), y2=alt.Y2("high:Q"), color=series, fillOpacity=faint
    )
    return layer
