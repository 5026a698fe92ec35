"""Which cases are flaky, at the foot of the Regressions page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from eval_pipeline.actions.flaky import NEWEST_RUNS, find_noise
from eval_pipeline.core.flakiness import TypeNoise
from eval_pipeline.core.models import TrendPoint
from eval_pipeline.errors import PipelineError
from eval_pipeline.report import numbers
from eval_pipeline.report.flaky import flaky_frame, floor
from eval_pipeline.store.connection import Store
from eval_pipeline.ui.cases import MOST_SECONDS, case_reader
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import Snapshot, shared_history
from eval_pipeline.ui.regressions import Comparison


def section(snapshot: Snapshot, comparison: Comparison) -> None:
    """The flaky cases of the eval types on the page, once somebody asks: many runs have to be read for it."""
    names = [report.eval_type for report in comparison.reports]
    with st.expander(":material/casino: Which cases are flaky?"):
        st.caption(
            "A case is flaky if it disagrees with itself: in repeats within a run, or in runs of the same prompt "
            f"versions in the same context. Looks at the {NEWEST_RUNS} newest runs of each eval type."
        )
        if not names or not st.toggle("Look for flaky cases", key="flaky"):
            return
        try:
            found = _found(shared_history().store, snapshot.version, names, [_points(snapshot, name) for name in names])
        except PipelineError as problem:
            st.error(f"The cases can't be read: {escape(str(problem))}", icon=":material/cloud_off:")
            return
        _show(found)


def _points(snapshot: Snapshot, name: str) -> Sequence[TrendPoint]:
    return snapshot.types[name].summary.points


@st.cache_data(show_spinner="Reading cases …", max_entries=16, ttl=MOST_SECONDS)
def _found(
    _store: Store,
    version: str,  # noqa: ARG001 - the key, with the names
    names: Sequence[str],
    _histories: Sequence[Sequence[TrendPoint]],
) -> list[TypeNoise]:
    return find_noise(dict(zip(names, _histories, strict=True)), case_reader(_store), _store.settings.quarantine)


def _show(found: Sequence[TypeNoise]) -> None:
    cases = flaky_frame(found)
    if len(cases):
        column = st.column_config.NumberColumn(format="%.0f%%", help="Share of the pairs of results that disagree.")
        st.dataframe(cases, hide_index=True, column_config={"Flip rate": column})
        st.caption('A case in `[quarantine]` of the settings, as in `tone = ["case-id"]`, is not counted as evidence.')
    alike: dict[str, list[str]] = {}
    for each in found:
        alike.setdefault(floor(each), []).append(each.eval_type)
    for said, types in alike.items():
        shown = types[0] if len(types) == 1 else numbers.counted(len(types), "eval type")
        st.markdown(f"**{escape(shown)}** {escape(said)}")
