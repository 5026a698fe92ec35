"""Times in the zone of whoever reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.report.zones import IN_UTC, Zone

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
NAMES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu"])
MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "when", "heading"),
    [
        ("UTC", "01 Jul 2026 12:00 UTC", "At (UTC)"),
        ("Europe/Berlin", "01 Jul 2026 14:00 CEST", "At (Berlin)"),
        ("America/New_York", "01 Jul 2026 08:00 EDT", "At (New York)"),
        ("America/Argentina/Buenos_Aires", "01 Jul 2026 09:00 UTC-03", "At (Buenos Aires)"),
        ("Asia/Kathmandu", "01 Jul 2026 17:45 UTC+0545", "At (Kathmandu)"),
        ("Pacific/Kiritimati", "02 Jul 2026 02:00 UTC+14", "At (Kiritimati)"),
    ],
)
def test_a_time_reads_as_clocks_there_show_it_and_names_the_zone(name, when, heading):
    zone = Zone(name)
    assert (zone.when(NOON), zone.heading("At")) == (when, heading)
    assert when.startswith(zone.cell(NOON))
    assert zone.when(pd.Timestamp(NOON)) == when
    assert zone.day(NOON) == when[:11]


def test_summer_and_winter_time_of_one_zone_are_told_apart():
    berlin = Zone("Europe/Berlin")
    assert [berlin.when(datetime(2026, 10, 25, hour, 30, tzinfo=UTC)) for hour in (0, 1)] == [
        "25 Oct 2026 02:30 CEST",
        "25 Oct 2026 02:30 CET",
    ]
    assert berlin.clock(datetime(2026, 1, 1, 23, 59, 58, tzinfo=UTC)) == "00:59:58 CET"


def test_a_missing_time_stays_missing():
    for nothing in (None, pd.NaT):
        assert (IN_UTC.of(nothing), IN_UTC.naive(nothing)) == (None, None)
        assert (IN_UTC.when(nothing), IN_UTC.day(nothing), IN_UTC.cell(nothing)) == ("–", "–", "–")


@given(MOMENTS, NAMES)
def test_a_zone_changes_how_a_time_reads_and_never_which_it_is(moment, name):
    zone = Zone(name)
    assert zone.of(moment) == moment
    column = zone.of_column(pd.Series([moment]).astype("datetime64[ms, UTC]"))
    assert column.iloc[0].to_pydatetime() == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert str(column.dtype) == f"datetime64[ms, {name}]"
    assert zone.naive(moment) == moment.astimezone(ZoneInfo(name)).replace(tzinfo=None)


@given(st.dates(date(2000, 1, 1), date(2037, 12, 31)), NAMES)
def test_a_day_begins_with_its_first_moment(day, name):
    zone = Zone(name)
    first = zone.begin(day)
    shown = zone.naive(first)
    assert shown.date() in (day, day + timedelta(days=1))  # Apia left out a whole day
    assert zone.naive(first - timedelta(minutes=1)).date() < day + timedelta(days=1)
