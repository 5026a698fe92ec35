"""Answers for other programs: well-formed whatever stands in names, texts and reasons."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.report.outlines import Failing, Outcome, Outline, Row, as_github, as_junit, as_markdown

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
