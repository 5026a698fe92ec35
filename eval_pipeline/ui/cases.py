"""The cases of runs, read once for all sessions and pages."""

from __future__ import annotations

from functools import partial

import streamlit as st

from eval_pipeline.actions.cases import Read
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.store.cases import read_run_cases
from eval_pipeline.store.connection import Store

MOST_SECONDS = 300
"""So long what was found about runs is believed: their cases may become readable, or be assessed anew."""
MOST_RUNS = 200
"""So many runs' cases are held in memory; those of further ones lie on disk, where the run logged a table."""


def case_reader(store: Store) -> Read:
    """Reads the cases of a run from memory, or else from the store."""
    return partial(_read, store, store.uri)


@st.cache_resource(show_spinner=False, max_entries=MOST_RUNS, ttl=MOST_SECONDS)
def _read(_store: Store, uri: str, run_id: str) -> tuple[CaseResult, ...] | None:  # noqa: ARG001 - the key
    return read_run_cases(_store, run_id)
