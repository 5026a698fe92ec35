"""The heatmap: how far every eval type lay from its threshold, over time."""

from __future__ import annotations

import altair as alt
import pandas as pd

from eval_pipeline.report import numbers
from eval_pipeline.report.charts.alternatives import say_heatmap
from eval_pipeline.report.charts.buckets import Bucket, bucket_label, choose_bucket, worst_runs
from eval_pipeline.report.charts.plane import shapes
from eval_pipeline.report.charts.rows import RUN_TOOLTIP, run_words
from eval_pipeline.report.charts.spec import Spec, as_spec, chart_of, nothing, picked
from eval_pipeline.report.frames import timed
from eval_pipeline.report.looks import LOOKS, NOT_EVIDENCE

FAR_PP = 20
"""A margin of this many percentage points has the strongest colour."""

_ROW = 24
_AROUND = 125
_MOST_TICKS = 8


def heatmap(runs: pd.DataFrame, *, dark: bool) -> Spec:
    """Eval types by time, coloured by the margin of the worst run to its threshold.

    Runs of different types share no number, so columns are stretches of the calendar, in the zone that `runs` carries:
    days, or as coarse as it takes for at most 60 columns (weeks, months, quarters, years), the newest 60; hours if all
    runs fall on one or two days. Stretches without any run have no column. A cell shows its worst run, and a click
    selects it (`run`). A cross marks every cell with a regression, whichever run is the worst, a triangle a first run
    below its threshold; cells without a complete run are hollow marks. Rows are ordered by the margin of the newest
    complete run, worst first. The height follows the rows.
    """
    known = timed(runs)
    if known.empty:
        return nothing(200, len(runs))
    bucket = choose_bucket(known["started"])
    worst = worst_runs(known, bucket)
    names = _order(known)
    rows = _rows(worst, bucket)
    moments = sorted(rows["moment"].unique())
    chart = _layers(names, moments, bucket, dark).properties(height=_ROW * len(names) + _AROUND)
    return as_spec(chart, {"cells": rows}, say_heatmap(names, len(moments), bucket, worst))


def _order(known: pd.DataFrame) -> list[str]:
    complete = known[~known["state"].isin(NOT_EVIDENCE)].sort_values("started", kind="stable")
    newest = complete.groupby("eval_type").tail(1).sort_values(["margin_pp", "eval_type"])["eval_type"]
    return list(dict.fromkeys([*newest, *sorted(known["eval_type"].unique())]))


def _rows(worst: pd.DataFrame, bucket: Bucket) -> pd.DataFrame:
    """One row a cell: `moment` (the begin of its bucket as ISO text, unique by column), `margin`, `sign` and words.

    `sign` is the state that a cell is marked with: `REGRESSION`, `BELOW`, one that is no evidence, or empty.
    """
    unproven = worst["state"].isin(NOT_EVIDENCE)
    marked = unproven | worst["state"].eq("BELOW")
    sign = worst["state"].where(marked, "").mask(worst["regressions"].gt(0), "REGRESSION")
    return pd.DataFrame(
        {
            "eval_type": worst["eval_type"],
            "run_id": worst["run_id"],
            "moment": worst["begin"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "margin": worst["margin_pp"].mask(unproven),
            "sign": sign.astype("str"),
            "span": worst["begin"].map(lambda begin: bucket_label(begin, bucket)).astype("str"),
            "held": worst["runs"].map(lambda held: numbers.counted(held, "run")).astype("str"),
            "regressed": worst["regressions"].map(numbers.count).astype("str"),
            "distance": worst["margin_pp"].mask(unproven).map(numbers.delta_pp).astype("str"),
            **run_words(worst),
        }
    )


def _layers(names: list[str], moments: list[str], bucket: Bucket, dark: bool) -> alt.LayerChart:
    ticks = moments[:: -(-len(moments) // _MOST_TICKS)]
    words = f"utcFormat(toDate(datum.value), '{bucket.axis}')"
    across = alt.Axis(values=ticks, labelExpr=words, labelAngle=0, labelOverlap=True, ticks=False, domain=False)
    down = alt.Axis(domain=False, ticks=False, labelLimit=170, labelOverlap=False, labelFlush=False)
    # The order is the domain: a sort would become an expression made of names.
    x = alt.X("moment:O", title=None, axis=across, scale=alt.Scale(domain=moments))
    y = alt.Y("eval_type:N", title=None, axis=down, scale=alt.Scale(domain=names))
    base = chart_of("cells").encode(x=x, y=y)
    return alt.LayerChart(layer=[_colored(base), *_signs(base, dark), _hits(base)])


def _colored(base: alt.Chart) -> alt.Chart:
    legend = alt.Legend(
        orient="top", gradientLength=200, gradientThickness=9, labelExpr="format(datum.value, '+.0f')", tickCount=5
    )
    scale = alt.Scale(domain=[-FAR_PP, FAR_PP], domainMid=0, clamp=True)
    margin = alt.Color("margin:Q", title="Margin to threshold (pp)", scale=scale, legend=legend)
    layer: alt.Chart = base.transform_filter("isValid(datum.margin)").mark_rect(cornerRadius=2).encode(color=margin)
    return layer


def _signs(base: alt.Chart, dark: bool) -> list[alt.Chart]:
    shape = alt.Shape("sign:N", scale=shapes(), legend=None)
    bad = "datum.sign === 'REGRESSION' || datum.sign === 'BELOW'"
    crosses = base.transform_filter(bad).mark_point(
        size=45, filled=True, fill="#ffffff", stroke="#17202b", strokeWidth=1.3, opacity=1
    )
    hollow = base.transform_filter(f"datum.sign !== '' && !({bad})").mark_point(
        size=45, filled=False, strokeWidth=1.4, opacity=1, color="#a9b4c2" if dark else LOOKS["PARTIAL"].color
    )
    return [crosses.encode(shape=shape), hollow.encode(shape=shape)]


def _hits(base: alt.Chart) -> alt.Chart:
    more = [
        alt.Tooltip("span:N", title="When"),
        alt.Tooltip("held:N", title="Holds"),
        alt.Tooltip("regressed:N", title="Regressions"),
        alt.Tooltip("distance:N", title="Worst margin"),
    ]
    tip = [RUN_TOOLTIP[0], *more, *RUN_TOOLTIP[1:]]
    layer: alt.Chart = base.mark_rect(opacity=0).encode(tooltip=tip).add_params(picked())
    return layer
