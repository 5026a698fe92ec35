"""The suite runs that have ended: a table, and what one of them came to."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence

import pandas as pd
import streamlit as st

from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress, TypeState
from eval_pipeline.errors import UsageError
from eval_pipeline.report import numbers, suite_words
from eval_pipeline.report.looks import SUITES
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import find_suite_run, list_suite_runs
from eval_pipeline.ui.baselines import Baselines
from eval_pipeline.ui.choosing import open_one
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.suite_choice import SELECTED, suite_word
from eval_pipeline.ui.suite_details import details_card
from eval_pipeline.ui.zone import shown_zone, time_column, when

NEWEST = 100
"""So many suite runs are listed."""
LONGEST_ACTOR = 60
_SHOWN = "run_evals.shown"


def show(store: Store, at_work: Collection[str]) -> None:
    """The suite runs that have ended, newest first, and the one that was chosen; those `at_work` have cards."""
    st.subheader("History", anchor=False)
    with stopping_kindly():
        newest = list_suite_runs(store, NEWEST)
        suites = [suite for suite in newest if suite.outcome is not None and suite.id not in at_work]
        if suites:
            _table(suites, Baselines(store))
    if not suites:
        st.caption(
            "No suite run has ended on this store yet." if newest else "No suite has been run on this store yet."
        )
    elif len(newest) == NEWEST:
        st.caption(f"The newest {numbers.count(NEWEST)} · Select a row to see its eval types")
    else:
        st.caption("Select a row to see its eval types")
    if suites:
        by_id = {suite.id: suite for suite in suites}
        open_one("Or open a suite run here", SELECTED, list(by_id), lambda each: _name(by_id[each]))
    asked = st.query_params.get(SELECTED)
    if asked and asked not in at_work:
        _details(store, asked, suites)


def _table(suites: Sequence[SuiteRun], baselines: Baselines) -> None:
    ids = [suite.id for suite in suites]
    st.session_state[_SHOWN] = ids
    key = f"suites:{hashlib.sha256(''.join(ids).encode()).hexdigest()[:12]}"
    st.dataframe(
        _frame(suites, baselines),
        key=key,
        hide_index=True,
        height="content" if len(suites) <= 8 else 320,
        on_select=lambda: _pick(key),
        selection_mode="single-row",
        column_config={"At": time_column("At"), **_COLUMNS},
    )


_COLUMNS = {
    "Passed": st.column_config.TextColumn(alignment="right"),
    "Took": st.column_config.TextColumn(alignment="right"),
    "Regressed": st.column_config.TextColumn(width="medium"),
}


def _frame(suites: Sequence[SuiteRun], baselines: Baselines) -> pd.DataFrame:
    zone = shown_zone()
    looks = [SUITES[suite.outcome.value] if suite.outcome else SUITES["lost"] for suite in suites]
    return pd.DataFrame(
        {
            "At": [zone.naive(suite.started) for suite in suites],
            "Suite": [suite_word(suite.suite) for suite in suites],
            "Candidate": [suite_words.candidate(suite) for suite in suites],
            "Outcome": [f"{look.glyph} {look.word}" for look in looks],
            "Passed": [_passed(suite) for suite in suites],
            "Regressed": [_regressed(suite, baselines) for suite in suites],
            "Trigger": [suite.trigger for suite in suites],
            "By": [numbers.shortened(suite.actor, LONGEST_ACTOR) for suite in suites],
            "Took": [suite_words.duration(suite_words.took(suite)) for suite in suites],
            "Run": [suite.id[:8] for suite in suites],
        }
    )


def _passed(suite: SuiteRun) -> str:
    return f"{sum(each.state is TypeState.PASS for each in suite.types)} / {suite.total}"


def _regressed(suite: SuiteRun, baselines: Baselines) -> str:
    def version(each: TypeProgress) -> str | None:
        return baselines.version(suite, each)

    return suite_words.regressions(suite.types, version)


def _name(suite: SuiteRun) -> str:
    about = suite_words.candidate(suite) if suite.candidate else ""
    said = [when(suite.started), suite_word(suite.suite), about, suite.id[:8]]
    return " · ".join(filter(None, said))


def _pick(key: str) -> None:
    """A selected row puts its suite run into the URL; none takes it out."""
    rows = st.session_state[key]["selection"]["rows"]
    ids = st.session_state.get(_SHOWN, [])
    if rows and rows[0] < len(ids):
        st.query_params[SELECTED] = ids[rows[0]]
    else:
        st.query_params.pop(SELECTED, None)


def _details(store: Store, asked: str, suites: Sequence[SuiteRun]) -> None:
    """The suite run that the URL names, be it newer or older than those in the table."""
    with st.container(border=True), stopping_kindly():
        suite = next((each for each in suites if each.id == asked), None) or _find(store, asked)
        if suite is None:
            st.markdown(f"There is no suite run {escape(asked)} on this store. It may have been deleted.")
        else:
            details_card(store, suite)
        st.button("Close", icon=":material/close:", key="run_evals.close", on_click=_close)


def _find(store: Store, asked: str) -> SuiteRun | None:
    try:
        return find_suite_run(store, asked)
    except UsageError:
        return None


def _close() -> None:
    st.query_params.pop(SELECTED, None)
