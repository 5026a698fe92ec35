"""One place that says how a state looks: a word, an icon, a glyph and a shape as well as a colour, never colour alone.

Every colour has a contrast of 3:1 or more on both page backgrounds, so charts need not know whether they are drawn on
light or on dark. States that mean different things keep apart under deuteranopia, protanopia and tritanopia; those that
share a colour (`REGRESSION` and `BELOW`, the grey ones that are no evidence) differ in shape, glyph and word.
"""

from __future__ import annotations

from dataclasses import dataclass

# Vega's own "cross" is a plus sign; these paths are a real X, and a ring with and without a slash.
_X = "M-1,-.55L-.55,-1L0,-.45L.55,-1L1,-.55L.45,0L1,.55L.55,1L0,.45L-.55,1L-1,.55L-.45,0Z"
_RING = "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0Z"
_SLASHED_RING = _RING + "M-.7,.7L.7,-.7"

_GREEN, _BLUE, _AMBER, _RED, _GREY = "#1f9e78", "#1f6feb", "#bc8a0a", "#c2410c", "#6b7b93"


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is shown."""

    word: str
    icon: str
    """Material symbol, as Streamlit writes it."""
    glyph: str
    """The same as plain text, for tables, charts and terminals."""
    badge: str
    """Streamlit palette name, which follows the theme."""
    shape: str
    """Vega point shape, or an SVG path within -1..1."""
    color: str
    """For marks in charts, on light and dark alike."""
    filled: bool = True
    """Whether the shape is drawn filled; what is no evidence is hollow."""


LOOKS: dict[str, Look] = {
    "PASS": Look("Pass", ":material/check_circle:", "✓", "green", "circle", _GREEN),
    "IMPROVED": Look("Improved", ":material/trending_up:", "▲", "blue", "triangle-up", _BLUE),
    "WARNING": Look("Warning", ":material/warning:", "!", "orange", "diamond", _AMBER),
    "REGRESSION": Look("Regression", ":material/trending_down:", "✕", "red", _X, _RED),
    "BELOW": Look("Below threshold", ":material/error:", "▼", "red", "triangle-down", _RED),
    "FIRST": Look("First run", ":material/flag:", "►", "green", "triangle-right", _GREEN),
    "PARTIAL": Look("Partial run", ":material/hourglass_disabled:", "□", "gray", "square", _GREY, filled=False),
    "ERROR": Look("Error", ":material/block:", "⊘", "gray", _SLASHED_RING, _GREY, filled=False),
    "RUNNING": Look("Running", ":material/pending:", "○", "gray", _RING, _GREY, filled=False),
    "NO_DATA": Look("No data", ":material/remove:", "–", "gray", "stroke", _GREY, filled=False),
}
"""Verdicts, then what a run without a verdict is, then a type without runs."""

GATE: dict[str, Look] = {
    "PASS": LOOKS["PASS"],
    "FAIL": Look("Below threshold", ":material/error:", "✕", "red", _X, _RED),
    "STALE": Look("Not evaluated", ":material/history_toggle_off:", "◷", "orange", "diamond", _AMBER),
    "NO_DATA": LOOKS["NO_DATA"],
}
"""What a check at the gate says."""

SUITE_TYPES: dict[str, Look] = {
    "waiting": Look("Waiting", ":material/schedule:", "·", "gray", "circle", _GREY, filled=False),
    "running": Look("Running", ":material/progress_activity:", "○", "blue", _RING, _BLUE, filled=False),
    "PASS": LOOKS["PASS"],
    "FAIL": GATE["FAIL"],
    "partial": LOOKS["PARTIAL"],
    "error": LOOKS["ERROR"],
}
"""How far an eval type of a suite run is."""

NOT_RUN = Look("Not run", ":material/remove:", "–", "gray", "stroke", _GREY, filled=False)
"""An eval type that was still to come, or not done, when its suite run ended."""

SUITES: dict[str, Look] = {
    "starting": Look("Starting", ":material/hourglass_top:", "·", "gray", "circle", _GREY, filled=False),
    "running": SUITE_TYPES["running"],
    "lost": Look("Lost", ":material/signal_disconnected:", "?", "orange", "diamond", _AMBER),
    "passed": Look("Passed", ":material/check_circle:", "✓", "green", "circle", _GREEN),
    "failed": Look("Failed", ":material/error:", "✕", "red", _X, _RED),
    "incomplete": Look("Incomplete", ":material/hourglass_disabled:", "□", "gray", "square", _GREY, filled=False),
    "cancelled": Look("Cancelled", ":material/cancel:", "⊘", "gray", _SLASHED_RING, _GREY, filled=False),
}
"""What became of a suite run."""

CASES: dict[str, Look] = {
    "broken": Look("Broken", ":material/close:", "✕", "red", _X, _RED),
    "still-failing": Look("Still failing", ":material/error:", "▼", "orange", "diamond", _AMBER),
    "errored": Look("Errored", ":material/block:", "⊘", "gray", _SLASHED_RING, _GREY, filled=False),
    "fixed": Look("Fixed", ":material/build_circle:", "▲", "blue", "triangle-up", _BLUE),
    "still-passing": Look("Still passing", ":material/check_circle:", "✓", "green", "circle", _GREEN),
    "only-in-one": Look("Only in one", ":material/difference:", "◇", "gray", "square", _GREY, filled=False),
}
"""What became of a case between two runs."""

RECORDS: dict[str, Look] = {
    "FINISHED": Look("Done", ":material/check_circle:", "✓", "green", "circle", _GREEN),
    "FAILED": Look("Never happened", ":material/cancel:", "✕", "gray", _X, _GREY),
    "RUNNING": Look("In progress", ":material/pending:", "○", "orange", _RING, _AMBER, filled=False),
}
"""What became of an audit record."""

LOUD = ("REGRESSION", "WARNING", "BELOW")
"""What an analyst must not miss: drawn large on charts."""
NOT_EVIDENCE = ("PARTIAL", "ERROR", "RUNNING")
"""Runs that are not complete: drawn hollow, and never joined by a line."""


@dataclass(frozen=True, slots=True)
class EventLook:
    """How one kind of prompt event is shown."""

    word: str
    icon: str
    glyph: str
    badge: str
    color: str
    """For rules in charts, on light and dark alike."""
    ink_light: str
    """For text on a light background, contrast 4.5:1 or more."""
    ink_dark: str
    """For text on a dark background, contrast 4.5:1 or more."""

    def ink(self, dark: bool) -> str:
        """The colour of text about this kind of event."""
        return self.ink_dark if dark else self.ink_light


EVENTS: dict[str, EventLook] = {
    "change": EventLook("Prompt change", ":material/edit_note:", "●", "gray", _GREY, "#4f5d6e", "#a9b4c2"),
    "promote": EventLook("Promotion", ":material/rocket_launch:", "▲", "blue", _BLUE, "#1558c0", "#6cb6f5"),
    "rollback": EventLook("Rollback", ":material/undo:", "↩", "violet", "#a855c7", "#8a3fb0", "#d3a0ec"),
}

THRESHOLD_COLOR = _RED
"""Rules that show a threshold."""


def threshold_ink(dark: bool) -> str:
    """The colour of text about a threshold."""
    return "#ff8a5c" if dark else "#b33a08"


def label(state: str) -> str:
    """A state as plain text, as in `✕ Regression`."""
    look = LOOKS[state]
    return f"{look.glyph} {look.word}"


def badge(state: str) -> str:
    """A state as Streamlit markdown, as in `:red-badge[:material/trending_down: Regression]`."""
    look = LOOKS[state]
    return f":{look.badge}-badge[{look.icon} {look.word}]"
