"""Text from outside, in Streamlit's markdown."""

from __future__ import annotations

import re

from eval_pipeline.core.plain_text import REPLACEMENT, isolated, printable
from eval_pipeline.report.numbers import shortened

WORD_JOINER = "\u2060"
"""Seen by nobody; whatever is to be copied must not have it."""

LONGEST = 10_000
"""Characters; a longer text is cut, or the browser would take seconds over its markdown."""

_MARKUP = str.maketrans({char: f"\\{char}" for char in r"\`*_{}[]()<>#+-.!|:$~&="})
# Streamlit makes links of addresses, and a picture of its own name, after it has read all escapes
_LINKED = re.compile(r"https?:(?=//)|www(?=\.)|(?<=[-.\w+])@(?=[-\w]+\.[-\w])|:streamlit(?=:)", re.IGNORECASE)


def escape(text: str) -> str:
    """Text from outside as Streamlit markdown that shows it as it is, on one line: no markup, no link, no picture.

    Characters that would hide or reorder what is around them read `�`. An address has a `WORD_JOINER` in it.
    """
    shown = re.sub(
        " {2,}", " ", printable(shortened(text, LONGEST), REPLACEMENT)
    )  # four spaces would begin a block of code
    return isolated(_LINKED.sub(rf"\g<0>{WORD_JOINER}", shown)).translate(_MARKUP)
