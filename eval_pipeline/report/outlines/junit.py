"""An outline as JUnit XML: a test case for each eval type; what is bad is a failure, what can't be judged an error."""

from __future__ import annotations

from xml.etree import ElementTree

from eval_pipeline.core.plain_text import REPLACEMENT
from eval_pipeline.report.outlines.outline import Outcome, Outline, Row
from eval_pipeline.report.outlines.texts import LEFT_OUT, with_shown_texts

ELEMENTS = {Outcome.BAD: "failure", Outcome.BROKEN: "error", Outcome.SKIPPED: "skipped"}
LONGEST_DETAILS = 500_000
"""Characters of what failed; once they are used up, an eval type has its message only."""


def as_junit(outline: Outline) -> str:
    """The outline, as CI servers read it."""
    outline, room = with_shown_texts(outline), LONGEST_DETAILS
    outcomes = [row.outcome for row in outline.rows]
    counts = {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count(Outcome.BAD)),
        "errors": str(outcomes.count(Outcome.BROKEN)),
        "skipped": str(outcomes.count(Outcome.SKIPPED)),
    }
    root = ElementTree.Element("testsuites", {"name": _legal(outline.title), **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _legal(outline.title), **counts})
    for row in outline.rows:
        details = _legal("\n".join(_lines(row)))
        suite.append(_test_case(outline, row, details if len(details) <= room else LEFT_OUT))
        room -= len(details)
    out = ElementTree.SubElement(suite, "system-out")
    out.text = _legal("\n".join([outline.sentence, *outline.notes]))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _test_case(outline: Outline, row: Row, details: str) -> ElementTree.Element:
    case = ElementTree.Element("testcase", {"classname": _legal(outline.title), "name": _legal(row.name)})
    said = ", ".join(f"{name} {cell}" for name, cell in zip(outline.columns, row.cells, strict=True) if cell)
    message = _legal(f"{row.word}: {said}" if said else row.word)
    element = ELEMENTS.get(row.outcome)
    if element is None:
        ElementTree.SubElement(case, "system-out").text = message
        return case
    ElementTree.SubElement(case, element, {"message": message, "type": row.word}).text = details
    return case


def _lines(row: Row) -> list[str]:
    lines = [row.why] if row.why else []
    for case in row.failing:
        lines += [f"{case.case_id}: {case.reason or 'failed'}", f"  input: {case.input}"]
        lines += [f"  expected: {case.expected}"] if case.expected is not None else []
        lines += [f"  output: {case.output}"] if case.output is not None else []
    return [*lines, f"and {row.more_failing} more"] if row.more_failing else lines


def _legal(text: str) -> str:
    """Text whose lines end as XML's do; a return within a line would be read as the end of one."""
    return text.replace("\r\n", "\n").replace("\r", REPLACEMENT)
