"""Which version of a prompt brought a drop, and which to evaluate next."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.bisecting import Bisection, NextTry, bisect, newest_of
from eval_pipeline.core.models import RunStatus, TrendPoint
from tests.core.points import not_complete, point


def runs(rates: Mapping[int, float], **others: str) -> list[TrendPoint]:
    """Runs of these versions of `persona`, oldest first."""
    return [point(n, rate, {"persona": f"v{n}", **others}) for n, rate in rates.items()]


def found(
    rates: Mapping[int, float], good: int = 1, bad: int = 5, existing: tuple[int, ...] = (1, 2, 3, 4, 5)
) -> Bisection:
    return bisect("persona", good, bad, existing, {"tone": runs(rates)}, {"tone": 0.8})


@pytest.mark.parametrize(
    ("rates", "first_drop", "unknown", "next_version"),
    [
        ({1: 0.95, 2: 0.95, 3: 0.95, 4: 0.5, 5: 0.5}, 4, (), None),
        ({1: 0.95, 5: 0.5}, 5, (2, 3, 4), 3),
        ({1: 0.95, 3: 0.95, 5: 0.5}, 5, (4,), 4),
        ({1: 0.95, 3: 0.5, 5: 0.5}, 3, (2,), 2),
        ({1: 0.95, 4: 0.5}, 4, (2, 3), 2),
        ({1: 0.95, 2: 0.85, 5: 0.5}, 2, (), None),
        ({1: 0.95, 2: 0.86, 5: 0.86}, None, (), None),
        ({1: 0.95, 2: 0.95}, None, (), 5),
        ({5: 0.5}, None, (), 1),
        ({1: 0.7, 3: 0.75, 5: 0.7}, None, (), None),
        ({1: 0.7, 5: 0.65}, 5, (2, 3, 4), 3),
    ],
)
def test_the_drop_is_looked_for_between_the_last_good_and_the_first_bad_version(
    rates: dict[int, float], first_drop: int | None, unknown: tuple[int, ...], next_version: int | None
) -> None:
    [tone] = found(rates).types
    assert (tone.first_drop, tone.unknown, tone.next_version) == (first_drop, unknown, next_version)


def test_versions_that_the_registry_no_longer_has_are_not_tried() -> None:
    [tone] = found({1: 0.95, 5: 0.5}, existing=(1, 4, 5)).types
    assert tone.unknown == (4,)


def test_only_complete_runs_count_and_of_each_version_the_newest() -> None:
    points = [*runs({1: 0.95, 2: 0.5}), not_complete(3, RunStatus.PARTIAL)]
    points.append(point(4, 0.96, {"persona": "v2"}))
    assert newest_of("persona", 2, points) is points[-1]
    assert newest_of("persona", 3, points) is None
    [tone] = bisect("persona", 1, 2, (1, 2), {"tone": points}, {"tone": 0.8}).types
    assert tone.first_drop is None


def test_a_version_is_taken_where_the_other_prompts_are_as_in_the_good_run() -> None:
    points = [
        point(1, 0.95, {"persona": "v1", "memory": "v1"}),
        point(2, 0.94, {"persona": "v2", "memory": "v1"}),
        point(3, 0.5, {"persona": "v2", "memory": "v2"}),
    ]
    [tone] = bisect("persona", 1, 2, (1, 2), {"tone": points}, {"tone": 0.8}).types
    assert (tone.runs[1].run, tone.first_drop) == (points[1], None)


def test_where_another_prompt_changed_along_the_version_alone_is_tried_next() -> None:
    points = [
        point(1, 0.95, {"persona": "v1", "memory": "v1"}),
        point(2, 0.5, {"persona": "v2", "memory": "v2"}),
    ]
    answer = bisect("persona", 1, 2, (1, 2), {"tone": points}, {"tone": 0.8})
    [tone] = answer.types
    assert [(change.prompt_name, change.to_version) for change in tone.also_changed] == [("memory", "v2")]
    assert answer.next_tries == (NextTry(2, ("tone",), (("memory", 1),)),)


def test_types_that_do_not_use_the_prompt_are_left_out_and_one_suite_run_serves_several() -> None:
    histories = {
        "tone": runs({1: 0.95, 5: 0.5}),
        "routing": runs({1: 0.95, 5: 0.6}),
        "memory": runs({1: 0.95, 5: 0.95}),
        "weather": [point(1, 0.9, {"other": "v1"})],
    }
    answer = bisect("persona", 1, 5, (1, 2, 3, 4, 5), histories, dict.fromkeys(histories, 0.8))
    assert [each.eval_type for each in answer.types] == ["memory", "routing", "tone"]
    assert answer.first_drop == 5
    assert answer.next_tries == (NextTry(3, ("routing", "tone"), ()),)


@given(st.integers(2, 12), st.data())
def test_following_the_advice_always_ends_at_the_version_that_broke(bad: int, data: st.DataObject) -> None:
    broke = data.draw(st.integers(2, bad))
    rates = {1: 0.95}
    for _ in range(bad + 1):
        answer = found(dict(sorted(rates.items())), 1, bad, tuple(range(1, bad + 1)))
        if not answer.next_tries:
            break
        [following] = answer.next_tries
        assert following.version not in rates
        rates[following.version] = 0.95 if following.version < broke else 0.5
    assert (answer.first_drop, answer.next_tries) == (broke, ())
