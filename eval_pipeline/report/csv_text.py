"""Tables as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from eval_pipeline.core.plain_text import visible

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A heading and one line a row, each ended by CR LF; cells as in `csv_cell`, which keeps formulas from running."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(map(csv_cell, columns))
    writer.writerows(map(csv_cell, row) for row in rows)
    return out.getvalue()


def csv_cell(value: Any) -> str:
    """A value as a cell: a list joined by `; `, nothing for None and NaN, a number as it is, and other text `visible`,
    after a `'` if a spreadsheet would take it for a formula.
    """
    if value is None or value != value:  # pandas' missing values are not equal to themselves
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    text = visible("; ".join(map(str, value)) if listed else str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
