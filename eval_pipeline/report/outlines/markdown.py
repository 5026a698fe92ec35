"""An outline as markdown: fit for one comment on a pull request, or the summary of a CI job."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from eval_pipeline.core.plain_text import one_line
from eval_pipeline.report import numbers
from eval_pipeline.report.outlines.outline import Failing, Outcome, Outline, Row
from eval_pipeline.report.outlines.texts import LEFT_OUT, LONGEST_TEXT

SIGNS = {
    Outcome.FINE: "✅",
    Outcome.WARNING: "⚠️",
    Outcome.BAD: "❌",
    Outcome.BROKEN: "⛔",
    Outcome.SKIPPED: "➖",
}
LONGEST_COMMENT = 60_000
"""GitHub takes 65,536 characters in a comment."""
LONGEST_TABLE, LONGEST_NOTES = 30_000, 10_000


def as_markdown(outline: Outline) -> str:
    """The outline: a heading, a table, and what failed, folded away. Text from outside can't become markup."""
    sign = SIGNS[Outcome.FINE if outline.fine else Outcome.BAD]
    head = [f"### {sign} {_plain(outline.title)}", "", f"**{_plain(outline.sentence)}**", ""]
    table = _table(outline) if outline.rows else []
    notes = _counting_on([f"- {_plain(note)}" for note in outline.notes], LONGEST_NOTES, "note")
    text = "\n".join([*head, *table, *(["", *notes] if notes else [])]) + "\n"
    for row in outline.rows:
        part = _failing(row, LONGEST_COMMENT - len(text))
        if part is None:
            return f"{text}\n{LEFT_OUT}\n"
        text += part
    return text


def _table(outline: Outline) -> list[str]:
    names = ["", "Eval type", "Result", *outline.columns]
    rows = [[SIGNS[row.outcome], _plain(row.name), f"`{row.word}`", *map(_plain, row.cells)] for row in outline.rows]
    heading, line, *lines = [f"| {' | '.join(cells)} |" for cells in (names, ["---"] * len(names), *rows)]
    return [heading, line, *_counting_on(lines, LONGEST_TABLE, "eval type")]


def _failing(row: Row, room: int) -> str | None:
    """Why a row is not fine, and as many of its failing cases as have room; `None` if not one has."""
    said = f"\n> **{_plain(row.name)}**: {_plain(row.why)}\n" if row.why else ""
    if not row.failing:
        return said if len(said) <= room else None
    count = len(row.failing) + row.more_failing
    title = f"{_in_html(row.name)}: {count} failing {'case' if count == 1 else 'cases'}"
    head, foot = f"{said}\n<details><summary>{title}</summary>\n\n", f"\n\nand {count} more\n\n</details>\n"
    cases = _fitting([_case(case) for case in row.failing], room - len(head) - len(foot))
    if not cases:
        return None
    more = f"\n\nand {count - len(cases)} more\n" if len(cases) < count else ""
    return "".join([head, "\n".join(cases), more, "\n</details>\n"])


def _counting_on(lines: Sequence[str], room: int, noun: str) -> list[str]:
    """The lines that have room, then how many more there are."""
    shown = _fitting(lines, room)
    left = len(lines) - len(shown)
    return [*shown, "", f"and {numbers.counted(left, f'more {noun}')}"] if left else shown


def _fitting(parts: Sequence[str], room: int) -> list[str]:
    """The first parts, as many as have room with a line end each."""
    ends = accumulate(len(part) + 1 for part in parts)
    return [part for part, end in zip(parts, ends, strict=True) if end <= room]


def _case(case: Failing) -> str:
    lines = [f"- **{_plain(case.case_id)}** {_plain(case.reason or '')}".rstrip()]
    for name, text in (("input", case.input), ("expected", case.expected), ("output", case.output)):
        if text is not None:
            lines.append(f"  - {name}: {_plain(text)}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text on one line whose characters mean nothing in markdown, in HTML, or to those who would be notified."""
    return "".join(f"\\{char}" if char in r"\`*_{}[]()#+!|~" else char for char in _in_html(text))


def _in_html(text: str) -> str:
    """The same where markdown means nothing anyway. GitHub links `@name` and `#12` even there, if they are in a row."""
    escaped = (
        numbers.shortened(one_line(text), LONGEST_TEXT).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )
    return escaped.replace("@", "@\u200b").replace("#", "#\u200b")
