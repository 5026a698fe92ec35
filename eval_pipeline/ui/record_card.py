"""One audit record, whole: its fields, its reason, the gate as it was."""

from __future__ import annotations

import streamlit as st
from pydantic import BaseModel, ValidationError

from eval_pipeline.core.moves import AuditRecord, PromotionEvalCheck
from eval_pipeline.core.plain_text import visible
from eval_pipeline.report import numbers, request_words, shell
from eval_pipeline.report.looks import EVENTS, RECORDS
from eval_pipeline.report.zones import Zone
from eval_pipeline.store.audit import read_content
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import audit_experiment_name
from eval_pipeline.ui import mlflow_links
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.gate_table import gate_table
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.zone import when

LONG_REASON = 1_500
"""A longer one scrolls."""


class GateSnapshot(BaseModel):
    """The gate as a record kept it."""

    allowed: bool
    checks: tuple[PromotionEvalCheck, ...]
    obstacles: tuple[str, ...]
    warnings: tuple[str, ...]


class RecordContent(BaseModel):
    """What `record.json` has beyond the record's own fields."""

    source_alias: str | None
    gate: GateSnapshot | None


def record_card(store: Store, record: AuditRecord) -> None:
    """The record, with what its artifact says of the gate."""
    _heading(record)
    with stopping_kindly():
        text = read_content(store, record.id)
    content = _understood(text)
    _fields(record, content)
    mlflow_links.own_line(store, audit_experiment_name(store), "audit record", record.id)
    st.markdown("**Reason**")
    if record.reason:
        reason_box(record.reason, 300)
    else:
        st.caption("None was given.")
    if record.overridden:
        st.markdown("**What it overrode**\n" + "\n".join(f"- {escape(each)}" for each in record.overridden))
    if content is None:
        said = "is missing or out of reach" if text is None else "is not what this tool writes"
        st.warning(f"The gate can't be shown: this record's `record.json` {said}.", icon=":material/draft:")
    elif content.gate is not None:
        _gate(store, record, content.gate)


def reason_box(reason: str, height: int) -> None:
    """A reason as it was given; a long one scrolls within so many pixels."""
    st.code(visible(reason), language=None, wrap_lines=True, height=height if len(reason) > LONG_REASON else "content")


def record_lines(record: AuditRecord, zone: Zone) -> list[str]:
    """An audit record in two lines."""
    evidence = numbers.counted(len(record.justifying_run_ids), "run")
    lines = [
        f"Recorded as no. {record.sequence} (`{record.id}`) by {escape(record.actor)}, {zone.when(record.timestamp)}"
        + (f", resting on {evidence}." if record.justifying_run_ids else ".")
    ]
    if record.request:
        lines.append(f"{escape(request_words.sentence(request_words.behind(record.request)))}")
    return [*lines, f"Note: {escape(record.outcome)}."] if record.outcome else lines


def how_to_undo(record: AuditRecord) -> None:
    """After a promotion: the way back, and the way to its record."""
    name, alias = record.prompt_name, record.alias
    with st.container(horizontal=True, vertical_alignment="center"):
        if record.from_version is not None:
            st.page_link(
                "pages/rollback.py",
                label="Undo: roll back",
                icon=":material/undo:",
                query_params={"prompt": name, "alias": alias},
            )
        st.page_link(
            "pages/audit.py",
            label="Its audit record",
            icon=":material/receipt_long:",
            query_params={"record": record.id},
        )
    if record.from_version is not None:
        st.code(shell.rollback(name, alias), language=None)


def _understood(text: str | None) -> RecordContent | None:
    try:
        return None if text is None else RecordContent.model_validate_json(text)
    except ValidationError:
        return None


def _heading(record: AuditRecord) -> None:
    look, state = EVENTS[record.action.value], RECORDS[record.status.value]
    change = numbers.version_change(record.from_version, record.to_version)
    forced = " :orange-badge[:material/gpp_maybe: Forced]" if record.forced else ""
    name = escape(f"{record.prompt_name}@{record.alias}")
    st.markdown(
        f"#### {look.icon} {look.word} of {name} {change} :{state.badge}-badge[{state.icon} {state.word}]{forced}",
        anchors=False,
    )


def _fields(record: AuditRecord, content: RecordContent | None) -> None:
    rows = {
        "At": when(record.timestamp),
        "By": record.actor,
        "Record": f"no. {record.sequence} · {record.id}",
        "Evidence": numbers.counted(len(record.justifying_run_ids), "run") if record.justifying_run_ids else "none",
    }
    if content is not None and content.source_alias:
        rows["From"] = f"@{content.source_alias}"
    if record.request:
        rows["Asked for by"] = record.request.requester
        rows["Approved by"] = ", ".join(record.request.approvers)
    if record.outcome:
        rows["Outcome"] = record.outcome
    with st.container(horizontal=True, gap="medium"):
        for name, value in rows.items():
            st.markdown(f":small[:gray[{name}]]  \n{escape(' '.join(value.split()))}", width="content")


def _gate(store: Store, record: AuditRecord, gate: GateSnapshot) -> None:
    word = "allowed it" if gate.allowed else "blocked it"
    st.markdown(f"**The gate as it was:** {word}")
    if gate.checks and record.timestamp is not None:
        with stopping_kindly():
            gate_table(store, gate.checks, record.timestamp, "record.gate")
        st.caption("Ages are those at the time of the action.")
    for warning in gate.warnings:
        st.caption(f":material/warning: {escape(warning)}")
