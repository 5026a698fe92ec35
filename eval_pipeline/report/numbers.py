"""Every number, rate, change and date that people read is written here, once. What is missing reads `–`.

Rounding never hides a verdict: a value that rounds onto a limit it does not lie on is written with more decimals, so
79.97% under a threshold of 80% does not read `80.0%`, and a run with one failure in 5,000 does not read `100.0%`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from eval_pipeline.core.evidence import Significance
from eval_pipeline.core.regression import WARNING_DROP_PP, percentage_points
from eval_pipeline.core.wording import p_value

MISSING = "–"
MOST_VERSIONS = 10
"""So many versions of a prompt are listed."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_DECIMALS = 9
"""Two rates that the rules tell apart differ in percent at this decimal at the latest."""


def rate(value: float | None, decimals: int = 1) -> str:
    """A rate 0..1 as percent: `85.0%`. Reads `100.0%` and `0.0%` only if it is exactly that."""
    return _percent(value, decimals, lambda shown, exact: _sides(shown, 0, 100) == _sides(exact, 0, 100))


def rate_short(value: float | None) -> str:
    """A rate 0..1 as whole percent: `85%`; with decimals only where `100%` or `0%` would be untrue."""
    return rate(value, decimals=0)


def rate_against(value: float | None, limit: float, decimals: int = 1) -> str:
    """A rate 0..1 beside the threshold (0..1) it is judged by: reads lower than `threshold(limit)` only if it is."""
    if value is None:
        return MISSING
    below, percent = percentage_points(value, limit) < 0, round(limit * 100, _MOST_DECIMALS)
    return _percent(
        value,
        decimals,
        lambda shown, exact: (shown < percent) == below and _sides(shown, 0, 100) == _sides(exact, 0, 100),
    )


def threshold(value: float | None) -> str:
    """A threshold 0..1 as exact percent without needless decimals: `80%`, `97.5%`."""
    if value is None or value != value:
        return MISSING
    return f"{round(value * 100, _MOST_DECIMALS):.{_MOST_DECIMALS}f}".rstrip("0").rstrip(".") + "%"


def points(value: float | None) -> str:
    """A change or margin in percentage points, with its sign and no unit: `-10.0`, `+2.5`, `0.0`.

    Zero and the drop that is a warning are read only if the value is exactly that: -9.96 is `-9.96`, not `-10.0`.
    """
    if value is None or value != value:
        return MISSING
    limits = (0.0, -WARNING_DROP_PP)
    text = _decimals(value, 1, lambda shown, exact: _sides(shown, *limits) == _sides(exact, *limits))
    return f"+{text}" if value > 0 else text


def delta_pp(value: float | None) -> str:
    """A change or margin in percentage points: `-10.0 pp`, `+2.5 pp`, `0.0 pp`."""
    text = points(value)
    return text if text == MISSING else f"{text} pp"


def when(moment: datetime | None) -> str:
    """A time to the minute, in the zone that it carries: `02 Nov 2026 14:03 UTC`. One without a zone is in UTC.

    Whatever carries another zone than its reader's goes through `zones.Zone` first.
    """
    text = minute(moment)
    return text if moment is None or text == MISSING else f"{text} {zone_of(moment)}"


def minute(moment: datetime | None) -> str:
    """The same without its zone: `02 Nov 2026 14:03`."""
    text = day(moment)
    return text if moment is None or text == MISSING else f"{text} {moment:%H:%M}"


def day(moment: date | None) -> str:
    """A day, or that of a time in the zone that it carries: `02 Nov 2026`."""
    if moment is None or moment != moment:  # pandas' missing time is not equal to itself
        return MISSING
    return f"{moment.day:02} {_MONTHS[moment.month - 1]} {moment.year}"


def zone_of(moment: datetime) -> str:
    """The zone that a time carries, as people there write it, or else its distance from UTC: `CEST`, `UTC+03`."""
    name = moment.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago a time was, in its largest fitting unit: `12 min`, `5 h`, `13 days`. A future time reads `0 min`."""
    utc = _utc(moment)
    if utc is None:
        return MISSING
    minutes = max(0, int((now - utc).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < 48 else counted(hours // 24, "day")


def version(number: int | None) -> str:
    """What an alias points to, in a sentence: `v3`; `no version` if there is none."""
    return "no version" if number is None else f"v{number}"


def versions(existing: Sequence[int]) -> str:
    """Versions, ascending, of many the newest: `v1, v2, v3`."""
    older = len(existing) - MOST_VERSIONS
    listed = ", ".join(f"v{number}" for number in existing[-MOST_VERSIONS:])
    return f"{listed} and {older} older" if older > 0 else listed or "none"


def version_change(before: int | str | None, after: int | str | None) -> str:
    """Two versions of a prompt, as numbers or as `v3`: `v2 → v3`."""
    said = (f"v{each}" if isinstance(each, int) else each or MISSING for each in (before, after))
    return " → ".join(said)


def prompt_change(prompt: str, before: str | None, after: str | None) -> str:
    """A prompt and its versions, tight enough for a label: `persona v2→v3`; the first one seen reads `persona v3`."""
    return f"{prompt} {before}→{after}" if before else f"{prompt} {after or MISSING}"


def count(value: int | None) -> str:
    """A whole number with thousands apart: `1,234`."""
    return MISSING if value is None else f"{value:,}"


def evidence(found: Significance | None) -> str:
    """Whether a difference is more than noise, in a few words: `significant p=0.004`, `within noise`, `no drop`."""
    if found is None:
        return MISSING
    if not found.significant and found.difference is not None and found.difference >= 0:
        return "no drop"
    p = p_value(found.p_adjusted).replace(" ", "") if found.significant and found.p_adjusted is not None else ""
    return f"{found.label.value} {p}".rstrip()


def chance(value: float) -> str:
    """A probability 0..1 as whole percent: `63%`; what is all but sure reads `>99%`, what is all but excluded `<1%`."""
    if 0.005 <= value < 0.995 or value in (0, 1):
        return f"{value * 100:.0f}%"
    return ">99%" if value > 0.5 else "<1%"


def score(value: float | None) -> str:
    """A score without a unit, to three decimals: `0.874`."""
    return MISSING if value is None else f"{value:.3f}"


def counted(value: int, noun: str, plural: str | None = None) -> str:
    """A whole number and what it counts: `1 run`, `1,234 runs`."""
    return f"{count(value)} {noun if value == 1 else plural or noun + 's'}"


def shortened(name: str, longest: int) -> str:
    """A name cut to at most `longest` characters, the last of them `…`."""
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"


def _percent(value: float | None, decimals: int, true: Callable[[float, float], bool]) -> str:
    if value is None or value != value:
        return MISSING
    return _decimals(value * 100, decimals, true) + "%"


def _decimals(value: float, fewest: int, true: Callable[[float, float], bool]) -> str:
    """The value with the fewest decimals for which what is shown is true of the exact value."""
    exact = round(float(value), _MOST_DECIMALS) + 0.0
    texts = (f"{exact:.{places}f}" for places in range(fewest, _MOST_DECIMALS))
    return next((text for text in texts if true(float(text), exact)), f"{exact:.{_MOST_DECIMALS}f}")


def _sides(value: float, *limits: float) -> list[int]:
    """Where a value lies of each limit: -1 below, 0 on it, 1 above."""
    return [(value > limit) - (value < limit) for limit in limits]


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None or moment != moment:  # pandas' missing time is not equal to itself
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
