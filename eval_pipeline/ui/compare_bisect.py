"""Between two versions of a prompt: where a drop first shows, and what to evaluate next."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from eval_pipeline.actions.bisecting import bisect_prompt
from eval_pipeline.core.bisecting import Bisection
from eval_pipeline.report import bisection, numbers
from eval_pipeline.ui.compare import View, histories
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import Snapshot, shared_history
from eval_pipeline.ui.outage import stopping_kindly


def bisect(snapshot: Snapshot, view: View) -> None:
    """The versions between the older and the newer one; nothing while the comparison goes back in versions."""
    choice = view.versions
    if choice is None or choice.baseline >= choice.current:
        return
    st.subheader("Which version brought it", anchor=False)
    with stopping_kindly():
        found = bisect_prompt(
            shared_history().store, histories(snapshot), choice.prompt_name, choice.baseline, choice.current
        )
    st.markdown(escape(bisection.sentence(found)))
    if found.types:
        st.dataframe(_frame(found), key=f"compare.bisect:{view.scope}", hide_index=True, height="content")
    for each in found.next_tries:
        st.caption(f"To know more, evaluate v{each.version}:")
        st.code(bisection.command(found, each), language=None, wrap_lines=True)


def _frame(found: Bisection) -> pd.DataFrame:
    """The types that show a drop or miss a run; all of them, if none does."""
    types = bisection.in_order(found)
    telling = [each for each in types if each.first_drop is not None or each.next_version is not None] or types
    versions = {
        f"v{version}": [_cell(bisection.cell(each.runs[place])) for each in telling]
        for place, version in enumerate(found.versions)
    }
    return pd.DataFrame(
        {
            "Eval type": [each.eval_type for each in telling],
            **versions,
            "What it says": [bisection.remark(each) for each in telling],
        }
    )


def _cell(said: str) -> str:
    return numbers.MISSING if said == bisection.NOT_EVALUATED else said
