"""A prompt change side by side, as HTML that is safe whatever the prompts hold, for `st.html`."""

from __future__ import annotations

import html
from collections.abc import Sequence

from eval_pipeline.report import numbers
from eval_pipeline.report.diff import CONTEXT, Line, Row, Span, compare, folded

# On a narrow screen the two columns become one: each row shows its old line and below it the new one.
# Signs for white space are drawn by the style, so that copied text is the prompt's own.
STYLE = """<style>
.pdiff{width:100%;border-collapse:collapse;table-layout:fixed;border:0}
.pdiff td,.pdiff th{font:13px/1.5 'JetBrains Mono',ui-monospace,monospace;padding:2px 6px;vertical-align:top;border:0}
.pdiff th{text-align:left;font-weight:600;opacity:.75}
.pdiff .n{width:3.4em;text-align:right;opacity:.6;user-select:none}
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
</style>"""

_SPACES = {" ": "sp", "\t": "tab", "\r": "cr"}
_UNSAFE_BREAKS = {"\r": "&#13;", "\0": "\N{REPLACEMENT CHARACTER}"}


def side_by_side(
    before: str, after: str, *, names: tuple[str, str] = ("before", "after"), context: int | None = CONTEXT
) -> str:
    """Two texts as a table of two columns: line numbers, a sign (- or +) as well as colour, changed words marked.

    All text is escaped. White space that changed is made visible. Unchanged stretches are folded to `… 12 unchanged
    lines`, unless `context` is None. `names` head the columns. Everything is in classes under `.pdiff`.
    """
    rows = compare(before, after)
    shown: Sequence[Row | int] = rows if context is None else list(folded(rows, context))
    body = "".join(_fold(row) if isinstance(row, int) else _row(row) for row in shown)
    heads = "".join(f'<th class="n"></th><th class="s"></th><th scope="col">{_escape(name)}</th>' for name in names)
    label = html.escape(f"Changes from {names[0]} to {names[1]}")
    table = f'<table class="pdiff" aria-label="{label}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    return STYLE + table


def _fold(lines: int) -> str:
    return f'<tr class="fold"><td colspan="6">… {numbers.counted(lines, "unchanged line")}</td></tr>'


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
    safe = html.escape(text)
    for character, written in _UNSAFE_BREAKS.items():
        safe = safe.replace(character, written)
    return safe
