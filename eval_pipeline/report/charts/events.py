"""Prompt events on a chart over time: dashed rules, with labels in lanes above the data."""

from __future__ import annotations

from collections.abc import Collection

import altair as alt
import pandas as pd

from eval_pipeline.report import numbers
from eval_pipeline.report.charts.plane import CHARACTER, Plane, if_narrow
from eval_pipeline.report.charts.spec import chart_of, milliseconds
from eval_pipeline.report.looks import EVENTS

MOST_LANES = 6
MOST_EVENTS = 60
"""More than these, the newest, are a curtain and no marks."""
LONGEST_LABEL, LONGEST_CHANGE = 34, 20
"""A label's prompt, and the versions after it: version numbers as a team's runs name them."""

TOOLTIP = [
    alt.Tooltip("what:N", title="Event"),
    alt.Tooltip("prompt:N", title="Prompt"),
    alt.Tooltip("short:N", title="Version"),
    alt.Tooltip("actor:N", title="By"),
    alt.Tooltip("seen_in:N", title="Seen in"),
    alt.Tooltip("when:N", title="At"),
]


def concerning(events: pd.DataFrame, eval_types: Collection[str]) -> pd.DataFrame:
    """The events that have a time and concern any of these eval types, newest `MOST_EVENTS`, oldest first."""
    shown = set(eval_types)
    meant = pd.Series([not types or not shown.isdisjoint(types) for types in events["types"]], index=events.index)
    return events[meant.astype(bool) & events["at"].notna()].sort_values("at").tail(MOST_EVENTS).reset_index(drop=True)


def within(events: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """The events between two times, as `spec.milliseconds` has them."""
    return events[milliseconds(events["at"]).between(start, end)].reset_index(drop=True)


def labels(events: pd.DataFrame) -> list[str]:
    """What is written at each event."""
    return [
        f"{EVENTS[kind].glyph} {numbers.shortened(prompt, LONGEST_LABEL)}"
        f"{numbers.shortened(short.removeprefix(prompt), LONGEST_CHANGE)}"
        for kind, prompt, short in zip(events["kind"], events["prompt"], events["short"], strict=True)
    ]


def place_labels(at: list[float], texts: list[str]) -> list[tuple[float, str]]:
    """A lane and a text for each event, so that labels neither overlap nor are cut by a later rule.

    `at` are shares of the plot's width, ascending. A label runs to the right of its rule; an event that falls under
    an earlier label goes one lane lower, and its rule ends there. What finds no lane joins the label in the lowest
    one, which then reads `+3 more`, and has no text of its own.
    """
    placed: list[tuple[float, str]] = []
    ends: list[float] = []
    lowest, crowd = -1, 0
    for x, text in zip(at, texts, strict=True):
        taken = [lane for (lane, _), end in zip(placed, ends, strict=True) if end > x]
        lane = int(1 + max(taken, default=-1.0))
        if lane < MOST_LANES:
            lowest, crowd = (len(placed), 1) if lane == MOST_LANES - 1 else (lowest, crowd)
            placed.append((lane, text))
            ends.append(x + CHARACTER * (len(text) + 1))
        else:
            crowd += 1
            placed[lowest] = (placed[lowest][0], f"+{crowd} more")
            placed.append((MOST_LANES - 0.5, ""))
            ends.append(x)
    return placed


def event_rows(events: pd.DataFrame, plane: Plane, places: list[tuple[float, str]]) -> pd.DataFrame:
    """What the layers draw: `at` and heights in the units of the plane, and the words of the tooltip."""
    return pd.DataFrame(
        {
            "at": milliseconds(events["at"]),
            "kind": events["kind"],
            "text": pd.Series([text for _, text in places], dtype="str"),
            "top": pd.Series([plane.lane_height(lane) for lane, _ in places], dtype="float64"),
            "foot": pd.Series([plane.bottom] * len(events), dtype="float64"),
            **event_words(events),
        }
    )


def event_words(events: pd.DataFrame) -> dict[str, pd.Series]:
    """The columns of the tooltip."""
    return {
        "what": events["kind"].map(lambda kind: EVENTS[kind].word).astype("str"),
        "prompt": events["prompt"],
        "short": pd.Series(
            [s.removeprefix(p).strip() for p, s in zip(events["prompt"], events["short"], strict=True)], dtype="str"
        ),
        "actor": events["actor"].where(events["actor"].ne(""), numbers.MISSING).astype("str"),
        "seen_in": events["types"].map(lambda types: listed(types) or "all eval types").astype("str"),
        "when": events["at"].map(numbers.when).astype("str"),
    }


def listed(names: Collection[str], most: int = 6) -> str:
    """Names in one line, the first few of them."""
    first = ", ".join(sorted(names)[:most])
    return f"{first} and {len(names) - most} more" if len(names) > most else first


def event_layers(x: alt.Scale, y: alt.Scale, dark: bool) -> tuple[list[alt.Chart], list[alt.Chart]]:
    """Rules and labels over the dataset `events`, one layer a kind.

    Colours are constants of a layer: a colour encoding would share, and erase, the scale of the series.
    """
    rules, words = [], []
    shown = alt.ExprRef(expr=if_narrow(0, 1))
    for kind, look in EVENTS.items():
        base = chart_of("events").transform_filter(f"datum.kind === '{kind}'").encode(x=alt.X("at:T", scale=x))
        rule = base.mark_rule(strokeDash=[4, 3], strokeWidth=1.4, color=look.color, clip=True)
        rules.append(rule.encode(y=alt.Y("foot:Q", scale=y), y2=alt.Y2("top:Q"), tooltip=TOOLTIP))
        text = base.mark_text(
            align="left",
            baseline="middle",
            dx=5,
            fontSize=11.5,
            fontWeight=500,
            color=look.ink(dark),
            clip=True,
            fillOpacity=shown,
        )
        words.append(text.encode(y=alt.Y("top:Q", scale=y), text=alt.Text("text:N"), tooltip=TOOLTIP))
    return rules, words
