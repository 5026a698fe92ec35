"""The gate as a table: as it is now, and as an audit record kept it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from eval_pipeline.core.moves import PromotionEvalCheck
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.report import numbers
from eval_pipeline.report.links import run_url
from eval_pipeline.report.looks import GATE
from eval_pipeline.store.connection import Store
from eval_pipeline.store.runs import get_eval_experiments
from eval_pipeline.ui.zone import shown_zone

SHORT_ID = 8
_SHOWN_ID = rf"/runs/([^/]{{1,{SHORT_ID}}})[^/]*$"


def gate_table(store: Store, checks: Sequence[PromotionEvalCheck], now: datetime, key: str) -> None:
    """One row an eval type, in the order given: status, numbers, the run that is the evidence, and its age at `now`.

    Raises:
        StoreError: the store can't be read.
    """
    zone = shown_zone()
    home = store.mlflow_home
    experiments = {each.eval_type: each.experiment_id for each in get_eval_experiments(store)} if home else {}
    shown = pd.DataFrame(
        {
            "Eval type": [check.eval_type for check in checks],
            "Gate": [_status(check) for check in checks],
            "Pass rate": [numbers.rate_against(check.pass_rate, check.threshold) for check in checks],
            "Threshold": [numbers.threshold(check.threshold) for check in checks],
            "Margin": [numbers.points(_margin(check)) for check in checks],
            "Cases": [numbers.count(check.total_cases) for check in checks],
            "Age": [numbers.age(check.timestamp, now) for check in checks],
            "At": [zone.cell(check.timestamp) for check in checks],
            "Run": [_run(check, home, experiments.get(check.eval_type)) for check in checks],
        }
    )
    right = {name: st.column_config.TextColumn(alignment="right") for name in ("Pass rate", "Threshold", "Cases")}
    linked = st.column_config.LinkColumn("Evidence run", display_text=_SHOWN_ID)
    columns = {
        **right,
        "Gate": st.column_config.TextColumn(width=150),
        "Margin": st.column_config.TextColumn("Margin pp", alignment="right", help="Pass rate less threshold"),
        "Age": st.column_config.TextColumn("Evidence age", alignment="right"),
        "At": st.column_config.TextColumn(zone.heading("Evidence of")),
        "Run": linked if experiments else st.column_config.TextColumn("Evidence run"),
    }
    st.dataframe(shown, key=key, hide_index=True, height="content", column_config=columns)


def _status(check: PromotionEvalCheck) -> str:
    look = GATE[check.status.value]
    odd = check.blocks and check.reason not in {"below its threshold"} and check.pass_rate is not None
    return f"{look.glyph} {check.reason if odd else look.word}"


def _margin(check: PromotionEvalCheck) -> float | None:
    return None if check.pass_rate is None else percentage_points(check.pass_rate, check.threshold)


def _run(check: PromotionEvalCheck, home: str | None, experiment_id: str | None) -> str:
    if check.run_id is None:
        return "" if home else numbers.MISSING
    return run_url(home, experiment_id, check.run_id) if home and experiment_id else check.run_id[:SHORT_ID]
