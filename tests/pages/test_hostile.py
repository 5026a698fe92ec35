"""Every page on a store full of hostile names and texts, and under hostile addresses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from eval_pipeline.ui.frame import SECTIONS
from tests.builder import StoreBuilder
from tests.hostile import HOSTILE, NAME, PARAMETERS, PROMPT, infest
from tests.pages.conftest import Open

PAGES = [name for entries in SECTIONS.values() for name, _, _ in entries]
ODD = ("", "\x00", "-1", "v999999999999999999999", HOSTILE, "\u202e%00../../etc/passwd", "é" * 5_000)
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
KINDS = ("title", "markdown", "caption", "info", "error", "warning", "success", "subheader")


@pytest.fixture
def infested(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    """A store full of hostile names and texts."""
    return copy_of(infest)


def dangers(app: AppTest) -> list[str]:
    """Markdown of a page that holds markup of somebody else's."""
    texts = [str(element.value) for kind in KINDS for element in app.get(kind)]
    return [text for text in texts if {"html_inline", "html_block", "image"} & kinds(text) or "evil.example](" in text]


def kinds(markdown: str) -> set[str]:
    """What a markdown text is made of."""
    tokens = PARSER.parse(markdown)
    return {child.type for token in tokens for child in [token, *(token.children or [])]}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_hostile_names_and_texts_as_text(page: str, open_page: Open, infested: StoreBuilder) -> None:
    about = {"evals": NAME} if page == "trends" else {"prompt": PROMPT} if page == "compare" else {}
    for query in ({}, {"prompt": PROMPT}, about):
        app = open_page(page, infested.uri, **query)
        assert not app.exception
        assert app.title
        assert dangers(app) == []


@pytest.mark.parametrize("page", PAGES)
def test_no_address_makes_a_page_fail(page: str, open_page: Open, infested: StoreBuilder) -> None:
    app = open_page(page, infested.uri)
    for odd in ODD:
        for many in (odd, [odd, "x", odd]):
            app.query_params.clear()
            for name in PARAMETERS:
                app.query_params[name] = many
            app.run()
            assert not app.exception, odd[:80]
            assert dangers(app) == []
