"""The form before an action: why, and the prompt's name typed out, so that nothing is moved by a slip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from eval_pipeline.core.people import Deed, Person
from eval_pipeline.errors import PipelineError, RefusedError, UsageError
from eval_pipeline.report.zones import Zone
from eval_pipeline.ui import outcome
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import SharedHistory, shared_history
from eval_pipeline.ui.outcome import Outbox, Outcome
from eval_pipeline.ui.person import NotLetInError, current_person
from eval_pipeline.ui.sign_in import allows
from eval_pipeline.ui.zone import shown_zone

LONGEST_REASON = 20_000

Act = Callable[[Person, str, Zone], Outcome]
"""Does it, with the actor and the reason, and tells of it with times in the zone."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked before an action."""

    name: str
    """Of the action, for the keys of its widgets."""
    deed: Deed
    about: tuple[str, str]
    """The prompt, whose name is to be typed, and the alias that moves."""
    seen: str
    """What the person sees and decides on; when it changes, the fields are empty again."""
    button: str
    icon: str
    reason_needed: bool
    primary: bool = True
    kept_in: str = "the audit log"
    """Where the reason goes."""


@dataclass(slots=True)
class _Click:
    """What one rendering of a form is good for: one action. It holds all that the action touches."""

    form: Form
    act: Act
    keys: tuple[str, str]
    """Of the fields."""
    box: Outbox
    history: SharedHistory
    zone: Zone
    spent: bool = False


def ask(form: Form, act: Act) -> None:
    """Show the form; when it is sent and complete, `act` is called once.

    The fields belong to what the person sees, and a confirmation to one attempt: they are empty again when that
    changes. Each rendering is good for one action, so that the second click of a double click does nothing.
    """
    box = outcome.outbox()
    scope = f"{'@'.join(form.about)}:{form.seen}"
    keys = f"{form.name}.reason:{scope}", f"{form.name}.confirm:{scope}:{box.attempts}"
    optional = "" if form.reason_needed else " (optional)"
    closed = not allows(form.deed)
    with st.form(f"{form.name}-form", enter_to_submit=False):
        title = f"Reason{optional}, for {form.kept_in}"
        st.text_area(title, key=keys[0], height=80, max_chars=LONGEST_REASON, disabled=closed)
        st.text_input(f"Type **{escape(form.about[0])}** to confirm", key=keys[1], autocomplete="off", disabled=closed)
        row = st.container(horizontal=True, vertical_alignment="center")
        row.form_submit_button(
            form.button,
            key=f"{form.name}.act",
            type="primary" if form.primary else "secondary",
            icon=form.icon,
            disabled=closed,
            on_click=_sent,
            args=(_Click(form, act, keys, box, shared_history(), shown_zone()),),
        )
        if not closed:
            row.caption(f":material/person: Recorded as {escape(current_person().name)}")


def _sent(click: _Click) -> None:
    """Take one click.

    A second click makes Streamlit run the page again at once, in another thread, and stop this one wherever it next
    calls Streamlit, reads or writes `st.session_state`. So all that is needed is read first, then nothing of Streamlit
    is touched, and whoever comes meanwhile waits: no action is begun twice, and what became of it is not lost.
    """
    reason, typed = (str(st.session_state.get(key) or "").strip() for key in click.keys)
    try:
        actor = current_person()
    except NotLetInError:
        return  # the page is drawn next, and it is the sign-in page
    with click.box.busy:
        if click.spent:
            return
        click.spent = True
        missing = _missing(click.form, reason, typed)
        if missing is not None:
            click.box.outcome = Outcome("mistake", [f"**Nothing was moved:** {missing}."], click.form.about)
            return
        click.box.attempts += 1
        click.box.outcome = _acted(click, actor, reason)


def _missing(form: Form, reason: str, typed: str) -> str | None:
    """What the person has yet to do."""
    if form.reason_needed and not reason:
        return "a reason is needed, it is what the audit log is for"
    if not typed:
        return "the name of the prompt was not typed"
    return None if typed == form.about[0].strip() else f"what was typed is not {escape(form.about[0])}"


def _acted(click: _Click, actor: Person, reason: str) -> Outcome:
    about = click.form.about
    try:
        done = click.act(actor, reason, click.zone)
    except (RefusedError, UsageError) as problem:
        return Outcome("refused", [f"**Refused.** {escape(str(problem))}."], about)
    except PipelineError as problem:
        return Outcome("failed", [f"**The store failed.** {escape(str(problem))}."], about)
    finally:
        click.history.ask_again()
    return done
