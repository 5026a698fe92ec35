"""What reading a file's text gives, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eval_pipeline.core.datasets.part import Place

FindLine = Callable[[Place], int]
"""The line (from 1) of a place; of a place that is not written, that of what should hold it."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where the text is not what its format allows."""

    line: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """The values in a text."""

    data: Any
    find_line: FindLine
    flaws: tuple[Flaw, ...] = ()
    """What can't be read; the values are the rest."""
    by_line: bool = False
    """Each case is a line, so a place is named within its case."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text without any values to go on with."""

    flaws: tuple[Flaw, ...]


def nearest(lines: dict[Place, int], place: Place) -> int:
    """The line of a place, or of the nearest that holds it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)
