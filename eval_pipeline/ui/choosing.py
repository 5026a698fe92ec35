"""Controls whose values live in the URL, and depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

MOST_OPENED = 200
OPENER_WIDTH = 380
"""Pixels; on a narrow page less."""


def select(
    place: DeltaGenerator,
    title: str,
    parameter: str,
    options: Sequence[str],
    default: str,
    *,
    scope: str = "",
    say: Callable[[str], str] = str,
    most: int | None = None,
) -> str:
    """A selectbox whose first value comes from the URL, if it is one of the options.

    `scope`: what the options depend on; when it changes, the choice begins anew. `most`: so many are offered; another
    option can still be named in the URL.
    """
    asked = st.query_params.get(parameter, default)
    start = asked if asked in options else default
    offered = list(options) if most is None else list(dict.fromkeys([*options[:most], start]))
    key = f"{parameter}:{scope}"
    if st.session_state.get(key) not in offered:
        st.session_state[key] = start
    return str(place.selectbox(title, offered, key=key, format_func=say))


def preset(parameter: str, value: str, *, scope: str = "") -> None:
    """Have a `select` show this; only before it is drawn, as in a callback."""
    st.session_state[f"{parameter}:{scope}"] = value


def open_one(
    title: str, parameter: str, options: Sequence[str], say: Callable[[str], str], width: int = OPENER_WIDTH
) -> None:
    """A selectbox that opens one of these as a click on its row or mark does, for those who use no pointer.

    What is open is named by the parameter of the URL. The first `MOST_OPENED` are offered.
    """
    key = f"open:{parameter}"
    asked = st.query_params.get(parameter)
    offered = list(options[:MOST_OPENED])
    st.session_state[key] = asked if asked in offered else None
    st.selectbox(
        title,
        offered,
        index=None,
        key=key,
        format_func=say,
        placeholder="Choose one",
        on_change=_open,
        args=(parameter, key),
        width=width,
    )


def _open(parameter: str, key: str) -> None:
    chosen = st.session_state[key]
    if chosen is None:
        st.query_params.pop(parameter, None)
    else:
        st.query_params[parameter] = chosen


def remember(values: Mapping[str, str]) -> None:
    """Put these values into the URL, and nothing else."""
    if dict(st.query_params) != dict(values):
        st.query_params.from_dict(values)
