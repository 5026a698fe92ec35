"""Texts from outside on their way into an answer: none steers or hides, and none is longer than a reader needs."""

from __future__ import annotations

from dataclasses import replace

from eval_pipeline.core.plain_text import REPLACEMENT, visible
from eval_pipeline.report.numbers import shortened
from eval_pipeline.report.outlines.outline import Failing, Outline, Row

LONGEST_TEXT = 400
LEFT_OUT = "More failed than fits here."
_STEERING_SPACES = str.maketrans({"\v": " ", "\f": " ", "\x85": " "})
"""White space that moves a terminal's cursor, and that XML can't hold or warns of."""


def shown(text: str) -> str:
    """`text` cut to `LONGEST_TEXT`, with a sign for each character that nobody sees; its lines stay."""
    return visible(shortened(text, LONGEST_TEXT), REPLACEMENT).translate(_STEERING_SPACES)


def with_shown_texts(outline: Outline) -> Outline:
    """The outline with each of its texts `shown`."""
    return replace(
        outline,
        title=shown(outline.title),
        sentence=shown(outline.sentence),
        rows=tuple(map(_shown_row, outline.rows)),
        notes=tuple(map(shown, outline.notes)),
    )


def _shown_row(row: Row) -> Row:
    return replace(
        row,
        name=shown(row.name),
        cells=tuple(map(shown, row.cells)),
        why=_if_any(row.why),
        failing=tuple(map(_shown_case, row.failing)),
    )


def _shown_case(case: Failing) -> Failing:
    return Failing(
        shown(case.case_id), shown(case.input), _if_any(case.expected), _if_any(case.output), _if_any(case.reason)
    )


def _if_any(text: str | None) -> str | None:
    return None if text is None else shown(text)
