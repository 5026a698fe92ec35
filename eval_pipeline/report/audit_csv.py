"""The audit log as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable

from eval_pipeline.core.moves import AuditRecord
from eval_pipeline.report.csv_text import csv_text
from eval_pipeline.report.serialize import audit_record

COLUMNS = (
    *("sequence", "timestamp", "action", "prompt_name", "alias", "from_version", "to_version", "actor", "status"),
    *("forced", "reason", "outcome", "overridden", "justifying_run_ids", "id"),
)


def audit_csv(records: Iterable[AuditRecord]) -> str:
    """One row a record, in the order given. A text that a spreadsheet would take for a formula begins with `'`."""
    facts = map(audit_record, records)
    return csv_text(COLUMNS, ([each[name] for name in COLUMNS] for each in facts))
