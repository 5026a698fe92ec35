"""How pass rates move over time, and what happened to the prompts."""

import streamlit as st

from eval_pipeline import ui

snapshot = ui.open_page("trends")
view = ui.trends.controls(snapshot)
if ui.trends.select(snapshot, view).empty:
    ui.trends.say_no_runs(snapshot, view)
    st.stop()
run_id = st.query_params.get("run")
left, right = st.columns([3, 1], gap="medium") if run_id else (st.container(), None)
with left:
    ui.trends.chart(snapshot, view)
    ui.trends.ways_on(snapshot, view)
    ui.trends.table(snapshot, view)
if run_id and right is not None:
    with right:
        ui.run_card(snapshot, run_id)
