"""What only Streamlit needs. Pages import nothing else of ours: `from eval_pipeline import ui`."""

from eval_pipeline.ui import audit, log_health, overview, promote, regressions, rollback, trends
from eval_pipeline.ui.frame import open_live_page, open_page, run_app
from eval_pipeline.ui.run_card import run_card

__all__ = [
    "audit",
    "log_health",
    "open_live_page",
    "open_page",
    "overview",
    "promote",
    "regressions",
    "rollback",
    "run_app",
    "run_card",
    "trends",
]
