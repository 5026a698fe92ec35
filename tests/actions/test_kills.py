"""A promotion or rollback may be killed at any moment: after `audit reconcile` the log tells exactly what happened.

The database itself notes every move of the alias; `check_settled` compares the log with that.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.actions.actors import Actors, moments
from tests.actions.stage import Stage, moves
from tests.conftest import Server

RANDOM_KILLS = 3
PROMOTE_THEN_ROLL_BACK = 12
"""The seed with which a process promotes v4 and takes it back."""
KILLED = -signal.SIGKILL


@pytest.fixture
def actors(tmp_path: Path) -> Iterator[Actors]:
    started = Actors(tmp_path)
    yield started
    started.close()


def act(actors: Actors, stage: Stage, die_at: int) -> int:
    actors.start(stage, actions=2, seed=PROMOTE_THEN_ROLL_BACK, die_at=die_at)
    actors.go()
    return actors.ended(1)[0][0]


def test_killed_before_each_write_of_a_first_promotion_and_its_rollback_nothing_is_lost_and_nothing_invented(
    actors: Actors, make_stage: Callable[..., Stage]
) -> None:
    codes, made = [], []
    while not codes or codes[-1] == KILLED:
        stage = make_stage(f"{len(codes)}.db")
        codes.append(act(actors, stage, len(codes)))
        stage.check_settled()
        made.append(moves(stage.path))
    assert codes == [KILLED] * (len(codes) - 1) + [0]
    assert [made.count([]), made.count([(1, 4)]), made.count([(1, 4), (4, 1)])] == [12, 11, 3]


def test_killed_at_random_moments_nothing_is_lost_and_nothing_invented(actors: Actors, stage: Stage) -> None:
    codes = []
    for seconds, seed in moments(RANDOM_KILLS, 20_261_122):
        codes.append(actors.killed_after(stage, seconds, seed))
        stage.check_settled()
    assert codes == [KILLED] * RANDOM_KILLS


@pytest.mark.server
def test_killed_at_any_moment_behind_a_server_nothing_is_lost_and_nothing_invented(
    actors: Actors, mlflow_server: Server
) -> None:
    behind, codes = Stage.behind(mlflow_server), []
    for step in (1, 3, 4, 5, 6, 7, 8, 9):
        codes.append(act(actors, behind, step))
        behind.check_settled()
    assert set(codes) <= {KILLED, 0}  # one that had little to do may have done it before its time
    assert codes.count(KILLED) >= 5
