"""The parts of the Regressions page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eval_pipeline.core.models import (
    CheckResult,
    ContextChange,
    PromptText,
    RegressionReport,
    TrendPoint,
    Verdict,
)
from eval_pipeline.core.regression import check_all_regressions, compare_runs
from eval_pipeline.core.runs import version_number
from eval_pipeline.errors import PipelineError
from eval_pipeline.report import diff, numbers
from eval_pipeline.report.frames import table_time
from eval_pipeline.report.looks import EVENTS, LOOKS, badge, label
from eval_pipeline.store.prompts import get_prompt_text
from eval_pipeline.ui.frame import escape, shared_history
from eval_pipeline.ui.history import Snapshot
from eval_pipeline.ui.versions import difference

ALL = "All eval types"
NEWEST, BEFORE = "Newest complete run of each", "The complete run before it"
MOST_OPTIONS = 300
"""So many newest runs can be chosen in the page; an older one can be named in the URL."""
SEVERITY = list(Verdict)
"""Worst first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: the newest runs of all types, or two runs of one."""

    result: CheckResult
    unchanged: tuple[tuple[str, str], ...] = ()
    """Prompts (name, version) that both runs of a single comparison name alike."""

    @property
    def reports(self) -> list[RegressionReport]:
        """Worst first."""
        return sorted(self.result.reports, key=lambda each: (SEVERITY.index(each.verdict), each.delta_pp))


def choose(snapshot: Snapshot) -> Comparison:
    """The controls: an eval type and, of one type, the two runs. All are kept in the URL."""
    first, second, third = st.columns(3)
    name = _select(first, "Eval type", "eval", [ALL, *snapshot.types], ALL)
    if name == ALL:
        second.selectbox("Current run", [NEWEST], disabled=True)
        third.selectbox("Baseline", [BEFORE], disabled=True)
        _remember({})
        return Comparison(snapshot.check)
    complete = [point for point in snapshot.types[name].summary.points if point.complete]
    if len(complete) < 2:
        _remember({"eval": name})
        return Comparison(check_all_regressions({name: snapshot.types[name].summary.points}, {name: _threshold(name)}))
    return _choose_runs(name, complete, second, third)


def _choose_runs(
    name: str, complete: Sequence[TrendPoint], second: DeltaGenerator, third: DeltaGenerator
) -> Comparison:
    runs = {point.run_id: point for point in complete}
    ids = list(runs)
    current = _select(second, "Current run", "current", ids[1:], ids[-1], runs, scope=name)
    before = ids[: ids.index(current)]
    baseline = _select(
        third, "Baseline (newest complete before it)", "baseline", before, before[-1], runs, scope=name + current
    )
    _remember({"eval": name, "current": current} | ({} if baseline == before[-1] else {"baseline": baseline}))
    report = compare_runs(runs[baseline], runs[current], _threshold(name))
    old, new = runs[baseline].prompt_versions, runs[current].prompt_versions
    same = tuple((prompt, version) for prompt, version in sorted(new.items()) if old.get(prompt) == version)
    return Comparison(CheckResult((report,), ()), same)


def _select(
    place: DeltaGenerator,
    title: str,
    parameter: str,
    options: Sequence[str],
    default: str,
    runs: dict[str, TrendPoint] | None = None,
    scope: str = "",
) -> str:
    """A selectbox whose first value comes from the URL; runs are offered newest first and shown by time and rate."""
    asked = st.query_params.get(parameter, default)
    start = asked if asked in options else default
    offered = list(options) if runs is None else list(dict.fromkeys([*list(reversed(options))[:MOST_OPTIONS], start]))
    key = f"{parameter}:{scope}"
    if st.session_state.get(key) not in offered:
        st.session_state[key] = start
    chosen = place.selectbox(title, offered, key=key, format_func=lambda each: _run_label(runs[each]) if runs else each)
    return str(chosen)


def _run_label(point: TrendPoint) -> str:
    return f"{numbers.when(point.timestamp)} · {numbers.rate(point.pass_rate)} · {point.run_id[:8]}"


def _remember(values: dict[str, str]) -> None:
    """Put the comparison into the URL, and nothing else."""
    if dict(st.query_params) != values:
        st.query_params.from_dict(values)


def _threshold(name: str) -> float:
    return shared_history().store.settings.threshold(name)


def verdict(comparison: Comparison) -> None:
    """The verdict in one heading, and a sentence for each type that needs a look."""
    reports = comparison.reports
    if not reports:
        return
    worst = reports[0].verdict
    regressed = sum(report.verdict is Verdict.REGRESSION for report in reports)
    types = numbers.counted(len(reports), "eval type")
    heading = f"{regressed} of {types} regressed" if len(reports) > 1 else escape(reports[0].eval_type)
    st.markdown(f"### {badge(worst.value)} {heading}")
    loud = [report for report in reports if report.verdict in (Verdict.REGRESSION, Verdict.WARNING)]
    for report in loud or (reports if len(reports) == 1 else ()):
        _sentence(report)


def _sentence(report: RegressionReport) -> None:
    look = LOOKS[report.verdict.value]
    show = {Verdict.REGRESSION: st.error, Verdict.WARNING: st.warning}.get(report.verdict, st.success)
    before = numbers.rate(report.baseline_pass_rate)
    after = numbers.rate_against(report.current_pass_rate, report.threshold)
    change, threshold = numbers.delta_pp(report.delta_pp), numbers.threshold(report.threshold)
    said = f"pass rate: {before} → {after}, {change}, **{report.verdict.value}** (threshold {threshold})"
    show(f"**{escape(report.eval_type)}** {said}", icon=look.icon)


def table(comparison: Comparison) -> None:
    """Every report, worst first, then the types that have none."""
    reports = comparison.reports
    if len(reports) > 1:
        shown = pd.DataFrame(
            {
                "Eval type": [report.eval_type for report in reports],
                "Verdict": [label(report.verdict.value) for report in reports],
                "Baseline": [report.baseline_pass_rate * 100 for report in reports],
                "Current": [report.current_pass_rate * 100 for report in reports],
                "Change": [report.delta_pp for report in reports],
                "Threshold": [numbers.threshold(report.threshold) for report in reports],
                "Run": [table_time(report.current_timestamp) for report in reports],
            }
        )
        st.dataframe(shown, hide_index=True, height="content", column_config=_COLUMNS)
    for each in comparison.result.unjudged:
        st.markdown(f":material/flag: **{escape(each.eval_type)}**: {escape(each.reason)}")
    for report in reports:
        for note in report.notes:
            st.caption(f":material/warning: {escape(report.eval_type)}: {escape(note)}")


_COLUMNS = {
    "Baseline": st.column_config.NumberColumn(format="%.1f%%"),
    "Current": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100),
    "Change": st.column_config.NumberColumn("Δ pp", format="%+.1f"),
    "Run": st.column_config.DatetimeColumn("Current run (UTC)", format="DD MMM YYYY HH:mm"),
}


def changed_prompts(comparison: Comparison) -> None:
    """The prompts that differ between the runs, each once, with what was changed in its text; worst types first."""
    types: dict[tuple[str, str, str], list[str]] = {}
    for report in comparison.reports:
        for change in report.changed_prompts:
            key = (change.prompt_name, change.from_version, change.to_version)
            types.setdefault(key, []).append(f"{LOOKS[report.verdict.value].glyph} {report.eval_type}")
    st.subheader("Prompts that changed", anchor=False)
    if not types:
        st.caption("None, of the prompts that both runs name.")
    same = " ".join(
        f":gray-badge[{escape(name)} {escape(version)} unchanged]" for name, version in comparison.unchanged
    )
    if same:
        st.markdown(same)
    for number, ((name, old, new), names) in enumerate(types.items()):
        what = f"{EVENTS['change'].icon} **{escape(name)}** {escape(old)} → {escape(new)}"
        with st.expander(f"{what} · {escape(_some(names))}", expanded=number == 0):
            _text_change(name, old, new)


def _some(names: list[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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


def changed_context(comparison: Comparison) -> None:
    """What else differs between the runs, so that a change is not put down to the prompt alone."""
    types: dict[ContextChange, list[str]] = {}
    for report in comparison.reports:
        for change in report.context_changes:
            types.setdefault(change, []).append(report.eval_type)
    if not types:
        return
    st.subheader("What else changed", anchor=False)
    st.caption("These runs are not alike in more than their prompts; weigh the verdict accordingly.")
    for change, names in types.items():
        values = f"{escape(change.before or '–')} → {escape(change.after or '–')}"
        st.markdown(f":material/tune: **{escape(change.name)}** {values} · {escape(_some(names))}")
