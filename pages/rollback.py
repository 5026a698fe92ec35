"""Taking a live prompt version back, in one step."""

import streamlit as st

from eval_pipeline import ui

store = ui.open_live_page("rollback")
choice = ui.rollback.choose(store)
plan = ui.rollback.propose(store, choice)
ui.rollback.what_became_of_it(store, choice)
steps, history = st.columns([3, 2], gap="medium")
with steps:
    ui.rollback.where_to(store, choice, plan)
    ui.rollback.act(store, choice, plan)
with history:
    st.subheader("History of this alias", anchor=False)
    ui.rollback.timeline(store, choice)
ui.rollback.text(store, plan)
