"""What an answer says of each eval type, free of how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What an eval type's row means for whoever reads it."""

    FINE = "fine"
    WARNING = "warning"
    BAD = "bad"
    """The answer is no because of it."""
    BROKEN = "broken"
    """It could not be judged: that is neither good nor bad."""
    SKIPPED = "skipped"
    """There is nothing to judge yet."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A case that failed, as far as a reader needs it to look further."""

    case_id: str
    input: str
    expected: str | None
    output: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One eval type."""

    name: str
    outcome: Outcome
    word: str
    """The verdict or status as the rules name it, as in `REGRESSION`."""
    cells: tuple[str, ...] = ()
    """One for each of the outline's columns."""
    why: str | None = None
    failing: tuple[Failing, ...] = ()
    more_failing: int = 0
    """How many more cases failed than are named."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An answer: whether it is good, and its rows, worst first."""

    title: str
    fine: bool
    sentence: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
