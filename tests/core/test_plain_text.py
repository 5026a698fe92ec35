"""Text from outside, made harmless."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.plain_text import isolated, one_line, printable, visible

texts = st.text(st.characters() | st.sampled_from("\x1b\0\t\r\n\u202e\u2066\u2069\u200f\u200d\ud800\u00a0שa"))


@given(texts)
def test_what_is_printable_has_no_character_that_hides_steers_or_breaks_the_line(text: str) -> None:
    said = printable(text)
    assert len(said) == len(text)
    assert {unicodedata.category(char) for char in said} & {"Cc", "Cs", "Zl", "Zp"} == set()
    assert {unicodedata.bidirectional(char) for char in said} & {"LRE", "RLE", "LRO", "RLO", "PDF"} == set()
    assert len(said.splitlines()) <= 1
    assert said.encode().decode() == said


@given(texts)
def test_visible_text_keeps_its_lines_and_its_columns(text: str) -> None:
    said = visible(text)
    assert [len(line) for line in said.split("\n")] == [len(line) for line in text.split("\n")]
    assert visible(said) == said


@given(texts)
def test_nothing_that_a_text_holds_reaches_out_of_its_isolation(text: str) -> None:
    said = isolated(visible(text))
    assert said.translate({0x2068: None, 0x2069: None}) == visible(text)
    outside = re.sub("\u2068[^\u2068\u2069]+\u2069", "", said)
    assert {"R", "AL", "AN", "LRI", "RLI", "FSI", "PDI"} & {*map(unicodedata.bidirectional, outside)} == set()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x07", "[31mred"),
        ("a\r\n\tb", "a b"),
        ("a\u202eb\0", "a b"),
        ("👩\u200d🚀 می\u200cخواهم 🫨", "👩\u200d🚀 می\u200cخواهم 🫨"),
    ],
)
def test_one_line_of_it(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_two_names_that_run_from_right_to_left_stay_in_the_order_of_their_sentence() -> None:
    assert isolated("שלום, עולם 12 → עולם a") == "\u2068שלום, עולם\u2069 12 → \u2068עולם\u2069 a"
