"""The parts of the Roll back page."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from eval_pipeline.actions.auditing import audit_log
from eval_pipeline.actions.promote import TO_ALIAS
from eval_pipeline.actions.protecting import approvals_needed
from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.core.audit import of_alias
from eval_pipeline.core.moves import AuditRecord, RecordStatus, RollbackPlan
from eval_pipeline.core.people import Deed, Person
from eval_pipeline.core.runs import version_number
from eval_pipeline.report import numbers, shell
from eval_pipeline.report.looks import EVENTS, RECORDS
from eval_pipeline.report.zones import Zone
from eval_pipeline.settings import Settings
from eval_pipeline.store.aliases import list_versions
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import audit_experiment_name
from eval_pipeline.store.prompts import get_prompt_text
from eval_pipeline.ui import confirming, mlflow_links, outcome
from eval_pipeline.ui.choosing import remember, select
from eval_pipeline.ui.confirming import Form
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.outcome import Outcome
from eval_pipeline.ui.permission import warn_reader
from eval_pipeline.ui.record_card import record_lines
from eval_pipeline.ui.registry import registered_prompts
from eval_pipeline.ui.versions import text_change, version_card
from eval_pipeline.ui.zone import when

PREVIOUS = "previous"
TIMELINE_RECORDS = 12
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """What the controls say; it lives in the URL."""

    prompt_name: str
    alias: str
    live: int
    to_version: int | None
    """`None`: what the alias pointed to before."""


def choose(store: Store) -> Choice:
    """The controls: a prompt, one of its aliases, and where to."""
    with stopping_kindly():
        prompts = registered_prompts(store)
        first, second, third = st.columns(3)
        name = select(first, "Prompt", "prompt", list(prompts), next(iter(prompts)))
        existing = list_versions(store, name)
    aliases = prompts[name]
    if not aliases:
        remember({"prompt": name})
        said = f"**{escape(name)} has no alias,** and so nothing to take back. The Promote page makes one."
        st.info(said, icon=":material/inbox:")
        st.stop()
    usual = TO_ALIAS if TO_ALIAS in aliases else next(iter(aliases))
    says = {alias: f"@{alias} → v{version}" for alias, version in aliases.items()}
    alias = select(second, "Alias", "alias", list(aliases), usual, scope=name, say=lambda each: says[each])
    live = aliases[alias]
    options = [PREVIOUS, *(f"v{version}" for version in reversed(existing) if version != live)]
    scope = f"{name}@{alias}:{live}"
    to = select(third, "Back to", "version", options, PREVIOUS, scope=scope, say=lambda each: _WHERE.get(each, each))
    remember({"prompt": name, "alias": alias} | ({} if to == PREVIOUS else {"version": to}))
    return Choice(name, alias, live, version_number(to))


_WHERE = {PREVIOUS: "What it pointed to before"}


def propose(store: Store, choice: Choice) -> RollbackPlan | None:
    """Where a rollback would lead, read from the store just now; `None` if nothing says where to."""
    with stopping_kindly(), st.spinner("Reading the alias's history …"):
        return propose_rollback(store, choice.prompt_name, choice.alias, choice.to_version)


def what_became_of_it(store: Store, choice: Choice) -> None:
    """The last action on this page: what was recorded and how to undo it."""
    done = outcome.last(choice.prompt_name, choice.alias)
    if done is None:
        return
    outcome.say(done)
    if done.record is not None and done.record.from_version is not None:
        _how_to_undo(store.settings, done.record, done.record.from_version)


def _how_to_undo(settings: Settings, record: AuditRecord, left: int) -> None:
    name, alias = record.prompt_name, record.alias
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "pages/promote.py",
            label=f"Undo: promote v{left} again",
            icon=":material/rocket_launch:",
            query_params={"prompt": name, "candidate": f"v{left}", "to": alias},
        )
        st.page_link(
            "pages/audit.py",
            label="Its audit record",
            icon=":material/receipt_long:",
            query_params={"record": record.id},
        )
    forward = shell.request if approvals_needed(settings, alias) else shell.promote
    st.code(forward(name, left, alias), language=None)


def where_to(store: Store, choice: Choice, plan: RollbackPlan | None) -> None:
    """What is live, where a rollback leads, and why there."""
    name = escape(f"{choice.prompt_name}@{choice.alias}")
    if plan is None:
        st.info(
            f"**Nothing to roll back to.** {_nothing(store, choice)} names a version of {name} before v{choice.live}. "
            "Choose another version above, if there is one.",
            icon=":material/history:",
        )
        return
    live, target = st.columns(2)
    with stopping_kindly():
        with live:
            text_of = get_prompt_text(store, plan.prompt_name, plan.from_version)
            version_card(f":material/rocket_launch: Live · {name}", plan.from_version, text_of)
        with target:
            text_of = get_prompt_text(store, plan.prompt_name, plan.to_version)
            version_card(":material/undo: Goes back to", plan.to_version, text_of)
    st.markdown(f":material/help: **Why v{plan.to_version}:** {escape(plan.why)}.")
    for note in plan.notes:
        st.warning(f"{escape(note)}.", icon=":material/warning:")


def _nothing(store: Store, choice: Choice) -> str:
    """What was asked in vain: of a protected alias the audit log alone."""
    return "No record" if approvals_needed(store.settings, choice.alias) else "No record and no run"


def act(store: Store, choice: Choice, plan: RollbackPlan | None) -> None:
    """The form that rolls back."""
    if plan is None:
        return
    warn_reader(store, plan.prompt_name, plan.to_version)
    form = Form(
        name="rollback",
        deed=Deed.ROLL_BACK,
        about=(plan.prompt_name, plan.alias),
        seen=_change(plan),
        button=f"Roll back to v{plan.to_version}",
        icon=":material/undo:",
        reason_needed=True,
    )
    named = choice.to_version is not None
    confirming.ask(form, lambda who, why, zone: _roll_back(store, plan, who, why, zone, named=named))


def _change(plan: RollbackPlan) -> str:
    return numbers.version_change(plan.from_version, plan.to_version)


def _roll_back(store: Store, plan: RollbackPlan, actor: Person, reason: str, zone: Zone, *, named: bool) -> Outcome:
    """Do it: the action checks everything again, against what the person saw."""
    record = execute_rollback(store, plan, actor=actor, reason=reason, named=named)
    name = escape(f"{plan.prompt_name}@{plan.alias}")
    said = [f"**Rolled back:** {name} {_change(plan)}.", *record_lines(record, zone)]
    return Outcome("done", said, (plan.prompt_name, plan.alias), record)


def text(store: Store, plan: RollbackPlan | None) -> None:
    """What changes in the prompt's text."""
    if plan is None:
        return
    with stopping_kindly():
        before = get_prompt_text(store, plan.prompt_name, plan.from_version)
        text_change(before, get_prompt_text(store, plan.prompt_name, plan.to_version))


