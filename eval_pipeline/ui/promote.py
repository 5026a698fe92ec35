"""The parts of the Promote page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.open_requests import SeenRequest
from eval_pipeline.actions.promote import (
    FROM_ALIAS,
    TO_ALIAS,
    Proposal,
    execute_promotion,
    propose_promotion,
)
from eval_pipeline.core.moves import GateStatus
from eval_pipeline.core.people import Deed, Person
from eval_pipeline.core.runs import version_number
from eval_pipeline.report import gate as words
from eval_pipeline.report import numbers
from eval_pipeline.report.looks import GATE
from eval_pipeline.report.zones import Zone
from eval_pipeline.store.aliases import list_versions
from eval_pipeline.store.connection import Store
from eval_pipeline.store.prompts import get_prompt_text
from eval_pipeline.ui import compare_links, confirming, outcome, request_form
from eval_pipeline.ui.choosing import remember, select
from eval_pipeline.ui.confirming import Act, Form
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.gate_table import gate_table
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.outcome import Outcome
from eval_pipeline.ui.permission import warn_reader
from eval_pipeline.ui.record_card import how_to_undo, record_lines
from eval_pipeline.ui.registry import registered_prompts
from eval_pipeline.ui.versions import text_change, version_card


@dataclass(frozen=True, slots=True)
class Choice:
    """What the controls say; it lives in the URL."""

    prompt_name: str
    candidate: str
    """An alias, or a version as in `v3`."""
    to_alias: str


def choose(store: Store) -> Choice:
    """The controls: a prompt, the candidate (an alias or a version), the alias that is to point at it."""
    with stopping_kindly():
        prompts = registered_prompts(store)
        first, second, third = st.columns(3)
        name = select(first, "Prompt", "prompt", list(prompts), _likely(prompts))
        versions = [f"v{version}" for version in reversed(list_versions(store, name))]
    aliases = prompts[name]
    targets = sorted({TO_ALIAS} | {alias for known in prompts.values() for alias in known})
    asked = st.query_params.get("to", TO_ALIAS)
    target = asked if asked in targets else TO_ALIAS
    sources = [alias for alias in aliases if alias != target]
    options = [*sources, *versions]
    if not options:
        st.info(f"**{escape(name)} has no version yet.**", icon=":material/inbox:")
        st.stop()
    usual = FROM_ALIAS if FROM_ALIAS in sources else options[0]
    says = {alias: f"@{alias} → v{aliases[alias]}" for alias in sources}
    candidate = select(
        second, "Candidate", "candidate", options, usual, scope=name, say=lambda each: says.get(each, each)
    )
    to_alias = select(third, "Goes live under", "to", targets, TO_ALIAS, scope=name, say=lambda each: f"@{each}")
    remember({"prompt": name, "candidate": candidate, "to": to_alias})
    return Choice(name, candidate, to_alias)


def _likely(prompts: dict[str, dict[str, int]]) -> str:
    """The first prompt whose candidate is not live yet, else the first one."""
    waiting = (n for n, a in prompts.items() if FROM_ALIAS in a and a[FROM_ALIAS] != a.get(TO_ALIAS))
    return next(waiting, next(iter(prompts)))


def propose(store: Store, choice: Choice) -> Proposal:
    """What a promotion would do, read from the store just now."""
    version = version_number(choice.candidate) if choice.candidate.startswith("v") else None
    with stopping_kindly(), st.spinner("Asking the gate …", show_time=True):
        return propose_promotion(store, choice.prompt_name, choice.candidate, choice.to_alias, version)


def what_became_of_it(proposal: Proposal) -> None:
    """The last action on this page: what was recorded and how to undo it."""
    done = outcome.last(proposal.prompt_name, proposal.to_alias)
    if done is None:
        return
    outcome.say(done)
    if done.record is not None:
        how_to_undo(done.record)


def decision(proposal: Proposal) -> None:
    """Allowed, blocked or needless, in one sentence, and what to do next."""
    gate, name = proposal.gate, f"{proposal.prompt_name}@{proposal.to_alias}"
    if proposal.needless:
        if outcome.last(proposal.prompt_name, proposal.to_alias) is None:
            said = f"**Nothing to do:** {escape(name)} points at v{proposal.candidate} already."
            st.info(said, icon=":material/check:")
        return
    verdict, _, why = words.sentence(gate).partition(":")
    show, icon = (st.success, GATE["PASS"].icon) if gate.allowed else (st.error, ":material/block:")
    show(f"**{verdict}:**{escape(why)}", icon=icon)
    if proposal.new_alias is not None:
        st.info(f"{escape(words.new_alias(proposal.new_alias))}", icon=":material/add_circle:")
    if (command := words.advice(gate)) is not None:
        st.caption("To make the missing evidence:")
        st.code(command, language=None, wrap_lines=True)
        _link_to_run_evals(proposal)


def _link_to_run_evals(proposal: Proposal) -> None:
    gate = proposal.gate
    stale = [check.eval_type for check in gate.checks if check.status is GateStatus.STALE]
    st.page_link(
        "pages/run_evals.py",
        label="Or make it on the page Run evals",
        icon=":material/play_circle:",
        query_params={"prompt": gate.prompt_name, "version": f"v{gate.candidate}", "type": stale},
    )


def warnings(proposal: Proposal) -> None:
    """What the gate warns of, and does not block."""
    if proposal.needless or not proposal.gate.warnings:
        return
    count = numbers.counted(len(proposal.gate.warnings), "warning")
    lines = "\n".join(f"- {escape(warning)}" for warning in proposal.gate.warnings)
    st.warning(f"**{count}, to know before you decide**\n\n{lines}", icon=":material/warning:")


def versions(store: Store, proposal: Proposal) -> None:
    """What is live and what would replace it."""
    name = escape(proposal.prompt_name)
    live, candidate = st.columns(2)
    source = "" if proposal.from_alias is None else escape(f"@{proposal.from_alias}")
    with stopping_kindly():
        with live:
            heading = f":material/rocket_launch: Live · {name}{escape(f'@{proposal.to_alias}')}"
            text_of = None if proposal.live is None else get_prompt_text(store, proposal.prompt_name, proposal.live)
            version_card(heading, proposal.live, text_of)
        if proposal.needless:
            return
        with candidate:
            heading = f":material/new_releases: Candidate · {name}{source}"
            version_card(heading, proposal.candidate, get_prompt_text(store, proposal.prompt_name, proposal.candidate))


def gate(store: Store, proposal: Proposal) -> None:
    """The gate's checks as a table."""
    head = st.container(horizontal=True, vertical_alignment="center")  # not at the right: a table's tools lie there
    head.subheader("Gate", anchor=False, width="content")
    head.button("Check again", icon=":material/refresh:", on_click=outcome.forget, key="promote.again")
    if not proposal.gate.checks:
        st.caption("The store has no eval type, and so no evidence.")
    else:
        with stopping_kindly():
            gate_table(store, proposal.gate.checks, utc_now(), "promote.gate")
    if proposal.live is not None and not proposal.needless:
        versions = {"from": str(proposal.live), "to": str(proposal.candidate)}
        compare_links.link(
            f"{_change(proposal)}, case by case over all eval types", {"prompt": proposal.prompt_name, **versions}
        )


