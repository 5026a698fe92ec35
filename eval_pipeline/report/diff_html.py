"""A prompt change side by side, as HTML that is safe whatever the prompts hold, for `st.html`."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from eval_pipeline.core.plain_text import visible
from eval_pipeline.report import numbers
from eval_pipeline.report.diff import CONTEXT, Line, Row, Span, compare, folded

# On a narrow screen the two columns become one: each row shows its old line and below it the new one.
# Signs for white space are drawn by the style, so that copied text is the prompt's own.
RULES = """
.pdiff{width:100%;border-collapse:collapse;table-layout:fixed;border:0}
.pdiff td,.pdiff th{font:13px/1.5 'JetBrains Mono',ui-monospace,monospace;padding:2px 6px;vertical-align:top;border:0}
.pdiff th{text-align:left;font-weight:600;opacity:.75}
.pdiff .n{width:3.4em;text-align:right;opacity:.7;user-select:none}
.pdiff .s{width:1.6em;font-weight:700;user-select:none}
.pdiff .t{white-space:pre-wrap;overflow-wrap:anywhere}
.pdiff .gone{background:color-mix(in srgb,#c2410c 12%,transparent)}
.pdiff .new{background:color-mix(in srgb,#1f9e78 12%,transparent)}
.pdiff del{background:color-mix(in srgb,#c2410c 30%,transparent);text-decoration:line-through}
.pdiff ins{background:color-mix(in srgb,#1f9e78 30%,transparent);text-decoration:underline}
.pdiff .alone del,.pdiff .alone ins{background:none;text-decoration:none}
.pdiff .fold td{text-align:center;opacity:.7;padding:6px}
.pdiff .ws{position:relative}
.pdiff .ws::before{position:absolute;left:0;opacity:.75;text-decoration:none}
.pdiff .sp::before{content:'·'}.pdiff .tab::before{content:'→'}
.pdiff .nb::before{content:'⍽'}.pdiff .cr::before{content:'␍';position:static}
@media (max-width:640px){
.pdiff,.pdiff tbody,.pdiff thead{display:block}
.pdiff tr{display:grid;grid-template-columns:2.6em 1.4em minmax(0,1fr)}
.pdiff .fold{display:block}.pdiff .fold td{display:block}
.pdiff .same td:nth-child(n+4),.pdiff .none{display:none}
}
"""
STYLE = f"<style>{RULES}</style>"

MOST_COMPARED = 200_000
"""Characters of each text; no prompt is longer, an output may be."""
MOST_ROWS = 2_000

_SPACES = {" ": "sp", "\t": "tab", "\r": "cr"}


def side_by_side(
    before: str, after: str, *, names: tuple[str, str] = ("before", "after"), context: int | None = CONTEXT
) -> str:
    """Two texts as a table of two columns: line numbers, a sign (- or +) as well as colour, changed words marked.

    All text is escaped. White space that changed is made visible. Unchanged stretches are folded to `… 12 unchanged
    lines`, unless `context` is None. `names` head the columns. Everything is in classes under `.pdiff`.
    """
    return STYLE + table(before, after, names=names, context=context)


def table(
    before: str,
    after: str,
    *,
    names: tuple[str, str] = ("before", "after"),
    context: int | None = CONTEXT,
    longest: int | None = None,
) -> str:
    """The same without its style, for a page that has `RULES`; at most about `longest` characters of the texts.

    What is left out of very long texts is counted in the last rows.
    """
    rows = compare(before[:MOST_COMPARED], after[:MOST_COMPARED])
    shown: Sequence[Row | int] = rows if context is None else list(folded(rows, context))
    body = "".join(_bounded(shown, longest))
    left = max(len(before), len(after)) - MOST_COMPARED
    body += _fold(left, "more character", " not compared") if left > 0 else ""
    heads = "".join(f'<td class="n"></td><td class="s"></td><th scope="col">{_escape(name)}</th>' for name in names)
    label = _escape(f"Changes from {names[0]} to {names[1]}")
    return f'<table class="pdiff" aria-label="{label}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def _bounded(rows: Sequence[Row | int], longest: int | None) -> Iterator[str]:
    """The rows until so many characters, or `MOST_ROWS`, are shown, then how many more there are."""
    left = longest
    for index, row in enumerate(rows):
        if left is not None and not isinstance(row, int):
            left -= sum(len(line.text) for line in (row.before, row.after) if line)
        if index == MOST_ROWS or (left is not None and left < 0):
            yield _fold(len(rows) - index, "more row")
            return
        yield _fold(row, "unchanged line") if isinstance(row, int) else _row(row)


def _fold(count: int, what: str, how: str = "") -> str:
    return f'<tr class="fold"><td colspan="6">… {numbers.counted(count, what)}{how}</td></tr>'


def _row(row: Row) -> str:
    left = _cells(row.before, "-" if row.changed else "", "gone", "del")
    kind = "alone" if not (row.before and row.after) else "" if row.changed else "same"
    begin = f'<tr class="{kind}">' if kind else "<tr>"
    return f"{begin}{left}{_cells(row.after, '+' if row.changed else '', 'new', 'ins')}</tr>"


def _cells(line: Line | None, sign: str, kind: str, tag: str) -> str:
    if line is None:
        return '<td class="n none"></td><td class="s none"></td><td class="t none"></td>'
    text = "".join(_span(span, tag) for span in line.spans)
    classes = f"t {kind}" if sign else "t"
    return f'<td class="n">{line.number}</td><td class="s">{sign}</td><td class="{classes}">{text}</td>'


def _span(span: Span, tag: str) -> str:
    """A piece of a line. White space at the end of a changed piece, or all of it, gets a sign for each character."""
    text, changed = span
    if not changed or not text:
        return _escape(text)
    words = text.rstrip()
    signs = (f'<span class="ws {_SPACES.get(space, "nb")}">{_escape(space)}</span>' for space in text[len(words) :])
    return f"<{tag}>{_escape(words)}{''.join(signs)}</{tag}>"


def _escape(text: str) -> str:
    """Text safe in HTML; a raw carriage return would be read as a line feed."""
    return html.escape(visible(text)).replace("\r", "&#13;")
