"""Charts as plain Vega-Lite specs, from the DataFrames of `report.frames`.

Every spec goes to `st.vega_lite_chart(spec, theme="streamlit")` as it is: the theme brings fonts, series colours and
the diverging colours of the heatmap. Its data are Arrow bytes under `datasets`, which Streamlit passes on untouched;
`with_values` turns them into plain JSON for every other reader of Vega-Lite. Times on the axes are in
the zone that the frames carry, whatever the browser's.
Names of eval types and prompts are only ever data: no field name, expression or filter is made from them.

The `description` of a spec says in words what the chart shows; `run_table`, `heatmap_table` and `power_table` have its
data for those who would rather read them.

`trend` and `heatmap` carry a point selection `run` (fields `eval_type` and `run_id`): pass `on_select="rerun"` with
`selection_mode="run"`, and read `event["selection"]["run"]`, a list of `{"eval_type": ..., "run_id": ...}`.
"""

from eval_pipeline.report.charts.alternatives import event_table, heatmap_table, power_table, run_table, say_trend
from eval_pipeline.report.charts.cells import cells
from eval_pipeline.report.charts.downsample import downsample
from eval_pipeline.report.charts.heatmap import heatmap
from eval_pipeline.report.charts.power import power
from eval_pipeline.report.charts.spec import Spec, with_values
from eval_pipeline.report.charts.trend import trend

__all__ = [
    "Spec",
    "cells",
    "downsample",
    "event_table",
    "heatmap",
    "heatmap_table",
    "power",
    "power_table",
    "run_table",
    "say_trend",
    "trend",
    "with_values",
]
