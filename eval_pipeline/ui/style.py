"""What the theme in `.streamlit/config.toml` can't say."""

from __future__ import annotations

import streamlit as st

_STYLE = """<style>
/* Streamlit writes white on primary buttons, and the primary colour on what is chosen: on dark no one colour has
   enough contrast for both. */
button[kind^="primary"]:enabled { color: light-dark(#ffffff, #0b1016); }
</style>"""


def apply() -> None:
    """Style the page; takes no space on it."""
    st.html(_STYLE)
