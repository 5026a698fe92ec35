"""What the Compare page says of a comparison as a whole: its verdict, its evidence, and what else differs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from eval_pipeline.core.case_pairs import CaseChange
from eval_pipeline.core.comparing import RunComparison
from eval_pipeline.report import compare, numbers, shell
from eval_pipeline.report.looks import LOOKS, badge, label
from eval_pipeline.ui import mlflow_links, noise, what_changed
from eval_pipeline.ui.compare import View
from eval_pipeline.ui.escaping import escape


def verdict(view: View) -> None:
    """What the rules say, how many cases broke, and whether the runs are alike."""
    if view.versions is None:
        _one(view.comparisons[0])
    else:
        _all(view)


def _one(comparison: RunComparison) -> None:
    report = comparison.report
    state = report.verdict.value if report else None
    st.markdown(f"### {f'{badge(state)} ' if state else ''}{escape(comparison.eval_type)}", anchors=False)
    show = {"REGRESSION": st.error, "WARNING": st.warning, None: st.info}.get(state, st.success)
    icon = LOOKS[state].icon if state else ":material/info:"
    warned = compare.caveat(comparison)
    said = f"{escape(compare.rates(comparison))}: **{escape(compare.counted_changes(comparison))}**"
    unlike = "" if warned is None else f"\n\n:material/balance: These runs are **{escape(warned)}**"
    show(f"{said}{unlike}", icon=icon)
    noise.caption(comparison.evidence)
    runs = {"baseline": comparison.baseline.run_id, "current run": comparison.current.run_id}
    mlflow_links.line(comparison.eval_type, runs)
    _explain_no_cases(comparison)


def _explain_no_cases(comparison: RunComparison) -> None:
    if comparison.without_cases:
        st.caption(
            "Cases are known of runs by `eval-pipeline run-evals`, of runs with a table `cases.json` of the same "
            "columns, and of runs by `mlflow.genai.evaluate` with pass or fail feedback."
        )
    else:
        st.caption(f"In a terminal: `{shell.diff(comparison.baseline.run_id[:8], comparison.current.run_id[:8])}`")


def _all(view: View) -> None:
    choice = view.versions
    if choice is None:
        return
    worse = sum(each.broke for each in view.comparisons)
    of = numbers.counted(len(view.comparisons), "eval type")
    broken = sum(each.counts[CaseChange.BROKEN] for each in view.comparisons)
    fixed = sum(each.counts[CaseChange.FIXED] for each in view.comparisons)
    change = numbers.version_change(choice.baseline, choice.current)
    st.markdown(f"### {escape(choice.prompt_name)} {change}: {broken} broken, {fixed} fixed", anchors=False)
    st.caption(
        f"Worse in {worse} of {of}. The newest complete run of each version is compared; other prompts may "
        "differ as well, see below."
    )
    if view.comparisons:
        st.dataframe(
            _types(view.comparisons, choice.prompt_name),
            key=f"compare.types:{view.scope}",
            hide_index=True,
            column_config=_COLUMNS,
        )
    for each in view.lacking:
        st.caption(f":material/flag: **{escape(each.eval_type)}**: {escape(each.reason)}")


def _types(comparisons: Sequence[RunComparison], prompt_name: str) -> pd.DataFrame:
    counts = [each.counts for each in comparisons]
    return pd.DataFrame(
        {
            "Eval type": [each.eval_type for each in comparisons],
            "Verdict": [label(each.report.verdict.value) if each.report else numbers.MISSING for each in comparisons],
            "Before": [numbers.rate(each.baseline.pass_rate) for each in comparisons],
            "After": [_after(each) for each in comparisons],
            "Change": [numbers.points(each.report.delta_pp if each.report else None) for each in comparisons],
            "Evidence": [numbers.evidence(each.evidence) for each in comparisons],
            "Broken": [each[CaseChange.BROKEN] for each in counts],
            "Fixed": [each[CaseChange.FIXED] for each in counts],
            "Remarks": [_remarks(each, prompt_name) for each in comparisons],
        }
    )


def _after(each: RunComparison) -> str:
    rate = each.current.pass_rate
    return numbers.rate_against(rate, each.report.threshold) if each.report else numbers.rate(rate)


def _remarks(each: RunComparison, prompt_name: str) -> str:
    """What else is to be known: no cases, another dataset or judge, other prompts that changed along."""
    missing = ["a run without cases"] if each.without_cases else []
    unlike = [f"{change.name} {compare.change_words(change)}" for change in each.decisive]
    prompts = [
        numbers.prompt_change(change.prompt_name, change.from_version, change.to_version)
        for change in each.changed_prompts
        if change.prompt_name != prompt_name
    ]
    return ", ".join([*missing, *unlike, *prompts])


_COLUMNS = {
    **{name: st.column_config.TextColumn(alignment="right") for name in ("Before", "After")},
    "Change": st.column_config.TextColumn("Δ pp", alignment="right"),
    "Broken": st.column_config.NumberColumn(width=70),
    "Fixed": st.column_config.NumberColumn(width=70),
    "Remarks": st.column_config.TextColumn("Changed as well", width="large"),
}


def changed_prompts(view: View) -> None:
    """The prompts that differ, with what was changed in their texts."""
    named = [(_marked(each), each.changed_prompts) for each in view.comparisons]
    what_changed.prompts(named, () if view.several else _unchanged(view.comparisons[0]))


def _marked(each: RunComparison) -> str:
    return f"{LOOKS[each.report.verdict.value].glyph} {each.eval_type}" if each.report else each.eval_type


def _unchanged(each: RunComparison) -> list[tuple[str, str]]:
    before = each.baseline.prompt_versions
    return [
        (name, version) for name, version in sorted(each.current.prompt_versions.items()) if before.get(name) == version
    ]


def changed_context(view: View) -> None:
    """What else differs: context, threshold, and the cases themselves."""
    notes = [
        f"{f'{each.eval_type}: ' if view.several else ''}{note}"
        for each in view.comparisons
        for note in compare.case_set(each)
    ]
    what_changed.others([(each.eval_type, each.other_changes) for each in view.comparisons], notes)
