"""Controls whose values live in the URL, and depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


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


def remember(values: Mapping[str, str]) -> None:
    """Put these values into the URL, and nothing else."""
    if dict(st.query_params) != dict(values):
        st.query_params.from_dict(values)
