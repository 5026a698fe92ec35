import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.models import Verdict
from eval_pipeline.core.regression import decide_verdict, percentage_points
from eval_pipeline.report import numbers

rates = st.floats(0, 1)
percent = st.integers(0, 10_000).map(lambda k: k / 10_000)


@pytest.mark.parametrize(
    ("value", "long", "short"),
    [
        (0.85, "85.0%", "85%"),
        (0.8496, "85.0%", "85%"),
        (1.0, "100.0%", "100%"),
        (0.0, "0.0%", "0%"),
        (0.9998, "99.98%", "99.98%"),
        (0.996, "99.6%", "99.6%"),
        (0.0001, "0.01%", "0.01%"),
        (0.57, "57.0%", "57%"),
        (None, "–", "–"),
        (float("nan"), "–", "–"),
    ],
)
def test_a_rate_reads_as_percent_and_is_100_only_when_all_passed(value, long, short):
    assert (numbers.rate(value), numbers.rate_short(value)) == (long, short)


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [
        (0.7997, 0.8, "79.97%"),
        (0.79996, 0.8, "79.996%"),
        (0.794, 0.8, "79.4%"),
        (0.8, 0.8, "80.0%"),
        (0.8001, 0.8, "80.0%"),
        (0.85, 0.8, "85.0%"),
        (0.84605, 0.84604, "84.61%"),
        (0.84604, 0.84604, "84.604%"),
        (None, 0.8, "–"),
        (float("nan"), 0.8, "–"),
    ],
)
def test_a_rate_beside_its_threshold_shows_which_side_it_lies_on(value, limit, text):
    assert numbers.rate_against(value, limit) == text


@given(rates, percent)
def test_a_rate_reads_lower_than_its_threshold_exactly_when_it_misses_it(value, limit):
    shown = float(numbers.rate_against(value, limit).rstrip("%"))
    assert (shown < float(numbers.threshold(limit).rstrip("%"))) == (percentage_points(value, limit) < 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-10.0, "-10.0 pp"),
        (-10.04, "-10.04 pp"),
        (-9.96, "-9.96 pp"),
        (0.04, "+0.04 pp"),
        (0.0, "0.0 pp"),
        (-0.0, "0.0 pp"),
        (2.54, "+2.5 pp"),
        (-22.0, "-22.0 pp"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_a_change_reads_as_zero_or_as_a_warning_only_if_it_is_exactly_that(value, text):
    assert numbers.delta_pp(value) == text


@given(percent, percent)
def test_the_verdict_can_be_read_off_the_change_that_is_shown(current, baseline):
    delta = percentage_points(current, baseline)
    shown = float(numbers.points(delta))
    verdict = Verdict.WARNING if shown <= -10 else Verdict.IMPROVED if shown > 0 else Verdict.PASS
    assert verdict == decide_verdict(current, baseline, threshold=0.0)


@pytest.mark.parametrize(("value", "text"), [(0.8, "80%"), (0.975, "97.5%"), (1.0, "100%"), (0.07, "7%"), (0, "0%")])
def test_a_threshold_is_exact_and_has_no_needless_decimals(value, text):
    assert numbers.threshold(value) == text


@pytest.mark.parametrize(
    ("moment", "text", "day"),
    [
        (datetime(2026, 11, 2, 14, 3, 59, tzinfo=UTC), "02 Nov 2026 14:03 UTC", "02 Nov 2026"),
        (
            datetime(2026, 11, 2, 0, 30, tzinfo=timezone(timedelta(hours=2))),
            "02 Nov 2026 00:30 UTC+02:00",
            "02 Nov 2026",
        ),
        (datetime(2026, 1, 2, 3, 4), "02 Jan 2026 03:04 UTC", "02 Jan 2026"),  # noqa: DTZ001
        (pd.Timestamp("2026-12-31 23:59", tz="UTC"), "31 Dec 2026 23:59 UTC", "31 Dec 2026"),
        (pd.NaT, "–", "–"),
        (None, "–", "–"),
    ],
)
def test_times_read_in_the_zone_that_they_carry(moment, text, day):
    assert (numbers.when(moment), numbers.day(moment)) == (text, day)


def test_versions_and_counts_read_the_same_everywhere():
    assert [
        numbers.score(0.874),
        numbers.score(None),
        numbers.version_change("v2", "v3"),
        numbers.version_change(None, "v3"),
        numbers.version_change(2, 3),
        numbers.version_change(None, 3),
        numbers.version(3),
        numbers.version(None),
        numbers.versions([1, 2, 4]),
        numbers.versions(range(1, 13)),
        numbers.versions([]),
        numbers.prompt_change("persona", "v2", "v3"),
        numbers.prompt_change("persona", None, "v3"),
        numbers.count(1234),
        numbers.count(None),
        numbers.counted(1, "run"),
        numbers.counted(1234, "run"),
        numbers.counted(2, "category", "categories"),
        numbers.shortened("memory-informed", 9),
        numbers.shortened("tone", 9),
    ] == [
        "0.874", "–", "v2 → v3", "– → v3", "v2 → v3", "– → v3", "v3", "no version",
        "v1, v2, v4", "v3, v4, v5, v6, v7, v8, v9, v10, v11, v12 and 2 older", "none", "persona v2→v3",
        "persona v3", "1,234", "–", "1 run", "1,234 runs", "2 categories",
        "memory-i…", "tone",
    ]  # fmt: skip


def test_looks_and_numbers_load_without_pandas_and_altair():
    code = (
        "import sys, eval_pipeline.report.looks, eval_pipeline.report.numbers;"
        "sys.exit(bool({'pandas', 'altair', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
