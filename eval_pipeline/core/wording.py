"""Words that rules and reports share."""

from __future__ import annotations

from collections.abc import Sequence


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few names, and how many more there are: `tone, routing and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(number: int, noun: str) -> str:
    """A whole number and what it counts: `1 case`, `1,200 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def sized(points: float, decimals: int = 1) -> str:
    """A size in percentage points, without needless decimals: `25 points`, `3.3 points`."""
    text = f"{points:.{decimals}f}"
    shown = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{shown} point{'' if shown == '1' else 's'}"


def p_value(value: float) -> str:
    """A p value to two figures, never rounded onto a limit that it does not lie on: `p = 0.023`, `p < 0.001`."""
    if value < 0.001:
        return "p < 0.001"
    texts = (f"{value:.{places}f}" for places in ((2, 3, 4, 5, 6) if value >= 0.01 else (3, 4, 5, 6)))
    limits = (0.05, 1.0)
    text = next((t for t in texts if all((float(t) <= each) == (value <= each) for each in limits)), f"{value:.6f}")
    return f"p = {text}"
