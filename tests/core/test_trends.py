"""How an eval type moves over time: its direction, its prompt changes, and the events that many types share."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.models import (
    Direction,
    EvalExperiment,
    PromptChange,
    PromptEvent,
    RunStatus,
    TrendPoint,
    TrendSummary,
)
from eval_pipeline.core.regression import check_regression
from eval_pipeline.core.trends import build_trend_summary, find_prompt_changes, prompt_events, trend_direction
from eval_pipeline.settings import Settings
from eval_pipeline.store import tables
from tests.core.points import OTHER_STATUSES, histories, history, moment, not_complete, point


@pytest.mark.parametrize(
    ("rates", "direction"),
    [
        ((), Direction.STABLE),
        ((0.9,), Direction.STABLE),
        ((0.90, 0.91), Direction.STABLE),  # exactly one point
        ((0.91, 0.90), Direction.STABLE),
        ((0.90, 0.9101), Direction.IMPROVING),
        ((0.9101, 0.90), Direction.DEGRADING),
        ((0.29, 0.30), Direction.STABLE),  # 0.30 - 0.29 is more than 0.01 in binary
        ((0.90, 0.80, 0.90), Direction.STABLE),
        ((0.80, 0.99, 0.82), Direction.IMPROVING),
        ((0.90, 0.10, 0.88), Direction.DEGRADING),
        ((0.10, 0.90, 0.90, 0.90), Direction.STABLE),  # only the last three
        ((0.95, 0.80, 0.85, 0.90), Direction.IMPROVING),
    ],
)
def test_the_direction_of_the_last_three_complete_runs(rates: tuple[float, ...], direction: Direction) -> None:
    assert trend_direction(history(*rates)) is direction


@given(histories())
def test_a_run_that_is_not_complete_never_changes_direction_or_latest_rate(runs: list[TrendPoint]) -> None:
    complete = [run for run in runs if run.complete]
    assert trend_direction(runs) is trend_direction(complete)
    whole, some = build_trend_summary("tone", "x", runs), build_trend_summary("tone", "x", complete)
    assert whole.latest_pass_rate == some.latest_pass_rate == (complete[-1].pass_rate if complete else None)


@given(histories())
def test_a_history_told_backwards_heads_the_other_way(runs: list[TrendPoint]) -> None:
    opposite = {
        Direction.IMPROVING: Direction.DEGRADING,
        Direction.DEGRADING: Direction.IMPROVING,
        Direction.STABLE: Direction.STABLE,
    }
    last_three = [run for run in runs if run.complete][-3:]
    assert trend_direction(last_three[::-1]) is opposite[trend_direction(last_three)]


def prompts(*versions: dict[str, str]) -> list[TrendPoint]:
    """Complete runs that name these prompt versions, oldest first."""
    return [point(number, 0.9, named) for number, named in enumerate(versions)]


def change(number: int, name: str, old: str, new: str) -> PromptChange:
    """A change that the run of this number first shows."""
    return PromptChange(moment(number), f"run-{number:02}", name, old, new)


@pytest.mark.parametrize(
    ("versions", "changes"),
    [
        ([], []),
        ([{"a": "v1"}], []),
        ([{"a": "v1"}, {"a": "v1"}, {"a": "v2"}, {"a": "v2"}], [(2, "a", "v1", "v2")]),
        # a run that names none hides nothing
        ([{"a": "v1"}, {}, {"a": "v2"}], [(2, "a", "v1", "v2")]),
        ([{"a": "v1"}, {}, {"a": "v1"}], []),
        ([{"a": "v1"}, {"b": "v1"}, {"a": "v2"}, {"b": "v2"}], [(2, "a", "v1", "v2"), (3, "b", "v1", "v2")]),
        # a prompt that comes or goes is no change
        ([{}, {"a": "v1"}, {"a": "v1", "b": "v1"}, {"b": "v1"}, {}], []),
        # several at once
        ([{"b": "v1", "a": "v1"}, {"b": "v2", "a": "v3"}], [(1, "a", "v1", "v3"), (1, "b", "v1", "v2")]),
        # back to an older version, and forth again
        (
            [{"a": "v2"}, {"a": "v3"}, {"a": "v2"}, {"a": "v3"}],
            [(1, "a", "v2", "v3"), (2, "a", "v3", "v2"), (3, "a", "v2", "v3")],
        ),
    ],
)
def test_prompt_changes_are_dated_by_the_run_that_first_shows_them(
    versions: list[dict[str, str]], changes: list[tuple[int, str, str, str]]
) -> None:
    assert find_prompt_changes(prompts(*versions)) == [change(*each) for each in changes]


@pytest.mark.parametrize("status", OTHER_STATUSES)
def test_a_run_that_is_not_complete_shows_a_prompt_change_too(status: RunStatus) -> None:
    runs = prompts({"a": "v1"}, {"a": "v2"}, {"a": "v2"})
    runs[1] = replace(runs[1], eval_status=status)
    assert find_prompt_changes(runs) == [change(1, "a", "v1", "v2")]


@given(histories())
def test_following_the_changes_of_a_prompt_leads_to_its_newest_version(runs: list[TrendPoint]) -> None:
    newest: dict[str, str] = {}
    for run in runs:
        newest.update(run.prompt_versions)
    for name, version in newest.items():
        own = [each for each in find_prompt_changes(runs) if each.prompt_name == name]
        first = next(run.prompt_versions[name] for run in runs if name in run.prompt_versions)
        steps = [first, *(each.to_version for each in own)]
        assert [each.from_version for each in own] == steps[:-1]
        assert steps[-1] == version


def test_a_summary_of_no_run_is_empty() -> None:
    assert build_trend_summary("tone", "base-tone", []) == TrendSummary(
        "tone", "base-tone", (), None, Direction.STABLE, ()
    )


def test_a_summary_holds_every_point_the_newest_complete_rate_and_the_events_it_is_given() -> None:
    runs = [*history(0.80, 0.85, 0.90), not_complete(3, RunStatus.PARTIAL, 0.5)]
    event = PromptEvent(moment(1), "promote", "a", "v1", "v2", "kim")
    assert build_trend_summary("tone", "base-tone", runs, events=[event]) == TrendSummary(
        "tone", "base-tone", tuple(runs), 0.90, Direction.IMPROVING, (), (event,)
    )


@pytest.mark.parametrize(("limit", "first"), [(None, 0), (9, 0), (4, 0), (2, 2), (1, 3), (0, 4)])
def test_a_limit_keeps_the_newest_points_and_their_changes_and_judges_the_whole(limit: int | None, first: int) -> None:
    versions: list[dict[str, str]] = [{"a": "v1"}, {"a": "v2"}, {"a": "v3"}, {}]
    runs = [replace(run, pass_rate=rate) for run, rate in zip(prompts(*versions), (0.5, 0.6, 0.7, 0.7), strict=True)]
    runs[3] = replace(runs[3], eval_status=RunStatus.ERROR)
    changes = {1: change(1, "a", "v1", "v2"), 2: change(2, "a", "v2", "v3")}
    assert build_trend_summary("tone", "base-tone", runs, limit=limit) == TrendSummary(
        "tone",
        "base-tone",
        tuple(runs[first:]),
        0.7,
        Direction.IMPROVING,
        tuple(each for number, each in changes.items() if number >= first),
    )


@given(histories(), st.integers(0, 10))
def test_a_limit_never_changes_what_is_judged(runs: list[TrendPoint], limit: int) -> None:
    whole, cut = build_trend_summary("tone", "x", runs), build_trend_summary("tone", "x", runs, limit=limit)
    assert cut.points == whole.points[max(0, len(runs) - limit) :]
    assert (cut.latest_pass_rate, cut.trend_direction) == (whole.latest_pass_rate, whole.trend_direction)
    assert set(cut.prompt_changes) <= set(whole.prompt_changes)


def summary(eval_type: str, *shown: tuple[int, str, str] | tuple[int, str, str, str]) -> TrendSummary:
    """A type whose runs show changes (day, from, to) of the prompt `a`, or of another (day, from, to, name)."""
    changes = tuple(
        PromptChange(moment(day), f"{eval_type}-{day}", name[0] if name else "a", old, new)
        for day, old, new, *name in shown
    )
    return TrendSummary(eval_type, f"base-{eval_type}", (), None, Direction.STABLE, changes)


def event(day: int, old: str, new: str, *eval_types: str, name: str = "a") -> PromptEvent:
    """A change that these types show, the first of them on this day."""
    return PromptEvent(moment(day), "change", name, old, new, eval_types=eval_types)


EVENTS: list[tuple[list[TrendSummary], list[PromptEvent]]] = [
    ([], []),
    ([summary("tone")], []),
    # one change that several types show, some of them later
    (
        [summary("tone", (2, "v1", "v2")), summary("routing", (1, "v1", "v2")), summary("memory", (9, "v1", "v2"))],
        [event(1, "v1", "v2", "memory", "routing", "tone")],
    ),
    # prompts are told apart, and so are steps
    (
        [summary("tone", (1, "v1", "v2"), (1, "v1", "v2", "b")), summary("routing", (1, "v1", "v3"))],
        [event(1, "v1", "v3", "routing"), event(1, "v1", "v2", "tone"), event(1, "v1", "v2", "tone", name="b")],
    ),
    # a version that comes back is told each time
    (
        [
            summary("tone", (1, "v2", "v3"), (3, "v3", "v2"), (5, "v2", "v3")),
            summary("routing", (1, "v2", "v3"), (3, "v3", "v2"), (6, "v2", "v3")),
        ],
        [
            event(1, "v2", "v3", "routing", "tone"),
            event(3, "v3", "v2", "routing", "tone"),
            event(5, "v2", "v3", "routing", "tone"),
        ],
    ),
    # a type that started in between shows the later change, not the first
    (
        [summary("late", (5, "v2", "v3")), summary("tone", (1, "v2", "v3"), (3, "v3", "v2"), (6, "v2", "v3"))],
        [event(1, "v2", "v3", "tone"), event(3, "v3", "v2", "tone"), event(5, "v2", "v3", "late", "tone")],
    ),
    # a type that runs seldom shows the change after others moved on
    (
        [summary("seldom", (4, "v1", "v2")), summary("tone", (1, "v1", "v2"), (3, "v2", "v3"))],
        [event(1, "v1", "v2", "seldom", "tone"), event(3, "v2", "v3", "tone")],
    ),
]


def _by_what(events: list[PromptEvent]) -> list[tuple[datetime | None, str, str | None, str, tuple[str, ...]]]:
    return sorted((e.timestamp, e.prompt_name, e.from_version, e.to_version, e.eval_types) for e in events)


@pytest.mark.parametrize(("summaries", "events"), EVENTS)
def test_a_change_is_told_once_when_any_type_first_shows_it(
    summaries: list[TrendSummary], events: list[PromptEvent]
) -> None:
    assert _by_what(prompt_events(summaries)) == _by_what(events)
    told = [(each.timestamp, each.prompt_name) for each in prompt_events(summaries)]
    assert told == sorted(told)


@pytest.mark.parametrize(("summaries", "events"), EVENTS)
def test_the_order_of_types_does_not_matter(summaries: list[TrendSummary], events: list[PromptEvent]) -> None:
    assert prompt_events(summaries[::-1]) == prompt_events(summaries)


def test_a_change_without_a_time_comes_first() -> None:
    untimed = replace(summary("tone", (1, "v1", "v2")).prompt_changes[0], timestamp=None)
    timed = summary("routing", (1, "v2", "v3"))
    found = prompt_events([timed, replace(timed, eval_type="tone", prompt_changes=(untimed,))])
    assert [each.timestamp for each in found] == [None, moment(1)]


STEPS = st.lists(st.sampled_from(["v1", "v2", "v3"]), max_size=6)


@given(st.lists(STEPS, max_size=4))
def test_every_change_of_every_type_is_in_exactly_one_event(types: list[list[str]]) -> None:
    summaries = [
        build_trend_summary(f"type-{at}", "x", prompts(*({"a": version} for version in versions)))
        for at, versions in enumerate(types)
    ]
    found = prompt_events(summaries)
    for each in summaries:
        own = [(one.from_version, one.to_version) for one in each.prompt_changes]
        told = [(one.from_version, one.to_version) for one in found if each.eval_type in one.eval_types]
        assert sorted(own) == sorted(told)


EXPERIMENT = EvalExperiment("tone", "1", "my-assistant-eval-tone")


def read(rows: list[TrendPoint]) -> list[TrendPoint]:
    """The points as they come from a store that hands out runs in this order."""
    started = [None if row.timestamp is None else round(row.timestamp.timestamp() * 1000) for row in rows]
    statuses = {RunStatus.RUNNING: "RUNNING", RunStatus.ERROR: "FAILED"}
    table = pa.table(
        {
            "run_id": pa.array([row.run_id for row in rows], pa.string()),
            "status": pa.array([statuses.get(row.eval_status, "FINISHED") for row in rows], pa.string()),
            "started": pa.array(started, pa.int64()),
            "ended": pa.array(started, pa.int64()),
            "fingerprint": pa.array(["" for _ in rows], pa.string()),
            "m:pass_rate": pa.array([row.pass_rate for row in rows], pa.float64()),
            "m:error_cases": pa.array([float(row.eval_status is RunStatus.PARTIAL) for row in rows], pa.float64()),
            **{
                f"p:prompt.{name}": pa.array([row.prompt_versions.get(name) for row in rows], pa.string())
                for name in ("persona", "routing")
            },
        }
    )
    return tables.trend_points(tables.newest_first(table), EXPERIMENT, Settings())


@given(histories().flatmap(lambda runs: st.tuples(st.just(runs), st.permutations(runs))), st.booleans())
def test_the_order_of_runs_in_the_store_does_not_matter(
    orders: tuple[list[TrendPoint], list[TrendPoint]], at_once: bool
) -> None:
    runs, shuffled = ([replace(run, timestamp=moment(0)) for run in order] if at_once else order for order in orders)
    points = read(shuffled)
    assert [each.run_id for each in points] == [each.run_id for each in runs]
    assert points == read(runs)
    uncounted = [replace(run, total_cases=None) for run in runs]  # as in the table, which holds no numbers of cases
    judged, expected = check_regression("tone", points, 0.8), check_regression("tone", uncounted, 0.8)
    assert judged == expected
    assert find_prompt_changes(points) == find_prompt_changes(runs)


def test_a_run_without_a_start_comes_first() -> None:
    runs = [point(0), point(1), replace(point(2), timestamp=None)]
    assert [each.run_id for each in read(runs)] == ["run-02", "run-00", "run-01"]
