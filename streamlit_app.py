"""The app: `streamlit run streamlit_app.py`, or `eval-pipeline ui`."""

from eval_pipeline import ui

ui.run_app()
