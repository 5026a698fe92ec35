"""Text from outside in markdown: read back by a parser, only the text is there."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from eval_pipeline.core.plain_text import REPLACEMENT, one_line, printable
from eval_pipeline.ui.escaping import LONGEST, WORD_JOINER, escape
from tests.hostile import HOSTILE

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
AUTOLINKS = (
    re.compile(r"(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)", re.IGNORECASE),
    re.compile(r"([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)"),
)
"""What Streamlit makes links of in any text, once its escapes have been read."""

pieces = st.sampled_from(
    [
        *("**", "`", "](", "http://e.x", "www.e.x", "a@b.c", "&lt;", "&#60;", "<b>", "\n", "\n\n    x", "\n---\n"),
        *("# ", "1. ", "- ", "| a |", "$x$", ":red[", ":streamlit:", "===", "\\", "~~", "\u202e", "\0", "ש", "  "),
    ]
)
texts = st.lists(pieces | st.characters(exclude_categories=["Cs"])).map("".join)


def read_back(markdown: str) -> tuple[str, set[str]]:
    """The text that is shown, and the kinds of what it is made of."""
    tokens = PARSER.parse(markdown)
    inline = [child for token in tokens for child in token.children or []]
    return "".join(each.content for each in inline), {each.type for each in [*tokens, *inline]}


@given(texts)
def test_read_back_it_is_the_text_and_nothing_but_text(text: str) -> None:
    shown, kinds = read_back(f"x{escape(text)}x")
    assert kinds == {"paragraph_open", "inline", "paragraph_close", "text"}
    expected = re.sub(" +", " ", printable(text, REPLACEMENT))
    assert re.sub(f"[{WORD_JOINER}\u2068\u2069]", "", shown) == f"x{expected}x"
    assert not any(pattern.search(shown) for pattern in AUTOLINKS)
    assert ":streamlit:" not in shown


@given(texts)
def test_alone_in_its_place_it_is_still_only_text(text: str) -> None:
    shown, kinds = read_back(escape(text))
    assert kinds <= {"paragraph_open", "inline", "paragraph_close", "text"}
    assert one_line(re.sub(f"[{WORD_JOINER}\u2068\u2069]", "", shown)) == one_line(text, REPLACEMENT)


def test_what_many_tools_stumble_over_is_one_line_without_links() -> None:
    shown, kinds = read_back(escape(HOSTILE))
    assert kinds == {"paragraph_open", "inline", "paragraph_close", "text"}
    assert not any(pattern.search(shown) for pattern in AUTOLINKS)


@pytest.mark.parametrize("name", ["persona@production", "ada@localhost", "v1 -> v2", "a--b", "sqlite:///mlflow.db"])
def test_what_is_to_be_copied_has_no_character_that_nobody_sees(name: str) -> None:
    assert escape(name).replace("\\", "") == name


def test_a_text_of_a_megabyte_is_cut() -> None:
    assert len(read_back(escape("a" * 1_000_000))[0]) == LONGEST
