"""A small chart of each eval type, and what its dashed lines stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from eval_pipeline.report import numbers
from eval_pipeline.report.frames import timed
from eval_pipeline.report.looks import EVENTS, LOOKS
from eval_pipeline.report.page.changes import happened
from eval_pipeline.report.page.facts import State
from eval_pipeline.report.page.text import joined, tag

MOST_CHARTS = 60
"""So many eval types are drawn, worst margin first; all are in the table."""


def drawn_types(state: State) -> list[str]:
    """The eval types that get a chart."""
    known = set(timed(state.runs)["eval_type"])
    return [str(name) for name in state.standing["eval_type"] if name in known][:MOST_CHARTS]


def trends(state: State, cells: Mapping[str, Markup]) -> Markup:
    """The section; `cells` are the charts, in the order to show."""
    if not cells:
        return Markup("")
    rows = {str(row["eval_type"]): row for row in state.standing.to_dict("records")}
    days = _days(state.runs[state.runs["eval_type"].isin(list(cells))])
    shown = [_cell(name, rows[name], chart, days) for name, chart in cells.items()]
    more = len(rows) - len(cells)
    left_out = f" {numbers.counted(more, 'more eval type', 'more eval types')} in the table." if more else ""
    return Markup(
        '<section><h2>Trends</h2><p class="about">Pass rates of complete runs, worst margin first, all on the same '
        'axes.{}</p>{}<div class="grid">{}</div>{}</section>'
    ).format(left_out, _key(), joined(shown), happened(state.events, state.facts.zone) if state.events else "")


def _cell(name: str, row: Mapping[Any, Any], chart: Markup, days: Markup) -> Markup:
    look = LOOKS[str(row["state"])]
    rate, limit = row["pass_rate"], row["threshold"]
    said = numbers.rate_against(rate, limit, 0) if rate == rate else look.word
    return Markup('<div class="cell"><h3><span class="out">{}</span>{}</h3>{}{}</div>').format(
        name, tag(look, said), chart, days
    )


def _days(runs: pd.DataFrame) -> Markup:
    """The first and the last day of the axes."""
    started = timed(runs)["started"]
    first, last = (numbers.day(each.to_pydatetime()) for each in (started.min(), started.max()))
    return Markup('<p class="days"><span>{}</span><span>{}</span></p>').format(first, last)


def _key() -> Markup:
    """What the dashed lines of the charts are."""
    kinds = [Markup('<li class="{}"><span></span> {}</li>').format(look.badge, look.word) for look in EVENTS.values()]
    return Markup('<ul class="key"><li class="limit"><span></span> Threshold</li>{}</ul>').format(joined(kinds))
