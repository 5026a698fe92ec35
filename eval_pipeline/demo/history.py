"""The story of the demo, as data: which prompts were evaluated when, and what went wrong.

The texts of the prompts are in `prompts/<name>/v<n>.md`. Pass rates are not written anywhere: they come from running
the evaluator on these states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

BASE_EXPERIMENT = "my-assistant-eval"
BASE_EVAL_TYPE = "quality"
PRODUCTION, CANDIDATE = "production", "experiment"

COMMIT_MESSAGES: Mapping[str, tuple[str, ...]] = {
    "orchestrator": (
        "First routes, forecasts and tool failures",
        "More words per route; umbrella advice for storms; rate limits",
        "First mention decides; split at then, also, plus; units; ask for the place; ask before paying twice",
    ),
    "persona": (
        "First version of Ada",
        "Security review: recovery codes, private keys, developer mode; shorter when in a hurry",
        "Greet by the time of day, say goodbye, explain to new users",
        "Rewrite as a good friend: chattier, more greetings, new users may skip the questions",
    ),
    "memory": (
        "First facts and relations",
        "More facts; the newest one holds; companies",
        "Cost saving: look back over 8 messages only; three steps",
        "Look back over 16 messages again; summaries; both directions",
    ),
    "scheduler": (
        "Cron, notifications, quiet hours",
        "Weekends, evenings, intervals",
        "Fix the time of evening; several days; offers",
        "Days of the month; ask for a missing time; more offers",
    ),
}
"""What each version changed, from version 1 on."""

ALIASES: Mapping[str, Mapping[str, int]] = {
    PRODUCTION: {"orchestrator": 3, "persona": 3, "memory": 4, "scheduler": 3},
    CANDIDATE: {"persona": 4, "scheduler": 4},
}


@dataclass(frozen=True, slots=True)
class Round:
    """One evaluation of all the eval types that there were, against one state of the prompts."""

    ago: timedelta
    """How long before now it began."""
    orchestrator: int
    persona: int
    memory: int
    scheduler: int
    killed: str | None = None
    """The eval type whose evaluator was killed before its first result."""

    @property
    def versions(self) -> dict[str, int]:
        """The version of each prompt."""
        return {name: getattr(self, name) for name in COMMIT_MESSAGES}


def _ago(days: int, hours: float) -> timedelta:
    return timedelta(days=days, hours=hours)


ROUNDS = (
    Round(_ago(118, 3), 1, 1, 1, 1),
    Round(_ago(104, 7.5), 1, 2, 1, 1),
    Round(_ago(90, 1), 2, 2, 1, 1),
    Round(_ago(83, 14), 2, 2, 1, 1),
    Round(_ago(69, 5), 2, 2, 2, 1),
    # "evening" is no time that the assistant can read in scheduler v2: a partial run
    Round(_ago(55, 9), 2, 2, 2, 2),
    # two prompts changed at once, and the type `proactive` begins
    Round(_ago(48, 4.5), 3, 2, 2, 3),
    # memory v3 looks back too short: `long-conversation` regresses, and nothing else
    Round(_ago(36, 2), 3, 2, 3, 3),
    Round(_ago(34, 11), 3, 2, 4, 3),
    Round(_ago(20, 6), 3, 3, 4, 3),
    Round(_ago(13, 21), 3, 3, 4, 3, killed="graph-extraction"),
    # the candidate scheduler v4: nothing is below its threshold
    Round(_ago(3, 8), 3, 3, 4, 4),
    # the candidate persona v4, beside the scheduler in production: `security` blocks it
    Round(_ago(0, 5), 3, 4, 4, 3),
)
"""Oldest first."""

FIRST_ROUND: Mapping[str, int] = {"proactive": 6}
"""Eval types that were not there from the first round on: the index of their first one."""
