"""One measurement a process, so that none profits from what another left in memory. Called by `benchmarks.reading`.

`python -m benchmarks.measuring WHAT STORE_URI SQLITE_FILE CACHE_FOLDER` prints `{"seconds": ..., "cpu_seconds": ...,
"peak_mb": ...}`. CPU seconds are this process's own: they hardly change when others use the machine.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stores import EVAL_TYPES, insert_runs
from eval_pipeline.settings import MirrorSettings, Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror, get_trend_points, open_mirror
from eval_pipeline.store.runs import list_experiments

TIMES = 3
Taken = tuple[float, float]
"""Seconds by the wall clock, and of CPU."""
NEW_RUNS = 100


@dataclass(frozen=True, slots=True)
class Bench:
    """A store, the SQLite file behind it, and a mirror of it."""

    mirror: Mirror
    database: Path

    @property
    def store(self) -> Store:
        """The store that the mirror copies."""
        return self.mirror.store

    def experiment_ids(self) -> list[str]:
        """The experiments of the eval types."""
        return [each_id for each_id, name, _ in list_experiments(self.store) if name.endswith(EVAL_TYPES)]


def search_runs(bench: Bench) -> Taken:
    """MLflow's own way: every run of every eval type as one DataFrame."""
    import mlflow

    mlflow.set_tracking_uri(bench.store.uri)
    ids = bench.experiment_ids()
    return _taken(lambda: mlflow.search_runs(ids, max_results=10_000_000))


def first_sync(bench: Bench) -> Taken:
    """Filling an empty mirror."""
    return _taken(bench.mirror.sync)


def nothing_new(bench: Bench) -> Taken:
    """A sync that finds nothing new."""
    return _median(lambda: _taken(bench.mirror.sync))


def new_runs(bench: Bench) -> Taken:
    """A sync that finds 100 new runs."""
    return _median(lambda: _sync_of_new_runs(bench))


def _sync_of_new_runs(bench: Bench) -> Taken:
    now = time.time_ns()
    insert_runs(bench.database, bench.experiment_ids(), NEW_RUNS, now // 1_000_000, seed=now)
    return _taken(bench.mirror.sync)


def points(bench: Bench) -> Taken:
    """Every run of every eval type as a trend point, from the mirror."""
    return _median(lambda: _taken(lambda: [get_trend_points(bench.mirror, each) for each in bench.mirror.held()]))


MEASUREMENTS: dict[str, Callable[[Bench], Taken]] = {
    each.__name__: each for each in (search_runs, first_sync, nothing_new, new_runs, points)
}


def _taken(work: Callable[[], object]) -> Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _median(take: Callable[[], Taken]) -> Taken:
    walls, cpus = zip(*(take() for _ in range(TIMES)), strict=True)
    return statistics.median(walls), statistics.median(cpus)


def main(what: str, uri: str, database: str, cache: str) -> None:
    """Measure `what`, with imports done and the store open, as in a process that has already shown something."""
    settings = Settings(mirror=MirrorSettings(cache_dir=Path(cache)))
    store = Store(uri, settings)
    store.probe()
    list_experiments(store)
    seconds, cpu_seconds = MEASUREMENTS[what](Bench(open_mirror(store), Path(database)))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main(*sys.argv[1:])
