"""The parts of the Regressions page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eval_pipeline.core.models import CheckResult, RegressionReport, TrendPoint, Verdict
from eval_pipeline.core.regression import check_all_regressions, compare_runs
from eval_pipeline.report import numbers
from eval_pipeline.report.looks import LOOKS, badge, label
from eval_pipeline.ui import compare_links, mlflow_links, noise, what_changed
from eval_pipeline.ui.choosing import remember, select
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import Snapshot, shared_history
from eval_pipeline.ui.zone import shown_zone, time_column, when

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
    name = select(first, "Eval type", "eval", [ALL, *snapshot.types], ALL)
    if name == ALL:
        second.selectbox("Current run", [NEWEST], disabled=True)
        third.selectbox("Baseline", [BEFORE], disabled=True)
        remember({})
        return Comparison(snapshot.check)
    complete = [point for point in snapshot.types[name].summary.points if point.complete]
    if len(complete) < 2:
        remember({"eval": name})
        return Comparison(check_all_regressions({name: snapshot.types[name].summary.points}, {name: _threshold(name)}))
    return _choose_runs(name, complete, second, third)


def _choose_runs(
    name: str, complete: Sequence[TrendPoint], second: DeltaGenerator, third: DeltaGenerator
) -> Comparison:
    newest_first = list(reversed(complete))
    current = _choose_run(second, "Current run", "current", newest_first[:-1], name)
    before = newest_first[newest_first.index(current) + 1 :]
    title = "Baseline (newest complete before it)"
    baseline = _choose_run(third, title, "baseline", before, name + current.run_id)
    named = {} if baseline == before[0] else {"baseline": baseline.run_id}
    remember({"eval": name, "current": current.run_id} | named)
    report = compare_runs(baseline, current, _threshold(name))
    old, new = baseline.prompt_versions, current.prompt_versions
    same = tuple((prompt, version) for prompt, version in sorted(new.items()) if old.get(prompt) == version)
    return Comparison(CheckResult((report,), ()), same)


def _choose_run(
    place: DeltaGenerator, title: str, parameter: str, newest_first: Sequence[TrendPoint], scope: str
) -> TrendPoint:
    """One of the runs; the newest, unless another is chosen."""
    runs = {point.run_id: point for point in newest_first}

    def say(run_id: str) -> str:
        return _run_label(runs[run_id])

    ids = list(runs)
    return runs[select(place, title, parameter, ids, ids[0], scope=scope, say=say, most=MOST_OPTIONS)]


def _run_label(point: TrendPoint) -> str:
    return f"{when(point.timestamp)} · {numbers.rate(point.pass_rate)} · {point.run_id[:8]}"


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
    st.markdown(f"### {badge(worst.value)} {heading}", anchors=False)
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
    noise.caption(report.evidence)
    fell = report.delta_pp < 0
    label = f"Which cases of {escape(report.eval_type)} broke" if fell else f"The cases of {escape(report.eval_type)}"
    compare_links.link(label, _address(report))
    mlflow_links.line(report.eval_type, {"baseline": report.baseline_run_id, "current run": report.current_run_id})


def _address(report: RegressionReport) -> dict[str, str]:
    return compare_links.runs_address(report.eval_type, report.baseline_run_id, report.current_run_id)


def table(comparison: Comparison) -> None:
    """Every report, worst first, then the types that have none."""
    reports, zone = comparison.reports, shown_zone()
    if len(reports) > 1:
        shown = pd.DataFrame(
            {
                "Eval type": [report.eval_type for report in reports],
                "Verdict": [label(report.verdict.value) for report in reports],
                "Baseline": [report.baseline_pass_rate * 100 for report in reports],
                "Current": [report.current_pass_rate * 100 for report in reports],
                "Change": [report.delta_pp for report in reports],
                "Threshold": [numbers.threshold(report.threshold) for report in reports],
                "Evidence": [numbers.evidence(report.evidence) for report in reports],
                "Run": [zone.naive(report.current_timestamp) for report in reports],
                "Cases": [compare_links.url(_address(report)) for report in reports],
                **_in_mlflow(reports),
            }
        )
        st.dataframe(
            shown, hide_index=True, height="content", column_config={"Run": time_column("Current run"), **_COLUMNS}
        )
    for each in comparison.result.unjudged:
        st.markdown(f":material/flag: **{escape(each.eval_type)}**: {escape(each.reason)}")
    for report in reports:
        for note in report.notes:
            st.caption(f":material/warning: {escape(report.eval_type)}: {escape(note)}")


def _in_mlflow(reports: Sequence[RegressionReport]) -> dict[str, list[str | None]]:
    links = [mlflow_links.run_links(each.eval_type, {"": each.current_run_id}).get("") for each in reports]
    return {"MLflow": links} if any(links) else {}


_COLUMNS = {
    "Baseline": st.column_config.NumberColumn(format="%.1f%%"),
    "Current": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100),
    "Change": st.column_config.NumberColumn("Δ pp", format="%+.1f"),
    "Cases": st.column_config.LinkColumn(display_text="Compare", width="small"),
    "MLflow": st.column_config.LinkColumn(display_text="Open", width=60),
}


def changed_prompts(comparison: Comparison) -> None:
    """The prompts that differ between the runs, each once, with what was changed in its text; worst types first."""
    reports = comparison.reports
    named = [(f"{LOOKS[each.verdict.value].glyph} {each.eval_type}", each.changed_prompts) for each in reports]
    what_changed.prompts(named, comparison.unchanged)


def changed_context(comparison: Comparison) -> None:
    """What else differs between the runs, so that a change is not put down to the prompt alone."""
    what_changed.others([(report.eval_type, report.context_changes) for report in comparison.reports])
