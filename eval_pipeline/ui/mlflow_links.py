"""Where runs and prompts are in MLflow, for links beside their names; none where nobody said where people open it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from eval_pipeline.report.links import prompt_url, run_url
from eval_pipeline.store.connection import Store
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import shared_history
from eval_pipeline.ui.outage import stopping_kindly


def run_link(experiment_id: str, run_id: str) -> str | None:
    """The address of a run; `None` if nobody said where people open MLflow."""
    home = shared_history().store.mlflow_home
    return run_url(home, experiment_id, run_id) if home else None


def run_links(eval_type: str, run_ids: Mapping[str, str]) -> dict[str, str]:
    """The addresses of runs of an eval type in the history, by what they are called; empty if there are none."""
    history = shared_history().snapshot().types.get(eval_type)
    points = history.summary.points if history else ()
    found = {title: run_link(points[-1].experiment_id, run_id) for title, run_id in run_ids.items()} if points else {}
    return {title: address for title, address in found.items() if address}


def line(eval_type: str, run_ids: Mapping[str, str]) -> None:
    """The links to runs of an eval type, in one line."""
    _line(run_links(eval_type, run_ids))


def own_line(store: Store, experiment_name: str, title: str, run_id: str) -> None:
    """The link to a run that this tool keeps: a suite run, an audit record, a request."""
    if address := _own_link(store, experiment_name, run_id):
        _line({title: address})


def own_link(store: Store, experiment_name: str, run_id: str) -> str:
    """The same within a line of markdown; empty without an address."""
    address = _own_link(store, experiment_name, run_id)
    return f"[MLflow]({address})" if address else ""


def prompt_line(prompt_name: str) -> None:
    """The link to a prompt."""
    if home := shared_history().store.mlflow_home:
        _line({"prompt": prompt_url(home, prompt_name)})


def _own_link(store: Store, experiment_name: str, run_id: str) -> str | None:
    home = store.mlflow_home
    with stopping_kindly():
        experiment_id = _experiment_id(store, store.uri, experiment_name) if home else None
    return run_url(home, experiment_id, run_id) if home and experiment_id else None


@st.cache_data(show_spinner=False, max_entries=16)
def _experiment_id(_store: Store, uri: str, name: str) -> str | None:  # noqa: ARG001 - the key
    with _store.reached():
        experiment = _store.client.get_experiment_by_name(name)
    return None if experiment is None else str(experiment.experiment_id)


def _line(links: Mapping[str, str]) -> None:
    if links:
        shown = " · ".join(f"[{escape(title)}]({address})" for title, address in links.items())
        st.markdown(f":small[In MLflow: {shown}]")  # a caption would make the links too faint to read
