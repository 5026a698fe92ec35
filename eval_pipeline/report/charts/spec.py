"""From an Altair chart over named data to a Vega-Lite spec that carries its data as Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa
from altair.utils import schemapi

from eval_pipeline.report import numbers
from eval_pipeline.report.frames import naive_times

schemapi.disable_debug_mode()  # it checks each part as it is made: a quarter of the time; the tests compile every chart

Spec = dict[str, Any]
"""A Vega-Lite spec. Under `datasets`, each name has an Arrow IPC stream as bytes."""

PICK = "run"
"""The selection that a page reads: the run that was clicked."""


def chart_of(name: str) -> alt.Chart:
    """A chart over the dataset of that name, which `as_spec` brings along."""
    return alt.Chart(alt.NamedData(name=name))


def picked() -> alt.Parameter:
    """The selection of one run by a click on its mark."""
    return alt.selection_point(name=PICK, fields=["eval_type", "run_id"], on="click", empty=False)


def as_spec(
    chart: alt.Chart | alt.LayerChart | alt.FacetChart, data: Mapping[str, pd.DataFrame], description: str
) -> Spec:
    """The spec of a chart, with its data. `description` says in words what the chart shows."""
    spec: Spec = chart.to_dict(validate=False)  # half the time
    # Without Altair's own theme: the page's is applied on top. A reader of the screen hears the description and not
    # every mark; the marks are in the table beside the chart.
    spec["config"] = {"view": {"stroke": None}, "aria": False, "mark": {"aria": False}}
    return with_data(spec, data, description)


def with_data(spec: Spec, data: Mapping[str, pd.DataFrame], description: str) -> Spec:
    """The same chart over other data."""
    return {**spec, "description": description, "datasets": {name: _arrow(frame) for name, frame in data.items()}}


def with_values(spec: Spec) -> Spec:
    """The spec as plain JSON values, for what reads Vega-Lite and knows no Arrow."""
    values = {name: pa.ipc.open_stream(data).read_all().to_pylist() for name, data in spec["datasets"].items()}
    return {**spec, "datasets": values}


def nothing(height: int, untimed: int) -> Spec:
    """An empty chart that says why. It keeps the selection, which a page may be listening to."""
    text = "No runs to draw" if not untimed else f"{numbers.counted(untimed, 'run')} without a start time"
    words = chart_of("words").mark_text(fontSize=14, opacity=0.7).encode(text="text:N")
    none = chart_of("runs").mark_point(opacity=0).add_params(picked())
    data = {"runs": pd.DataFrame({"eval_type": [], "run_id": []}, dtype="str"), "words": pd.DataFrame({"text": [text]})}
    return as_spec(alt.layer(words, none).properties(height=height), data, text)


def milliseconds(times: pd.Series) -> pd.Series:
    """Where times lie on the axis: whole milliseconds since 1970 by the clocks of the zone that they carry.

    The axis is drawn as if that were UTC, which no browser shifts to its own zone. Where clocks are put back, the hour
    that comes twice is drawn over itself. No time may be missing.
    """
    return naive_times(times).astype("datetime64[ms]").astype("int64")


def _arrow(frame: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    plain = [pa.field(f.name, pa.string() if pa.types.is_large_string(f.type) else f.type) for f in table.schema]
    table = table.cast(pa.schema(plain))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
