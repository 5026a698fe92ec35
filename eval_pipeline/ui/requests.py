"""The requests that wait for approval, on top of the Promote page."""

from __future__ import annotations

import streamlit as st

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.open_requests import SeenRequest, list_open_requests
from eval_pipeline.actions.promote import propose_promotion
from eval_pipeline.actions.requesting import approve_request, close_request
from eval_pipeline.core.people import Deed, Person
from eval_pipeline.core.requests import SHOWN_ID, PromotionRequest, RequestDraft, RequestState, why_not_approve
from eval_pipeline.errors import PipelineError
from eval_pipeline.report import gate as words
from eval_pipeline.report import numbers, request_words, shell
from eval_pipeline.report.looks import GATE
from eval_pipeline.report.zones import Zone
from eval_pipeline.store.connection import Store
from eval_pipeline.store.requests import requests_experiment_name
from eval_pipeline.ui import confirming, mlflow_links, outcome
from eval_pipeline.ui.choosing import preset
from eval_pipeline.ui.confirming import Form
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.outcome import Outcome
from eval_pipeline.ui.person import current_person
from eval_pipeline.ui.record_card import how_to_undo, reason_box, record_lines
from eval_pipeline.ui.zone import shown_zone, when

MOST_CARDS = 5
BELIEVED_FOR = "1m"


def cards(store: Store) -> list[SeenRequest]:
    """What became of the last decision, and a card for each open request; gives all of them, oldest first."""
    above, below = st.container(), st.container()  # so that what is old meanwhile is not drawn into what is new
    with above:
        _what_became_of_it()
    if not store.settings.gate.protected:
        return []
    with stopping_kindly(), below:
        waiting = list_open_requests(store)
        for seen in waiting[:MOST_CARDS]:
            _card(store, seen)
    if len(waiting) > MOST_CARDS:
        more = numbers.counted(len(waiting) - MOST_CARDS, "more request")
        st.caption(f"And {more}: `{shell.PROGRAM} promote --requests` lists them all.")
    return waiting


def _what_became_of_it() -> None:
    done = outcome.last()
    if done is not None and done.about[1].startswith("request "):
        outcome.say(done)
        if done.record is not None:
            how_to_undo(done.record)


def _card(store: Store, seen: SeenRequest) -> None:
    request, asked = seen.request, seen.request.asked
    with st.container(border=True):
        forced = " :orange-badge[:material/gpp_maybe: against the gate]" if asked.forced else ""
        name = escape(f"{asked.prompt_name}@{asked.alias}")
        change = numbers.version_change(asked.from_version, asked.version)
        left = request_words.time_left(asked.expires, utc_now())
        st.markdown(
            f":material/approval: **{name} {change}** :blue-badge[{request_words.missing(request)}] "
            f":gray-badge[:material/timer: expires in {left}]{forced}"
        )
        st.caption(f"Asked for by {escape(asked.requester)}, {when(asked.requested)} · `{request.id[:SHOWN_ID]}`")
        reason_box(asked.reason, 120)
        for each in request.approvals:
            why = f": {escape(' '.join(each.why.split()))}" if each.why else ""
            st.caption(f":material/check: Approved by {escape(each.who)}, {when(each.when)}{why}")
        mlflow_links.own_line(store, requests_experiment_name(store), "request", request.id)
        if seen.state is RequestState.WAITING:
            _gate_now(store, request)
        else:
            said = request_words.why_closed(request, seen.state, seen.live, shown_zone())
            st.warning(escape(request_words.sentence(said)), icon=":material/history:")
        _acts(store, seen)


def _gate_now(store: Store, request: PromotionRequest) -> None:
    asked = request.asked
    allowed, said = _ask_gate(store, asked.prompt_name, asked.version, asked.alias)
    icon = f":green[{GATE['PASS'].icon}]" if allowed else ":red[:material/block:]"
    st.markdown(f"{icon} Gate now: {escape(said)}")


