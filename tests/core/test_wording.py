"""Words for numbers that rules share."""

from __future__ import annotations

import pytest

from eval_pipeline.core.wording import counted, p_value, sized


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.5, "p = 0.50"),
        (0.049999, "p = 0.05"),
        (0.05, "p = 0.05"),
        (0.0501, "p = 0.0501"),
        (0.0078125, "p = 0.008"),
        (0.0009, "p < 0.001"),
        (0.0, "p < 0.001"),
        (1.0, "p = 1.00"),
        (0.997, "p = 1.00"),
    ],
)
def test_a_p_value_never_seems_to_lie_on_the_other_side_of_5_percent(value: float, said: str) -> None:
    assert p_value(value) == said


def test_sizes_and_counts_have_no_needless_decimals() -> None:
    assert [sized(each) for each in (1, 10.0, 3.25, 0.1)] == ["1 point", "10 points", "3.2 points", "0.1 points"]
    assert [counted(each, "case") for each in (1, 0, 1200)] == ["1 case", "0 cases", "1,200 cases"]
