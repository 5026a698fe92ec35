"""From core types to DataFrames, each with one schema. Charts, tables and CSV downloads all start here.

A column named `..._pp` is in percentage points, a rate is 0..1, a time is UTC to the millisecond until `in_zone` has it
carry the zone that people read it in; whatever is drawn or written from there on is in that zone.

`runs_frame`: one row a run, in the order given (oldest first within each eval type)

| column | dtype | what |
| --- | --- | --- |
| `eval_type` | str | |
| `run_id` | str | unique |
| `started` | datetime64[ms, UTC] | NaT if the store names no start |
| `pass_rate` | float64 | 0..1, NaN if the run has no usable one |
| `threshold` | float64 | 0..1, the run's own or else today's |
| `delta_pp` | float64 | change against the baseline, NaN without one |
| `margin_pp` | float64 | pass rate less threshold, NaN without a pass rate |
| `state` | str | a key of `looks.LOOKS` |
| `reason` | str | why the run is not complete, else empty |
| `versions` | str | prompt versions, as in `memory v2, persona v3` |
| `error_cases`, `total_cases` | Int64 | NA if the run does not say |

`events_frame`: one row an event: `at` datetime64[ms, UTC] (NaT if unknown), `kind` (a key of `looks.EVENTS`), `prompt`,
`short` (as in `persona v2→v3`), `actor` (empty if unknown), `types` (object: a tuple of eval types, empty for all).

`overview_frame`: one row an eval type, worst margin first and types without a complete run last: `eval_type` (unique),
and of its newest complete run `run_id`, `started`, `state`, `pass_rate`, `threshold`, `delta_pp`, `margin_pp`,
`reason`; then `last` (object: list of up to 30 newest complete pass rates, oldest first), `latest_state` (of its newest
run of any status) and `runs` (int64, how many there are). Without a complete run, `state` and the rest are those of the
newest run and rates are NaN; without any run `state` is `NO_DATA`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from eval_pipeline.core.models import PromptEvent, RegressionReport, TrendPoint
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.report import numbers
from eval_pipeline.report.looks import NOT_EVIDENCE
from eval_pipeline.report.zones import Zone

SPARKLINE_RUNS = 30

_TIME = "datetime64[ms, UTC]"
_TEXT = ("eval_type", "run_id", "state", "reason", "versions")
_OVERVIEW = {
    **dict.fromkeys(("eval_type", "run_id"), "str"),
    "started": _TIME,
    "state": "str",
    **dict.fromkeys(("pass_rate", "threshold", "delta_pp", "margin_pp"), "float64"),
    "reason": "str",
    "last": "object",
    "latest_state": "str",
    "runs": "int64",
}
_NO_RUN = {"run_id": "", "state": "NO_DATA", "reason": "", "latest_state": "NO_DATA", "runs": 0}


def run_state(point: TrendPoint, report: RegressionReport | None, default_threshold: float) -> str:
    """What a run is, as a key of `looks.LOOKS`: its verdict, or why it has none."""
    if report is not None:
        return report.verdict.value
    if not point.complete or point.pass_rate is None:
        return point.eval_status.value.upper()
    limit = default_threshold if point.threshold is None else point.threshold
    return "BELOW" if percentage_points(point.pass_rate, limit) < 0 else "FIRST"


def runs_frame(
    points: Sequence[TrendPoint], reports: Sequence[RegressionReport | None], default_threshold: float
) -> pd.DataFrame:
    """The runs of one eval type, oldest first, with what `core.regression.judge_history` says about each."""
    limits = [default_threshold if point.threshold is None else point.threshold for point in points]
    rates = [point.pass_rate for point in points]
    written: dict[tuple[tuple[str, str], ...], str] = {}
    frame = pd.DataFrame(
        {
            "eval_type": [point.eval_type for point in points],
            "run_id": [point.run_id for point in points],
            "started": _times(point.timestamp for point in points),
            "pass_rate": pd.array(rates, dtype="float64"),
            "threshold": pd.array(limits, dtype="float64"),
            "delta_pp": pd.array([None if report is None else report.delta_pp for report in reports], dtype="float64"),
            "margin_pp": pd.array(
                [
                    None if rate is None else percentage_points(rate, limit)
                    for rate, limit in zip(rates, limits, strict=True)
                ],
                dtype="float64",
            ),
            "state": [run_state(*judged, default_threshold) for judged in zip(points, reports, strict=True)],
            "reason": [point.status_reason or "" for point in points],
            "versions": [_versions(point.prompt_versions, written) for point in points],
            "error_cases": pd.array([point.error_cases for point in points], dtype="Int64"),
            "total_cases": pd.array([point.total_cases for point in points], dtype="Int64"),
        }
    )
    return frame.astype(dict.fromkeys(_TEXT, "str"))


def all_runs(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The runs of many eval types as one `runs_frame`, types in the order given."""
    return pd.concat(frames, ignore_index=True) if frames else runs_frame([], [], 0.0)