@st.cache_data(ttl=BELIEVED_FOR, show_spinner="Asking the gate …")
def _ask_gate(_store: Store, prompt_name: str, version: int, alias: str) -> tuple[bool, str]:
    try:
        gate = propose_promotion(_store, prompt_name, to_alias=alias, version=version).gate
    except PipelineError as problem:
        return False, str(problem)
    return gate.allowed, words.sentence(gate)


def _acts(store: Store, seen: SeenRequest) -> None:
    """The buttons of a card."""
    request = seen.request
    asked, person, short = request.asked, current_person(), request.id[:SHOWN_ID]
    obstacle = why_not_approve(request, person, store.settings.terms(asked.alias))
    own, waits = request.is_by(person.name), seen.state is RequestState.WAITING
    with st.container(horizontal=True):
        with st.popover("Approve", icon=":material/check:", disabled=obstacle is not None or not waits):
            if obstacle is None:
                st.markdown("The gate is asked again; with the last approval the alias moves at once.")
                confirming.ask(_form(request, "approve"), lambda *said: _approve(store, request, *said))
        with st.popover("Withdraw" if own else "Reject", icon=":material/close:"):
            kind = "withdraw" if own else "reject"
            confirming.ask(_form(request, kind), lambda *said: _close(store, request, *said))
        st.button("See the evidence", icon=":material/search:", key=f"look.{short}", on_click=_look_at, args=(asked,))
    if obstacle is not None:
        st.caption(f":material/lock: {escape(request_words.sentence(obstacle))}")


def _look_at(asked: RequestDraft) -> None:
    """Have the controls of the page choose what is asked for."""
    preset("prompt", asked.prompt_name)
    preset("candidate", f"v{asked.version}", scope=asked.prompt_name)
    preset("to", asked.alias, scope=asked.prompt_name)
    outcome.forget()


_BUTTONS = {
    "approve": ("Approve", ":material/check:"),
    "reject": ("Reject", ":material/close:"),
    "withdraw": ("Withdraw", ":material/undo:"),
}


def _form(request: PromotionRequest, kind: str) -> Form:
    asked, (button, icon) = request.asked, _BUTTONS[kind]
    return Form(
        name=f"{kind}.{request.id[:SHOWN_ID]}",
        deed=Deed.FORCE if asked.forced and kind == "approve" else Deed.PROMOTE,
        about=(asked.prompt_name, request.name),
        seen=numbers.version_change(asked.from_version, asked.version),
        button=button,
        icon=icon,
        reason_needed=kind == "reject",
        primary=kind == "approve",
        kept_in="the request",
    )


def _approve(store: Store, request: PromotionRequest, actor: Person, reason: str, zone: Zone) -> Outcome:
    done = approve_request(store, request.id, actor=actor, reason=reason)
    asked, about = request.asked, (request.asked.prompt_name, request.name)
    if done.result is None:
        said = [f"**Approved:** {request.name} has {request_words.missing(done.request)}."]
        return Outcome("done", said, about)
    record = done.result.record
    if record is None:
        said = [f"**Approved, and nothing was moved.** {escape(words.sentence(done.result.gate))}"]
        until = zone.when(asked.expires)
        return Outcome("refused", [*said, f"The request waits until {until}: approve it again to try again."], about)
    how = "Promoted against the gate" if record.forced else "Promoted"
    name = escape(f"{asked.prompt_name}@{asked.alias}")
    change = numbers.version_change(record.from_version, record.to_version)
    return Outcome("done", [f"**{how}:** {name} {change}.", *record_lines(record, zone)], about, record)


def _close(store: Store, request: PromotionRequest, actor: Person, reason: str, zone: Zone) -> Outcome:
    closed = close_request(store, request.id, actor=actor, reason=reason)
    said = request_words.why_closed(closed.request, closed.state, closed.live, zone)
    return Outcome("done", [escape(request_words.sentence(said))], (request.asked.prompt_name, request.name))
