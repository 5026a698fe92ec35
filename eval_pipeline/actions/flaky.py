"""Which cases are flaky: reading the cases of the newest runs and comparing them with themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from eval_pipeline.actions.cases import Read, read_cases
from eval_pipeline.core.flakiness import TypeNoise, measure_noise
from eval_pipeline.core.models import RunStatus, TrendPoint

NEWEST_RUNS = 20
"""So many newest runs of each type are looked at."""


def find_noise(
    histories: Mapping[str, Sequence[TrendPoint]],
    read: Read,
    quarantine: Mapping[str, Collection[str]],
    *,
    newest: int = NEWEST_RUNS,
) -> list[TypeNoise]:
    """How noisy each type is, by its newest complete and partial runs. Histories are oldest first.

    Raises:
        StoreError: the cases can't be read.
    """
    chosen = {name: _usable(points)[-newest:] for name, points in histories.items()}
    cases = read_cases((point.run_id for points in chosen.values() for point in points), read)
    return [
        measure_noise(name, [(each, cases[each.run_id] or ()) for each in points], quarantine.get(name, ()))
        for name, points in sorted(chosen.items())
    ]


def _usable(points: Sequence[TrendPoint]) -> list[TrendPoint]:
    return [point for point in points if point.eval_status in (RunStatus.COMPLETE, RunStatus.PARTIAL)]