def text(store: Store, proposal: Proposal) -> None:
    """What changes in the prompt's text."""
    if proposal.needless:
        return
    with stopping_kindly():
        live = None if proposal.live is None else get_prompt_text(store, proposal.prompt_name, proposal.live)
        text_change(live, get_prompt_text(store, proposal.prompt_name, proposal.candidate))


def act(store: Store, proposal: Proposal, waiting: Sequence[SeenRequest] = ()) -> None:
    """The form that promotes; while the gate blocks, a separate one that overrides it.

    Where the alias is protected they ask for approval instead. `waiting`: the requests that are open already.
    """
    if proposal.needless:
        return
    warn_reader(store, proposal.prompt_name, proposal.candidate)
    if proposal.to_alias in store.settings.gate.protected:
        request_form.ask(store, proposal, waiting)
        return
    change = f"{escape(f'{proposal.prompt_name}@{proposal.to_alias}')}: {_change(proposal)}"
    if proposal.gate.allowed:
        st.subheader("Promote", anchor=False)
        st.markdown(f"{change}. The gate is asked again at the moment of the click.")
        confirming.ask(_form(proposal, forced=False), _acting(store, proposal, force=False))
        return
    st.caption(":material/lock: Promoting is possible here once the gate allows it.")
    with st.expander("Promote against the gate", icon=":material/gpp_maybe:"):
        st.markdown(
            f"{change}, **although the gate blocks it**. It is recorded as forced, with your reason and what it "
            "overrides:\n" + "\n".join(f"- {escape(obstacle)}" for obstacle in words.obstacles(proposal.gate))
        )
        confirming.ask(_form(proposal, forced=True), _acting(store, proposal, force=True))


def _form(proposal: Proposal, *, forced: bool) -> Form:
    return Form(
        name="force" if forced else "promote",
        deed=Deed.FORCE if forced else Deed.PROMOTE,
        about=(proposal.prompt_name, proposal.to_alias),
        seen=_change(proposal),
        button="Promote against the gate" if forced else "Promote",
        icon=":material/gpp_maybe:" if forced else ":material/rocket_launch:",
        reason_needed=forced,
        primary=not forced,
    )


def _change(proposal: Proposal) -> str:
    return numbers.version_change(proposal.live, proposal.candidate)


def _acting(store: Store, seen: Proposal, *, force: bool) -> Act:
    return lambda who, why, zone: _promote(store, seen, who, why, zone, force=force)


def _promote(store: Store, seen: Proposal, actor: Person, reason: str, zone: Zone, *, force: bool) -> Outcome:
    """Do it: the action checks everything again, against what the person saw."""
    result = execute_promotion(store, seen, actor=actor, reason=reason, force=force)
    about, name = (seen.prompt_name, seen.to_alias), escape(f"{seen.prompt_name}@{seen.to_alias}")
    record = result.record
    if record is None:
        return Outcome("refused", [f"**Nothing was moved.** {escape(words.sentence(result.gate))}"], about)
    how = "Promoted against the gate" if record.forced else "Promoted"
    said = [f"**{how}:** {name} {_change(seen)}.", *record_lines(record, zone)]
    return Outcome("done", said, about, record)
