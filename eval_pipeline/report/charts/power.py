"""How likely drops of a pass rate are shown, by their size and the number of cases."""

from __future__ import annotations

import altair as alt
import pandas as pd

from eval_pipeline.core.power import POWER, Plan
from eval_pipeline.core.regression import WARNING_DROP_PP
from eval_pipeline.report import numbers
from eval_pipeline.report.charts.alternatives import say_power
from eval_pipeline.report.charts.plane import columns_of
from eval_pipeline.report.charts.spec import Spec, as_spec, chart_of
from eval_pipeline.report.looks import LOOKS
from eval_pipeline.report.power import power_frame

_SETUP_WIDTH = 130
"""Pixels of one entry of the legend."""

TOOLTIP = [
    alt.Tooltip("setup:N", title="With"),
    alt.Tooltip("size:N", title="A drop of"),
    alt.Tooltip("chance:N", title="Is shown in"),
]


def power(plan: Plan, *, dark: bool, height: int = 300) -> Spec:
    """The chance to show a drop from the plan's pass rate, over its size: one line a number of cases, the plan's bold.

    A dashed rule stands at 80%, from where on a drop counts as reliably shown, and one at the drop that is a warning.
    `height` is in pixels.
    """
    rows = power_frame(plan)
    rules = pd.DataFrame({"power": [POWER], "text": [f"reliably shown: {numbers.rate_short(POWER)}"]})
    warning = pd.DataFrame({"drop_pp": [WARNING_DROP_PP], "text": [f"a warning: {WARNING_DROP_PP:g} points"]})
    names = list(dict.fromkeys(rows["setup"]))
    reach = max(rows["drop_pp"].max(), WARNING_DROP_PP)
    chart = _layers(names, reach, dark).properties(height=height)
    return as_spec(chart, {"curves": rows, "reliable": rules, "warning": warning}, say_power(plan))


def _layers(names: list[str], reach: float, dark: bool) -> alt.LayerChart:
    x, y = alt.Scale(domain=[0, reach], nice=False), alt.Scale(domain=[0, 1], nice=False)
    drop = alt.X(
        "drop_pp:Q",
        scale=x,
        title="Size of a true drop, percentage points",
        axis=alt.Axis(grid=False, tickCount=10, domainOpacity=0.35, tickOpacity=0.35, titleFontWeight=400),
    )
    axis = alt.Axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1], gridOpacity=0.5, domain=False, ticks=False)
    chance = alt.Y("power:Q", scale=y, title=None, axis=axis)
    legend = alt.Legend(
        orient="top",
        symbolType="stroke",
        symbolStrokeWidth=3,
        symbolSize=220,
        columnPadding=18,
        columns=columns_of(_SETUP_WIDTH),
    )
    series = alt.Color("setup:N", title=None, scale=alt.Scale(domain=names), sort=names, legend=legend)
    base = chart_of("curves").encode(x=drop, y=chance)
    lines = base.transform_filter("!datum.own").mark_line(strokeWidth=1.6, clip=True).encode(color=series)
    own = base.transform_filter("datum.own").mark_line(strokeWidth=4, clip=True).encode(color=series)
    hits = base.mark_point(size=160, filled=True, opacity=0).encode(tooltip=TOOLTIP)
    look = LOOKS["WARNING"]
    ink = "#a9b4c2" if dark else "#4f5d6e"
    rule = chart_of("reliable").mark_rule(strokeDash=[6, 4], color=ink).encode(y=chance)
    words = chart_of("reliable").mark_text(align="right", dx=-6, dy=11, color=ink, fontSize=11)
    warning = chart_of("warning").mark_rule(strokeDash=[6, 4], color=look.color).encode(x=drop)
    about = chart_of("warning").mark_text(align="left", dx=5, dy=-6, color=ink, fontSize=11)
    return alt.LayerChart(
        layer=[
            rule,
            warning,
            lines,
            own,
            words.encode(x=alt.value("width"), y=chance, text="text:N"),
            about.encode(x=drop, y=alt.value("height"), text="text:N"),
            hits,
        ]
    )
