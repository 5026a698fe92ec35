"""Charts as SVG in the page: drawn by Vega itself, so that nothing has to run where the page is read.

The charts are those of `report.charts`, without what only a pointer can reach. Text takes the colour of the page around
it, and what the charts have one ink a scheme for is recoloured by the style sheet: one drawing serves light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from eval_pipeline.report import charts
from eval_pipeline.report.looks import EVENTS, threshold_ink

CELL_WIDTH, CELL_HEIGHT = 250, 96
TREND_WIDTH, TREND_HEIGHT = 1030, 310
MOST_RUNS = 160
"""More runs of one type than this are thinned: a chart of the page is not wider."""
SPARK_WIDTH, SPARK_HEIGHT = 120, 28

SERIES = ("#0b5fa5", "#58a9ee")
"""The line of a large chart, on light and on dark."""
RECOLOURED = {
    **{look.ink_light: look.ink_dark for look in EVENTS.values()},
    threshold_ink(dark=False): threshold_ink(dark=True),
    SERIES[0]: SERIES[1],
}
"""Inks of the drawings for a light page, and what they are on a dark one."""

_GUIDE = {
    "labelColor": "currentColor",
    "tickColor": "currentColor",
    "domainColor": "currentColor",
    "gridColor": "#9aa7b5",
}
_CONFIG = {
    "aria": False,  # the page describes each chart once, as a whole
    "background": None,
    "font": "inherit",
    "view": {"stroke": None},
    "range": {"category": [SERIES[0]]},
    "axis": _GUIDE,
}
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_TAG = re.compile(r"<[^>]*>")
_SAID_BY_VEGA = re.compile(r' (role|aria-[a-z]+|pointer-events|class)="[^"]*"')
_CLIP = re.compile(r'(id="|url\(#)clip(\d+)')


def cells(runs: pd.DataFrame, events: pd.DataFrame) -> dict[str, Markup]:
    """A small chart of each eval type of a `runs_frame`, all with the same axes."""
    specs = charts.cells(runs, events, dark=False, height=CELL_HEIGHT)
    return {name: _drawn(spec, f"c{number}", CELL_WIDTH) for number, (name, spec) in enumerate(specs.items())}


def trend(runs: pd.DataFrame, events: pd.DataFrame, key: str) -> Markup:
    """The pass rate of one eval type over time, with its interval and labelled prompt events; `key` is its own."""
    shown = charts.downsample(runs, MOST_RUNS) if len(runs) > MOST_RUNS else runs
    return _drawn(charts.trend(shown, events, dark=False, height=TREND_HEIGHT, band=True), key, TREND_WIDTH)


def _drawn(spec: charts.Spec, key: str, width: int) -> Markup:
    import altair as alt
    import vl_convert

    still = {
        **_still(charts.with_values(spec)),
        "width": width,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": _CONFIG,
    }
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    drawn = vl_convert.vegalite_to_svg(still, vl_version=version, allowed_base_urls=[])
    picture = Markup(_tidy(drawn, key))  # noqa: S704 - Vega escapes what it writes
    return Markup('<div class="chart" role="img" aria-label="{}">{}</div>').format(spec["description"], picture)


def _still(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec without its parameters, and without the layers that only they, or a pointer, bring to light."""
    layers = [each for each in spec.get("layer", ()) if not _unseen(each)]
    return {**{name: part for name, part in spec.items() if name != "params"}, "layer": layers}


def _unseen(layer: Mapping[str, Any]) -> bool:
    filters = [each.get("filter") for each in layer.get("transform", ())]
    return layer["mark"].get("opacity") == 0 or any(isinstance(each, dict) and "param" in each for each in filters)


def _tidy(svg: str, key: str) -> str:
    """Shorter, and the same each time: Vega numbers clip paths through all that it ever drew."""

    def shorter(tag: re.Match[str]) -> str:
        return _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", _SAID_BY_VEGA.sub("", tag[0]))

    short = _TAG.sub(shorter, svg)
    order: dict[str, int] = {}
    return _CLIP.sub(lambda found: f"{found[1]}{key}-{order.setdefault(found[2], len(order))}", short)


def sparkline(
    rates: Sequence[float],
    lowest: float,
    threshold: float | None = None,
    *,
    highest: float = 1.0,
    width: int = SPARK_WIDTH,
) -> Markup:
    """A line through some values, as high as `lowest` to `highest`, with a threshold if there is one."""
    span = (highest - lowest) or 1.0

    def height(rate: float) -> str:
        return f"{3 + (SPARK_HEIGHT - 6) * (1 - (rate - lowest) / span):.1f}"

    step = (width - 6) / max(1, len(rates) - 1)
    points = [(f"{3 + step * number:.1f}", height(rate)) for number, rate in enumerate(rates)]
    rule = Markup('<path class="limit" d="M0 {}H{}"/>')
    dot = Markup('<circle cx="{}" cy="{}" r="2.4"/>')
    return Markup('<svg class="spark" viewBox="0 0 {} {}" aria-hidden="true">{}<polyline points="{}"/>{}</svg>').format(
        width,
        SPARK_HEIGHT,
        "" if threshold is None else rule.format(height(threshold), width),
        " ".join(f"{x},{y}" for x, y in points),
        dot.format(*points[-1]) if points else "",
    )
