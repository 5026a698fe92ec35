"""Every suite run that is at work anywhere on the store, as it is now."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.starting import last_words, launch, state_here, suites_at_work
from eval_pipeline.actions.suites import cancel_suite
from eval_pipeline.core.people import Deed
from eval_pipeline.core.suite_runs import SuiteRun, SuiteState, TypeProgress, TypeState
from eval_pipeline.errors import PipelineError, RefusedError, StoreError, UsageError
from eval_pipeline.report import numbers, suite_words
from eval_pipeline.report.looks import LOOKS, SUITE_TYPES, SUITES, Look
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import suites_experiment_name
from eval_pipeline.ui import mlflow_links, outcome
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import shared_history
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.outcome import Outcome
from eval_pipeline.ui.person import current_person
from eval_pipeline.ui.sign_in import allows, require_person_in_fragment
from eval_pipeline.ui.suite_choice import suite_word

READ_EVERY_S, LOOK_EVERY_S = 2, 15
"""Seconds between two reads while something is at work, and between two looks whether something has begun."""
SHORT_ID = 8
MOST_FAILURES = 6
LONGEST_PROBLEM = 300
ABOUT = "suite"

Seen = tuple[SuiteRun, SuiteState]
"""A suite run, and what it is as seen from this machine."""


def live(store: Store) -> set[str]:
    """A card for each suite run at work, read again every two seconds; while there is none, new ones are looked for.

    Gives their ids.
    """
    with stopping_kindly():
        seen = suites_at_work(store)
    every = READ_EVERY_S if any(state.open for _, state in seen) else LOOK_EVERY_S
    st.fragment(_cards, run_every=every)(store, _ids(seen), [seen])
    return {suite.id for suite, _ in seen}


def _ids(seen: Sequence[Seen]) -> list[tuple[str, bool]]:
    return [(suite.id, state.open) for suite, state in seen]


def _cards(store: Store, ids: list[tuple[str, bool]], first: list[list[Seen]]) -> None:
    """The cards. `first` holds what the page has just read for their first drawing; when that is used up, it reads.

    When another suite run is at work than the page knows, or one has ended, the whole page is shown anew.
    """
    require_person_in_fragment()
    with stopping_kindly():
        seen = first.pop() if first else suites_at_work(store)
    if _ids(seen) != ids:
        shared_history().ask_again()
        st.rerun()
    done = outcome.last()
    if done is not None and done.about[0] == ABOUT:
        outcome.say(done)
    for suite, state in seen:
        _card(store, suite, state)


def _card(store: Store, suite: SuiteRun, state: SuiteState) -> None:
    heading, look = _heading(suite), SUITES[state.value]
    box = (
        st.status(heading, expanded=True, state="running")
        if state.open
        else st.expander(f":{look.badge}-badge[{look.word}] {heading}", expanded=True, icon=look.icon)
    )
    with box.container():  # a status that is itself left says that it is complete
        _how_far(store, suite, state)
        st.markdown(" ".join(_chip(each, at_work=state.open) for each in suite.types))
        _failures(suite)
        mlflow_links.own_line(store, suites_experiment_name(store), "suite run", suite.id)
        _acts(store, suite, state)


def _heading(suite: SuiteRun) -> str:
    """Which run, of what, for which version, by whom, how far."""
    said = [f"Run `{suite.id[:SHORT_ID]}`", escape(suite_word(suite.suite))]
    if suite.candidate:
        said.append(f"**{escape(suite_words.candidate(suite))}**")
    said += [escape(suite_words.started_by(suite)), f"{suite.done}/{suite.total} evals"]
    return " · ".join(said)


def _how_far(store: Store, suite: SuiteRun, state: SuiteState) -> None:
    if state is SuiteState.STARTING:
        st.markdown(":material/hourglass_top: Starting …")
    elif state is SuiteState.LOST:
        _say_lost(store, suite)
    elif suite.cancelled_by is not None:
        by = escape(suite.cancelled_by)
        st.markdown(f":material/stop_circle: Stopping, asked for by {by}: what is done is being logged.")
    else:
        st.markdown(escape(suite_words.progress(suite, utc_now())))
    st.progress(suite_words.share_done(suite))


def _say_lost(store: Store, suite: SuiteRun) -> None:
    sign = suite.heartbeat or suite.started
    age = suite_words.duration(utc_now() - sign) if sign else "an unknown time"
    begun = "Nobody works on it" if not suite.attempts else "Its process has stopped, or its machine is out of reach"
    st.markdown(
        f"**{begun}:** its last sign of life was {age} ago. {suite.done} of {suite.total} eval types have ended; "
        "what was done is kept, and resuming it does only what is missing."
    )
    said = last_words(store, suite.id)
    if said is not None:
        st.caption("What its process wrote last, on this machine:")
        st.code(said, language=None, wrap_lines=True)


def _chip(each: TypeProgress, *, at_work: bool) -> str:
    """A type: its name, its pass rate or how many of its cases are done, in the look of its state."""
    look, said = type_look(each, at_work=at_work), escape(each.eval_type)
    if each.pass_rate is not None:
        said += f" {suite_words.rate(each)}"
    elif each.state is TypeState.RUNNING and each.total_cases:
        said += f" {each.done_cases}/{each.total_cases}"
    return f":{look.badge}-badge[{look.icon} {said}]"


def type_look(each: TypeProgress, *, at_work: bool = False) -> Look:
    """How a type is shown. What nobody works at any more is not running."""
    if each.regressed:
        return LOOKS["REGRESSION"]
    waiting = each.state is TypeState.RUNNING and not at_work
    return SUITE_TYPES[TypeState.WAITING.value if waiting else each.state.value]


def _failures(suite: SuiteRun) -> None:
    """What did not pass so far, a line each."""
    lines = []
    for each in suite.failures[:MOST_FAILURES]:
        look, said = type_look(each), numbers.shortened(suite_words.failure(each), LONGEST_PROBLEM)
        lines.append(f":{look.badge}[{look.icon}] **{escape(each.eval_type)}** {escape(said)}")
    if len(suite.failures) > MOST_FAILURES:
        lines.append(f"and {len(suite.failures) - MOST_FAILURES} more")
    if lines:
        st.markdown("  \n".join(lines))


def _acts(store: Store, suite: SuiteRun, state: SuiteState) -> None:
    """The buttons of a card: cancel, which asks once more, or resume and clear."""
    if not allows(Deed.CANCEL_SUITE):
        return
    row = st.container(horizontal=True, vertical_alignment="center")
    if state is SuiteState.LOST:
        resume_button(row, store, suite)
        _act_button(row, "Clear", ":material/delete_sweep:", lambda: _ended(store, suite), f"clear:{suite.id}")
        row.caption("Clearing ends it as cancelled; it can be resumed later all the same.")
        return
    resuming = state is SuiteState.STARTING and bool(suite.attempts)  # cancelled now, it would begin all the same
    if suite.cancelled_by is None and not resuming:
        _cancel(row, store, suite)


def _cancel(row: st.delta_generator.DeltaGenerator, store: Store, suite: SuiteRun) -> None:
    asked = f"cancel:{suite.id}"
    if not st.session_state.get(asked):
        row.button("Cancel", icon=":material/cancel:", key=f"{asked}:ask", on_click=_set, args=(asked, True))
        row.caption("It goes on without this page, which may be closed and opened again.")
        return
    row.markdown("**Cancel it?** What is done is logged.", width="content")
    _act_button(row, "Yes, cancel it", ":material/cancel:", lambda: _ended(store, suite), f"{asked}:yes", asked)
    row.button("No, let it run", key=f"{asked}:no", on_click=_set, args=(asked, False))


def _set(key: str, value: bool) -> None:
    st.session_state[key] = value


def resume_button(row: st.delta_generator.DeltaGenerator, store: Store, suite: SuiteRun) -> None:
    """Has a process of this machine do what is missing."""
    with row:
        if not allows(Deed.RUN_EVALS):
            return
    _act_button(row, "Resume", ":material/resume:", lambda: _resumed(store, suite), f"resume:{suite.id}")


def _resumed(store: Store, suite: SuiteRun) -> str | None:
    launch(store, suite.id, actor=current_person(), attempts=len(suite.attempts))
    return None


def _ended(store: Store, suite: SuiteRun) -> str | None:
    """Have it end; what to say of it, unless its card does."""
    said = cancel_suite(store, suite.id, actor=current_person())
    return None if state_here(suite).open else said


def _act_button(
    row: st.delta_generator.DeltaGenerator,
    title: str,
    icon: str,
    act: Callable[[], str | None],
    key: str,
    forget: str | None = None,
) -> None:
    row.button(title, icon=icon, key=key, on_click=_do, args=(act, forget))


def _do(act: Callable[[], str | None], forget: str | None) -> None:
    """Do it, and keep what became of it. The actions refuse to be done twice by themselves."""
    if forget is not None:
        st.session_state.pop(forget, None)
    box = outcome.outbox()
    with box.busy:
        try:
            said = act()
            box.outcome = (
                None if said is None else Outcome("done", [f"{escape(said[:1].upper() + said[1:])}."], (ABOUT, ""))
            )
        except (RefusedError, UsageError) as problem:
            box.outcome = Outcome("refused", [f"{escape(str(problem))}."], (ABOUT, ""))
        except StoreError as problem:
            box.outcome = Outcome("failed", [f"**The store failed.** {escape(str(problem))}."], (ABOUT, ""))
        except PipelineError as problem:
            box.outcome = Outcome("failed", [f"{escape(str(problem))}."], (ABOUT, ""))
