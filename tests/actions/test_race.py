"""Twenty processes move the same alias at once: one chain, and no two act inside each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.actors import Actors
from tests.actions.stage import Stage
from tests.conftest import Server

PROCESSES = 20
ANSWERS = {"promoted", "rolled back", "refused", "live already", "nothing to roll back to"}


@pytest.fixture
def actors(tmp_path: Path) -> Iterator[Actors]:
    started = Actors(tmp_path)
    yield started
    started.close()


def race(actors: Actors, stage: Stage, actions: int) -> None:
    for seed in range(PROCESSES):
        actors.start(stage, actions=actions, seed=seed)
    actors.go()
    codes, counts = actors.ended(PROCESSES)
    print(dict(counts))  # noqa: T201 - the figures that count, with -s
    assert codes == [0] * PROCESSES
    assert (set(counts) - ANSWERS, counts.total()) == (set(), PROCESSES * actions)
    done = [record for record in stage.log() if record.status.value == "FINISHED"]
    assert len(done) == counts["promoted"] + counts["rolled back"] > 0
    for first, second in itertools.pairwise(done):
        assert second.from_version == first.to_version
    assert stage.live() == done[-1].to_version
    assert counts["refused"] > 0
    names = [each.name for each in stage.client.search_experiments() if each.name.startswith(f"{stage.builder.base}.")]
    assert names == [f"{stage.builder.base}.audit"]
    stage.check_settled()
    assert [record.status.value for record in stage.log()].count("RUNNING") == 0


def test_twenty_processes_on_a_store_that_never_had_a_log_make_one_log_and_one_chain(
    actors: Actors, stage: Stage
) -> None:
    race(actors, stage, actions=2)


@pytest.mark.server
def test_twenty_processes_through_a_server_make_one_chain(actors: Actors, mlflow_server: Server) -> None:
    race(actors, Stage.behind(mlflow_server), actions=1)
