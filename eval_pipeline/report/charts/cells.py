"""Small multiples: one small chart an eval type, all with the same two axes."""

from __future__ import annotations

import altair as alt
import pandas as pd

from eval_pipeline.report.charts.alternatives import say_cell
from eval_pipeline.report.charts.downsample import downsample
from eval_pipeline.report.charts.events import TOOLTIP, concerning, event_rows, within
from eval_pipeline.report.charts.plane import Plane, colors, has_floor, lowest_rate, shapes, time_span
from eval_pipeline.report.charts.rows import RUN_TOOLTIP, run_rows, threshold_rows
from eval_pipeline.report.charts.spec import Spec, as_spec, chart_of, with_data
from eval_pipeline.report.frames import timed
from eval_pipeline.report.looks import EVENTS, LOOKS, threshold_ink

MOST_RUNS = 160
"""More runs of one type than this are thinned: a small chart is not wider."""
PADDING = {"left": 2, "right": 8, "top": 4, "bottom": 2}
HIGHEST_FOOT = 0.5
"""The axis begins here, or lower where data or a threshold lie lower."""


def cells(runs: pd.DataFrame, events: pd.DataFrame, *, dark: bool, height: int = 96) -> dict[str, Spec]:
    """One small chart for each eval type of a `runs_frame`, in its order; types without a timed run have none.

    All share the axes, so a slope or a height means the same in each. The line has the colour, and the mark at its
    end the shape, of the state of the newest complete run; a newer run that is not complete is a hollow mark after
    it. The charts are one spec over different data: Altair builds it once. `height` is in pixels.
    """
    known = timed(runs)
    if known.empty:
        return {}
    start, end = time_span(known, events.head(0))
    margin = (end - start) // 40
    plane = Plane(start - margin, end + margin, lowest_rate(known, HIGHEST_FOOT), floor=has_floor(known))
    drawing = as_spec(_layers(plane, dark).properties(height=height, padding=PADDING), {}, "")
    histories = {str(name): history for name, history in known.groupby("eval_type", sort=False)}
    thinned = pd.concat([downsample(history, MOST_RUNS) for history in histories.values()], ignore_index=True)
    shown = dict(iter(run_rows(thinned, plane).groupby("eval_type", sort=False)))
    told = within(concerning(events, histories), plane.start, plane.end)
    rules = event_rows(told, plane, [(0.0, "")] * len(told))
    meant = {name: [not types or name in types for types in told["types"]] for name in histories}
    return {
        name: _cell(drawing, plane, history, shown[name], rules[meant[name]]) for name, history in histories.items()
    }


def _cell(drawing: Spec, plane: Plane, history: pd.DataFrame, shown: pd.DataFrame, rules: pd.DataFrame) -> Spec:
    complete = shown[shown["mark"].ne("hollow")]
    state = (complete if len(complete) else shown)["state"].iloc[-1]
    data = {
        "runs": shown.assign(now=state, floor=plane.bottom),
        "newest": pd.concat([complete.tail(1), shown.tail(1)]).drop_duplicates("run_id"),
        "thresholds": threshold_rows(history, plane),
        "events": rules,
    }
    return with_data(drawing, data, say_cell(history))


def _layers(plane: Plane, dark: bool) -> alt.LayerChart:
    x, y = plane.times(), plane.rates()
    marks = [plane.foot, (plane.foot + 1) / 2, 1.0]
    axis = alt.Axis(
        format=".0%", values=marks, domain=False, ticks=False, grid=False, labelFontSize=10, labelOpacity=0.7
    )
    time, rate = alt.X("at:T", scale=x, axis=None), alt.Y("height:Q", scale=y, axis=axis, title=None)
    base = chart_of("runs").encode(x=time, y=rate)
    line = base.transform_filter("datum.mark !== 'hollow'")
    now = alt.Fill("now:N", scale=colors(), legend=None)
    area = line.mark_area(opacity=0.12, clip=True).encode(y2="floor:Q", fill=now)
    stroke = line.mark_line(strokeWidth=1.6, clip=True).encode(stroke=alt.Stroke("now:N", scale=colors(), legend=None))
    hits = base.mark_point(size=120, filled=True, opacity=0, clip=True).encode(tooltip=RUN_TOOLTIP)
    rules = [_event_rule(kind, x, y) for kind in EVENTS]
    newest = chart_of("newest").encode(x=time, y=rate)
    limit = _threshold_rule(plane.spans(), y, dark)
    return alt.LayerChart(layer=[limit, *rules, area, stroke, *_newest_marks(newest), hits])


def _event_rule(kind: str, x: alt.Scale, y: alt.Scale) -> alt.Chart:
    some = chart_of("events").transform_filter(f"datum.kind === '{kind}'")
    mark = some.mark_rule(strokeDash=[3, 3], opacity=0.7, color=EVENTS[kind].color, clip=True)
    heights = {"y": alt.Y("foot:Q", scale=y), "y2": "top:Q"}
    layer: alt.Chart = mark.encode(x=alt.X("at:T", scale=x, axis=None), tooltip=TOOLTIP, **heights)
    return layer


def _threshold_rule(x: alt.Scale, y: alt.Scale, dark: bool) -> alt.Chart:
    tip = [alt.Tooltip("needed:N", title="Threshold")]
    mark = chart_of("thresholds").mark_rule(strokeDash=[5, 3], color=threshold_ink(dark), opacity=0.7, clip=True)
    times = {"x": alt.X("start:T", scale=x, axis=None), "x2": "end:T"}
    layer: alt.Chart = mark.encode(y=alt.Y("height:Q", scale=y), tooltip=tip, **times)
    return layer


def _newest_marks(newest: alt.Chart) -> list[alt.Chart]:
    shape = alt.Shape("state:N", scale=shapes(), legend=None)
    proven = newest.transform_filter("datum.mark !== 'hollow'").mark_point(filled=True, size=80, opacity=1)
    unproven = newest.transform_filter("datum.mark === 'hollow'").mark_point(
        filled=False, size=60, strokeWidth=1.5, opacity=1, color=LOOKS["PARTIAL"].color
    )
    return [
        proven.encode(shape=shape, fill=alt.Fill("state:N", scale=colors(), legend=None)),
        unproven.encode(shape=shape),
    ]
