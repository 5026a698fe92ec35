"""What changed between runs: the texts of prompts, and everything else that makes two runs unlike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from eval_pipeline.core.models import ContextChange, PromptChange, PromptText
from eval_pipeline.core.runs import version_number
from eval_pipeline.core.wording import some
from eval_pipeline.errors import PipelineError
from eval_pipeline.report import compare, diff
from eval_pipeline.report.looks import EVENTS
from eval_pipeline.store.prompts import get_prompt_text
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import shared_history
from eval_pipeline.ui.versions import difference


def prompts(changed: Iterable[tuple[str, Sequence[PromptChange]]], unchanged: Iterable[tuple[str, str]] = ()) -> None:
    """The prompts that differ, each once, with what was changed in its text, under the names of what shows it.

    `unchanged`: prompts (name, version) that are alike.
    """
    shown_by: dict[tuple[str, str, str], list[str]] = {}
    for name, changes in changed:
        for change in changes:
            key = (change.prompt_name, change.from_version, change.to_version)
            shown_by.setdefault(key, []).append(name)
    st.subheader("Prompts that changed", anchor=False)
    if not shown_by:
        st.caption("None, of the prompts that both runs name.")
    same = " ".join(f":gray-badge[{escape(name)} {escape(version)} unchanged]" for name, version in unchanged)
    if same:
        st.markdown(same)
    for number, ((prompt, old, new), names) in enumerate(shown_by.items()):
        what = f"{EVENTS['change'].icon} **{escape(prompt)}** {escape(old)} → {escape(new)}"
        with st.expander(f"{what} · {escape(some(names))}", expanded=number == 0):
            _text_change(prompt, old, new)


def _text_change(name: str, old: str, new: str) -> None:
    try:
        before, after = _text(name, old), _text(name, new)
    except PipelineError as problem:
        st.error(f"The texts can't be read: {escape(str(problem))}", icon=":material/cloud_off:")
        return
    if before is None or after is None:
        missing = " and no ".join(version for version, text in ((old, before), (new, after)) if text is None)
        st.caption(f"The prompt registry of this store has no {escape(missing)} of this prompt.")
        return
    if after.commit_message:
        st.caption(f":material/commit: {escape(after.commit_message)}")
    st.html(difference(diff.as_text(before.template), diff.as_text(after.template)))


@st.cache_data(show_spinner=False, max_entries=256, ttl=300)
def _text(name: str, version: str) -> PromptText | None:
    number = version_number(version)
    return None if number is None else get_prompt_text(shared_history().store, name, number)


def others(changed: Iterable[tuple[str, Sequence[ContextChange]]], case_notes: Sequence[str] = ()) -> None:
    """What else differs, so that a change is not put down to the prompt alone; nothing if nothing does."""
    types: dict[ContextChange, list[str]] = {}
    for name, changes in changed:
        for change in changes:
            types.setdefault(change, []).append(name)
    if not types and not case_notes:
        return
    st.subheader("What else changed", anchor=False)
    st.caption("These runs are not alike in more than their prompts; weigh the verdict accordingly.")
    for change, names in types.items():
        values = escape(compare.change_words(change))
        st.markdown(f":material/tune: **{escape(change.name)}** {values} · {escape(some(names))}")
    for note in case_notes:
        st.markdown(f":material/checklist: {escape(note)}")
