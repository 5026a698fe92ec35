"""Whether a difference is more than noise, in one line below its verdict."""

from __future__ import annotations

import streamlit as st

from eval_pipeline.core.evidence import Significance
from eval_pipeline.report import numbers
from eval_pipeline.ui.escaping import escape


def caption(found: Significance | None) -> None:
    """The label and the sentence; nothing where nobody looked."""
    if found is not None:
        st.caption(f":material/query_stats: **{escape(numbers.evidence(found))}** · {escape(found.sentence)}")
