"""What the Compare page compares: two runs of an eval type, or two versions of a prompt over all types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from eval_pipeline.actions.diff import RunPair, compare_pairs, version_pairs
from eval_pipeline.core.case_pairs import CaseChange
from eval_pipeline.core.comparing import RunComparison
from eval_pipeline.core.models import RunStatus, TrendPoint, Unjudged, Verdict
from eval_pipeline.core.regression import get_baseline_run
from eval_pipeline.core.runs import version_number
from eval_pipeline.report import numbers
from eval_pipeline.report.looks import LOOKS
from eval_pipeline.ui.cases import case_reader
from eval_pipeline.ui.choosing import select
from eval_pipeline.ui.history import Snapshot, shared_history
from eval_pipeline.ui.outage import stopping_kindly
from eval_pipeline.ui.zone import when

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
        return f"{when(point.timestamp)} · {numbers.rate(point.pass_rate)} · {run_id[:8]}{partial}"

    ids = list(runs)
    return runs[select(place, title, parameter, ids, usual.run_id, scope=scope, say=say, most=MOST_OPTIONS)]


@st.cache_data(show_spinner=False, max_entries=4, hash_funcs={Snapshot: lambda snapshot: snapshot.version})
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
    with stopping_kindly(), st.spinner("Reading cases …", show_time=True):
        return compare_pairs(pairs, case_reader(store), store.settings)
