"""Starting a suite run: what it will do, and the button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from eval_pipeline.actions.planning import (
    CHOSEN,
    PlannedType,
    SuitePlan,
    find_datasets,
    refuse_without_target,
)
from eval_pipeline.actions.starting import start_suite
from eval_pipeline.core.people import Deed, Person
from eval_pipeline.core.suite_runs import Trigger
from eval_pipeline.errors import PipelineError, RefusedError, StoreError, UsageError
from eval_pipeline.report import numbers, suite_words
from eval_pipeline.settings import FILE_NAME, Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.ui import outcome
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.outcome import Outbox, Outcome
from eval_pipeline.ui.person import NotLetInError, current_person
from eval_pipeline.ui.sign_in import allows
from eval_pipeline.ui.suite_choice import SELECTED, Choice, choose, remember

STARTED = ("start", "")
"""What an outcome of this form is about; of a start that succeeded, with the id of the suite run."""
TARGET_TOML = """\
[target]
kind = "python"                  # or "openai", "command"
function = "my_assistant:answer" # called with the prompts and the user's turns
"""
DATASETS_TOML = 'datasets = ["evals"]   # folders and files; relative ones count from this file\n'
DATASET = """\
{"eval_type": "greeting", "version": "1", "cases": [
  {"id": "hello", "input": "Hello!", "assert": [{"type": "icontains", "value": "hello"}]}
]}
"""


@dataclass(slots=True)
class _Click:
    """What one rendering of the button is good for: one start. It holds all that the start touches."""

    store: Store
    choice: Choice
    seen: SuitePlan
    box: Outbox
    spent: bool = False


def start(store: Store) -> None:
    """The form: choices, what they will run, and the button."""
    _show_started()
    with st.container(border=True):
        datasets = _datasets(store.settings)
        if datasets is None:
            return
        with stopping_kindly():
            choice = choose(store, datasets)
        remember(choice)
        with stopping_kindly():
            plan = _plan(store, choice)
        if plan is not None:
            _preview(store, plan)
        _button(store, choice, plan)


def _show_started() -> None:
    """A suite run that was just started is the one whose details are shown, once it has ended."""
    done = outcome.last()
    if done is not None and done.kind == "done" and done.about[0] == STARTED[0]:
        st.query_params[SELECTED] = done.about[1]
        outcome.forget()


def _datasets(settings: Settings) -> Mapping[str, PlannedType] | None:
    """The datasets by eval type; `None`, and what to do, where nothing can be evaluated."""
    try:
        refuse_without_target(settings)
    except UsageError as problem:
        _teach("No target yet.", str(problem), TARGET_TOML)
        return None
    try:
        datasets = find_datasets(settings)
    except PipelineError as problem:
        _teach("The datasets can't be used.", str(problem), DATASETS_TOML)
        return None
    if not datasets:
        _teach("No datasets yet.", f"there are none in {', '.join(settings.datasets)}", DATASETS_TOML, DATASET)
        return None
    return datasets


def _teach(title: str, problem: str, toml: str, dataset: str | None = None) -> None:
    said = escape(problem[:1].upper() + problem[1:])
    st.info(f"**{title}** {said}.", icon=":material/inbox:")
    st.caption(f"In `{FILE_NAME}`, as in this example; the app reads its settings when it starts, so start it again:")
    st.code(toml, language="toml")
    if dataset is not None:
        st.caption("A dataset is a file like this one, `greeting.json`:")
        st.code(dataset, language="json")
    st.caption("To look around on a sample store: `eval-pipeline demo`.")


def _plan(store: Store, choice: Choice) -> SuitePlan | None:
    """What it would do; `None`, and why, if that can't be done."""
    if choice.suite == CHOSEN and not choice.eval_types:
        st.caption(":material/checklist: Choose at least one eval type.")
        return None
    if choice.prompt and choice.version is None:
        return None
    try:
        return choice.plan(store)
    except StoreError:
        raise
    except PipelineError as problem:
        st.error(f"**This can't be run:** {escape(str(problem))}.", icon=":material/help:")
        return None


