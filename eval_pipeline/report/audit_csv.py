"""The audit log as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from eval_pipeline.core.moves import AuditRecord
from eval_pipeline.report.serialize import audit_record

COLUMNS = (
    *("sequence", "timestamp", "action", "prompt_name", "alias", "from_version", "to_version", "actor", "status"),
    *("forced", "reason", "outcome", "overridden", "justifying_run_ids", "id"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def audit_csv(records: Iterable[AuditRecord]) -> str:
    """One row a record, in the order given. A text that a spreadsheet would take for a formula begins with `'`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record in records:
        fields = audit_record(record)
        writer.writerow([csv_cell(fields[name]) for name in COLUMNS])
    return out.getvalue()


def csv_cell(value: Any) -> str:
    """A value as a cell: lists joined by `; `, and a text that a spreadsheet would take for a formula after a `'`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    text = "; ".join(map(str, value)) if listed else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
