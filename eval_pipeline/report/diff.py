"""What changed between two versions of a prompt, line by line and word by word; as data, safe HTML or plain text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from eval_pipeline.report import numbers
from eval_pipeline.report.matching import gaps

CONTEXT = 3
"""Unchanged lines shown around a change."""
LONGEST_PAIRED_LINE = 20_000
"""Longer lines are shown as replaced, without looking for common words."""
MOST_LINE_PAIRS = 400
"""A changed stretch with more pairs of lines is paired in order, not by likeness."""
LIKE = 0.4
"""Lines that share a smaller part of their words are two lines, not one that changed."""

_WORD = re.compile(r"\w+|\s|[^\w\s]")

Span = tuple[str, bool]
"""A piece of a line, and whether it changed."""
Template = str | Sequence[Mapping[str, object]]
"""A prompt as MLflow keeps it: text, or chat messages with `role` and `content`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one version."""

    number: int
    """Counted from 1."""
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        """The line as it is in the prompt, without its line break."""
        return "".join(text for text, _ in self.spans)


@dataclass(frozen=True, slots=True)
class Row:
    """Lines that stand side by side; one of them may be missing."""

    before: Line | None
    after: Line | None
    changed: bool


def as_text(template: Template) -> str:
    """A prompt as one text. Chat messages get a heading with their role, as in `[system]`."""
    if isinstance(template, str):
        return template
    return "\n\n".join(f"[{message.get('role', '?')}]\n{message.get('content', '')}" for message in template)


def compare(before: str, after: str) -> list[Row]:
    """Two texts side by side. The lines of a side, joined by line feeds, are its text to the last character.

    Only a line feed ends a line: a carriage return is part of its line, so that a change of line ends shows.
    """
    a, b = before.split("\n"), after.split("\n")
    rows: list[Row] = []
    for equal, i1, i2, j1, j2 in gaps(a, b):
        if equal:
            rows += [Row(_same(i, a[i]), _same(j1 + i - i1, a[i]), changed=False) for i in range(i1, i2)]
        else:
            rows += _changed_rows(a[i1:i2], b[j1:j2], i1, j1)
    return rows


def folded(rows: Sequence[Row], context: int = CONTEXT) -> Iterator[Row | int]:
    """The rows, with each long unchanged stretch away from any change as the number of its lines."""
    changes = [index for index, row in enumerate(rows) if row.changed]
    near = {at for change in changes for at in range(change - context, change + context + 1)}
    hidden = 0
    for index, row in enumerate([*rows, None]):
        if row is not None and index not in near:
            hidden += 1
            continue
        if hidden > 1:
            yield hidden
        elif hidden:
            yield rows[index - 1]
        hidden = 0
        if row is not None:
            yield row


def in_words(before: str, after: str) -> str:
    """The change as plain text for terminals, as `git diff --word-diff` writes it: `keep [-old-]{+new+}`."""
    if before == after:
        return "no difference"
    lines = []
    for row in folded(compare(before, after)):
        if isinstance(row, int):
            lines.append(f"… {numbers.counted(row, 'unchanged line')}")
        elif not row.changed:
            lines.append(f"  {row.after.text if row.after else ''}")
        else:
            lines += _plain(row)
    return "\n".join(lines)


def word_spans(before: str, after: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Both lines in pieces, each marked as changed or kept. A space between two changed words changes with them."""
    a, b = _WORD.findall(before), _WORD.findall(after)
    left: list[Span] = []
    right: list[Span] = []
    steps = list(gaps(a, b))
    for index, (equal, i1, i2, j1, j2) in enumerate(steps):
        between = 0 < index < len(steps) - 1 and "".join(a[i1:i2]).isspace()
        kept = equal and not between
        _extend(left, "".join(a[i1:i2]), not kept)
        _extend(right, "".join(b[j1:j2]), not kept)
    return tuple(left), tuple(right)


def _extend(spans: list[Span], text: str, changed: bool) -> None:
    if spans and spans[-1][1] == changed:
        spans[-1] = (spans[-1][0] + text, changed)
    elif text:
        spans.append((text, changed))


def _same(index: int, text: str) -> Line:
    return Line(index + 1, ((text, False),))


def _whole(index: int, text: str) -> Line:
    return Line(index + 1, ((text, True),))


def _changed_rows(a: Sequence[str], b: Sequence[str], at_a: int, at_b: int) -> Iterator[Row]:
    i = j = 0
    for x, y in [*_pairs(a, b), (len(a), len(b))]:
        yield from (Row(_whole(at_a + k, a[k]), None, changed=True) for k in range(i, x))
        yield from (Row(None, _whole(at_b + k, b[k]), changed=True) for k in range(j, y))
        if x < len(a):
            left, right = word_spans(a[x], b[y])
            yield Row(Line(at_a + x + 1, left), Line(at_b + y + 1, right), changed=True)
        i, j = x + 1, y + 1


def _pairs(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Which lines are one line that changed: the ascending pairs with the most likeness in all."""
    if len(a) * len(b) > MOST_LINE_PAIRS:
        return [(k, k) for k in range(min(len(a), len(b))) if _likeness(a[k], b[k]) >= LIKE]
    best: dict[tuple[int, int], tuple[float, list[tuple[int, int]]]] = {}
    for i in range(len(a), -1, -1):
        for j in range(len(b), -1, -1):
            choices = [best[at] for at in ((i + 1, j), (i, j + 1)) if at in best] or [(0.0, [])]
            if i < len(a) and j < len(b) and (like := _likeness(a[i], b[j])) >= LIKE:
                total, rest = best[i + 1, j + 1]
                choices.append((total + like, [(i, j), *rest]))
            best[i, j] = max(choices, key=lambda choice: choice[0])
    return best[0, 0][1]


def _likeness(a: str, b: str) -> float:
    """How much of both lines is in common, 0..1, by their words; 1 if they differ in white space alone."""
    if max(len(a), len(b)) > LONGEST_PAIRED_LINE:
        return 0.0
    left, right = Counter(re.findall(r"\w+|[^\w\s]", a)), Counter(re.findall(r"\w+|[^\w\s]", b))
    words = left.total() + right.total()
    return 2 * (left & right).total() / words if words else 1.0


def _plain(row: Row) -> Iterator[str]:
    if row.before and row.after:
        removed = "".join(f"[-{text}-]" if changed else text for text, changed in row.before.spans)
        added = "".join(f"{{+{text}+}}" if changed else text for text, changed in row.after.spans)
        yield f"- {removed}"
        yield f"+ {added}"
    elif row.before:
        yield f"- {row.before.text}"
    elif row.after:
        yield f"+ {row.after.text}"
