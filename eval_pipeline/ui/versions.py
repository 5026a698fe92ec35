"""Versions of a prompt: a card for one, and what changed in the text between two."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from eval_pipeline.core.models import PromptText
from eval_pipeline.report import diff, diff_html, numbers
from eval_pipeline.ui import mlflow_links
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.zone import when


def version_card(heading: str, version: int | None, text: PromptText | None) -> None:
    """One version: what it is here, since when it exists, and its commit message."""
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.caption(heading)
        if version is None:
            st.markdown("### –", anchors=False)
            st.caption("no version yet")
            return
        st.markdown(f"### v{version}", anchors=False)
        if text is None:
            st.caption("The registry has no such version, or no longer.")
            return
        if text.created is not None:
            age = numbers.age(text.created, datetime.now(UTC))
            st.caption(f":material/schedule: created {when(text.created)}, {age} ago")
        message = escape(text.commit_message) if text.commit_message else "no commit message"
        st.caption(f":material/commit: {message}")
        mlflow_links.prompt_line(text.name)


def text_change(before: PromptText | None, after: PromptText | None) -> None:
    """Two versions side by side, as far as the registry has them."""
    st.subheader("What changes in the text", anchor=False)
    if after is None:
        st.caption("There is no text to show.")
        return
    old = "" if before is None else diff.as_text(before.template)
    new = diff.as_text(after.template)
    if before is not None and old == new:
        st.caption("Nothing: both versions have the same text.")
        return
    left = "nothing" if before is None else f"v{before.version}"
    with st.container(border=True):
        st.html(difference(old, new, (left, f"v{after.version}")))


@st.cache_data(show_spinner=False, max_entries=64)
def difference(before: str, after: str, names: tuple[str, str] = ("before", "after")) -> str:
    """Two texts side by side as safe HTML, made once."""
    return diff_html.side_by_side(before, after, names=names)
