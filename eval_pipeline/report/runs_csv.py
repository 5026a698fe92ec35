"""Runs as CSV for a spreadsheet."""

from __future__ import annotations

import pandas as pd

from eval_pipeline.report.csv_text import csv_text
from eval_pipeline.report.frames import in_zone
from eval_pipeline.report.zones import IN_UTC


def runs_csv(runs: pd.DataFrame) -> str:
    """A `runs_frame` with all of its columns, times in UTC."""
    in_utc = in_zone(runs, IN_UTC)
    known = in_utc.astype("object").where(in_utc.notna(), None)  # a missing whole number can't even be compared
    return csv_text(list(map(str, known)), known.itertuples(index=False, name=None))
