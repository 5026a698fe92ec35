"""What is known of one run, beside the chart that it was chosen on."""

from __future__ import annotations

import streamlit as st

from eval_pipeline.core.models import RegressionReport, TrendPoint
from eval_pipeline.report import numbers
from eval_pipeline.report.frames import run_state
from eval_pipeline.report.looks import badge
from eval_pipeline.ui import compare_links
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import Snapshot, shared_history
from eval_pipeline.ui.mlflow_links import run_link
from eval_pipeline.ui.zone import when

LONGEST_VALUE = 200


def run_card(snapshot: Snapshot, run_id: str) -> None:
    """The run with this id: verdict, numbers, prompts, context, and where to go from it."""
    found = snapshot.find_run(run_id)
    with st.container(border=True):
        if found is None:
            st.markdown(f"No run {escape(run_id)} in this history. It may have been deleted.")
        else:
            _card(*found)
        st.button("Close", icon=":material/close:", on_click=close_run)


def close_run() -> None:
    """Forget the chosen run."""
    st.query_params.pop("run", None)


def _card(point: TrendPoint, report: RegressionReport | None) -> None:
    default = shared_history().store.settings.threshold(point.eval_type)
    st.markdown(f"#### {escape(point.eval_type)} {badge(run_state(point, report, default))}", anchors=False)
    st.caption(f"Run `{point.run_id[:8]}` · {when(point.timestamp)}")
    if point.status_reason:
        st.markdown(f":material/info: {escape(point.status_reason)}")
    threshold = default if point.threshold is None else point.threshold
    _rows(
        {
            "Pass rate": numbers.rate_against(point.pass_rate, threshold),
            "Threshold": numbers.threshold(threshold),
            "Change": numbers.delta_pp(report.delta_pp if report else None),
            "Cases": numbers.count(point.total_cases),
            "Errored": numbers.count(point.error_cases),
            "Average score": numbers.score(point.average_score),
        }
    )
    for change in report.changed_prompts if report else ():
        text = numbers.prompt_change(change.prompt_name, change.from_version, change.to_version)
        st.markdown(f":material/edit_note: **{escape(text)}** first shows here")
    _rows({**dict(point.prompt_versions), **dict(point.context)})
    for note in point.notes:
        st.caption(f":material/warning: {escape(note)}")
    _ways_on(point, report)


def _rows(values: dict[str, str]) -> None:
    shown = ([escape(numbers.shortened(text, LONGEST_VALUE)) for text in row] for row in values.items())
    lines = [f"| {name} | {value} |" for name, value in shown]
    if lines:
        st.markdown("\n".join(["| | |", "| --- | --- |", *lines]))


def _ways_on(point: TrendPoint, report: RegressionReport | None) -> None:
    if report is not None:
        st.page_link(
            "pages/regressions.py",
            label="Compare with its baseline",
            icon=":material/trending_down:",
            query_params={"eval": point.eval_type, "current": point.run_id},
        )
        runs = compare_links.runs_address(report.eval_type, report.baseline_run_id, report.current_run_id)
        compare_links.link("Case by case", runs)
    address = run_link(point.experiment_id, point.run_id)
    if address is not None:
        st.link_button("Open in MLflow", address, icon=":material/open_in_new:")
    else:
        st.caption("To link runs to MLflow, set `mlflow_ui_url` to where your team opens it.")
