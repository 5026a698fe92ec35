"""Whether what the Regressions page shows is more than noise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from eval_pipeline.actions.evidence import add_evidence
from eval_pipeline.core.models import CheckResult
from eval_pipeline.store.connection import Store
from eval_pipeline.ui.cases import MOST_SECONDS, case_reader
from eval_pipeline.ui.history import shared_history
from eval_pipeline.ui.regressions import Comparison


def judged(comparison: Comparison) -> Comparison:
    """The same comparison, each report with its evidence."""
    with st.spinner("Reading cases …"):
        return replace(comparison, result=judge(shared_history().store, comparison.result))


def _key(result: CheckResult) -> list[Any]:
    return [(each.baseline_run_id, each.current_run_id, each.verdict.value, each.threshold) for each in result.reports]


@st.cache_data(show_spinner=False, max_entries=64, ttl=MOST_SECONDS, hash_funcs={CheckResult: _key})
def judge(_store: Store, result: CheckResult) -> CheckResult:
    """The same reports, each with its evidence; judged once for all sessions."""
    return add_evidence(result, case_reader(_store), _store.settings.quarantine)
