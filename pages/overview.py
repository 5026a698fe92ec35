"""Where every eval type stands now."""

import streamlit as st

from eval_pipeline import ui

snapshot = ui.open_page("overview")
ui.overview.headline(snapshot)
ui.overview.key_figures(snapshot)
ui.overview.verdict_banner(snapshot)
evals, events = st.columns([3, 1], gap="medium")
with evals:
    st.subheader("All eval types", anchor=False)
    ui.overview.standing_table(snapshot)
with events:
    st.subheader("Prompt events", anchor=False)
    ui.overview.event_cards(snapshot)
    ui.overview.legend(snapshot)