def timeline(store: Store, choice: Choice) -> None:
    """What happened to the alias, newest first."""
    with stopping_kindly():
        records = of_alias(audit_log(store), choice.prompt_name, choice.alias)
    if not records:
        st.caption("The audit log knows nothing of this alias: nobody has moved it with this tool.")
    for record in list(reversed(records))[:TIMELINE_RECORDS]:
        _step(store, record)
    if len(records) > TIMELINE_RECORDS:
        st.page_link(
            "pages/audit.py",
            label=f"All {numbers.count(len(records))} in the audit log",
            icon=":material/receipt_long:",
            query_params={"prompt": choice.prompt_name, "alias": choice.alias},
        )


def _step(store: Store, record: AuditRecord) -> None:
    look = EVENTS[record.action.value]
    marks = [":orange-badge[:material/gpp_maybe: Forced]"] if record.forced else []
    if record.status is not RecordStatus.FINISHED:
        state = RECORDS[record.status.value]
        marks.append(f":{state.badge}-badge[{state.icon} {state.word}]")
    evidence = numbers.counted(len(record.justifying_run_ids), "run")
    rests = f" · resting on {evidence}" if record.justifying_run_ids else ""
    with st.container(border=True, gap="xsmall"):
        change = numbers.version_change(record.from_version, record.to_version)
        link = mlflow_links.own_link(store, audit_experiment_name(store), record.id)
        st.markdown(" ".join(filter(None, [f"{look.icon} **{look.word}** {change}", *marks, link])))
        st.caption(f"{when(record.timestamp)} · {escape(numbers.shortened(record.actor, 60))}{rests}")
        st.markdown(escape(numbers.shortened(record.reason, LONGEST_REASON)) or ":gray[no reason given]")
