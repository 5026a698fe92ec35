"""What the history in view says beyond its last runs: a steady trend, and the prompt change at a shift of level."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import streamlit as st

from eval_pipeline.core.trend_tests import level_shift, monotone_trend
from eval_pipeline.ui.frame import escape
from eval_pipeline.ui.history import Snapshot

MOST = 5
"""So many eval types are told of."""

_HASHES: dict[str | type[Any], Callable[[Any], Any]] = {Snapshot: lambda snapshot: snapshot.version}


def captions(snapshot: Snapshot, eval_types: Sequence[str], run_ids: Collection[str]) -> None:
    """A line for each of the types whose runs in view tell something, at most a few."""
    lines = _lines(snapshot, tuple(eval_types), frozenset(run_ids))
    for line in lines[:MOST]:
        st.caption(line)
    if len(lines) > MOST:
        st.caption(f"The same can be said of {len(lines) - MOST} more: choose fewer eval types to read it.")


@st.cache_data(show_spinner=False, max_entries=64, hash_funcs=_HASHES)
def _lines(snapshot: Snapshot, eval_types: tuple[str, ...], run_ids: frozenset[str]) -> list[str]:
    return [line for name in eval_types if name in snapshot.types for line in _told(snapshot, name, run_ids)]


def _told(snapshot: Snapshot, name: str, run_ids: frozenset[str]) -> Iterator[str]:
    summary = snapshot.types[name].summary
    points = [point for point in summary.points if point.run_id in run_ids]
    changes = [change for change in summary.prompt_changes if change.run_id in run_ids]
    steady, shift = monotone_trend(points).sentence, level_shift(points, changes)
    said = [f":material/timeline: {escape(steady)}"] if steady else []
    said += [f":material/lightbulb: Hint: {escape(shift.sentence)}"] if shift else []
    if said:
        yield f"**{escape(name)}** {' · '.join(said)}"
