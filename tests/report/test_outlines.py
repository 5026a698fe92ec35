"""Answers for other programs: well-formed whatever stands in names, texts and reasons."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.report.outlines import Failing, Outcome, Outline, Row, as_github, as_junit, as_markdown
from tests.hostile import HOSTILE, MEGABYTE

Writer = Callable[[Outline], str]
BROKEN_CASE = Failing(
    "case-1", "Tell me <b>all</b> | now", "can't", "@team: [done](http://x)", "contains: 100% not\nthere"
)
OUTLINE = Outline(
    title="Eval regressions",
    fine=False,
    sentence="2 eval types: 1 regression, 1 passed",
    columns=("Current", "Change"),
    rows=(
        Row("tone", Outcome.BAD, "REGRESSION", ("60.0%", "-20.0 pp"), "20 points lower", (BROKEN_CASE,), 3),
        Row("routing", Outcome.FINE, "PASS", ("90.0%", "0.0 pp")),
        Row("memory", Outcome.BROKEN, "partial", ("", ""), "2 of 20 cases errored"),
        Row("new", Outcome.SKIPPED, "no verdict", ("", ""), "no data"),
    ),
    notes=("Changed prompt: persona v3→v4",),
)


def test_the_markdown_is_a_table_and_what_failed_folded_away() -> None:
    assert as_markdown(OUTLINE) == (
        "### ❌ Eval regressions\n\n"
        "**2 eval types: 1 regression, 1 passed**\n\n"
        "|  | Eval type | Result | Current | Change |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| ❌ | tone | `REGRESSION` | 60.0% | -20.0 pp |\n"
        "| ✅ | routing | `PASS` | 90.0% | 0.0 pp |\n"
        "| ⛔ | memory | `partial` |  |  |\n"
        "| ➖ | new | `no verdict` |  |  |\n\n"
        "- Changed prompt: persona v3→v4\n\n"
        "> **tone**: 20 points lower\n\n"
        "<details><summary>tone: 4 failing cases</summary>\n\n"
        "- **case-1** contains: 100% not there\n"
        "  - input: Tell me &lt;b&gt;all&lt;/b&gt; \\| now\n"
        "  - expected: can't\n"
        "  - output: @\u200bteam: \\[done\\]\\(http://x\\)\n\n"
        "and 3 more\n\n"
        "</details>\n\n"
        "> **memory**: 2 of 20 cases errored\n\n"
        "> **new**: no data\n"
    )


def test_junit_tells_failures_errors_and_skipped_apart() -> None:
    root = ElementTree.fromstring(as_junit(OUTLINE).encode())
    counts = {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    found = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert found == {"tone": ["failure"], "routing": ["system-out"], "memory": ["error"], "new": ["skipped"]}
    failure = next(root.iter("failure"))
    assert failure.get("message") == "REGRESSION: Current 60.0%, Change -20.0 pp"
    assert "output: @team: [done](http://x)" in (failure.text or "")


def test_github_annotates_what_is_not_fine_and_says_the_sentence() -> None:
    assert as_github(OUTLINE).splitlines() == [
        "::error title=tone REGRESSION::Current 60.0%25, Change -20.0 pp%0A20 points lower%0A"
        "case-1: contains: 100%25 not%0Athere%0Aand 3 more failing cases",
        "::error title=memory partial::2 of 20 cases errored",
        "::error title=Eval regressions::2 eval types: 1 regression, 1 passed",
    ]


@given(st.text(), st.text(), st.text(), st.sampled_from(Outcome))
def test_no_text_breaks_out_of_its_place(name: str, reason: str, output: str, outcome: Outcome) -> None:
    row = Row(name, outcome, "FAIL", ("1%",), reason, (Failing(name, output, output, output, reason),))
    outline = Outline(name, False, reason, ("Rate",), (row,), (output,))
    ElementTree.fromstring(as_junit(outline).encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    assert all(line.startswith("::") for line in as_github(outline).rstrip("\n").split("\n"))
    table = [line for line in as_markdown(outline).split("\n") if line.startswith("| ") and "`FAIL`" in line]
    assert len(table) == 1
    assert table[0].replace("\\|", "").count("|") == 5


HUGE = "<|@`&*_#" * 20_000


def many(rows: int, cases: int) -> Outline:
    """Eval types with failing cases whose every text is huge, and grows when it is escaped."""
    failing = tuple(Failing(f"case-{number} {HUGE}", HUGE, HUGE, HUGE, HUGE) for number in range(cases))
    found = tuple(
        Row(f"type-{number} {HUGE}", Outcome.BAD, "FAIL", (HUGE,), HUGE, failing, 90) for number in range(rows)
    )
    return Outline(HUGE, False, HUGE, ("Rate",), found, tuple(f"note {HUGE}" for _ in range(rows)))


@pytest.mark.parametrize(("rows", "cases"), [(1, 10), (19, 10), (400, 1)])
def test_the_markdown_fits_one_comment_however_much_failed(rows: int, cases: int) -> None:
    text = as_markdown(many(rows, cases))
    assert 20_000 < len(text) < 65_536
    assert text.count("<details>") == text.count("</details>")
    named = text.count("- **case-")
    assert (f"and {100 - named} more" in text) if rows == 1 else "More failed than fits here." in text
    table = text.count("| \u274c |")
    assert table == rows or f"and {rows - table} more eval types" in text
    assert rows == 1 or re.search(r"^and \d+ more notes$", text, re.MULTILINE)


def test_markdown_pings_and_links_nobody_and_a_summary_shows_a_name_as_it_is() -> None:
    failing = (Failing("c", "@team see #12", None, "GH \\@all", None),)
    row = Row("memory_write @team #12", Outcome.BAD, "FAIL", (), None, failing)
    text = as_markdown(Outline("Evals", False, "no", (), (row,)))
    assert "<summary>memory_write @\u200bteam #\u200b12: 1 failing case</summary>" in text
    assert "input: @\u200bteam see \\#\u200b12" in text
    assert re.findall(r"@\w|#\d", text) == []


def test_annotations_can_not_become_other_commands() -> None:
    evil = "100%\r\n::set-env name=PATH::/evil,b:c"
    text = as_github(Outline(evil, False, evil, ("Rate",), (Row(evil, Outcome.BAD, "FAIL", ("1%",), evil),)))
    said, escaped = (
        "100%25%0D%0A::set-env name=PATH::/evil,b:c",
        "100%25%0D%0A%3A%3Aset-env name=PATH%3A%3A/evil%2Cb%3Ac",
    )
    assert text == f"::error title={escaped} FAIL::Rate 1%25%0A{said}\n::error title={escaped}::{said}\n"


def test_junit_keeps_what_xml_can_hold_and_replaces_the_rest() -> None:
    said = "a\x00b\x1b[31m\ud800 \ufffe ]]> 👩\u200d🚀 \xa0\tend\r\nnext"
    root = ElementTree.fromstring(as_junit(Outline("t", False, "s", (), (Row("x", Outcome.BAD, "FAIL", (), said),))))
    failure = next(root.iter("failure"))
    assert failure.text == "a\ufffdb\ufffd[31m\ufffd \ufffd ]]> 👩\u200d🚀 \xa0\tend\nnext"


TEXTS = (f"{HOSTILE}\0", MEGABYTE, f"\u202e{MEGABYTE}")
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def of_texts(text: str, rows: int, cases: int) -> Outline:
    """Eval types with failing cases whose every text is this one."""
    failing = tuple(Failing(text, text, text, text, text) for _ in range(cases))
    found = tuple(Row(text, Outcome.BAD, "FAIL", (text,), text, failing, 3) for _ in range(rows))
    return Outline(text, False, text, ("Rate",), found, (text,))


@pytest.mark.parametrize("write", [as_github, as_junit, as_markdown])
@pytest.mark.parametrize("text", TEXTS, ids=["hostile", "megabyte", "turned megabyte"])
def test_no_text_steers_a_terminal_turns_a_line_around_or_fills_a_log(write: Writer, text: str) -> None:
    said = write(of_texts(text, rows=2, cases=10))
    assert STEERING.findall(said) == []
    assert len(said) < 200_000
    assert max(map(len, said.splitlines())) < 20_000


@pytest.mark.parametrize(("write", "most"), [(as_github, 1_000_000), (as_junit, 2_500_000)])
def test_an_answer_of_hundreds_of_eval_types_names_each_and_says_what_it_leaves_out(write: Writer, most: int) -> None:
    said = write(of_texts(MEGABYTE, rows=400, cases=10))
    assert len(said) < most
    assert said.count("::error title=a<b>" if write is as_github else "<testcase ") >= 400
    assert "More failed than fits here." in said
