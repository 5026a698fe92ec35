"""The focus chart: pass rate over time of a few eval types, with thresholds, verdicts and prompt events."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from eval_pipeline.report import numbers
from eval_pipeline.report.charts import bands
from eval_pipeline.report.charts.alternatives import say_trend
from eval_pipeline.report.charts.downsample import downsample
from eval_pipeline.report.charts.events import concerning, event_layers, event_rows, labels, place_labels, within
from eval_pipeline.report.charts.legend import LONGEST_NAME, legend, legend_growth
from eval_pipeline.report.charts.plane import (
    CHARACTER,
    Plane,
    colors,
    has_floor,
    if_narrow,
    lowest_rate,
    shapes,
    time_span,
)
from eval_pipeline.report.charts.rows import RUN_TOOLTIP, run_rows, threshold_rows
from eval_pipeline.report.charts.spec import Spec, as_spec, chart_of, milliseconds, nothing, picked
from eval_pipeline.report.frames import timed
from eval_pipeline.report.looks import LOOKS, NOT_EVIDENCE, THRESHOLD_COLOR, threshold_ink

MOST_END_LABELS = 5
FOCUS = "focus"
"""The selection of eval types in the legend."""


def trend(runs: pd.DataFrame, events: pd.DataFrame, *, dark: bool, height: int = 420, band: bool = False) -> Spec:
    """Pass rate over time, one line an eval type.

    `runs` is a `runs_frame` of any number of types and runs (more than 1,200 are thinned, see `downsample`), `events`
    an `events_frame`. Lines join complete runs only. Regressions, warnings and first runs below their threshold carry
    the shape and colour of their state; partial runs are hollow squares, and runs that failed or still run lie on a
    floor below the lowest rate. With `band`, the 95% interval of each complete run lies around its line. `height` is in
    pixels; a legend of many rows adds to it.

    Parameters of the spec: `run` (click on a mark), `focus` (click in the legend), `zoom` (Ctrl and wheel, drag).
    """
    known = timed(runs)
    if known.empty:
        return nothing(height, len(runs))
    shown = downsample(known)
    if band:
        shown = bands.with_intervals(shown)
    names = list(dict.fromkeys(known["eval_type"]))
    ends = _line_ends(known) if len(names) <= MOST_END_LABELS else _line_ends(known).head(0)
    told = concerning(events, names)
    lows = [known, shown.assign(pass_rate=shown["low"])] if band else [known]
    plane, told, places = _arrange(known, told, ends, lowest_rate(pd.concat(lows)))
    data = {
        "runs": run_rows(shown, plane),
        "thresholds": threshold_rows(known, plane),
        "events": event_rows(told, plane, places),
        "ends": ends.assign(label_height=_spread(ends["height"].tolist(), plane.lane * 1.05)),
    }
    if band:
        data["bands"] = bands.band_rows(shown)
        data["runs"] = data["runs"].assign(interval=bands.interval_words(shown))
    if plane.floor:
        data["floor"] = pd.DataFrame({"height": [plane.floor_height], "text": ["no rate"]})
    tall = height + legend_growth(names)
    chart = _layers(plane, names, bool(len(ends)), dark, band)
    chart.height = tall  # `properties` would copy all layers
    return as_spec(chart, data, say_trend(runs, len(shown), told))


def _arrange(
    known: pd.DataFrame, told: pd.DataFrame, ends: pd.DataFrame, lowest: float
) -> tuple[Plane, pd.DataFrame, list[tuple[float, str]]]:
    """The plane with room for every label, the events on it, and where their labels go."""
    start, last = time_span(known, told)
    told = within(told, start, last)
    stamps, texts = milliseconds(told["at"]).tolist(), labels(told)
    span = last - start
    widths = [(1.0, CHARACTER * (max(map(len, ends["text"]), default=1) + 4))]
    widths += [((at - start) / span, CHARACTER * (len(text) + 3)) for at, text in zip(stamps, texts, strict=True)]
    width = max(span * 1.02, *(span * share / (1 - label) for share, label in widths))
    begin, end = start - int(span * 0.01), start + int(width)
    places = place_labels([(at - begin) / (end - begin) for at in stamps], texts)
    lanes = max((int(lane) + 1 for lane, _ in places), default=0)
    return Plane(begin, end, lowest, lanes, has_floor(known), last + int(span * 0.03)), told, places


def _line_ends(known: pd.DataFrame) -> pd.DataFrame:
    """The newest complete run of each type, with the words at the end of its line; lowest first."""
    complete = known[~known["state"].isin(NOT_EVIDENCE)]
    newest = complete.sort_values("started", kind="stable").groupby("eval_type", sort=False).tail(1)
    newest = newest.sort_values("pass_rate", ignore_index=True)
    texts = [
        f"{LOOKS[state].glyph} {numbers.shortened(name, LONGEST_NAME)} {numbers.rate_against(rate, limit, 0)}"
        for name, state, rate, limit in newest[["eval_type", "state", "pass_rate", "threshold"]].itertuples(index=False)
    ]
    at = milliseconds(known["started"]).max()  # where the plot ends, so that no line runs through a label
    words = {"eval_type": newest["eval_type"], "at": at, "height": newest["pass_rate"]}
    return pd.DataFrame({**words, "text": pd.Series(texts, dtype="str")})


def _spread(heights: Sequence[float], gap: float) -> list[float]:
    """Ascending heights moved up until each is at least `gap` above the one before."""
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else height)
    return placed


def _layers(plane: Plane, names: list[str], with_ends: bool, dark: bool, band: bool) -> alt.LayerChart:
    x, y = plane.times(), plane.rates()
    time = alt.X("at:T", title=None, scale=x, axis=plane.time_axis())
    rate = alt.Y("height:Q", title=None, scale=y, axis=plane.rate_axis())
    many = len(names) > 1
    series = alt.Color("eval_type:N", title=None, scale=alt.Scale(domain=names), legend=legend(names))
    focus = alt.selection_point(name=FOCUS, fields=["eval_type"], bind="legend")
    dim = alt.OpacityValue(0.1, condition=_when_focused(1.0)) if many else alt.OpacityValue(1.0)
    pick = picked()
    zoom = alt.selection_interval(name="zoom", bind="scales", encodings=["x"], zoom="wheel![event.ctrlKey]")
    base = chart_of("runs").encode(x=time, y=rate)
    # Parameters belong to a layer that has the scales and the legend they bind.
    line = _line(base, series, dim).add_params(*([focus] if many else []), zoom)
    ring = base.transform_filter(pick).mark_point(size=300, filled=False, strokeWidth=2.4, clip=True)
    hits = base.mark_point(size=260, filled=True, opacity=0, clip=True).add_params(pick)
    hits = hits.encode(tooltip=[*RUN_TOOLTIP, bands.TOOLTIP] if band else RUN_TOOLTIP)
    rules, words = event_layers(x, y, dark)
    ends = [_end_labels(time, y, series, dim)] if with_ends else []
    floor = [_floor_text(y)] if plane.floor else []
    faint = alt.FillOpacityValue(0.01, condition=_when_focused(0.09)) if many else alt.FillOpacityValue(0.16)
    around = [bands.band_layer(time, y, series, faint)] if band else []
    limits = [_threshold_text(x, y, dark)]
    marks = [_dots(base, series, dim), _hollow(base, dim), _loud(base, dim), ring.encode(color=series)]
    return alt.LayerChart(
        layer=[
            _threshold_rule(plane.spans(), y),
            *rules,
            *around,
            line,
            *marks,
            *words,
            *floor,
            *limits,
            *ends,
            hits,
        ]
    )


def _when_focused(value: float) -> dict[str, object]:
    """As `alt.when` would say it, which takes many times as long."""
    return {"param": FOCUS, "value": value}


def _line(base: alt.Chart, series: alt.Color, dim: object) -> alt.Chart:
    complete = base.transform_filter("datum.mark !== 'hollow'")
    layer: alt.Chart = complete.mark_line(strokeWidth=2.2, clip=True, strokeJoin="round").encode(
        color=series, opacity=dim
    )
    return layer


def _dots(base: alt.Chart, series: alt.Color, dim: object) -> alt.Chart:
    quiet = base.transform_filter("datum.mark === 'dot'")
    layer: alt.Chart = quiet.mark_point(filled=True, size=24, clip=True).encode(color=series, opacity=dim)
    return layer


def _hollow(base: alt.Chart, dim: object) -> alt.Chart:
    unproven = base.transform_filter("datum.mark === 'hollow'").mark_point(
        filled=False, size=70, strokeWidth=1.6, color=LOOKS["PARTIAL"].color, clip=True
    )
    layer: alt.Chart = unproven.encode(opacity=dim, shape=alt.Shape("state:N", scale=shapes(), legend=None))
    return layer


def _loud(base: alt.Chart, dim: object) -> alt.Chart:
    loud = base.transform_filter("datum.mark === 'loud'").mark_point(filled=True, size=120, strokeWidth=0, clip=True)
    layer: alt.Chart = loud.encode(
        opacity=dim,
        shape=alt.Shape("state:N", scale=shapes(), legend=None),
        fill=alt.Fill("state:N", scale=colors(), legend=None),
    )
    return layer


def _threshold_rule(x: alt.Scale, y: alt.Scale) -> alt.Chart:
    tip = [alt.Tooltip("needed:N", title="Threshold"), alt.Tooltip("eval_types:N", title="Applies to")]
    mark = chart_of("thresholds").mark_rule(
        strokeDash=[6, 4], strokeWidth=1.4, color=THRESHOLD_COLOR, opacity=0.8, clip=True
    )
    layer: alt.Chart = mark.encode(
        x=alt.X("start:T", scale=x), x2=alt.X2("end:T"), y=alt.Y("height:Q", scale=y), tooltip=tip
    )
    return layer


def _threshold_text(x: alt.Scale, y: alt.Scale, dark: bool) -> alt.Chart:
    mark = chart_of("thresholds").mark_text(
        align="left", baseline="bottom", dx=4, dy=-3, fontSize=11, fontWeight=500, color=threshold_ink(dark), clip=True
    )
    layer: alt.Chart = mark.encode(x=alt.X("start:T", scale=x), y=alt.Y("height:Q", scale=y), text=alt.Text("text:N"))
    return layer


def _floor_text(y: alt.Scale) -> alt.Chart:
    mark = chart_of("floor").mark_text(
        align="right", baseline="middle", dx=-8, clip=False, fontSize=11, color=LOOKS["ERROR"].color
    )
    layer: alt.Chart = mark.encode(x=alt.value(0), y=alt.Y("height:Q", scale=y), text=alt.Text("text:N"))
    return layer


def _end_labels(time: alt.X, y: alt.Scale, series: alt.Color, dim: object) -> alt.Chart:
    shown = alt.ExprRef(expr=if_narrow(0, 1))
    mark = chart_of("ends").mark_text(
        align="left", baseline="middle", dx=10, fontSize=12, fontWeight=600, clip=True, fillOpacity=shown
    )
    layer: alt.Chart = mark.encode(
        x=time, y=alt.Y("label_height:Q", scale=y), text=alt.Text("text:N"), color=series, opacity=dim
    )
    return layer
