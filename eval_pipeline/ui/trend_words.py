"""What the history in view says beyond its last runs: a steady trend, and the prompt change at a shift of level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

import streamlit as st

from eval_pipeline.core.trend_tests import level_shift, monotone_trend
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import Snapshot

MOST = 5
"""So many eval types are told of."""


def captions(lines: Sequence[str]) -> None:
    """What `lines` tells, but not too much of it."""
    for line in lines[:MOST]:
        st.caption(line)
    if len(lines) > MOST:
        st.caption(f"The same can be said of {len(lines) - MOST} more: choose fewer eval types to read it.")


def lines(snapshot: Snapshot, eval_types: Sequence[str], run_ids: Set[str]) -> list[str]:
    """A line for each of the types whose runs in view tell something."""
    return [line for name in eval_types if name in snapshot.types for line in _told(snapshot, name, run_ids)]


def _told(snapshot: Snapshot, name: str, run_ids: Set[str]) -> Iterator[str]:
    summary = snapshot.types[name].summary
    points = [point for point in summary.points if point.run_id in run_ids]
    changes = [change for change in summary.prompt_changes if change.run_id in run_ids]
    steady, shift = monotone_trend(points).sentence, level_shift(points, changes)
    said = [f":material/timeline: {escape(steady)}"] if steady else []
    said += [f":material/lightbulb: Hint: {escape(shift.sentence)}"] if shift else []
    if said:
        yield f"**{escape(name)}** {' · '.join(said)}"
