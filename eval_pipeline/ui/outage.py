"""What pages say while their store is away, and how they come back."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from eval_pipeline.errors import PipelineError, StoreError
from eval_pipeline.store.connection import Store
from eval_pipeline.ui import sign_in
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import SharedHistory, Snapshot, shared_history
from eval_pipeline.ui.zone import when

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5
"""Seconds between two looks whether a store that is away is back."""


@contextmanager
def stopping_kindly() -> Iterator[None]:
    """End the page with a clear line if what is asked inside can't be answered."""
    try:
        yield
    except PipelineError as problem:
        if isinstance(problem, StoreError):
            _say_problem(str(problem))
            _try_again(shared_history())
        else:
            st.error(f"{escape(str(problem))}.", icon=":material/help:")
        st.stop()


def say_unreachable(history: SharedHistory, snapshot: Snapshot) -> None:
    """Above what was read before: that the store is away."""
    shown = f" What you see was read {when(snapshot.read_at)}." if snapshot.read_at else ""
    kept = "" if snapshot.runs.empty else shown or " What you see is the local copy of an earlier day."
    _say_problem(snapshot.problem or "", kept)
    _try_again(history)


def _say_problem(problem: str, kept: str = "") -> None:
    log.error("store problem %s: %s", uuid.uuid4().hex[:8], problem)
    st.error(f"**The store can't be read.** {escape(problem)}.{kept}", icon=":material/cloud_off:")


def _try_again(history: SharedHistory) -> None:
    """A way to ask anew; and while the store does not answer at all, the page does so by itself once it does."""
    st.button("Try again", icon=":material/refresh:", on_click=history.ask_again)
    if not _answers(history.store, history.store.uri):
        _wait_for_answer(history)


@st.fragment(run_every=LOOK_EVERY_S)
def _wait_for_answer(history: SharedHistory) -> None:
    sign_in.require_person_in_fragment()
    if _answers(history.store, history.store.uri):
        history.ask_again()
        st.rerun()


@st.cache_data(show_spinner=False, ttl=LOOK_EVERY_S - 1, max_entries=4)
def _answers(_store: Store, uri: str) -> bool:  # noqa: ARG001 - the key
    """Whether the store answers; one look serves all sessions that wait."""
    try:
        _store.probe()
    except StoreError:
        return False
    return True
