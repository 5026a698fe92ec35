"""What the Compare page compares: two runs of an eval type, or two versions of a prompt over all types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eval_pipeline.actions.diff import Cases, RunPair, compare_read, read_cases, version_pairs
from eval_pipeline.core.comparing import CaseChange, RunComparison
from eval_pipeline.core.models import RunStatus, TrendPoint, Unjudged, Verdict
from eval_pipeline.core.regression import get_baseline_run
from eval_pipeline.core.runs import version_number
from eval_pipeline.report import compare, numbers, shell
from eval_pipeline.report.looks import LOOKS, badge, label
from eval_pipeline.store.connection import Store
from eval_pipeline.ui import what_changed
from eval_pipeline.ui.choosing import select
from eval_pipeline.ui.frame import escape, shared_history, stopping_kindly
from eval_pipeline.ui.history import Snapshot

RUNS, VERSIONS = "Two runs", "Two prompt versions"
MOST_OPTIONS = 300
"""So many newest runs can be chosen in the page; an older one can be named in the URL."""
SEVERITY = [*(verdict.value for verdict in Verdict), None]
"""Worst first; what has no verdict comes last."""


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """Two versions of a prompt."""

    prompt_name: str
    baseline: int
    current: int


@dataclass(frozen=True, slots=True)
class View:
    """What is compared."""

    comparisons: tuple[RunComparison, ...]
    """Worst first."""
    lacking: tuple[Unjudged, ...]
    """Eval types that lack a run of one of the versions."""
    address: Mapping[str, str]
    """The part of the URL that names it."""
    sides: tuple[str, str]
    """What the two sides are called."""
    versions: VersionChoice | None = None

    @property
    def several(self) -> bool:
        """Whether cases of several eval types are shown together."""
        return self.versions is not None

    @property
    def scope(self) -> str:
        """A text that differs for each view, for the keys of controls that depend on it."""
        return "/".join(self.address.values())


def histories(snapshot: Snapshot) -> dict[str, Sequence[TrendPoint]]:
    """The runs of each eval type, oldest first."""
    return {name: history.summary.points for name, history in snapshot.types.items()}


def choose(snapshot: Snapshot) -> View:
    """The controls, and what they compare."""
    known = _known_versions(snapshot)
    modes = [RUNS, VERSIONS] if known else [RUNS]
    key = "compare.mode"
    if st.session_state.get(key) not in modes:
        st.session_state[key] = VERSIONS if "prompt" in st.query_params and known else RUNS
    mode = st.segmented_control("Compare", modes, key=key, required=True, label_visibility="collapsed")
    return _choose_versions(snapshot, known) if mode == VERSIONS else _choose_runs(snapshot)


def _choose_runs(snapshot: Snapshot) -> View:
    first, second, third = st.columns([2, 3, 3])
    types = {name: _comparable(points) for name, points in histories(snapshot).items()}
    types = {name: points for name, points in types.items() if len(points) > 1}
    if not types:
        st.info("**No eval type has two runs yet** that ended and could be compared.", icon=":material/inbox:")
        st.stop()
    name = select(first, "Eval type", "type", list(types), _default_type(snapshot, types))
    points = types[name]
    complete = [point for point in points if point.complete] or points
    current = _run(third, "Current run", "current", points, complete[-1], name)
    rest = [point for point in points if point is not current]
    baseline = _run(second, "Baseline", "baseline", rest, _usual_baseline(points, current), name + current.run_id)
    address = {"type": name, "baseline": baseline.run_id, "current": current.run_id}
    return View(tuple(_compare([(baseline, current)])), (), address, ("baseline", "current"))


def _comparable(points: Sequence[TrendPoint]) -> list[TrendPoint]:
    return [point for point in points if point.eval_status in (RunStatus.COMPLETE, RunStatus.PARTIAL)]


def _default_type(snapshot: Snapshot, types: Mapping[str, Sequence[TrendPoint]]) -> str:
    """The type of the run that the URL names, or else the one that dropped most."""
    found = snapshot.find_run(st.query_params.get("current", ""))
    if found is not None and found[0].eval_type in types:
        return found[0].eval_type
    worst = sorted(snapshot.check.reports, key=lambda each: (SEVERITY.index(each.verdict.value), each.delta_pp))
    return next((each.eval_type for each in worst if each.eval_type in types), next(iter(types)))


def _usual_baseline(points: Sequence[TrendPoint], current: TrendPoint) -> TrendPoint:
    """The newest complete run before it, or else its neighbour."""
    before = points[: points.index(current)]
    usual = get_baseline_run(points, current)
    return usual or (before[-1] if before else points[1])


def _run(
    place: DeltaGenerator, title: str, parameter: str, points: Sequence[TrendPoint], usual: TrendPoint, scope: str
) -> TrendPoint:
    """One of the runs (oldest first), offered newest first."""
    runs = {point.run_id: point for point in reversed(points)}

    def say(run_id: str) -> str:
        point = runs[run_id]
        partial = "" if point.complete else f" · {LOOKS[point.eval_status.value.upper()].word}"
        return f"{numbers.when(point.timestamp)} · {numbers.rate(point.pass_rate)} · {run_id[:8]}{partial}"

    ids = list(runs)
    return runs[select(place, title, parameter, ids, usual.run_id, scope=scope, say=say, most=MOST_OPTIONS)]


def _known_versions(snapshot: Snapshot) -> dict[str, list[int]]:
    """The versions, newest first, of each prompt of which complete runs name two or more."""
    found: dict[str, set[int]] = {}
    for points in histories(snapshot).values():
        for point in points:
            for name, version in point.prompt_versions.items() if point.complete else ():
                number = version_number(version)
                if number is not None:
                    found.setdefault(name, set()).add(number)
    return {name: sorted(each, reverse=True) for name, each in sorted(found.items()) if len(each) > 1}


def _choose_versions(snapshot: Snapshot, known: Mapping[str, Sequence[int]]) -> View:
    first, second, third = st.columns([2, 3, 3])
    changed = (event.prompt_name for event in reversed(snapshot.events) if event.prompt_name in known)
    name = select(first, "Prompt", "prompt", list(known), next(changed, next(iter(known))))
    options = [str(version) for version in known[name]]
    current = select(third, "To version", "to", options, options[0], scope=name, say=lambda each: f"v{each}")
    rest = [each for each in options if each != current]
    older = (each for each in rest if int(each) < int(current))
    usual = next(older, rest[0])
    baseline = select(
        second, "From version", "from", rest, usual, scope=f"{name}:{current}", say=lambda each: f"v{each}"
    )
    choice = VersionChoice(name, int(baseline), int(current))
    pairs, lacking = version_pairs(histories(snapshot), name, choice.baseline, choice.current)
    compared = sorted(_compare(pairs), key=_severity)
    address = {"prompt": name, "from": baseline, "to": current}
    return View(tuple(compared), tuple(lacking), address, (f"v{baseline}", f"v{current}"), choice)


def _severity(comparison: RunComparison) -> tuple[int, int, str]:
    report = comparison.report
    place = SEVERITY.index(report.verdict.value if report else None)
    return place, -comparison.counts[CaseChange.BROKEN], comparison.eval_type


def _compare(pairs: Sequence[RunPair]) -> list[RunComparison]:
    store = shared_history().store
    ids = tuple(point.run_id for pair in pairs for point in pair)
    with stopping_kindly(), st.spinner("Reading cases …", show_time=True):
        return compare_read(store, pairs, _cases(store, store.uri, ids))


@st.cache_data(show_spinner=False, max_entries=64, ttl=300)
def _cases(_store: Store, uri: str, run_ids: tuple[str, ...]) -> Cases:  # noqa: ARG001 - the key
    return read_cases(_store, run_ids)


def verdict(view: View) -> None:
    """What the rules say, how many cases broke, and whether the runs are alike."""
    if view.versions is None:
        _one(view.comparisons[0])
    else:
        _all(view)


def _one(comparison: RunComparison) -> None:
    report = comparison.report
    state = report.verdict.value if report else None
    st.markdown(f"### {f'{badge(state)} ' if state else ''}{escape(comparison.eval_type)}")
    show = {"REGRESSION": st.error, "WARNING": st.warning, None: st.info}.get(state, st.success)
    icon = LOOKS[state].icon if state else ":material/info:"
    warned = compare.caveat(comparison)
    said = f"{escape(compare.rates(comparison))}: **{escape(compare.counted_changes(comparison))}**"
    unlike = "" if warned is None else f"\n\n:material/balance: These runs are **{escape(warned)}**"
    show(f"{said}{unlike}", icon=icon)
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
    st.markdown(f"### {escape(choice.prompt_name)} {change}: {broken} broken, {fixed} fixed")
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
