"""What is to be evaluated, against which prompt version: the controls of the Run evals page, kept in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from eval_pipeline.actions.planning import CHOSEN, CORE, FULL, PlannedType, SuitePlan, plan_suite, suite_names
from eval_pipeline.actions.promote import FROM_ALIAS
from eval_pipeline.core.runs import version_number
from eval_pipeline.settings import Settings
from eval_pipeline.store.aliases import list_prompts, list_versions
from eval_pipeline.store.connection import Store
from eval_pipeline.ui.choosing import select
from eval_pipeline.ui.escaping import escape

AS_THEY_ARE = ""
"""In place of a prompt: no candidate."""
WORDS = {CORE: "Core", FULL: "Full", CHOSEN: "Single types"}
MOST_REPEATS, MOST_JOBS = 100, 64
SELECTED = "suite"
"""The parameter that names the suite run whose details are shown; the history's, kept here."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the controls say."""

    suite: str
    """A suite, or `chosen` for single eval types."""
    eval_types: tuple[str, ...]
    prompt: str
    """Empty: all prompts as they are."""
    source: str
    """The alias or version (`v4`) of the prompt that was chosen."""
    version: int | None
    """What that is now."""
    repeat: int | None
    jobs: int | None

    def plan(self, store: Store) -> SuitePlan:
        """What a suite run of this choice does, read just now.

        Raises:
            PipelineError: as `plan_suite` says.
        """
        versions = {} if self.version is None else {self.prompt: self.version}
        suite = None if self.suite == CHOSEN else self.suite
        return plan_suite(store, suite, self.eval_types, versions, self.repeat)


def suite_word(name: str) -> str:
    """What a suite is called on the page."""
    return WORDS.get(name, name)


def choose(store: Store, datasets: Mapping[str, PlannedType]) -> Choice:
    """The controls: a suite or single types, a prompt and its version, repeats and jobs.

    Raises:
        StoreError: the registry can't be read.
    """
    suite = _suite(store.settings)
    eval_types = _eval_types(datasets) if suite == CHOSEN else ()
    prompt, source, version = _candidate(store)
    with st.expander("More options", icon=":material/tune:", expanded=any(p in st.query_params for p in _NUMBERS)):
        first, second = st.columns(2)
        with first:
            repeat = _number("repeat", "Runs of each case", MOST_REPEATS, "as each dataset says")
        with second:
            jobs = _number(
                "jobs", "Eval types at once", MOST_JOBS, f"{store.settings.runner.jobs}, as the settings say"
            )
    return Choice(suite, eval_types, prompt, source, version, repeat, jobs)


_NUMBERS = ("repeat", "jobs")


def _suite(settings: Settings) -> str:
    options = list(dict.fromkeys([*suite_names(settings), CHOSEN]))
    usual = CHOSEN if "type" in st.query_params else CORE
    asked = st.query_params.get("evals", usual)
    if st.session_state.get("evals") not in options:
        st.session_state["evals"] = asked if asked in options else usual
    says = {name: escape(suite_word(name)) for name in options}
    found = st.segmented_control("Suite", options, key="evals", required=True, format_func=lambda name: says[name])
    return found or CORE


def _eval_types(datasets: Mapping[str, PlannedType]) -> tuple[str, ...]:
    """The chosen types. One that the URL names stays, though it has no dataset: that is said, not passed over."""
    asked = st.query_params.get_all("type")
    options = list(dict.fromkeys([*datasets, *asked]))
    if "types" not in st.session_state:
        st.session_state["types"] = list(dict.fromkeys(asked))
    return tuple(st.multiselect("Eval types", options, key="types", placeholder="Choose eval types"))


def _candidate(store: Store) -> tuple[str, str, int | None]:
    """The prompt, the alias or version of it that was chosen, and the version that this is."""
    prompts = list_prompts(store)
    ours = [name for name in store.settings.prompts if name in prompts] or list(prompts)
    first, second = st.columns(2)
    _say_unknown("prompt", ours, "There is no prompt {} here.")
    prompt = select(
        first, "Prompt", "prompt", [AS_THEY_ARE, *ours], AS_THEY_ARE, say=lambda name: name or _NO_CANDIDATE
    )
    if prompt == AS_THEY_ARE:
        second.selectbox("Version", [_USUAL_VERSIONS], disabled=True)
        return AS_THEY_ARE, "", None
    aliases, versions = prompts[prompt], list_versions(store, prompt)
    options = [*aliases, *(f"v{version}" for version in reversed(versions))]
    if not options:
        st.info(f"**{escape(prompt)} has no version yet.**", icon=":material/inbox:")
        return prompt, "", None
    says = {alias: f"@{alias} → v{version}" for alias, version in aliases.items()}
    usual = FROM_ALIAS if FROM_ALIAS in aliases else f"v{versions[-1]}" if versions else options[0]
    _say_unknown("version", options, f"{escape(prompt)} has no {{}}.")
    source = select(second, "Version", "version", options, usual, scope=prompt, say=lambda each: says.get(each, each))
    return prompt, source, aliases[source] if source in aliases else version_number(source)


_NO_CANDIDATE = "As they are (no candidate)"
_USUAL_VERSIONS = f"@{FROM_ALIAS} where there is one, else the newest"


def _say_unknown(parameter: str, options: Sequence[str], problem: str) -> None:
    """Say that the URL names what does not exist; what is shown instead is another thing."""
    asked = st.query_params.get(parameter)
    if asked and asked not in options:
        st.warning(f"**{problem.format(escape(asked))}** Choose another.", icon=":material/help:")


def _number(parameter: str, title: str, most: int, usual: str) -> int | None:
    """A whole number from 1; `None` where nothing was said."""
    asked = st.query_params.get(parameter, "")
    if parameter not in st.session_state and asked.isdecimal() and 1 <= int(asked) <= most:
        st.session_state[parameter] = int(asked)
    found = st.number_input(
        title, min_value=1, max_value=most, value=None, step=1, key=parameter, placeholder=usual.capitalize()
    )
    return None if found is None else int(found)


def remember(choice: Choice) -> None:
    """Put the choice into the URL, beside the suite run that is shown there."""
    selected = st.query_params.get(SELECTED)
    values = {
        "evals": [choice.suite],
        "type": list(choice.eval_types),
        "prompt": [choice.prompt],
        "version": [choice.source],
        "repeat": [str(choice.repeat or "")],
        "jobs": [str(choice.jobs or "")],
        SELECTED: [selected or ""],
    }
    wanted = {name: [each for each in found if each] for name, found in values.items()}
    wanted = {name: found for name, found in wanted.items() if found}
    if {name: st.query_params.get_all(name) for name in st.query_params} != wanted:
        st.query_params.from_dict(wanted)
