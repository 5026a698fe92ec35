"""What the theme in `.streamlit/config.toml` can't say."""

from __future__ import annotations

import streamlit as st

_STYLE = """<style>
/* Streamlit writes white on primary buttons and on the chips of what is chosen, and the primary colour on what is
   chosen elsewhere: on dark no one colour has enough contrast for both. */
:is(button[kind^="primary"]:enabled, [data-testid="stMultiSelect"] [data-tag]:has(button)) {
    color: light-dark(#ffffff, #0b1016);
}
/* A table's own CSV hands formulas to spreadsheets, and our downloads do not. Streamlit's switch for it would also keep
   people from copying a cell. */
[data-testid="stElementToolbar"] button[aria-label="Download as CSV"] { display: none; }
/* A word without an end, as in names from outside, breaks where the line ends instead of widening the page. */
[data-testid="stMarkdownContainer"] :is(th, td, h1, h2, h3, h4, p, li, a, code) { overflow-wrap: anywhere; }
/* The run card is narrow: its tables have small print, so that only such words break, and no row of empty headings. */
[data-testid="stMarkdownContainer"] :is(th, td) { padding: 0.3rem 0.5rem; font-size: 0.875rem; }
[data-testid="stMarkdownContainer"] td:first-child { min-width: 8rem; }
[data-testid="stMarkdownContainer"] thead:not(:has(th:not(:empty))) { display: none; }
</style>"""


def apply() -> None:
    """Style the page; takes no space on it."""
    st.html(_STYLE)
