"""What the store lets this app do, said before somebody fills in a form in vain."""

from __future__ import annotations

import streamlit as st

from eval_pipeline.errors import NotPermittedError
from eval_pipeline.store.aliases import ask_permission
from eval_pipeline.store.connection import Store
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.outage import stopping_kindly

BELIEVED_FOR = "1m"


def warn_reader(store: Store, prompt_name: str, version: int) -> None:
    """Say so if the app's credentials may read the store and not move aliases of this prompt."""
    with stopping_kindly():
        problem = _why_not(store, prompt_name, version)
    if problem:
        st.warning(
            f"**Read only.** Here {escape(prompt_name)} can't be moved: {escape(problem)}.", icon=":material/lock:"
        )


@st.cache_data(ttl=BELIEVED_FOR, show_spinner=False)
def _why_not(_store: Store, prompt_name: str, version: int) -> str:
    try:
        ask_permission(_store, prompt_name, version)
    except NotPermittedError as problem:
        return str(problem)
    return ""
