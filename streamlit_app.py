"""The app: `streamlit run streamlit_app.py`, or `eval-pipeline ui`."""

from pathlib import Path

from eval_pipeline import ui

ui.run_app(Path(__file__).parent)
