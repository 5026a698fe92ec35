"""Text from outside in the page: no markup, no characters that a reader can't see, and no more than fits."""

from __future__ import annotations

from markupsafe import Markup

from eval_pipeline.report import diff, numbers
from eval_pipeline.report.looks import Look

LONGEST = 600
"""Characters of an input, an output or a reason that are shown."""


def cut(text: str, longest: int = LONGEST) -> str:
    """A text of at most so many characters, and how many more there are."""
    more = len(text) - longest
    return text if more <= 0 else f"{text[:longest].rstrip()} … {numbers.counted(more, 'more character')}"


def outputs(before: str, after: str) -> tuple[Markup, Markup]:
    """Two outputs, with the words marked that one of them lacks."""
    old, new = diff.word_spans(cut(before), cut(after))
    return _marked(old, Markup("<del>{}</del>")), _marked(new, Markup("<ins>{}</ins>"))


def _marked(spans: tuple[diff.Span, ...], mark: Markup) -> Markup:
    return Markup("").join(mark.format(text) if changed else text for text, changed in spans)


def tag(look: Look, said: str | None = None) -> Markup:
    """A state by its glyph, word and colour; `said` stands for the word."""
    return Markup('<span class="tag {}">{} {}</span>').format(look.badge, look.glyph, said or look.word)


def joined(parts: list[Markup], between: str = "") -> Markup:
    """Parts of the page after each other."""
    return Markup.escape(between).join(parts)
