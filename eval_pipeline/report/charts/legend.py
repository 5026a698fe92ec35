"""Which line is which: the legend above the focus chart."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from eval_pipeline.report.charts.plane import columns_of

LONGEST_NAME = 24

_ROW = 20
_WIDTH = 860
"""Pixels of a row, and of a wide plot."""


def legend_growth(names: Sequence[str]) -> int:
    """Pixels that the rows after the first add to a wide chart."""
    return _ROW * max(0, -(-len(names) // _columns(names)) - 1)


def _columns(names: Sequence[str]) -> int:
    return max(1, min(len(names), _WIDTH // _entry(names)))


def _entry(names: Sequence[str]) -> int:
    """Pixels of the widest entry."""
    return min(max(map(len, names)), LONGEST_NAME) * 7 + 46


def legend(names: Sequence[str]) -> alt.Legend | None:
    """The legend of a chart with one line a name, in as many columns as fit; none for a single line."""
    if len(names) == 1:
        return None
    return alt.Legend(
        orient="top",
        direction="horizontal",
        columns=columns_of(_entry(names)),
        columnPadding=18,
        offset=2,
        labelLimit=LONGEST_NAME * 7,
        labelFontSize=12.5,
        symbolType="stroke",
        symbolStrokeWidth=3,
        symbolSize=220,
        symbolLimit=0,
    )
