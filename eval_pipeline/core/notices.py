"""What a team can be told of."""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """What happened."""

    REGRESSION = "regression"
    """A suite run, or a check that was asked to tell, found eval types that regressed."""
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    DRIFT = "drift"
    """The audit log and the aliases do not agree: somebody moved one outside the tool, or touched the log."""
