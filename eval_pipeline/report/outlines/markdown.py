"""An outline as markdown: fit for one comment on a pull request, or the summary of a CI job."""

from __future__ import annotations

from eval_pipeline.report.outlines.outline import Failing, Outcome, Outline, Row

SIGNS = {
    Outcome.FINE: "✅",
    Outcome.WARNING: "⚠️",
    Outcome.BAD: "❌",
    Outcome.BROKEN: "⛔",
    Outcome.SKIPPED: "➖",
}
LONGEST_TEXT = 400
LONGEST_COMMENT = 60_000
"""GitHub takes 65,536 characters in a comment."""


def as_markdown(outline: Outline) -> str:
    """The outline: a heading, a table, and what failed, folded away. Text from outside can't become markup."""
    sign = SIGNS[Outcome.FINE if outline.fine else Outcome.BAD]
    head = [f"### {sign} {_plain(outline.title)}", "", f"**{_plain(outline.sentence)}**", ""]
    table = _table(outline) if outline.rows else []
    notes = [f"- {_plain(note)}" for note in outline.notes]
    text = "\n".join([*head, *table, *(["", *notes] if notes else [])]) + "\n"
    for row in outline.rows:
        part = _failing(row)
        if len(text) + len(part) > LONGEST_COMMENT:
            return f"{text}\nMore cases failed than fit here.\n"
        text += part
    return text


def _table(outline: Outline) -> list[str]:
    names = ["", "Eval type", "Result", *outline.columns]
    rows = [[SIGNS[row.outcome], _plain(row.name), f"`{row.word}`", *map(_plain, row.cells)] for row in outline.rows]
    lines = [names, ["---"] * len(names), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _failing(row: Row) -> str:
    said = f"\n> **{_plain(row.name)}**: {_plain(row.why)}\n" if row.why else ""
    if not row.failing:
        return said
    count = len(row.failing) + row.more_failing
    cases = "\n".join(_case(case) for case in row.failing)
    more = f"\n\nand {row.more_failing} more\n" if row.more_failing else ""
    title = f"{_plain(row.name)}: {count} failing {'case' if count == 1 else 'cases'}"
    return f"{said}\n<details><summary>{title}</summary>\n\n{cases}{more}\n</details>\n"


def _case(case: Failing) -> str:
    lines = [f"- **{_plain(case.case_id)}** {_plain(case.reason or '')}".rstrip()]
    for name, text in (("input", case.input), ("expected", case.expected), ("output", case.output)):
        if text is not None:
            lines.append(f"  - {name}: {_plain(text)}")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text on one line whose characters mean nothing in markdown, in HTML, or to those who would be notified."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    shown = line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"
    escaped = "".join(f"\\{char}" if char in r"\`*_{}[]()#+!|~" else char for char in shown)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")
