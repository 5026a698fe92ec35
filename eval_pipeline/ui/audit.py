"""The parts of the Audit log page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd
import streamlit as st

from eval_pipeline.actions.auditing import audit_log
from eval_pipeline.actions.clock import utc_now
from eval_pipeline.core.moves import Action, AuditRecord
from eval_pipeline.report import numbers
from eval_pipeline.report.audit_csv import audit_csv
from eval_pipeline.report.looks import EVENTS, RECORDS
from eval_pipeline.report.serialize import audit_record
from eval_pipeline.store.connection import Store
from eval_pipeline.ui.choosing import open_one
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.record_card import record_card
from eval_pipeline.ui.trends import WINDOWS
from eval_pipeline.ui.zone import shown_zone, time_column, when

ALL = "All"
ACTIONS = {ALL: None, EVENTS["promote"].word: Action.PROMOTE, EVENTS["rollback"].word: Action.ROLLBACK}
LONGEST_REASON = 120
_SHOWN = "audit.shown"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The records that the filters let through, newest first, of how many."""

    records: tuple[AuditRecord, ...]
    of: int


def read(store: Store) -> list[AuditRecord]:
    """The whole log, oldest first, as the store has it now. A log without a record ends the page, kindly."""
    with stopping_kindly():
        records = audit_log(store)
    if not records:
        st.info(
            "**The audit log is empty.** Nobody has moved an alias with this tool yet: "
            "each promotion and each rollback, here or on the command line, makes a record.",
            icon=":material/inbox:",
        )
        st.stop()
    return records


def filters(records: Sequence[AuditRecord]) -> Chosen:
    """The filters above the table, each kept in the URL."""
    first, second, third = st.columns(3)
    prompts = _several(first, "Prompts", "prompt", [record.prompt_name for record in records])
    aliases = _several(second, "Aliases", "alias", [record.alias for record in records])
    actors = _several(third, "By", "actor", [record.actor for record in records])
    row = st.container(horizontal=True, gap="medium")
    word = row.segmented_control("Action", list(ACTIONS), default=ALL, required=True, key="action", bind="query-params")
    days = row.segmented_control("Window", list(WINDOWS), default=ALL, required=True, key="since", bind="query-params")
    action, length = ACTIONS[word or ALL], WINDOWS[days or ALL]
    first_moment = None if length is None else utc_now() - timedelta(days=length)
    kept = [
        record
        for record in reversed(records)
        if (not prompts or record.prompt_name in prompts)
        and (not aliases or record.alias in aliases)
        and (not actors or record.actor in actors)
        and action in (None, record.action)
        and (first_moment is None or (record.timestamp is not None and record.timestamp >= first_moment))
    ]
    return Chosen(tuple(kept), len(records))


def _several(place: st.delta_generator.DeltaGenerator, title: str, key: str, values: Sequence[str]) -> list[str]:
    options = sorted(set(values))
    return list(place.multiselect(title, options, key=key, bind="query-params", placeholder="All"))


def table(chosen: Chosen) -> None:
    """The records, newest first; a chosen row opens its record."""
    records = chosen.records
    if not records:
        st.info("**No record in this view.** Choose a longer window or other filters.", icon=":material/search_off:")
        return
    ids = [record.id for record in records]
    st.session_state[_SHOWN] = ids
    key = f"audit:{hashlib.sha256(''.join(ids).encode()).hexdigest()[:12]}"
    st.dataframe(
        _frame(records),
        key=key,
        hide_index=True,
        height="content" if len(records) <= 15 else 560,
        on_select=lambda: _pick(key),
        selection_mode="single-row",
        column_config={"At": time_column("At"), **_COLUMNS},
    )
    some = (
        "" if len(records) == chosen.of else f"{numbers.count(len(records))} of {numbers.count(chosen.of)} records · "
    )
    st.caption(f"{some}Select a row to open its record")
    by_id = {record.id: record for record in records}
    open_one("Or open a record here", "record", ids, lambda each: _name(by_id[each]))


def _name(record: AuditRecord) -> str:
    what = f"{EVENTS[record.action.value].word} of {record.prompt_name}@{record.alias}"
    change = numbers.version_change(record.from_version, record.to_version)
    return f"{record.sequence} · {what} {change} · {when(record.timestamp)}"


_COLUMNS = {
    "#": st.column_config.NumberColumn(width=50),
    "Reason": st.column_config.TextColumn(width="medium"),
}


def _frame(records: Sequence[AuditRecord]) -> pd.DataFrame:
    zone, looks = shown_zone(), [RECORDS[record.status.value] for record in records]
    return pd.DataFrame(
        {
            "#": [record.sequence for record in records],
            "At": [zone.naive(record.timestamp) for record in records],
            "Action": [_action(record) for record in records],
            "Alias": [f"{record.prompt_name}@{record.alias}" for record in records],
            "Version": [numbers.version_change(record.from_version, record.to_version) for record in records],
            "By": [record.actor for record in records],
            "Status": [f"{look.glyph} {look.word}" for look in looks],
            "Forced": ["! Forced" if record.forced else "" for record in records],
            "Reason": [numbers.shortened(" ".join(record.reason.split()), LONGEST_REASON) for record in records],
        }
    )


def _action(record: AuditRecord) -> str:
    look = EVENTS[record.action.value]
    return f"{look.glyph} {look.word}"


def _pick(key: str) -> None:
    """A selected row puts its record into the URL; none takes it out."""
    rows = st.session_state[key]["selection"]["rows"]
    ids = st.session_state.get(_SHOWN, [])
    if rows and rows[0] < len(ids):
        st.query_params["record"] = ids[rows[0]]
    else:
        st.query_params.pop("record", None)


def details(store: Store, records: Sequence[AuditRecord]) -> None:
    """The record that the URL names, if it names one."""
    asked = st.query_params.get("record")
    if not asked:
        return
    found = next((record for record in records if record.id == asked), None)
    with st.container(border=True):
        if found is None:
            st.markdown(f"There is no record {escape(asked)} in this log.")
        else:
            record_card(store, found)
        st.button("Close", icon=":material/close:", key="audit.close", on_click=_close)


def _close() -> None:
    st.query_params.pop("record", None)


def downloads(chosen: Chosen) -> None:
    """What is shown, as CSV and as JSON, made when it is asked for."""
    records = chosen.records
    with st.container(horizontal=True):
        st.download_button(
            "Download CSV",
            lambda: audit_csv(records).encode(),
            file_name="audit-log.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Download JSON",
            lambda: json.dumps([audit_record(each) for each in records], indent=2, ensure_ascii=False).encode(),
            file_name="audit-log.json",
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
        )
