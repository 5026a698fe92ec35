"""The audit log as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from eval_pipeline.core.audit import Finding
from eval_pipeline.core.moves import AuditRecord, RollbackPlan
from eval_pipeline.report import looks, numbers, request_words, shell
from eval_pipeline.report.terminal import INKS, RUN_ID, Style, plain, plain_table, render

LONGEST_REASON = 200
"""A longer reason is cut in the table; the JSON has it whole."""


def log(records: Sequence[AuditRecord], style: Style) -> str:
    """The records as a table, oldest first."""
    if not records:
        return render([Text("No alias has been moved with this tool: the audit log is empty.")], style)
    at = style.zone.heading("At")
    headings = ("#", at, "Action", "Alias", "Version", "By", "Status", "Record", "Reason")
    table = plain_table(*headings, whole=(at, "Action", "Version", "Status"))
    for record in records:
        look = looks.RECORDS[record.status.value]
        before = None if record.from_version is None else f"v{record.from_version}"
        table.add_row(
            Text(str(record.sequence or "")),
            Text(style.zone.cell(record.timestamp)),
            Text(f"{record.action.value}{' !' if record.forced else ''}"),
            plain(f"{record.prompt_name}@{record.alias}"),
            Text(f"{before or '–'}→v{record.to_version}"),
            plain(numbers.shortened(record.actor, 30)),
            Text(f"{look.glyph} {record.status.value}", INKS[look.badge]),
            Text(record.id[:RUN_ID]),
            plain(numbers.shortened(record.reason, LONGEST_REASON)),
        )
    forced = [Text("! forced against the gate")] if any(record.forced for record in records) else []
    notes = [*forced, *(plain(f"#{record.sequence}: {note}") for record in records for note in _notes(record))]
    return render([table, *([Text("")] if notes else []), *notes], style)


def _notes(record: AuditRecord) -> list[str]:
    said = [request_words.behind(record.request)] if record.request else []
    return [*said, record.outcome] if record.outcome else said


def plan(plan: RollbackPlan, style: Style) -> str:
    """Where a rollback would lead."""
    return render([*_plan(plan), Text("Dry run: nothing was written.")], style)


def done(record: AuditRecord, plan: RollbackPlan, style: Style, *, protected: bool = False) -> str:
    """What a rollback did. `protected`: going forward again takes others' approval."""
    name = f"{record.prompt_name}@{record.alias}"
    note = [plain(f"Note: {record.outcome}")] if record.outcome else []
    forward = shell.request if protected else shell.promote
    undo = forward(record.prompt_name, plan.from_version, record.alias)
    said = f"Rolled back: {name} points at v{record.to_version}, record {record.id}."
    return render([*_plan(plan), plain(said), *note, plain(f"To undo: {undo}")], style)


def _plan(plan: RollbackPlan) -> list[RenderableType]:
    change = numbers.version_change(plan.from_version, plan.to_version)
    return [
        plain(f"{plan.prompt_name}@{plan.alias}: {change}"),
        plain(f"Why v{plan.to_version}: {plan.why}."),
        *(plain(f"Note: {note}.") for note in plan.notes),
    ]


def findings(found: Sequence[Finding], style: Style) -> str:
    """What is wrong with the log, a line each; or that nothing is."""
    if not found:
        return render([Text("The audit log is whole, and every alias points where its last record put it.")], style)
    lines = [Text.assemble((f"{each.kind}: ", "bold"), plain(each.text)) for each in found]
    return render([*lines, Text(numbers.counted(len(found), "finding"))], style)


def settled(done: Sequence[str], style: Style) -> str:
    """What was settled, a line each."""
    return render([plain(line) for line in done] or [Text("Nothing was left open.")], style)
