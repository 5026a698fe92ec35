"""Runs at the border: from MLflow's entities to Arrow tables, and from those to the points that the rules read.

A table of runs has one row a run, newest first, unique by `run_id`:
`run_id` string, `status` string, `started` and `ended` int64 (ms since 1970 UTC, null when missing), `fingerprint`
string (of all that was read), and a column a name: `m:<metric>` float64, `p:<param>` string, `t:<tag>` string.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from eval_pipeline.core import runs as rules
from eval_pipeline.core.models import EvalExperiment, TrendPoint
from eval_pipeline.settings import Settings

if TYPE_CHECKING:
    from mlflow.entities import Run

METRIC, PARAM, TAG = "m:", "p:", "t:"
KEPT_TAGS = ("eval_pipeline.", "mlflow.user")
SUITE_TAG = "eval_pipeline.suite_run_id"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIXED = pa.schema(
    [
        ("run_id", pa.string()),
        ("status", pa.string()),
        ("started", pa.int64()),
        ("ended", pa.int64()),
        ("fingerprint", pa.string()),
    ]
)


def runs_table(runs: Sequence[Run]) -> pa.Table:
    """A table of runs, in the order given."""
    columns: dict[str, list[Any]] = {name: [] for name in FIXED.names}
    named: dict[str, list[Any]] = {}
    for row, run in enumerate(runs):
        values = _named_values(run)
        for name, value in values.items():
            named.setdefault(name, [None] * len(runs))[row] = value
        info = run.info
        fixed = (info.run_id, info.status, info.start_time, info.end_time)
        for name, value in zip(FIXED.names, (*fixed, _fingerprint(fixed, values)), strict=True):
            columns[name].append(value)
    arrays = {name: pa.array(columns[name], FIXED.field(name).type) for name in FIXED.names}
    for name in sorted(named):
        arrays[name] = pa.array(named[name], pa.float64() if name.startswith(METRIC) else pa.string())
    return pa.table(arrays)


def _named_values(run: Run) -> dict[str, Any]:
    values: dict[str, Any] = {METRIC + name: value for name, value in run.data.metrics.items()}
    values.update((PARAM + name, value) for name, value in run.data.params.items())
    values.update((TAG + name, value) for name, value in run.data.tags.items() if name.startswith(KEPT_TAGS))
    return values


def _fingerprint(fixed: tuple[Any, ...], values: dict[str, Any]) -> str:
    said = repr((fixed, sorted(values.items())))
    return hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def merge(old: pa.Table, new: pa.Table, dropped: Iterable[str] = ()) -> pa.Table:
    """`old` with the rows of `new` in place of its own and without the `dropped` run ids. Newest first."""
    gone = pa.array([*new["run_id"].to_pylist(), *dropped], pa.string())
    kept = old.filter(pc.invert(pc.is_in(old["run_id"], value_set=gone)))
    return newest_first(pa.concat_tables([new, kept], promote_options="default"))


def newest_first(table: pa.Table) -> pa.Table:
    """Sorted by start, newest first; runs of one moment by id; runs without a start last."""
    return table.sort_by([("started", "descending"), ("run_id", "descending")])


def wanted_columns(names: Iterable[str], eval_type: str, settings: Settings) -> list[str]:
    """The columns, of those a table has, that `trend_points` reads."""
    single = {
        *FIXED.names,
        *(_source_column(settings.metric_source(eval_type, quantity)) for quantity in QUANTITIES),
        *(PARAM + name for name in (*settings.threshold_params, *settings.context_params)),
        TAG + SUITE_TAG,
    }
    return [name for name in names if name in single or name.startswith(PARAM + rules.PROMPT_PARAM)]


QUANTITIES = ("pass_rate", "average_score", "total_cases", "error_cases")


def _source_column(source: str) -> str:
    return source.replace("params:", PARAM, 1) if source.startswith("params:") else METRIC + source


def trend_points(table: pa.Table, experiment: EvalExperiment, settings: Settings) -> list[TrendPoint]:
    """The runs of a table (newest first) as points, oldest first, of every status."""
    reader = _PointReader(experiment, settings)
    rows = table.select(wanted_columns(table.column_names, experiment.eval_type, settings)).to_pydict()
    points = [reader.point(rows, row) for row in range(table.num_rows)]
    points.reverse()
    return points


class _PointReader:
    """Reads points of one eval type; equal sets of prompts or context share one mapping."""

    def __init__(self, experiment: EvalExperiment, settings: Settings) -> None:
        self._experiment, self._settings = experiment, settings
        self._sources = {name: settings.metric_source(experiment.eval_type, name) for name in QUANTITIES}
        self._shared: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def point(self, rows: dict[str, list[Any]], row: int) -> TrendPoint:
        pass_rate = rules.read_rate(self._raw(rows, row, "pass_rate"), self._sources["pass_rate"])
        score = rules.read_number(self._raw(rows, row, "average_score"), self._sources["average_score"])
        total = rules.read_count(self._raw(rows, row, "total_cases"), self._sources["total_cases"])
        errors = rules.read_count(self._raw(rows, row, "error_cases"), self._sources["error_cases"])
        threshold = self._threshold(rows, row)
        status, reason = rules.classify_run(rows["status"][row], pass_rate, errors, total.value)
        prompts = rules.read_prompt_versions(self._params(rows, row, rules.PROMPT_PARAM))
        context = {name: value for name in self._settings.context_params if (value := _cell(rows, PARAM + name, row))}
        return TrendPoint(
            run_id=rows["run_id"][row],
            timestamp=_moment(rows["started"][row]),
            experiment_name=self._experiment.experiment_name,
            eval_type=self._experiment.eval_type,
            pass_rate=pass_rate.value,
            average_score=score.value,
            total_cases=None if total.value is None else int(total.value),
            error_cases=None if errors.value is None else int(errors.value),
            prompt_versions=self._share(prompts),
            eval_status=status,
            status_reason=reason,
            threshold=threshold.value,
            context=self._share(context),
            notes=tuple(problem for problem in (score.problem, total.problem, threshold.problem) if problem),
            ended=_moment(rows["ended"][row]),
            experiment_id=self._experiment.experiment_id,
            suite_run_id=_cell(rows, TAG + SUITE_TAG, row),
        )

    def _raw(self, rows: dict[str, list[Any]], row: int, quantity: str) -> float | str | None:
        value: float | str | None = _cell(rows, _source_column(self._sources[quantity]), row)
        return value

    def _threshold(self, rows: dict[str, list[Any]], row: int) -> rules.Number:
        for name in self._settings.threshold_params:
            raw = _cell(rows, PARAM + name, row)
            if raw is not None:
                return rules.read_rate(raw, name)
        return rules.MISSING

    def _params(self, rows: dict[str, list[Any]], row: int, prefix: str) -> dict[str, str]:
        start = PARAM + prefix
        return {
            column.removeprefix(PARAM): values[row]
            for column, values in rows.items()
            if column.startswith(start) and values[row] is not None
        }

    def _share(self, mapping: dict[str, str]) -> dict[str, str]:
        return self._shared.setdefault(tuple(mapping.items()), mapping)


def _cell(rows: dict[str, list[Any]], column: str, row: int) -> Any:
    values = rows.get(column)
    return None if values is None else values[row]


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)