def _preview(store: Store, plan: SuitePlan) -> None:
    """What is going to run, before the click."""
    cases = sum(each.planned_cases(plan.repeat) for each in plan.types)
    types = numbers.counted(len(plan.types), "eval type")
    said = f"{types}, {numbers.counted(cases, 'case')}" if cases else types
    own = " by your own runner" if store.settings.runner.command else ""
    st.markdown(f"**Will run {said}{own}:** " + " ".join(_type_badge(each, plan) for each in plan.types))
    if not plan.prompts:
        st.caption("The registry has no prompt: nothing about prompts is recorded with the runs.")
        return
    st.markdown("**against** " + " ".join(_prompt_badge(name, plan) for name in plan.prompts))
    if plan.candidate and not any(plan.candidate[0] in plan.prompts_of(each) for each in plan.types):
        st.warning(f"None of these eval types uses {escape(plan.candidate[0])}.", icon=":material/warning:")


def _type_badge(planned: PlannedType, plan: SuitePlan) -> str:
    cases = planned.planned_cases(plan.repeat)
    return f":gray-badge[{escape(planned.eval_type)}{f' · {numbers.count(cases)}' if cases else ''}]"


def _prompt_badge(name: str, plan: SuitePlan) -> str:
    shown = f"{escape(name)} v{plan.prompts[name].version}"
    if plan.candidate is not None and plan.candidate[0] == name:
        return f":blue-badge[:material/new_releases: {shown} · candidate]"
    return f":gray-badge[{shown}]"


def _button(store: Store, choice: Choice, plan: SuitePlan | None) -> None:
    """The button. Each rendering is good for one start, and after each it is another button."""
    box, closed = outcome.outbox(), not allows(Deed.RUN_EVALS)
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        "Start run",
        key=f"run_evals.start:{box.attempts}",
        type="primary",
        icon=":material/play_arrow:",
        disabled=plan is None or closed,
        on_click=_start,
        args=(None if plan is None else _Click(store, choice, plan, box),),
    )
    if not closed:
        row.caption(f":material/person: Recorded as {escape(current_person().name)}")
    done = outcome.last(*STARTED)
    if done is not None:
        outcome.say(done)


def _start(click: _Click | None) -> None:
    """Take one click; nothing of Streamlit is touched, for the reason that `confirming` gives."""
    if click is None:
        return
    try:
        person = current_person()
    except NotLetInError:
        return  # the page is drawn next, and it is the sign-in page
    with click.box.busy:
        if click.spent:
            return
        click.spent = True
        click.box.attempts += 1
        click.box.outcome = _started(click, person)


def _started(click: _Click, person: Person) -> Outcome:
    try:
        plan = click.choice.plan(click.store)
        if changes := _changes(click.seen, plan):
            return Outcome("refused", [f"**Nothing was started:** {escape(changes)}. Look again."], STARTED)
        suite_id = start_suite(click.store, plan, trigger=Trigger.PAGE, actor=person, jobs=click.choice.jobs)
    except (RefusedError, UsageError) as problem:
        return Outcome("refused", [f"**Nothing was started.** {escape(str(problem))}."], STARTED)
    except PipelineError as problem:
        return Outcome("failed", [f"**Nothing was started.** {escape(str(problem))}."], STARTED)
    return Outcome("done", [], (STARTED[0], suite_id))


def _changes(seen: SuitePlan, now: SuitePlan) -> str:
    """What is no longer as the person saw it; empty if all is."""
    before, after = _versions(seen), _versions(now)
    moved = [
        f"{name} is now at {after.get(name, 'no version')}, not at {before.get(name, 'no version')}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    if [each.digest for each in seen.types] != [each.digest for each in now.types]:
        moved.append("a dataset has changed")
    return suite_words.some(moved)


def _versions(plan: SuitePlan) -> dict[str, str]:
    return {name: numbers.version(text.version) for name, text in plan.prompts.items()}
