"""One self-contained page of the state of all eval types, for mail and archives: `render(facts)`.

Pure: the same facts give the same page, to the last byte. It needs no network and no script, and a policy in the page
forbids both, whatever the texts in it say. Text from outside is only ever inserted into `markupsafe` templates, which
escape it. The charts are inline SVG: a browser shows them, mail programs that show HTML themselves mostly leave them
out, so whatever they say is in words and tables too, and the page is best sent as an attachment.
"""

from __future__ import annotations

from markupsafe import Markup

from eval_pipeline.core.plain_text import visible
from eval_pipeline.report.diff_html import RULES
from eval_pipeline.report.page import drawing
from eval_pipeline.report.page.changes import moves, prompt_changes
from eval_pipeline.report.page.facts import Facts, State, told_with_cases, told_with_text, work_out
from eval_pipeline.report.page.headline import headline, sentence
from eval_pipeline.report.page.regressions import regressions
from eval_pipeline.report.page.style import style
from eval_pipeline.report.page.table import types_table
from eval_pipeline.report.page.text import joined
from eval_pipeline.report.page.trends import drawn_types, trends

__all__ = ["Facts", "State", "render", "told_with_cases", "told_with_text", "work_out"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body><main>
{parts}
</main></body>
</html>
""")


def render(state: State) -> str:
    """The whole page."""
    facts = state.facts
    shown = drawn_types(state)
    charts = drawing.cells(state.runs[state.runs["eval_type"].isin(shown)], state.drawn_events)
    cells = {name: charts[name] for name in shown}
    parts = [
        headline(state),
        types_table(state),
        regressions(state, cells),
        prompt_changes(state),
        trends(state, cells),
        moves(facts.moves, facts.zone),
        _footer(facts),
    ]
    page = _PAGE.format(
        policy=POLICY,
        title=f"{sentence(state)} · {facts.base_experiment} · {facts.zone.day(facts.made_at)}",
        style=Markup(style() + RULES),  # noqa: S704 - our own
        parts=joined(parts, "\n"),
    )
    return visible(page)


def _footer(facts: Facts) -> Markup:
    return Markup(
        '<footer>Made {} by eval-pipeline {} from <span class="out">{}</span>, base experiment '
        '<span class="out">{}</span>. Verdicts: Regression is below the threshold; Warning is 10 points lower or more, '
        "threshold met. Evidence says whether a difference is more than noise; it changes no verdict.</footer>"
    ).format(facts.zone.when(facts.made_at), facts.version, facts.store, facts.base_experiment)
