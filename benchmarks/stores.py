"""Builds MLflow stores of any size by bulk insert, far faster than logging; for benchmarks and for tests of scale.

`python -m benchmarks.stores FILE RUNS END_MS` builds one and prints its address.
"""

from __future__ import annotations

import random
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

BASE = "my-assistant-eval"
EVAL_TYPES = tuple(f"type-{number:02}" for number in range(20))
APART_MS = 6 * 60_000
DURATION_MS = 60_000
BATCH = 5_000
"""Runs inserted at once."""
CACHE_KIB = 1_000_000
"""Memory that SQLite may take while it fills: ids are random, so every insert touches another page of the index."""
CASES = 50
RUNS_PER_VERSION = 2_000

TAGS = dict.fromkeys(
    ("mlflow.user", "mlflow.source.name", "mlflow.source.type", "mlflow.runName", "team", "branch", "ci", "owner"), "x"
)
FIXED_PARAMS = {
    "pass_rate_threshold": "0.8",
    "dataset_version": "3",
    "judge_model": "judge-2",
    "assistant_model": "model-5",
    **{f"prompt.part-{number}": "v1" for number in range(1, 4)},
    **{f"setting-{number}": str(number) for number in range(6)},
}

Row = dict[str, Any]


def build_store(path: Path, runs: int, end_ms: int, seed: int = 0) -> str:
    """A SQLite store with `runs` runs over 20 eval types, the newest ending at `end_ms` (ms since 1970 UTC): its URI.

    Each run has 8 metrics, 15 params and 8 tags, as teams' runs do. Runs are 6 minutes apart.
    """
    from mlflow import MlflowClient

    uri = f"sqlite:///{path}"
    client = MlflowClient(tracking_uri=uri)
    ids = [client.create_experiment(f"{BASE}-{name}") for name in EVAL_TYPES]
    with closing(sqlite3.connect(path)) as db:
        indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
        _insert(db, ids, runs, end_ms, seed)
        for _, created_by in indexes:
            db.execute(created_by)
        db.commit()
    return uri


def insert_runs(path: Path, experiment_ids: Iterable[str], runs: int, end_ms: int, seed: int = 0) -> None:
    """Add runs to a store, spread evenly over the experiments; the newest ends at `end_ms`."""
    with closing(sqlite3.connect(path)) as db:
        _insert(db, list(experiment_ids), runs, end_ms, seed)


def _insert(db: sqlite3.Connection, experiment_ids: Sequence[str], runs: int, end_ms: int, seed: int) -> None:
    db.execute("PRAGMA synchronous = OFF")
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    rows = _runs(experiment_ids, runs, end_ms, random.Random(seed))
    while batch := list(islice(rows, BATCH)):
        _add(db, "runs", (run for run, _, _ in batch))
        _add(db, "latest_metrics", (_metric(run, name, value) for run, ms, _ in batch for name, value in ms.items()))
        _add(db, "params", (_named(run, name, value) for run, _, ps in batch for name, value in ps.items()))
        _add(db, "tags", (_named(run, name, value) for run, _, _ in batch for name, value in TAGS.items()))
    db.commit()


def _runs(
    experiment_ids: Sequence[str], runs: int, end_ms: int, rng: random.Random
) -> Iterator[tuple[Row, dict[str, float], dict[str, str]]]:
    """Runs with their metrics and params, oldest first."""
    for number in reversed(range(runs)):
        ended = end_ms - number * APART_MS
        run = {
            "run_uuid": f"{rng.getrandbits(128):032x}",
            "name": f"run-{number}",
            "source_type": "LOCAL",
            "source_name": "",
            "entry_point_name": "",
            "user_id": "ci",
            "status": "FINISHED",
            "start_time": ended - DURATION_MS,
            "end_time": ended,
            "source_version": "",
            "lifecycle_stage": "active",
            "artifact_uri": "",
            "experiment_id": int(experiment_ids[number % len(experiment_ids)]),
        }
        yield run, _metrics(rng), _params(number)


def _metrics(rng: random.Random) -> dict[str, float]:
    passed = round(CASES * min(1.0, rng.gauss(0.88, 0.03)))
    return {
        "pass_rate": passed / CASES,
        "average_score": round(passed / CASES, 4),
        "total_cases": CASES,
        "passed_cases": passed,
        "failed_cases": CASES - passed,
        "error_cases": 0,
        "p50_ms": round(rng.uniform(80, 160)),
        "p95_ms": round(rng.uniform(700, 1_200)),
    }


def _params(number: int) -> dict[str, str]:
    version = 10 - number // RUNS_PER_VERSION % 10
    return {**FIXED_PARAMS, "git_sha": f"{number // 100:07x}", "prompt.part-0": f"v{version}"}


def _metric(run: Row, name: str, value: float) -> Row:
    return {**_named(run, name, value), "timestamp": run["end_time"], "step": 0, "is_nan": 0}


def _named(run: Row, name: str, value: float | str) -> Row:
    return {"key": name, "value": value, "run_uuid": run["run_uuid"]}


def _add(db: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    rows = iter(rows)
    first = next(rows)
    columns, places = ", ".join(first), ", ".join(f":{column}" for column in first)
    insert = f"INSERT INTO {table} ({columns}) VALUES ({places})"
    db.execute(insert, first)
    db.executemany(insert, rows)


if __name__ == "__main__":
    print(build_store(Path(sys.argv[1]), runs=int(sys.argv[2]), end_ms=int(sys.argv[3])))
