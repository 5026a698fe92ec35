"""Where a run is in MLflow, for links beside its name."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from eval_pipeline.report.links import mlflow_home, run_url
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.frame import shared_history


def run_link(experiment_id: str, run_id: str) -> str | None:
    """The address of a run in MLflow; `None` if nobody said where people open it."""
    store = shared_history().store
    home = mlflow_home(store.uri, store.settings.mlflow_ui_url)
    return run_url(home, experiment_id, run_id) if home else None


def run_links(eval_type: str, run_ids: Mapping[str, str]) -> dict[str, str]:
    """The addresses of runs of an eval type in the history, by what they are called; empty if there are none."""
    history = shared_history().snapshot().types.get(eval_type)
    points = history.summary.points if history else ()
    found = {title: run_link(points[-1].experiment_id, run_id) for title, run_id in run_ids.items()} if points else {}
    return {title: address for title, address in found.items() if address}


def line(eval_type: str, run_ids: Mapping[str, str]) -> None:
    """The links to runs of an eval type, in one line; nothing without them."""
    links = run_links(eval_type, run_ids)
    if links:
        shown = " · ".join(f"[{escape(title)}]({address})" for title, address in links.items())
        st.markdown(f":small[In MLflow: {shown}]")  # a caption would make the links too faint to read
