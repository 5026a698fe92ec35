"""Ways from other pages to the Compare page."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

ICON = ":material/compare_arrows:"


def runs_address(eval_type: str, baseline_run_id: str, current_run_id: str) -> dict[str, str]:
    """The URL parameters of two runs."""
    return {"type": eval_type, "baseline": baseline_run_id, "current": current_run_id}


def link(label: str, address: Mapping[str, str]) -> None:
    """A link on a page."""
    st.page_link("pages/compare.py", label=label, icon=ICON, query_params=dict(address))


def url(address: Mapping[str, str]) -> str:
    """The same for a table's cell."""
    return f"./compare?{urlencode(address)}"
