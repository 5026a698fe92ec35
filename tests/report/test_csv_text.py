"""Any table as CSV that a spreadsheet takes for text."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.plain_text import visible
from eval_pipeline.report.csv_text import csv_text

hostile = st.sampled_from(
    ["=1+1", "@SUM(1)", "+1", "-1", "\t=1", "\r=1", "\n=1", "\0=1", "＝1", '"', ",", "\ud800", "'"]
)
texts = st.lists(hostile | st.text(max_size=3), max_size=4).map("".join)


@given(st.lists(st.lists(texts, min_size=2, max_size=2), max_size=5))
def test_read_back_each_cell_is_its_text_and_no_formula(rows: list[list[str]]) -> None:
    made = csv_text(("=a", "b"), rows).encode().decode()
    [heading, *cells] = csv.reader(io.StringIO(made, newline=""), strict=True)
    assert heading == ["'=a", "b"]
    assert not [cell for row in cells for cell in row if cell[:1] in set("=+-@\t\r\n＝＋－＠")]
    shown = [[visible(text) for text in row] for row in rows]
    assert [[cell.removeprefix("'") for cell in row] for row in cells] == [
        [text.removeprefix("'") for text in row] for row in shown
    ]


def test_numbers_are_numbers_and_what_is_missing_is_empty() -> None:
    row = (-0.25, 3, True, None, float("nan"), ["a", "=b"])
    assert csv_text(("n",) * 6, [row]).splitlines()[1] == "-0.25,3,true,,,a; =b"
