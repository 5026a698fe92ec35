"""How an eval type moves over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from eval_pipeline.core.models import Direction, PromptChange, PromptEvent, TrendPoint, TrendSummary
from eval_pipeline.core.regression import changed_prompts, percentage_points

BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""Where what has no time is sorted: first."""

DIRECTION_RUNS = 3
"""The direction looks at this many of the newest complete runs."""
DIRECTION_PP = 1.0
"""A move of more than this many percentage points over them is a direction."""


def trend_direction(points: Sequence[TrendPoint]) -> Direction:
    """Where the last three complete runs head, last less first; one run alone is stable. `points` are oldest first."""
    return rate_direction([point.pass_rate for point in points if point.complete and point.pass_rate is not None])


def rate_direction(rates: Sequence[float]) -> Direction:
    """The same of the pass rates (0..1, oldest first) of complete runs."""
    newest = rates[-DIRECTION_RUNS:]
    move = percentage_points(newest[-1], newest[0]) if newest else 0.0
    if move > DIRECTION_PP:
        return Direction.IMPROVING
    return Direction.DEGRADING if move < -DIRECTION_PP else Direction.STABLE


def find_prompt_changes(points: Sequence[TrendPoint]) -> list[PromptChange]:
    """Every version change of a prompt, dated by the run that first shows it. `points` are oldest first.

    Each run is compared with the last one before it that names the prompt, so a run that names none hides nothing.
    """
    changes: list[PromptChange] = []
    last: dict[str, str] = {}
    for point in points:
        changes.extend(changed_prompts(last, point))
        last.update(point.prompt_versions)
    return changes


def build_trend_summary(
    eval_type: str,
    experiment_name: str,
    points: Sequence[TrendPoint],
    *,
    limit: int | None = None,
    events: Iterable[PromptEvent] = (),
) -> TrendSummary:
    """Sum up a history (oldest first, every status). `limit` keeps the newest points only, judged on the whole."""
    shown = tuple(points if limit is None else points[len(points) - min(limit, len(points)) :])
    shown_ids = {point.run_id for point in shown}
    rates = (point.pass_rate for point in reversed(points) if point.complete)
    return TrendSummary(
        eval_type=eval_type,
        experiment_name=experiment_name,
        points=shown,
        latest_pass_rate=next(rates, None),
        trend_direction=trend_direction(points),
        prompt_changes=tuple(change for change in find_prompt_changes(points) if change.run_id in shown_ids),
        events=tuple(events),
    )


def prompt_events(summaries: Iterable[TrendSummary]) -> list[PromptEvent]:
    """The prompt changes of many eval types, each told once: when any type first shows it. Oldest first.

    A version that comes back later (v2, v3, v2, v3) is told each time it comes, also of a type that started in between.
    """
    told: list[_Told] = []
    changes = [(change, summary.eval_type) for summary in summaries for change in summary.prompt_changes]
    for change, eval_type in sorted(changes, key=lambda each: (each[0].timestamp or BEFORE_ALL, each[0].run_id)):
        same = _last_told(told, change)
        if same is None or eval_type in same.eval_types:
            told.append(_Told(change, {eval_type}))
        else:
            same.eval_types.add(eval_type)
    events = [
        PromptEvent(
            timestamp=each.first.timestamp,
            action="change",
            prompt_name=each.first.prompt_name,
            from_version=each.first.from_version,
            to_version=each.first.to_version,
            eval_types=tuple(sorted(each.eval_types)),
        )
        for each in told
    ]
    return sorted(events, key=lambda event: (event.timestamp or BEFORE_ALL, event.prompt_name))


@dataclass(frozen=True, slots=True)
class _Told:
    """A change, as the first run of any type shows it, and the types that show it."""

    first: PromptChange
    eval_types: set[str]


def _last_told(told: Sequence[_Told], change: PromptChange) -> _Told | None:
    """The same change, if it was told before and the prompt has not gone back to the older version since."""
    for each in reversed(told):
        if each.first.prompt_name != change.prompt_name:
            continue
        if (each.first.from_version, each.first.to_version) == (change.from_version, change.to_version):
            return each
        if each.first.to_version == change.from_version:
            return None
    return None
