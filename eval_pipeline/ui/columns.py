"""How tables show times: the column to `report.frames.table_time`."""

from __future__ import annotations

from typing import Any

import streamlit as st


def time_column(title: str) -> Any:
    """A column of times in UTC, written as `report.numbers.when` writes them; `title` without the zone."""
    return st.column_config.DatetimeColumn(f"{title} (UTC)", format="DD MMM YYYY HH:mm")
