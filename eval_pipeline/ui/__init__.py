"""What only Streamlit needs. Pages import nothing else of ours: `from eval_pipeline import ui`."""

import logging

import streamlit  # noqa: F401 - sets up the logger below

logging.getLogger("streamlit.runtime.caching.cache_data_api").setLevel(logging.ERROR)
"""The server imports the pages before it runs, and that their caches lie in memory is meant: no warnings of it."""

from eval_pipeline.ui import (
    audit,
    compare,
    compare_bisect,
    compare_case,
    compare_cases,
    compare_verdict,
    evidence,
    flaky,
    log_health,
    overview,
    power,
    promote,
    regressions,
    requests,
    rollback,
    suite_cards,
    suite_form,
    suite_history,
    trends,
)
from eval_pipeline.ui.frame import open_live_page, open_page, run_app
from eval_pipeline.ui.run_card import run_card

__all__ = [
    "audit",
    "compare",
    "compare_bisect",
    "compare_case",
    "compare_cases",
    "compare_verdict",
    "evidence",
    "flaky",
    "log_health",
    "open_live_page",
    "open_page",
    "overview",
    "power",
    "promote",
    "regressions",
    "requests",
    "rollback",
    "run_app",
    "run_card",
    "suite_cards",
    "suite_form",
    "suite_history",
    "trends",
]
