"""The time zone in which people read times. What programs read, such as JSON and CSV, stays in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from eval_pipeline.report import numbers

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone of the IANA database, and how times read in it. A time that names no zone itself is taken as UTC."""

    name: str = "UTC"

    @property
    def info(self) -> ZoneInfo:
        """What reckons in it."""
        return ZoneInfo(self.name)

    @property
    def place(self) -> str:
        """Its short name: `UTC`, `Berlin`."""
        return self.name.rpartition("/")[2].replace("_", " ")

    def of(self, moment: datetime | None) -> datetime | None:
        """The same time, carrying this zone; `None` for pandas' missing time, too."""
        if moment is None or moment != moment:  # pandas' missing time is not equal to itself
            return None
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return aware.astimezone(self.info)

    def of_column(self, times: pd.Series) -> pd.Series:
        """The same times, carrying this zone: datetime64[ms, `name`]."""
        converted: pd.Series = times.dt.tz_convert(self.info)
        return converted

    def naive(self, moment: datetime | None) -> datetime | None:
        """A time as a table takes it whose heading names the zone: as a clock there shows it."""
        there = self.of(moment)
        return there and there.replace(tzinfo=None)

    def begin(self, day: date) -> datetime:
        """The first moment of a day there, in UTC."""
        return datetime.combine(day, time(), self.info).astimezone(UTC)

    def when(self, moment: datetime | None) -> str:
        """A time to the minute: `02 Nov 2026 14:03 UTC`, `02 Nov 2026 15:03 CET`."""
        return numbers.when(self.of(moment))

    def day(self, moment: datetime | None) -> str:
        """The day on which a time is there: `02 Nov 2026`."""
        return numbers.day(self.of(moment))

    def cell(self, moment: datetime | None) -> str:
        """A time in a table whose heading names the zone: `02 Nov 2026 14:03`."""
        return numbers.minute(self.of(moment))

    def clock(self, moment: datetime) -> str:
        """The time of day to the second: `14:03:59 UTC`."""
        there = moment.astimezone(self.info)
        return f"{there:%H:%M:%S} {numbers.zone_of(there)}"

    def heading(self, title: str) -> str:
        """The heading of a column of times: `Started (UTC)`, `Started (Berlin)`."""
        return f"{title} ({self.place})"


IN_UTC = Zone()
