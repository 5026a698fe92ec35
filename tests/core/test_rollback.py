"""Where a rollback leads: back along the way the alias came, never forward."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.models import TrendPoint
from eval_pipeline.core.moves import Action, AuditRecord, RecordStatus, RollbackPlan
from eval_pipeline.core.rollback import Previous, find_previous_version, plan_rollback, read_stack
from tests.core.points import moment, point

ALL = range(1, 100)


def record(
    action: Action, from_version: int | None, to_version: int, status: RecordStatus = RecordStatus.FINISHED
) -> AuditRecord:
    return AuditRecord(
        id="some-record",
        action=action,
        prompt_name="persona",
        alias="production",
        from_version=from_version,
        to_version=to_version,
        timestamp=moment(0),
        actor="ada",
        reason="for a reason",
        forced=False,
        justifying_run_ids=(),
        status=status,
    )


def up(from_version: int | None, to_version: int, status: RecordStatus = RecordStatus.FINISHED) -> AuditRecord:
    return record(Action.PROMOTE, from_version, to_version, status)


def back(from_version: int, to_version: int) -> AuditRecord:
    return record(Action.ROLLBACK, from_version, to_version)


@pytest.mark.parametrize(
    ("records", "stack"),
    [
        ([], []),
        ([up(None, 1)], [1]),
        ([up(1, 2)], [1, 2]),
        ([up(1, 2), up(2, 5)], [1, 2, 5]),
        ([up(1, 2), up(2, 5), back(5, 2)], [1, 2]),
        ([up(1, 2), up(2, 5), back(5, 2), back(2, 1)], [1]),
        ([up(1, 2), back(2, 1), up(1, 3)], [1, 3]),
        ([up(1, 2), up(2, 1)], [1, 2, 1]),
        ([up(1, 2), up(2, 1), back(1, 2)], [1, 2]),
        # named: to the bottom, to nowhere in the stack, to the version just left
        ([up(1, 2), up(2, 3), back(3, 1)], [1]),
        ([up(1, 2), up(2, 3), back(3, 9)], [1, 2, 9]),
        ([up(1, 2), back(2, 1), back(1, 2)], [2]),
        # moved outside the tool in between: to a new version, back to an old one
        ([up(1, 2), up(7, 8)], [1, 2, 7, 8]),
        ([up(1, 2), up(2, 3), up(1, 4)], [1, 4]),
        ([up(1, 2), back(7, 2)], [1, 2]),
        # what never happened or has not ended
        ([up(1, 2), up(2, 3, RecordStatus.FAILED)], [1, 2]),
        ([up(1, 2), up(2, 3, RecordStatus.RUNNING)], [1, 2]),
    ],
)
def test_the_log_is_read_as_a_stack(records: list[AuditRecord], stack: list[int]) -> None:
    assert read_stack(records) == stack


def find(
    records: list[AuditRecord], live: int, existing: object = ALL, runs: list[TrendPoint] | None = None
) -> Previous | None:
    return find_previous_version(records, live, existing, runs or [], "persona")  # type: ignore[arg-type]


THREE_STEPS = [up(1, 2), up(2, 3), up(3, 4)]


@pytest.mark.parametrize(
    ("records", "live", "existing", "expected"),
    [
        (THREE_STEPS, 4, ALL, Previous(3, "the audit log has v3 before v4")),
        ([*THREE_STEPS, back(4, 3)], 3, ALL, Previous(2, "the audit log has v2 before v3")),
        ([*THREE_STEPS, back(4, 3), back(3, 2)], 2, ALL, Previous(1, "the audit log has v1 before v2")),
        (
            THREE_STEPS,
            4,
            {1, 2, 4},
            Previous(2, "the audit log has v2 before v4", ("v3 came before, and was deleted",)),
        ),
        (
            THREE_STEPS,
            9,
            ALL,
            Previous(4, "the audit log has v4 before v9", ("the alias was moved to v9 outside the tool",)),
        ),
        (
            THREE_STEPS,
            2,
            ALL,
            Previous(1, "the audit log has v1 before v2", ("the alias was moved to v2 outside the tool",)),
        ),
        ([up(1, 2), up(2, 1)], 1, ALL, Previous(2, "the audit log has v2 before v1")),
        (THREE_STEPS, 4, {4}, None),
        ([up(None, 1)], 1, ALL, None),
        ([up(1, 2), back(2, 1)], 1, ALL, None),
        ([], 1, ALL, None),
    ],
)
def test_what_came_before(records: list[AuditRecord], live: int, existing: object, expected: Previous | None) -> None:
    assert find(records, live, existing) == expected


def runs_of(*versions: str) -> list[TrendPoint]:
    return [point(number, 0.9, {"persona": version}) for number, version in enumerate(versions)]


@pytest.mark.parametrize(
    ("versions", "live", "existing", "expected"),
    [
        (["v1", "v2", "v3"], 3, ALL, (2, "run-01")),
        (["v1", "v2", "v3", "v4", "v3"], 3, ALL, (2, "run-01")),
        (["v1", "v2", "v3"], 3, {1, 3}, (1, "run-00")),
        (["v1", "mine", "v3"], 3, ALL, (1, "run-00")),
        (["v3", "v1"], 3, ALL, None),
        (["v1", "v2"], 3, ALL, None),
        ([], 3, ALL, None),
    ],
)
def test_where_the_log_knows_nothing_the_last_run_before_the_live_version_names_it(
    versions: list[str], live: int, existing: object, expected: tuple[int, str] | None
) -> None:
    why = "the audit log knows nothing before v{}; run {} of tone was the last before it"
    wanted = None if expected is None else Previous(expected[0], why.format(live, expected[1]))
    assert find([], live, existing, runs_of(*versions)) == wanted


def test_the_runs_never_lead_forward_to_a_version_that_was_rolled_back() -> None:
    """Version 2 was evaluated before version 1 was, went live and was taken back."""
    done = [up(1, 2), back(2, 1)]
    assert find(done, 1, runs=runs_of("v2", "v1")) is None
    found = find(done, 1, runs=runs_of("v5", "v2", "v1"))
    assert (found and found.version) == 5


def test_a_plan_leads_to_the_named_version_else_to_the_previous_one_else_nowhere() -> None:
    previous = Previous(2, "it was before", ("a note",))
    assert plan_rollback("persona", "production", 4, previous, 1) == RollbackPlan(
        "persona", "production", 4, 1, "it was named"
    )
    assert plan_rollback("persona", "production", 4, previous, None) == RollbackPlan(
        "persona", "production", 4, 2, "it was before", ("a note",)
    )
    assert plan_rollback("persona", "production", 4, None, None) is None


@given(st.integers(1, 9), st.lists(st.integers(1, 9), max_size=8))
def test_any_promotions_are_taken_back_in_reverse_order(start: int, promoted: list[int]) -> None:
    way, records = [start], []
    for version in promoted:
        if version != way[-1]:
            records.append(up(way[-1], version))
            way.append(version)
    while len(way) > 1:
        left = way.pop()
        found = find(records, left)
        assert (found and found.version) == way[-1]
        records.append(back(left, way[-1]))
    assert find(records, start) is None


@given(st.lists(st.tuples(st.sampled_from(["promote", "rollback"]), st.integers(1, 6)), max_size=20))
def test_any_mixture_of_promotions_and_rollbacks_agrees_with_a_stack(steps: list[tuple[str, int]]) -> None:
    way, records = [1], []
    for what, version in steps:
        if what == "promote" and version != way[-1]:
            records.append(up(way[-1], version))
            way.append(version)
        elif what == "rollback":
            found = find(records, way[-1])
            assert (found and found.version) == (way[-2] if len(way) > 1 else None)
            if found is not None:
                records.append(back(way.pop(), found.version))
