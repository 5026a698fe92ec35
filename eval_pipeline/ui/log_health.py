"""What is wrong with the audit log, if anything: drift, unfinished records, a chain that does not verify."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from eval_pipeline.actions.auditing import find_drift, reconcile_audit, verify_audit
from eval_pipeline.actions.clock import utc_now
from eval_pipeline.core.audit import Finding
from eval_pipeline.core.moves import AuditRecord, RecordStatus
from eval_pipeline.core.people import Deed
from eval_pipeline.errors import PipelineError
from eval_pipeline.report import numbers
from eval_pipeline.store.aliases import list_prompts
from eval_pipeline.store.connection import Store
from eval_pipeline.ui import outcome
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import shared_history
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.outcome import Outcome
from eval_pipeline.ui.person import current_person
from eval_pipeline.ui.sign_in import allows
from eval_pipeline.ui.zone import when

VERIFIED_UNASKED = 200
"""A log of more records is verified only when somebody asks: each one is read whole."""
VERIFIED_SECONDS = 300
MOST_NAMED = 8


def banners(store: Store, records: Sequence[AuditRecord]) -> None:
    """What is wrong: aliases moved outside the tool, unfinished records, a log that was tampered with."""
    if (done := outcome.last()) is not None:
        outcome.say(done)
    with stopping_kindly():
        drift = find_drift(records, list_prompts(store))
    if drift:
        st.warning(_listed("An alias points where no record put it.", drift), icon=":material/alt_route:")
    ended = sum(record.status is not RecordStatus.RUNNING for record in records)
    findings = _verified(store, len(records), ended)
    broken = [each for each in findings or () if each.breaks_chain]
    open_ones = _unfinished(records, findings or ())
    if open_ones:
        st.warning(_listed("A record is unfinished.", open_ones), icon=":material/pending_actions:")
        st.button(
            "Settle unfinished records",
            icon=":material/gavel:",
            key="audit.settle",
            disabled=not allows(Deed.RECONCILE),
            on_click=_settle,
            args=(store,),
        )
    if broken:
        st.error(_listed("The log does not verify.", broken), icon=":material/gpp_bad:")
    elif findings is not None:
        count = numbers.counted(len(records), "record")
        st.caption(f":material/verified_user: {count}; the chain was verified and nobody has changed it.")


def _verified(store: Store, count: int, ended: int) -> list[Finding] | None:
    """What verifying found; `None` if the log is long and nobody has asked."""
    asked = st.session_state.get("audit.asked") or count <= VERIFIED_UNASKED
    if not asked:
        if not st.button("Verify the log", icon=":material/verified_user:", key="audit.verify"):
            st.caption(f"{numbers.count(count)} records: verifying reads each of them whole.")
            return None
        st.session_state["audit.asked"] = True
    with stopping_kindly():
        return _verify(store, store.uri, count, ended)


@st.cache_data(show_spinner="Verifying the log …", ttl=VERIFIED_SECONDS, max_entries=8)
def _verify(_store: Store, _uri: str, count: int, ended: int) -> list[Finding]:  # noqa: ARG001 - they are the key
    return [each for each in verify_audit(_store) if each.kind != "drift"]


def _unfinished(records: Sequence[AuditRecord], findings: Sequence[Finding]) -> list[Finding]:
    """Records that are open now, and what else verifying found unfinished."""
    now = [
        Finding("unfinished", record.sequence, record.id, _about_open(record))
        for record in records
        if record.status is RecordStatus.RUNNING
    ]
    known = {each.record_id for each in now}
    return now + [each for each in findings if each.kind == "unfinished" and each.record_id not in known]


def _about_open(record: AuditRecord) -> str:
    what = f"record {record.sequence} ({record.action.value} of {record.prompt_name}@{record.alias})"
    return f"{what} was begun by {record.actor}, {when(record.timestamp)}, and has not ended"


def _listed(title: str, findings: Sequence[Finding]) -> str:
    lines = [f"- {escape(numbers.shortened(each.text, 300))}" for each in findings[:MOST_NAMED]]
    if len(findings) > MOST_NAMED:
        lines.append(f"- and {len(findings) - MOST_NAMED} more: `eval-pipeline audit verify` names all")
    return f"**{title}**\n\n" + "\n".join(lines)


def _settle(store: Store) -> None:
    try:
        done = reconcile_audit(store, utc_now(), actor=current_person())
    except PipelineError as problem:
        outcome.outbox().outcome = Outcome("failed", [f"**Not settled.** {escape(str(problem))}."])
        return
    _verify.clear()
    shared_history().ask_again()
    outcome.outbox().outcome = Outcome("done", [escape(line) for line in done] or ["Nothing was left open."])
