"""Suite runs in a real store: found by their id, claimed by one, ended and begun again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from eval_pipeline.core.suite_runs import SuiteState, TypeProgress, TypeState
from eval_pipeline.errors import UsageError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_evals import adopt_runs, runs_since
from eval_pipeline.store.suite_runs import (
    SuiteDraft,
    begin_attempt,
    claim_attempt,
    create_suite_run,
    end_suite_run,
    find_suite_run,
    list_open_suite_runs,
    list_suite_runs,
    note_attempt,
    read_suite_run,
    request_cancel,
)
from eval_pipeline.store.tables import SUITE_TAG
from tests.builder import LONG_AGO, MINUTE, StoreBuilder

TYPES = (TypeProgress("tone", total_cases=3), TypeProgress("routing", TypeState.PASS, pass_rate=0.0))
DRAFT = SuiteDraft("core", "watch", "ada", {"persona": "v4", "memory": "v1"}, ("persona", 4), TYPES, 2)


@pytest.fixture
def store(store_builder: StoreBuilder) -> Store:
    return Store(store_builder.uri, Settings(base_experiment=store_builder.base))


def test_a_new_one_says_all_and_waits_for_somebody(store: Store) -> None:
    suite_id = create_suite_run(store, DRAFT, LONG_AGO)
    [suite] = list_suite_runs(store)
    assert (suite.id, suite.suite, suite.trigger, suite.actor, suite.repeat) == (suite_id, "core", "watch", "ada", 2)
    assert (suite.started, suite.heartbeat, suite.ended, suite.attempts) == (LONG_AGO, LONG_AGO, None, ())
    assert (suite.prompts, suite.candidate, suite.types) == (DRAFT.prompts, DRAFT.candidate, TYPES)
    assert suite.state(LONG_AGO) is SuiteState.STARTING


def test_an_empty_store_has_none(store: Store) -> None:
    assert (list_suite_runs(store), list_open_suite_runs(store)) == ([], [])
    with pytest.raises(UsageError, match=r"it has none$"):
        find_suite_run(store, "abcdef")


def test_one_is_found_by_the_first_characters_of_its_id(store: Store) -> None:
    first, second = (create_suite_run(store, DRAFT, LONG_AGO + number * MINUTE) for number in range(2))
    assert find_suite_run(store, first).id == first
    assert find_suite_run(store, second[:8]).id == second
    for unknown in (first[:5], "x" * 32, "' OR '1' = '1", "0" * 8):
        with pytest.raises(UsageError, match=f"the newest are {second[:8]}, {first[:8]}$"):
            find_suite_run(store, unknown)


def test_of_many_who_claim_an_attempt_at_once_one_has_it(store: Store) -> None:
    suite = read_suite_run(store, create_suite_run(store, DRAFT, LONG_AGO))
    with ThreadPoolExecutor(4) as pool:
        claimed = list(pool.map(lambda who: claim_attempt(store, suite, f"who {who}", LONG_AGO), range(4)))
    assert sorted(claimed) == [False, False, False, True]
    assert read_suite_run(store, suite.id).attempts == (f"who {claimed.index(True)}",)


def test_one_that_ended_and_is_begun_again_is_as_new(store: Store) -> None:
    suite = read_suite_run(store, create_suite_run(store, DRAFT, LONG_AGO))
    claim_attempt(store, suite, "me", LONG_AGO)
    request_cancel(store, suite.id, 1, "bob")
    end_suite_run(store, suite.id, 1, SuiteState.CANCELLED, LONG_AGO + MINUTE, "cancelled by bob")
    ended = read_suite_run(store, suite.id)
    assert (ended.outcome, ended.ended, ended.message) == (
        SuiteState.CANCELLED,
        LONG_AGO + MINUTE,
        "cancelled by bob",
    )
    assert list_open_suite_runs(store) == []
    later = LONG_AGO + timedelta(hours=1)
    claim_attempt(store, ended, "me again", later)
    claimed = read_suite_run(store, suite.id)
    assert (claimed.outcome, claimed.message, claimed.cancelled_by) == (None, "", None)
    begin_attempt(store, ended, later)
    note_attempt(store, suite.id, later, 7)
    again = read_suite_run(store, suite.id)
    assert (again.outcome, again.ended, again.message, again.cancelled_by) == (None, None, "", None)
    assert (again.heartbeat, again.attempt_began, again.cases_before) == (later, later, 7)
    assert [each.id for each in list_open_suite_runs(store)] == [suite.id]


def test_a_run_that_names_the_suite_run_is_adopted_before_all_others_and_nested_ones_come_last(
    store: Store, store_builder: StoreBuilder
) -> None:
    def log(status: str = "FINISHED", **tags: str) -> str:
        return store_builder.log_run("tone", 0.9, status=status, tags=tags)

    log()
    free, going, other = log(), log("RUNNING"), log(**{SUITE_TAG: "other"})
    since = LONG_AGO + MINUTE
    found = runs_since(store, f"{store_builder.base}-tone", since)
    assert [run.info.run_id for run in found] == [other, going, free]
    assert [run.info.run_id for run in adopt_runs(store, found, "this")] == [free]
    ours = {SUITE_TAG: "this"}
    top, nested = log(**ours), log(**ours, **{"mlflow.parentRunId": "x"})
    found = runs_since(store, f"{store_builder.base}-tone", since)
    assert [run.info.run_id for run in adopt_runs(store, found, "this")] == [top, free, nested]
