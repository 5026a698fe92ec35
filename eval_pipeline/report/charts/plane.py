"""The plane that a chart over time draws on: which times, which pass rates, and how both axes read."""

from __future__ import annotations

import math
from dataclasses import dataclass

import altair as alt
import pandas as pd

from eval_pipeline.report.charts.spec import milliseconds
from eval_pipeline.report.looks import LOOKS

CHARACTER = 6.7 / 900
"""About the share of a plot's width that one character of a label takes."""
LANE_SHARE = 0.072
"""The share of the height between the lowest rate and 100% that one lane of labels takes."""

NARROW = 480
"""A plot of fewer pixels, as on a phone, has no room for labels beside its lines and events."""

_HOUR = 3_600_000
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Plane:
    """Where things lie. Times are as `spec.milliseconds` has them, heights pass rates 0..1 and beyond for labels."""

    start: int
    end: int
    foot: float
    """The lowest pass rate with room below the data."""
    lanes: int = 0
    """Lanes for labels above 100%."""
    floor: bool = False
    """Whether there is a lane below `foot` for runs without a usable pass rate."""
    narrow_end: int | None = None
    """The end on a narrow plot, where `end` leaves room for labels that it does not show."""

    @property
    def lane(self) -> float:
        """The height of one lane."""
        return LANE_SHARE * (1.02 - self.foot)

    @property
    def bottom(self) -> float:
        """The lowest height that is drawn."""
        return self.foot - self.lane * 1.3 if self.floor else self.foot

    @property
    def top(self) -> float:
        """The highest height that is drawn."""
        return 1.0 + self.lane * (self.lanes + 0.5)

    @property
    def floor_height(self) -> float:
        """Where runs without a usable pass rate are drawn."""
        return self.foot - self.lane * 0.6

    def lane_height(self, lane: float) -> float:
        """The height of a lane of labels, counted from the top."""
        return self.top - self.lane * (lane + 0.5)

    def times(self) -> alt.Scale:
        """The scale of time, whatever the zone of the browser: see `spec.milliseconds`.

        The ends are expressions because Vega-Lite wraps plain numbers in `datetime(...)`, which Streamlit's expression
        interpreter reads as a year.
        """
        end = str(self.end) if self.narrow_end is None else if_narrow(self.narrow_end, self.end)
        ends = [alt.ExprRef(expr=str(self.start)), alt.ExprRef(expr=end)]
        return alt.Scale(type="utc", domain=ends, nice=False)

    def spans(self) -> alt.Scale:
        """The scale of time for marks from one time to another: Vega-Lite would read a domain twice, differently."""
        return alt.Scale(type="utc", nice=False)

    def rates(self) -> alt.Scale:
        """The scale of pass rates. Every layer takes the same one, or Vega-Lite brings zero in."""
        top = alt.ExprRef(expr=if_narrow(1.0 + self.lane * 0.5, self.top)) if self.lanes else self.top
        return alt.Scale(domain=[self.bottom, top], nice=False, zero=False)

    def time_axis(self) -> alt.Axis:
        """Days, hours on short stretches, months on long ones."""
        span = self.end - self.start
        style = "%d %b %H:%M" if span <= 9 * _DAY else "%d %b" if span <= 300 * _DAY else "%b %Y"
        ticks = 6 if span <= 9 * _DAY else 8
        return alt.Axis(
            format=style,
            tickCount=ticks,
            grid=False,
            domainOpacity=0.35,
            tickOpacity=0.35,
            labelPadding=8,
            labelFlush=True,
            labelBound=True,  # or a narrow plot keeps the width that its labels wanted, and hides its newest runs
            labelOverlap="greedy",
        )

    def rate_axis(self) -> alt.Axis:
        """Every tenth, or every fifth where the plane is tall."""
        step = 0.1 if self.foot >= 0.3 else 0.2
        marks = [round(k * step, 1) for k in range(round(1 / step) + 1) if k * step >= self.foot - 1e-9]
        return alt.Axis(format=".0%", values=marks, gridOpacity=0.5, domain=False, ticks=False, labelPadding=8)


def if_narrow(narrow: float, wide: float) -> str:
    """An expression: one value on a narrow plot, the other one elsewhere."""
    return f"width < {NARROW} ? {narrow} : {wide}"


def columns_of(pixels: int) -> alt.ExprRef:
    """As many columns of a legend as fit the plot, each so wide."""
    return alt.ExprRef(expr=f"max(1, floor(width / {pixels}))")


def time_span(runs: pd.DataFrame, events: pd.DataFrame) -> tuple[int, int]:
    """First and last time to draw: all runs, and events that lie near them. A single moment gets a day around it."""
    started = milliseconds(runs["started"])
    first, last = int(started.min()), int(started.max())
    near = max((last - first) // 4, _DAY)
    at = milliseconds(events.loc[events["at"].notna(), "at"])
    at = at[at.between(first - near, last + near)]
    if len(at):
        first, last = min(first, int(at.min())), max(last, int(at.max()))
    return (first - _DAY // 2, last + _DAY // 2) if first == last else (first, last)


def lowest_rate(runs: pd.DataFrame, at_most: float = 0.9) -> float:
    """A round pass rate with all data and thresholds above it."""
    low = runs[["pass_rate", "threshold"]].min().min()
    return 0.0 if math.isnan(low) else max(0.0, min(at_most, math.floor((low - 0.04) * 20) / 20))


def has_floor(runs: pd.DataFrame) -> bool:
    """Whether any run has no usable pass rate and lies on the floor."""
    return bool((runs["state"].isin(("ERROR", "RUNNING")) | runs["pass_rate"].isna()).any())


def shapes() -> alt.Scale:
    """The shape of each state."""
    return alt.Scale(domain=list(LOOKS), range=[look.shape for look in LOOKS.values()])


def colors() -> alt.Scale:
    """The colour of each state."""
    return alt.Scale(domain=list(LOOKS), range=[look.color for look in LOOKS.values()])
