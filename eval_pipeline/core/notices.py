"""What a team can be told of."""

from __future__ import annotations

from enum import StrEnum


class Event(StrEnum):
    """What happened."""

    REGRESSION = "regression"
    """A suite run, or a check that was asked to tell, found eval types that regressed."""
    REQUEST = "request"
    """Somebody asks others to approve a promotion to a protected alias."""
    PROMOTION = "promotion"
    ROLLBACK = "rollback"
    DRIFT = "drift"
    """The audit log and the aliases do not agree: somebody moved one outside the tool, or touched the log."""
