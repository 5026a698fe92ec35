"""The one place where pages show charts: each says in words what it shows, and is a table on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd
import streamlit as st

from eval_pipeline.report.charts import Spec
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.zone import time_column

TALL = 420
"""Pixels of a table; more rows scroll."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """What a chart says, without the chart."""

    said: str
    tables: Mapping[str, pd.DataFrame]
    """By their titles."""


def show(spec: Spec, key: str, on_pick: Callable[[], None] | Literal["ignore"] = "ignore") -> None:
    """A chart. `on_pick` is called when a run is picked on it; only for charts that have the selection `run`."""
    mode = "run" if on_pick != "ignore" else None
    st.vega_lite_chart(spec, key=key, on_select=on_pick, selection_mode=mode)


def as_table(key: str, make: Callable[[], Alternative]) -> None:
    """The switch that shows what a chart says, in words and as tables; they are made only when asked for."""
    if not st.toggle("Show as table", key=f"{key}.table"):
        return
    made = make()
    st.caption(escape(made.said))
    for title, table in made.tables.items():
        st.dataframe(
            table,
            key=f"{key}.table:{title}",
            hide_index=True,
            height="content" if len(table) <= TALL // 36 else TALL,
            column_config={"Started": time_column("Started")},
            alt=title,
        )
