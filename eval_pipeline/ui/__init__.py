"""What only Streamlit needs. Pages import nothing else of ours: `from eval_pipeline import ui`."""

from eval_pipeline.ui import overview, regressions, trends
from eval_pipeline.ui.frame import open_page, run_app
from eval_pipeline.ui.run_card import run_card

__all__ = ["open_page", "overview", "regressions", "run_app", "run_card", "trends"]
