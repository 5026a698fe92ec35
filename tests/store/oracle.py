"""What the store says, read in the simplest way there is: to compare the mirror with."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from mlflow.entities import Run

from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror
from tests.builder import StoreBuilder

Row = dict[str, Any]
Contents = dict[str, list[Row]]


def store_contents(builder: StoreBuilder) -> Contents:
    """Every active run of every eval type, newest first, by experiment name; straight from MLflow's client."""
    found: Contents = {}
    for experiment in builder.client.search_experiments():
        if experiment.name == builder.base or experiment.name.startswith(builder.base + "-"):
            runs = builder.client.search_runs([experiment.experiment_id], max_results=50_000)
            rows = sorted((_run_row(run) for run in runs), key=lambda row: row["run_id"], reverse=True)
            found[experiment.name] = sorted(rows, key=lambda row: row["started"], reverse=True)
    return found


def mirror_contents(mirror: Mirror) -> Contents:
    """What the mirror holds after a sync, told in the same way."""
    return {each.experiment_name: table_rows(mirror.table(each)) for each in mirror.sync()}


def table_rows(table: pa.Table) -> list[Row]:
    """The rows of a table of runs; NaN as text, for it is equal to nothing."""
    rows = []
    for row in table.to_pylist():
        del row["fingerprint"]
        rows.append({name: _comparable(value) for name, value in row.items() if value is not None or ":" not in name})
    return rows


def fresh_mirror(store: Store) -> Contents:
    """What a throwaway copy, read in full, holds."""
    from eval_pipeline.store.mirror import open_mirror

    with open_mirror(store, throwaway=True) as mirror:
        return mirror_contents(mirror)


def _run_row(run: Run) -> Row:
    info, data = run.info, run.data
    row: Row = {"run_id": info.run_id, "status": info.status, "started": info.start_time, "ended": info.end_time}
    row.update((f"m:{name}", _comparable(value)) for name, value in data.metrics.items())
    row.update((f"p:{name}", value) for name, value in data.params.items())
    kept = ("eval_pipeline.", "mlflow.user")
    row.update((f"t:{name}", value) for name, value in data.tags.items() if name.startswith(kept))
    return row


def _comparable(value: Any) -> Any:
    return "nan" if value != value else value
