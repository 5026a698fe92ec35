"""Runs at the border: from MLflow's entities to Arrow tables, and from those to the points that the rules read.

A table of runs has one row a run, newest first, unique by `run_id`:
`run_id` string, `status` string, `started` and `ended` int64 (ms since 1970 UTC, null when missing), `fingerprint`
string (of all that was read), and a column a name: `m:<metric>` float64, `p:<param>` string, `t:<tag>` string.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from eval_pipeline.core import runs as rules
from eval_pipeline.core.models import EvalExperiment, TrendPoint
from eval_pipeline.settings import Settings

if TYPE_CHECKING:
    from mlflow.entities import Run

T = TypeVar("T")

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
    wanted = table.select(wanted_columns(table.column_names, experiment.eval_type, settings))
    return list(_PointReader(wanted, experiment, settings).points())[::-1]


class _PointReader:
    """Reads points of one eval type, a column at a time: what many runs have in common is read once and shared."""

    def __init__(self, table: pa.Table, experiment: EvalExperiment, settings: Settings) -> None:
        self._columns: dict[str, list[Any]] = table.to_pydict()
        self._missing: list[Any] = [None] * table.num_rows
        self._experiment, self._settings = experiment, settings

    def points(self) -> Iterator[TrendPoint]:
        """A point a run, in the order of the table."""
        columns = zip(
            self._column("run_id"),
            self._column("status"),
            map(_moment, self._column("started")),
            map(_moment, self._column("ended")),
            self._numbers("pass_rate", rules.read_rate),
            self._numbers("average_score", rules.read_number),
            self._numbers("total_cases", rules.read_count),
            self._numbers("error_cases", rules.read_count),
            self._thresholds(),
            self._prompts(),
            self._contexts(),
            self._column(TAG + SUITE_TAG),
            strict=True,
        )
        experiment = self._experiment
        for run_id, said, started, ended, rate, score, total, errors, threshold, prompts, context, suite in columns:
            status, reason = rules.classify_run(said, rate, errors, total.value)
            yield TrendPoint(
                run_id=run_id,
                timestamp=started,
                experiment_name=experiment.experiment_name,
                eval_type=experiment.eval_type,
                pass_rate=rate.value,
                average_score=score.value,
                total_cases=None if total.value is None else int(total.value),
                error_cases=None if errors.value is None else int(errors.value),
                prompt_versions=prompts,
                eval_status=status,
                status_reason=reason,
                threshold=threshold.value,
                threshold_problem=threshold.problem,
                context=context,
                notes=tuple(number.problem for number in (score, total, threshold) if number.problem),
                ended=ended,
                experiment_id=experiment.experiment_id,
                suite_run_id=suite,
            )

    def _column(self, name: str) -> list[Any]:
        return self._columns.get(name, self._missing)

    def _read(self, names: Iterable[str], read: Callable[..., T]) -> Iterator[T]:
        """What `read` makes of these columns, run by run; equal values are read once. Its first argument is `None`."""
        columns = [self._missing, *map(self._column, names)]  # so that there is a row a run even without a name
        return itertools.starmap(functools.cache(read), zip(*columns, strict=True))

    def _numbers(self, quantity: str, read: Callable[[Any, str], rules.Number]) -> Iterator[rules.Number]:
        source = self._settings.metric_source(self._experiment.eval_type, quantity)
        return self._read([_source_column(source)], lambda _, raw: read(raw, source))

    def _thresholds(self) -> Iterator[rules.Number]:
        names = self._settings.threshold_params

        def first(_: None, *raws: str | None) -> rules.Number:
            said = ((raw, name) for raw, name in zip(raws, names, strict=True) if raw is not None)
            return next(itertools.starmap(rules.read_rate, said), rules.MISSING)

        return self._read([PARAM + name for name in names], first)

    def _prompts(self) -> Iterator[dict[str, str]]:
        columns = [name for name in self._columns if name.startswith(PARAM + rules.PROMPT_PARAM)]
        params = [column.removeprefix(PARAM) for column in columns]

        def named(_: None, *raws: str | None) -> dict[str, str]:
            said = {param: raw for param, raw in zip(params, raws, strict=True) if raw is not None}
            return rules.read_prompt_versions(said)

        return self._read(columns, named)

    def _contexts(self) -> Iterator[dict[str, str]]:
        names = self._settings.context_params

        def named(_: None, *raws: str | None) -> dict[str, str]:
            return {name: raw for name, raw in zip(names, raws, strict=True) if raw}

        return self._read([PARAM + name for name in names], named)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)
