"""Text from outside without the characters that hide, that steer a terminal, or that turn the text around them."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Control characters, halves of characters, and marks that nobody sees: all but the joiners U+200C and U+200D,
# without which Persian words and emoji of several people fall apart, and white space, which a reader does see
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"\s")
_LETTER = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
_RIGHT_TO_LEFT = re.compile(rf"{_LETTER}+(?:[\s\d.,:;!?'\"-]+{_LETTER}+)*")


def visible(text: str, instead: str = REPLACEMENT) -> str:
    """`text` with `instead` for each character that hides, or that steers what shows it; lines and spaces stay."""
    return _UNSEEN.sub(instead, text)


def printable(text: str, instead: str = " ") -> str:
    """The same on one line: each line end, tab or other white space is a space."""
    return _SPACE.sub(" ", visible(text, instead))


def one_line(text: str, instead: str = " ") -> str:
    """The same with single spaces between its words, and none around them."""
    return " ".join(printable(text, instead).split())


def isolated(text: str) -> str:
    """Visible `text` whose words that run from right to left stand between marks that nobody sees: what is around
    them keeps its order, whatever they say.
    """
    return _RIGHT_TO_LEFT.sub("\u2068\\g<0>\u2069", text)
