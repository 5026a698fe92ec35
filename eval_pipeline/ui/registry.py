"""The prompts that a page offers."""

from __future__ import annotations

import streamlit as st

from eval_pipeline.store.aliases import list_prompts
from eval_pipeline.store.connection import Store
from eval_pipeline.ui.escaping import escape


def registered_prompts(store: Store) -> dict[str, dict[str, int]]:
    """Every prompt with its aliases, by name; a registry without any is said, and ends the page.

    Raises:
        StoreError: the registry can't be read.
    """
    prompts = list_prompts(store)
    if not prompts:
        st.info(
            f"**No prompts in the registry of {escape(store.shown_uri)}.**\n\n"
            "Register one with `mlflow.genai.register_prompt`, and point an alias at it; "
            "to look around on a sample store: `eval-pipeline demo`.",
            icon=":material/inbox:",
        )
        st.stop()
    return prompts
