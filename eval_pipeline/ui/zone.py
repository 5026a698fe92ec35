"""The time zone in which whoever is at the page reads times."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from eval_pipeline.report.zones import IN_UTC, Zone
from eval_pipeline.settings import LOCAL_ZONE
from eval_pipeline.ui.person import app_settings

_CHOSEN, _WIDGET = "time-zone", "time-zone.choice"


def shown_zone() -> Zone:
    """The zone that this person chose in this session, or else the one of the settings; `local` is their browser's."""
    chosen: str | None = st.session_state.get(_CHOSEN)
    return Zone(chosen) if chosen else _usual()


def when(moment: datetime | None) -> str:
    """A time as `Zone.when` writes it, in the zone of whoever is here."""
    return shown_zone().when(moment)


def time_column(title: str) -> Any:
    """The column of a table for what `Zone.naive` gives; `title` without the zone."""
    return st.column_config.DatetimeColumn(shown_zone().heading(title), format="DD MMM YYYY HH:mm")


def choose_zone() -> None:
    """The control, for the sidebar."""
    usual, browser = _usual().name, _of_browser()
    first = dict.fromkeys([usual, IN_UTC.name, *([browser.name] if browser else [])])
    notes = {usual: "as set", **({browser.name: "this browser"} if browser else {}), IN_UTC.name: ""}
    st.session_state[_WIDGET] = shown_zone().name

    def say(name: str) -> str:
        note = notes.get(name)
        return f"{name.replace('_', ' ')} ({note})" if note else name.replace("_", " ")

    st.selectbox(
        "Time zone",
        list(dict.fromkeys([*first, *_places()])),
        key=_WIDGET,
        format_func=say,
        on_change=_keep,
        help="Of the times shown in this tab; downloads stay in UTC. Where all begin is `time_zone` in the settings.",
    )


def _keep() -> None:
    st.session_state[_CHOSEN] = st.session_state[_WIDGET]


def _usual() -> Zone:
    named = app_settings().time_zone
    return (_of_browser() or IN_UTC) if named == LOCAL_ZONE else Zone(named)


def _of_browser() -> Zone | None:
    """The zone that the browser says it is in, if that is one."""
    said = st.context.timezone
    return Zone(said) if said in _known() else None


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


@cache
def _places() -> tuple[str, ...]:
    """The zones that people look for: those of a continent and a place."""
    return tuple(sorted(name for name in _known() if "/" in name and not name.startswith("Etc/")))