def timed(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs that can be drawn over time. The others stay in tables; `len(runs) - len(timed(runs))` counts them."""
    return runs[runs["started"].notna()].reset_index(drop=True)


def events_frame(events: Iterable[PromptEvent]) -> pd.DataFrame:
    """What happened to prompts, for marks on charts and lists beside them."""
    known = list(events)
    frame = pd.DataFrame(
        {
            "at": _times(event.timestamp for event in known),
            "kind": [event.action for event in known],
            "prompt": [event.prompt_name for event in known],
            "short": [numbers.prompt_change(e.prompt_name, e.from_version, e.to_version) for e in known],
            "actor": [event.actor or "" for event in known],
            "types": pd.Series([event.eval_types for event in known], dtype="object"),
        }
    )
    return frame.astype(dict.fromkeys(("kind", "prompt", "short", "actor"), "str"))


def overview_frame(runs: pd.DataFrame, eval_types: Iterable[str] = ()) -> pd.DataFrame:
    """Where each eval type stands, from a `runs_frame` of many; `eval_types` names those that may have no run."""
    standing = {str(name): _standing(history) for name, history in runs.groupby("eval_type")}
    rows = [
        {**_NO_RUN, "last": [], "eval_type": name, **standing.get(name, {})}
        for name in sorted({*eval_types, *standing})
    ]
    frame = pd.DataFrame(rows, columns=list(_OVERVIEW)).astype(_OVERVIEW)
    return frame.sort_values(["margin_pp", "eval_type"], na_position="last", ignore_index=True)


def _standing(history: pd.DataFrame) -> dict[str, Any]:
    """Where one eval type stands, from its runs oldest first."""
    complete = history[~history["state"].isin(NOT_EVIDENCE)]
    newest = (complete if len(complete) else history).iloc[-1]
    shown = {str(column): value for column, value in newest.items()}
    rates = {} if len(complete) else {"pass_rate": None, "margin_pp": None}
    last = complete["pass_rate"].iloc[-SPARKLINE_RUNS:].tolist()
    return {**shown, **rates, "last": last, "latest_state": history["state"].iloc[-1], "runs": len(history)}


def _versions(versions: Mapping[str, str], written: dict[tuple[tuple[str, str], ...], str]) -> str:
    """Prompt versions by name. `written` remembers the texts made so far: thousands of runs share a few."""
    key = tuple(versions.items())
    if key not in written:
        written[key] = ", ".join(f"{name} {version}" for name, version in sorted(key))
    return written[key]


def in_zone(frame: pd.DataFrame, zone: Zone) -> pd.DataFrame:
    """The same frame, its times carrying a zone: `started` of runs, `at` of events."""
    return frame.assign(**{name: zone.of_column(frame[name]) for name in ("started", "at") if name in frame})


def naive_times(times: pd.Series) -> pd.Series:
    """A column of times as clocks show it in the zone that it carries: datetime64[ms], for charts and tables."""
    naive: pd.Series = times.dt.tz_localize(None)
    return naive


def _times(moments: Iterable[datetime | None]) -> pd.Series:
    """Times to the millisecond; built from whole numbers, which is ten times faster than from datetimes."""
    stamps = [None if moment is None else round(moment.timestamp() * 1000) for moment in moments]
    whole = pd.Series(pd.array(stamps, dtype="Int64"))
    times: pd.Series = pd.to_datetime(whole, unit="ms", utc=True).astype("datetime64[ms, UTC]")
    return times
