"""The form that asks others to approve a promotion to a protected alias."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from eval_pipeline.actions.open_requests import SeenRequest
from eval_pipeline.actions.promote import Proposal
from eval_pipeline.actions.protecting import approvals_needed
from eval_pipeline.actions.requesting import request_promotion
from eval_pipeline.core.people import Deed, Person
from eval_pipeline.core.requests import RequestState
from eval_pipeline.report import gate as words
from eval_pipeline.report import numbers
from eval_pipeline.report.zones import Zone
from eval_pipeline.store.connection import Store
from eval_pipeline.ui import confirming
from eval_pipeline.ui.confirming import Act, Form
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.outcome import Outcome


def ask(store: Store, proposal: Proposal, waiting: Sequence[SeenRequest]) -> None:
    """Ask for approval; while the gate blocks, a separate form asks to override it."""
    if (already := _same(proposal, waiting)) is not None:
        by = escape(already.request.asked.requester)
        st.info(f"**Asked for already** by {by}: {already.request.name}, above.", icon=":material/approval:")
        return
    change = f"{escape(f'{proposal.prompt_name}@{proposal.to_alias}')}: {_change(proposal)}"
    others = numbers.counted(approvals_needed(store.settings, proposal.to_alias), "other person", "other people")
    if proposal.gate.allowed:
        st.subheader("Ask for approval", anchor=False)
        st.markdown(
            f"{change}. This alias is protected: it moves once {others} approve, and the gate is asked again then."
        )
        confirming.ask(_form(proposal, forced=False), _asking(store, proposal, force=False))
        return
    st.caption(":material/lock: Asking for approval is possible here once the gate allows it.")
    with st.expander("Ask to promote against the gate", icon=":material/gpp_maybe:"):
        st.markdown(
            f"{change}, **although the gate blocks it**. This alias is protected: it moves once {others} approve. It "
            "is recorded as forced, with your reason and what it then overrides; now that is:\n"
            + "\n".join(f"- {escape(obstacle)}" for obstacle in words.obstacles(proposal.gate))
        )
        confirming.ask(_form(proposal, forced=True), _asking(store, proposal, force=True))


def _same(proposal: Proposal, waiting: Sequence[SeenRequest]) -> SeenRequest | None:
    wanted = (proposal.prompt_name, proposal.to_alias, proposal.candidate)
    for each in waiting:
        asked = each.request.asked
        if each.state is RequestState.WAITING and (asked.prompt_name, asked.alias, asked.version) == wanted:
            return each
    return None


def _form(proposal: Proposal, *, forced: bool) -> Form:
    return Form(
        name="request-force" if forced else "request",
        deed=Deed.FORCE if forced else Deed.PROMOTE,
        about=(proposal.prompt_name, proposal.to_alias),
        seen=_change(proposal),
        button="Ask to promote against the gate" if forced else "Ask for approval",
        icon=":material/gpp_maybe:" if forced else ":material/approval:",
        reason_needed=True,
        primary=not forced,
    )


def _change(proposal: Proposal) -> str:
    return numbers.version_change(proposal.live, proposal.candidate)


def _asking(store: Store, seen: Proposal, *, force: bool) -> Act:
    return lambda who, why, zone: _ask(store, seen, who, why, zone, force=force)


def _ask(store: Store, seen: Proposal, actor: Person, reason: str, zone: Zone, *, force: bool) -> Outcome:
    asked = request_promotion(store, seen, actor=actor, reason=reason, force=force)
    about, name = (seen.prompt_name, seen.to_alias), escape(f"{seen.prompt_name}@{seen.to_alias}")
    request = asked.request
    if request is None:
        return Outcome("refused", [f"**Nothing was asked for.** {escape(words.sentence(asked.result.gate))}"], about)
    until = zone.when(request.asked.expires)
    return Outcome("done", [f"**Asked for approval:** {name} {_change(seen)}, {request.name}, until {until}."], about)
