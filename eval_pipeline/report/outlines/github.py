"""An outline as GitHub annotations: lines that a workflow prints and GitHub shows beside the job."""

from __future__ import annotations

from eval_pipeline.report.outlines.outline import Outcome, Outline, Row

LEVELS = {Outcome.BAD: "error", Outcome.BROKEN: "error", Outcome.WARNING: "warning"}
NAMED_CASES = 5


def as_github(outline: Outline) -> str:
    """An annotation for each row that is not fine, then the sentence. The job's summary is the markdown."""
    lines = [_annotation(outline, row) for row in outline.rows if row.outcome in LEVELS]
    level = "notice" if outline.fine else "error"
    return "\n".join([*lines, f"::{level} title={_property(outline.title)}::{_data(outline.sentence)}"]) + "\n"


def _annotation(outline: Outline, row: Row) -> str:
    said = ", ".join(f"{name} {cell}" for name, cell in zip(outline.columns, row.cells, strict=True) if cell)
    lines = [said, row.why or "", *(f"{case.case_id}: {case.reason or 'failed'}" for case in row.failing[:NAMED_CASES])]
    more = row.more_failing + max(0, len(row.failing) - NAMED_CASES)
    lines.append(f"and {more} more failing cases" if more else "")
    title = _property(f"{row.name} {row.word}")
    return f"::{LEVELS[row.outcome]} title={title}::{_data(chr(10).join(filter(None, lines)))}"


def _data(text: str) -> str:
    """Text as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Text as the value of a workflow command's property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
