"""An outline as GitHub annotations: lines that a workflow prints and GitHub shows beside the job."""

from __future__ import annotations

from eval_pipeline.report.outlines.outline import Outcome, Outline, Row
from eval_pipeline.report.outlines.texts import LEFT_OUT, with_shown_texts

LEVELS = {Outcome.BAD: "error", Outcome.BROKEN: "error", Outcome.WARNING: "warning"}
NAMED_CASES = 5
LONGEST_LOG = 100_000
"""Characters of details; once they are used up, what is not fine is only named."""


def as_github(outline: Outline) -> str:
    """An annotation for each row that is not fine, then the sentence. The job's summary is the markdown."""
    outline, room, lines = with_shown_texts(outline), LONGEST_LOG, []
    for row in outline.rows:
        if row.outcome in LEVELS:
            said = _data("\n".join(_said(outline, row)))
            lines.append(
                _command(LEVELS[row.outcome], f"{row.name} {row.word}", said if len(said) <= room else LEFT_OUT)
            )
            room -= len(said)
    lines.append(_command("notice" if outline.fine else "error", outline.title, _data(outline.sentence)))
    return "\n".join(lines) + "\n"


def _said(outline: Outline, row: Row) -> list[str]:
    said = ", ".join(f"{name} {cell}" for name, cell in zip(outline.columns, row.cells, strict=True) if cell)
    cases = [f"{case.case_id}: {case.reason or 'failed'}" for case in row.failing[:NAMED_CASES]]
    more = row.more_failing + max(0, len(row.failing) - NAMED_CASES)
    return list(filter(None, [said, row.why, *cases, f"and {more} more failing cases" if more else ""]))


def _command(level: str, title: str, data: str) -> str:
    return f"::{level} title={_property(title)}::{data}"


def _data(text: str) -> str:
    """Text as the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Text as the value of a workflow command's property."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
