"""The time, as actions take it: tests give them another one. And the zone in which people read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzlocal

from eval_pipeline.errors import SettingsError
from eval_pipeline.report.zones import Zone
from eval_pipeline.settings import LOCAL_ZONE, Settings

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


def reading_zone(settings: Settings) -> Zone:
    """The zone in which whoever sits at this machine reads times.

    Raises:
        SettingsError: it is to be the machine's own, which has none that can be named.
    """
    if settings.time_zone != LOCAL_ZONE:
        return Zone(settings.time_zone)
    try:
        return Zone(ZoneInfo(tzlocal.get_localzone_name() or "").key)
    except (ZoneInfoNotFoundError, ValueError) as problem:  # it contradicts itself, or names none
        raise SettingsError(
            f"time_zone is {LOCAL_ZONE}, and this machine does not say its zone: set $TZ, or a name as in Europe/Berlin"
        ) from problem
