import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.plain_text import visible
from eval_pipeline.report.diff import as_text, compare, folded, in_words, word_spans
from eval_pipeline.report.diff_html import STYLE, side_by_side
from eval_pipeline.report.matching import matches

BEFORE = """You route to exactly one tool.
Always state which.
If no tool fits, answer directly.
Never call a tool twice."""
AFTER = """You route to the best tool.
If no tool fits, answer directly.
Prefer search when unsure.
Never call a tool twice."""

characters = st.sampled_from("ab <>&\"'\t\r\n\n.·é\u00a0\u2028") | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0"
)
texts = st.text(characters, max_size=60) | st.lists(st.sampled_from(["one two", "one  two", "<b>", "", "x"])).map(
    "\n".join
)


class Columns(HTMLParser):
    """The text of both columns, as a browser would hand it out."""

    def __init__(self, page):
        super().__init__()
        self.sides, self.tags, self.cell = ([], []), set(), -1
        self.number, self.into = "", None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        kind = dict(attrs).get("class") or ""
        if tag == "tr":
            self.cell = -1
        if tag == "td":
            self.cell += 1
            self.into = {"n": "number", "t": "text"}.get(kind.split()[0])
            self.number = self.number if self.into != "number" else ""
            if self.into == "text" and self.number:
                self.sides[self.cell // 3].append("")

    def handle_data(self, data):
        if self.into == "number":
            self.number = data
        elif self.into == "text":
            self.sides[self.cell // 3][-1] += data


@given(texts, texts)
def test_each_side_joined_is_its_text_to_the_last_character(before, after):
    rows = compare(before, after)
    assert "\n".join(row.before.text for row in rows if row.before) == before
    assert "\n".join(row.after.text for row in rows if row.after) == after
    assert [row.before.number for row in rows if row.before] == list(range(1, before.count("\n") + 2))


@given(texts, texts)
def test_the_html_gives_back_both_texts_and_lets_no_markup_through(before, after):
    page = side_by_side(before, after, context=None)
    columns = Columns(page.removeprefix(STYLE))
    assert ["\n".join(side) for side in columns.sides] == [visible(before), visible(after)]
    assert columns.tags <= {"table", "thead", "tbody", "tr", "th", "td", "del", "ins", "span"}


@given(texts)
def test_a_text_does_not_differ_from_itself(text):
    assert not any(row.changed for row in compare(text, text))


@given(texts, texts)
def test_what_differs_is_marked(before, after):
    assert any(row.changed for row in compare(before, after)) == (before != after)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_matches_are_equal_ascending_and_apart(a, b):
    end_a = end_b = 0
    for i, j, length in matches(a, b):
        assert a[i : i + length] == b[j : j + length]
        assert i >= end_a
        assert j >= end_b
        end_a, end_b = i + length, j + length


def test_lines_that_changed_stand_beside_each_other_and_new_ones_alone():
    rows = compare(BEFORE, AFTER)
    assert [(row.before and row.before.number, row.after and row.after.number, row.changed) for row in rows] == [
        (1, 1, True),
        (2, None, True),
        (3, 2, False),
        (None, 3, True),
        (4, 4, False),
    ]
    assert rows[0].before.spans == (("You route to ", False), ("exactly one", True), (" tool.", False))
    assert rows[0].after.spans == (("You route to ", False), ("the best", True), (" tool.", False))


def test_a_terminal_reads_the_change_word_by_word():
    assert in_words(BEFORE, AFTER).splitlines() == [
        "- You route to [-exactly one-] tool.",
        "+ You route to {+the best+} tool.",
        "- Always state which.",
        "  If no tool fits, answer directly.",
        "+ Prefer search when unsure.",
        "  Never call a tool twice.",
    ]
    assert in_words("same", "same") == "no difference"


def test_long_unchanged_stretches_are_folded():
    same = "\n".join(f"line {k}" for k in range(20))
    shown = [row if isinstance(row, int) else row.after.text for row in folded(compare(same, same + "\nnew"), 3)]
    assert shown == [17, "line 17", "line 18", "line 19", "new"]
    assert "… 17 unchanged lines" in side_by_side(same, same + "\nnew")
    assert in_words(same, same + "\nnew").startswith("… 17 unchanged lines\n")


def test_a_single_unchanged_line_is_not_folded():
    rows = compare("a\nb\nc\nd\ne one", "a\nb\nc\nd\ne two")
    assert [row if isinstance(row, int) else row.after.text for row in folded(rows, 3)] == ["a", "b", "c", "d", "e two"]


@pytest.mark.parametrize(
    ("before", "after", "sign"),
    [
        ("one two", "one  two", "ws sp"),
        ("one two", "one\ttwo", "ws tab"),
        ("end", "end ", "ws sp"),
        ("one two", "one\u00a0two", "ws nb"),
        ("line", "line\r", "ws cr"),
    ],
)
def test_a_change_of_white_space_alone_has_a_sign(before, after, sign):
    assert f'class="{sign}"' in side_by_side(before, after).removeprefix(STYLE)


def test_a_line_break_at_the_end_shows_as_a_line():
    assert [row.changed for row in compare("text", "text\n")] == [False, True]


def test_hostile_prompts_and_names_are_escaped():
    page = side_by_side("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', names=("<i>", "v3"))
    assert set(re.findall(r"<(\w+)", page.removeprefix(STYLE))) <= {
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "del",
        "ins",
        "span",
    }
    assert 'aria-label="Changes from &lt;i&gt; to v3"' in page


def test_chat_messages_read_with_their_roles():
    chat = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{question}}"}]
    assert as_text(chat) == "[system]\nBe kind.\n\n[user]\n{{question}}"
    assert as_text("plain") == "plain"


def test_a_space_too_many_is_the_only_change():
    assert word_spans("a  b", "a b") == ((("a ", False), (" ", True), ("b", False)), (("a b", False),))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\n" * 50_000, "b\na\n" * 25_000),
        (" " * 100_000, " \t" * 50_000),
        ("ab " * 33_000, "ba " * 33_000),
        ("\n".join(f"line {k} of it" for k in range(7_000)), "\n".join(f"line {k} of it" for k in range(7_000, 0, -1))),
        ("\n".join(f"line {k} of it" for k in range(7_000)), "\n".join(f"line {k} of {k % 2}" for k in range(7_000))),
    ],
    ids=["few distinct lines", "spaces", "one long line", "reversed", "every line edited"],
)
def test_the_largest_prompts_are_compared_in_no_time(before, after):
    begin = time.process_time()
    side_by_side(before, after)
    assert time.process_time() - begin < 5
