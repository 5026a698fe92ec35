"""The parts of the Overview page."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from eval_pipeline.core.models import PromptEvent, Verdict
from eval_pipeline.report import numbers
from eval_pipeline.report.daily import daily_frame, daily_table
from eval_pipeline.report.frames import in_zone
from eval_pipeline.report.looks import EVENTS, LOOKS, badge, label
from eval_pipeline.report.zones import Zone
from eval_pipeline.ui import charts
from eval_pipeline.ui.charts import Alternative
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import Snapshot
from eval_pipeline.ui.zone import shown_zone, when

CHART_DAYS = 30
EVENT_CARDS = 6
CARD_TYPES = 2
SPARKLINE = "Last 30 complete runs"
TREND = ":material/show_chart:"
OPENED = "standing.opened"


def headline(snapshot: Snapshot) -> None:
    """How many eval types there are and how fresh their runs."""
    newest = snapshot.runs["started"].max()
    types = numbers.counted(len(snapshot.types), "eval type")
    st.caption(f"{types} · newest run {when(newest)} · thresholds as recorded on each run, else today's settings")


def key_figures(snapshot: Snapshot) -> None:
    """Four figures that say whether all is well, with how they moved."""
    table, days = snapshot.standing, _days(snapshot, shown_zone())
    judged = table[table["margin_pp"].notna()]
    meeting, regressions = int((judged["margin_pp"] >= 0).sum()), int(table["state"].eq("REGRESSION").sum())
    warnings, unjudged = int(table["state"].eq("WARNING").sum()), len(table) - len(judged)
    median = None if judged.empty else float(judged["pass_rate"].median())
    first, second, third, fourth = st.columns(4)
    first.metric(
        ":material/verified: Meeting threshold",
        f"{meeting} / {len(judged)}",
        border=True,
        height="stretch",
        help=_course(days),
        chart_data=days["meeting"].tolist(),
        chart_type="bar",
        delta=f"{unjudged} without a complete run" if unjudged else None,
        delta_color="off",
        delta_arrow="off",
    )
    second.metric(
        ":material/trending_down: Regressions",
        regressions,
        f"{regressions} below threshold" if regressions else "none",
        delta_color="inverse" if regressions else "off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    third.metric(
        ":material/warning: Warnings",
        warnings,
        str(warnings),
        delta_description="drop ≥ 10 pp, still passing",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )
    fourth.metric(
        ":material/percent: Median pass rate",
        numbers.rate(median),
        border=True,
        height="stretch",
        help=_course(days),
        chart_data=days["median"].tolist(),
        chart_type="area",
    )


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs={Snapshot: lambda snapshot: snapshot.version})
def _days(snapshot: Snapshot, zone: Zone) -> pd.DataFrame:
    """How all types together stood on the newest days with runs, a `daily.daily_frame`."""
    return daily_frame(in_zone(snapshot.runs, zone)).tail(CHART_DAYS)


def verdict_banner(snapshot: Snapshot) -> None:
    """One sentence on what needs a look."""
    table = snapshot.standing
    below = table[table["state"].isin(["REGRESSION", "BELOW"])]["eval_type"].tolist()
    lower = table[table["state"].eq("WARNING")]["eval_type"].tolist()
    dropped = f" {_names(lower)} dropped by 10 pp or more." if lower else ""
    if below:
        verb = "is" if len(below) == 1 else "are"
        st.error(f"**{_names(below)} {verb} below threshold.**{dropped}", icon=LOOKS["REGRESSION"].icon)
    elif lower:
        st.warning(f"**All thresholds are met,** but{dropped}", icon=LOOKS["WARNING"].icon)
    else:
        st.success("**All eval types with a complete run meet their threshold.**", icon=LOOKS["PASS"].icon)


def standing_table(snapshot: Snapshot) -> None:
    """Every eval type, worst margin first; its name opens what changed, the button beside its sparkline the trend.

    Buttons, not selected cells: a cell is selected as soon as the Tab key reaches it, and would lead away by itself.
    """
    table = snapshot.standing
    shown = pd.DataFrame(
        {
            "Eval type": table["eval_type"],
            "Status": table["state"].map(label),
            "Pass rate": table["pass_rate"] * 100,
            "Change": table["delta_pp"],
            "Margin": table["margin_pp"],
            SPARKLINE: table["last"],
            "Trend": TREND,
        }
    )
    st.dataframe(
        shown,
        key="standing",
        hide_index=True,
        height="content",
        column_config={
            "Eval type": st.column_config.ButtonColumn(type="tertiary", alignment="left", key=f"{OPENED}.type"),
            "Pass rate": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100, width=150),
            "Change": st.column_config.NumberColumn("Δ pp", format="%+.1f", width=60, help="Against its baseline"),
            "Margin": st.column_config.NumberColumn("Margin pp", format="%+.1f", width=80, help="To its threshold"),
            SPARKLINE: st.column_config.LineChartColumn("Last 30 runs", y_min=_lowest(table), y_max=1, width=110),
            "Trend": st.column_config.ButtonColumn("", type="tertiary", width=45, key=f"{OPENED}.trend"),
        },
    )
    for button in ("type", "trend"):
        if (click := st.session_state.get(f"{OPENED}.{button}")) is not None:
            _open(table.iloc[click["row"]], trend=button == "trend")
    st.caption(
        "Click an eval type to see what changed since its baseline, or the sign beside its line to see its trend"
    )
    charts.as_table("overview", lambda: _alternative(snapshot))


def _alternative(snapshot: Snapshot) -> Alternative:
    """The small charts in the figures and in the table."""
    days, table = _days(snapshot, shown_zone()), snapshot.standing
    rates = [", ".join(numbers.rate(rate) for rate in last) or numbers.MISSING for last in table["last"]]
    return Alternative(
        _course(days),
        {
            "How all eval types stood, by day": daily_table(days),
            SPARKLINE: pd.DataFrame({"Eval type": table["eval_type"], f"{SPARKLINE}, oldest first": rates}),
        },
    )


def _course(days: pd.DataFrame) -> str:
    """What the charts of the figures show."""
    if days.empty:
        return "No complete run yet."
    first, last = days.iloc[0], days.iloc[-1]
    return (
        f"From {numbers.day(first['day'])} to {numbers.day(last['day'])}: meeting their threshold "
        f"{first['meeting']} of {first['judged']}, then {last['meeting']} of {last['judged']}; median pass rate "
        f"{numbers.rate(first['median'])}, then {numbers.rate(last['median'])}."
    )


def _open(row: pd.Series, *, trend: bool) -> None:
    """What changed in an eval type; its trend if that is asked for, or it has no baseline yet."""
    name = str(row["eval_type"])
    if trend or row["state"] not in {verdict.value for verdict in Verdict}:
        st.switch_page("pages/trends.py", query_params={"evals": name})
    st.switch_page("pages/regressions.py", query_params={"eval": name})


def _lowest(table: pd.DataFrame) -> float:
    """A round pass rate below all that the sparklines show."""
    rates = [rate for last in table["last"] for rate in last]
    return math.floor(min(rates, default=0.0) * 10) / 10


def event_cards(snapshot: Snapshot) -> None:
    """The latest prompt events, newest first."""
    if not snapshot.events:
        st.caption("No run names a prompt that changed.")
    for event in list(reversed(snapshot.events))[:EVENT_CARDS]:
        _event_card(event)


def _event_card(event: PromptEvent) -> None:
    look = EVENTS[event.action]
    change = numbers.version_change(event.from_version, event.to_version) if event.from_version else event.to_version
    few = len(event.eval_types) <= CARD_TYPES
    types = ", ".join(event.eval_types) if few else numbers.counted(len(event.eval_types), "eval type")
    who = f" · {escape(event.actor)}" if event.actor else ""
    where = f" {escape(f'@{event.alias}')}" if event.alias else ""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"{look.icon} **{look.word}** · :gray-badge[{escape(event.prompt_name)}{where}] {escape(change)}")
        st.caption(f"{when(event.timestamp)}{who}" + (f"  \nin {escape(types)}" if types else ""))


def legend(snapshot: Snapshot) -> None:
    """What the states that occur look like."""
    states = set(snapshot.standing["state"])
    st.markdown(" ".join(badge(state) for state in LOOKS if state in states))


def _names(names: list[str], most: int = 4) -> str:
    listed = [escape(name) for name in names[:most]]
    if len(names) > most:
        listed.append(f"{len(names) - most} more")
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
