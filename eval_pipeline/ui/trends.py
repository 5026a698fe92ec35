"""The parts of the Trends page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.report import numbers
from eval_pipeline.report.charts import Spec, cells, event_table, heatmap, heatmap_table, run_table, say_trend, trend
from eval_pipeline.report.frames import events_frame, in_zone
from eval_pipeline.report.looks import LOOKS
from eval_pipeline.report.runs_csv import runs_csv
from eval_pipeline.report.zones import IN_UTC, Zone
from eval_pipeline.ui import charts, trend_words
from eval_pipeline.ui.charts import Alternative
from eval_pipeline.ui.choosing import MOST_OPENED, open_one
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import Snapshot
from eval_pipeline.ui.zone import shown_zone

WINDOWS: dict[str, int | None] = {"7d": 7, "30d": 30, "90d": 90, "All": None}
FOCUS, MULTIPLES, HEATMAP = "Focus", "Small multiples", "Heatmap"
FOCUS_TYPES = 5
"""So many eval types are drawn in one chart while none are chosen."""
BAND_TYPES = 3
"""So many eval types in one chart may have bands."""
CELL_COLUMNS = 4
CELL_NAME = 16
"""A longer name is cut above a small chart; its tooltip has it whole."""
CHART_KEY = "chart"


@dataclass(frozen=True, slots=True)
class View:
    """What the controls say; it lives in the URL."""

    eval_types: tuple[str, ...]
    since: date | None
    """The first day, in the zone."""
    prompts: tuple[str, ...]
    kind: str
    band: bool = False
    """Whether the 95% intervals lie around the lines; only where types share one chart."""
    zone: Zone = IN_UTC
    """In which times are drawn and written."""

    @property
    def begin(self) -> datetime | None:
        """The first moment in view, UTC."""
        return None if self.since is None else self.zone.begin(self.since)

    @property
    def drawn_together(self) -> bool:
        """Whether all types share one chart."""
        return self.kind == FOCUS


def controls(snapshot: Snapshot) -> View:
    """The controls above the chart, each kept in the URL."""
    prompts = sorted({event.prompt_name for event in snapshot.events})
    types, prompt = st.columns([3, 1])
    chosen = types.multiselect(
        "Eval types", list(snapshot.types), key="evals", bind="query-params", placeholder="All, worst margin first"
    )
    of_prompts = prompt.multiselect("Prompts", prompts, key="prompts", bind="query-params", placeholder="All")
    row = st.container(horizontal=True, gap="medium")
    days = row.segmented_control(
        "Window", list(WINDOWS), default="All", required=True, key="window", bind="query-params"
    )
    view = row.segmented_control(
        "View", [FOCUS, MULTIPLES, HEATMAP], default=FOCUS, required=True, key="view", bind="query-params"
    )
    length = WINDOWS[days or "All"]
    zone = shown_zone()
    since = None if length is None else utc_now().astimezone(zone.info).date() - timedelta(days=length)
    names = tuple(chosen) or _all_types(snapshot, view or FOCUS)
    band = view == FOCUS and _band(row, len(names))
    return View(names, since, tuple(of_prompts), view or FOCUS, band, zone)


def _band(place: DeltaGenerator, types: int) -> bool:
    """Whether to draw intervals: more than a few bands in one chart hide each other and the lines."""
    many = types > BAND_TYPES
    said = f"Choose up to {BAND_TYPES} eval types for it." if many else "From the number of its cases."
    help_text = f"The 95% interval of each run's pass rate. {said}"
    wanted = place.toggle("Band", True, key="band", bind="query-params", disabled=many, help=help_text)
    return bool(wanted) and not many


def _all_types(snapshot: Snapshot, kind: str) -> tuple[str, ...]:
    """What is drawn while no type is chosen: all, worst margin first; in one chart only the worst few."""
    ordered = tuple(snapshot.standing["eval_type"])
    if kind != FOCUS or len(ordered) <= FOCUS_TYPES:
        return ordered
    st.caption(f"The {FOCUS_TYPES} eval types with the worst margin of {len(ordered)}. Choose others above.")
    return ordered[:FOCUS_TYPES]


def select(snapshot: Snapshot, view: View) -> pd.DataFrame:
    """The runs in view, a `runs_frame` in its zone; eval types in the order of the view."""
    frames = [snapshot.types[name].runs for name in view.eval_types if name in snapshot.types]
    runs = pd.concat(frames, ignore_index=True) if frames else snapshot.runs.head(0)
    if view.begin is not None:
        runs = runs[runs["started"] >= view.begin]
    if view.prompts:
        named = [f"{name} " for name in view.prompts]
        runs = runs[runs["versions"].map(lambda text: any(part.startswith(tuple(named)) for part in text.split(", ")))]
    return in_zone(runs.reset_index(drop=True), view.zone)


def select_events(snapshot: Snapshot, view: View) -> pd.DataFrame:
    """The prompt events in view, an `events_frame` in its zone."""
    kept = [event for event in snapshot.events if not view.prompts or event.prompt_name in view.prompts]
    if (first := view.begin) is not None:
        kept = [event for event in kept if event.timestamp and event.timestamp >= first]
    return in_zone(events_frame(kept), view.zone)


_HASHES: dict[str | type[Any], Callable[[Any], Any]] = {Snapshot: lambda snapshot: snapshot.version}


@st.cache_data(show_spinner=False, max_entries=128, hash_funcs=_HASHES)
def _spec(snapshot: Snapshot, view: View, dark: bool) -> Spec:
    """The chart of a view; made once per version of the history, for all sessions."""
    runs = select(snapshot, view)
    if view.kind == HEATMAP:
        return heatmap(runs, dark=dark)
    return trend(runs, select_events(snapshot, view), dark=dark, band=view.band)


@st.cache_data(show_spinner=False, max_entries=128, hash_funcs=_HASHES)
def _told(snapshot: Snapshot, view: View) -> list[str]:
    return trend_words.lines(snapshot, view.eval_types, frozenset(select(snapshot, view)["run_id"]))


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=_HASHES)
def _cells(snapshot: Snapshot, view: View, dark: bool) -> dict[str, Spec]:
    return cells(select(snapshot, view), select_events(snapshot, view), dark=dark)


def chart(snapshot: Snapshot, view: View) -> None:
    """The chart of the view; a click on a run opens it."""
    if view.kind == MULTIPLES:
        _draw_cells(snapshot, view, _cells(snapshot, view, _dark()))
        return
    charts.show(_spec(snapshot, view, _dark()), CHART_KEY, _pick)
    hint = "Click a point to open its run"
    if view.drawn_together:
        hint += " · click a legend entry to focus · Ctrl + scroll to zoom, drag to pan, double-click to reset"
    st.caption(hint)
    if view.drawn_together:
        trend_words.captions(_told(snapshot, view))


def _dark() -> bool:
    return bool(st.context.theme.type == "dark")


def _pick() -> None:
    """A click on a mark puts its run into the URL; a click beside the marks takes it out."""
    picked = st.session_state[CHART_KEY]["selection"].get("run") or []
    if picked:
        st.query_params["run"] = picked[0]["run_id"]
    else:
        st.query_params.pop("run", None)


def _draw_cells(snapshot: Snapshot, view: View, specs: Mapping[str, Any]) -> None:
    columns = (snapshot.standing[name].tolist() for name in ("eval_type", "state", "pass_rate"))
    table = {name: (LOOKS[state], rate) for name, state, rate in zip(*columns, strict=True)}
    names = [name for name in view.eval_types if name in specs]
    for start in range(0, len(names), CELL_COLUMNS):
        for column, name in zip(st.columns(CELL_COLUMNS), names[start : start + CELL_COLUMNS], strict=False):
            with column.container(border=True, gap="xsmall"):
                look, rate = table[name]
                heading = st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall")
                heading.markdown(f"**{escape(numbers.shortened(name, CELL_NAME))}**", width="content")
                heading.markdown(f":{look.badge}-badge[{look.icon} {numbers.rate_short(rate)}]", width="content")
                charts.show(specs[name], f"cell-{name}")


def say_no_runs(snapshot: Snapshot, view: View) -> None:
    """No run is in view: when the newest one was, and how to see it."""
    newest = snapshot.runs[snapshot.runs["eval_type"].isin(view.eval_types)]["started"].max()
    last = "" if pd.isna(newest) else f" The newest run of these eval types is of {view.zone.when(newest)}."
    st.info(
        f"**No runs in this view.**{last} Choose a longer window or other eval types.", icon=":material/search_off:"
    )


def table(snapshot: Snapshot, view: View) -> None:
    """What the chart shows, in words and as a table, when it is asked for."""
    charts.as_table(CHART_KEY, lambda: _alternative(snapshot, view))


def _alternative(snapshot: Snapshot, view: View) -> Alternative:
    runs, events = select(snapshot, view), select_events(snapshot, view)
    if view.kind == HEATMAP:
        said = _spec(snapshot, view, _dark())["description"]
        return Alternative(said, {"Margins to the threshold, of the worst run": heatmap_table(runs)})
    said = _spec(snapshot, view, _dark())["description"] if view.drawn_together else say_trend(runs, len(runs), events)
    return Alternative(said, {"Runs": run_table(runs, view.band), "Prompt events": event_table(events)})


def ways_on(snapshot: Snapshot, view: View) -> None:
    """The runs in view, to open one of them without a pointer, and to download them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        newest = select(snapshot, view).nlargest(MOST_OPENED, "started")
        columns = (newest[name] for name in ("run_id", "eval_type", "started", "pass_rate"))
        said = {
            run_id: f"{name} · {view.zone.when(at)} · {numbers.rate(rate)}"
            for run_id, name, at, rate in zip(*columns, strict=True)
        }
        open_one("Open a run", "run", list(said), lambda run_id: said[run_id])
        _download(snapshot, view)


def _download(snapshot: Snapshot, view: View) -> None:
    """The runs in view as CSV, made when it is asked for."""
    st.download_button(
        "Download CSV",
        lambda: runs_csv(select(snapshot, view)).encode(),
        file_name="eval-trends.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
