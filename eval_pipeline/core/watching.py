"""Which prompt versions are due to be evaluated by a watcher, and what it does about each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from eval_pipeline.core.models import CheckResult
from eval_pipeline.core.suite_runs import SuiteResult, SuiteRun, SuiteState, result_of

MOST_CRASHES = 3
"""Watchers that may die of one version before it is given up."""
_PLAIN = re.compile(r"\w[\w.-]{0,149}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WatchedPrompt:
    """A prompt of the registry."""

    name: str
    created_ms: int
    """When it was made (ms since 1970): a prompt that was deleted and made anew counts its versions from 1 again."""
    newest: int
    """Its newest version; 0 if it has none."""


@dataclass(frozen=True, slots=True)
class WatchedVersion:
    """One version of one prompt, never to be mixed up with that of another prompt that had the name before."""

    prompt: str
    created_ms: int
    """When the prompt was made (ms since 1970)."""
    version: int

    @property
    def key(self) -> str:
        """Its name in the ledger."""
        return f"{plain_name(self.prompt)}.{self.created_ms}.{self.version}"

    def __str__(self) -> str:
        return f"{self.prompt} v{self.version}"


def plain_name(prompt: str) -> str:
    """A prompt's name as part of a param's name, which may hold less and is shorter."""
    if _PLAIN.fullmatch(prompt):
        return prompt
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', prompt)[:80]} {hashlib.sha256(prompt.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who took it upon himself to run a version."""

    attempt: int
    owner: str
    """The process; see `actions.owner`."""
    at: datetime
    nonce: str
    left: bool = False
    """Whether he has left it cleanly, for the next one to go on."""


@dataclass(frozen=True, slots=True)
class VersionLog:
    """What the ledger says of one version."""

    claims: tuple[Claim, ...] = ()
    """First to last."""
    suite_id: str | None = None
    outcome: str | None = None
    """What came of it; `None` while it is not done."""

    @property
    def crashes(self) -> int:
        """Attempts that were not left cleanly, the newest included."""
        return sum(not claim.left for claim in self.claims)


@dataclass(frozen=True, slots=True)
class WatchState:
    """The ledger as of one reading."""

    known: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By `plain_name` of the prompt: its newest version when watching began, and when it was made (ms)."""
    logs: Mapping[str, VersionLog] = field(default_factory=dict)
    """By `key` of the version."""
    versions: Mapping[str, WatchedVersion] = field(default_factory=dict)
    """The versions that were claimed, by `key`."""

    def log(self, version: WatchedVersion) -> VersionLog:
        """What it says of a version; an empty log if nothing."""
        return self.logs.get(version.key, VersionLog())

    def is_new(self, version: WatchedVersion) -> bool:
        """Whether a version was registered after watching began."""
        known, created_ms = self.known.get(plain_name(version.prompt), (0, -1))
        return created_ms != version.created_ms or version.version > known

    def has_news(self, prompt: WatchedPrompt) -> bool:
        """Whether a prompt has versions that were registered after watching began."""
        return prompt.newest > 0 and self.is_new(WatchedVersion(prompt.name, prompt.created_ms, prompt.newest))

    @property
    def open_versions(self) -> list[WatchedVersion]:
        """The versions that were claimed and are not done."""
        return [version for key, version in self.versions.items() if self.logs[key].outcome is None]


class SuiteLook(StrEnum):
    """How the suite run of a version is found."""

    NONE = "none"
    """None is noted."""
    AT_WORK = "at work"
    LEFT = "left"
    """Nobody works on it, and it has not ended, was interrupted or broke off."""
    ENDED = "ended"
    DELETED = "deleted"


def look_at(suite: SuiteRun, *, at_work: bool) -> SuiteLook:
    """How a suite run is found; `at_work`: some process works on it now."""
    interrupted = suite.outcome is SuiteState.CANCELLED and suite.cancelled_by is None
    broke_off = suite.outcome is SuiteState.INCOMPLETE and suite.message != ""
    if suite.outcome is not None and not interrupted and not broke_off:
        return SuiteLook.ENDED
    return SuiteLook.AT_WORK if at_work else SuiteLook.LEFT


class Step(StrEnum):
    """What a watcher has to do about a version."""

    NOTHING = "nothing"
    """It is done."""
    WAIT = "wait"
    """Somebody else is at it."""
    CLAIM = "claim"
    """Nobody is at it: take the next attempt."""
    GO_ON = "go on"
    """It is this watcher's own, and not done."""
    SETTLE = "settle"
    """Its suite run has ended; only the ledger does not say so yet."""
    GIVE_UP = "give up"
    """Too many watchers died of it."""
    DROP = "drop"
    """There is nothing to run any more: the version or its suite run was deleted."""


def next_step(log: VersionLog, suite: SuiteLook, *, mine: bool, stopped: bool, there: bool = True) -> Step:
    """What to do about a new version.

    `mine`: the newest claim is this watcher's own. `stopped`: whoever has the newest claim has stopped. `there`: the
    registry still has the version.
    """
    if log.outcome is not None:
        return Step.NOTHING
    held = bool(log.claims) and not mine and not log.claims[-1].left and not stopped
    if held or suite is SuiteLook.AT_WORK:
        return Step.WAIT
    if suite is SuiteLook.ENDED:
        return Step.SETTLE
    if not there or suite is SuiteLook.DELETED:
        return Step.DROP
    if mine:
        return Step.GO_ON
    return Step.GIVE_UP if log.crashes >= MOST_CRASHES else Step.CLAIM


def next_attempt(log: VersionLog) -> int:
    """The number of the next attempt, from 1."""
    return log.claims[-1].attempt + 1 if log.claims else 1


@dataclass(frozen=True, slots=True)
class Watched:
    """A new version and what came of it."""

    version: WatchedVersion
    live: int | None
    """The live version that it was judged against; `None`: the runs before it."""
    result: SuiteResult


def result_of_suite(suite: SuiteRun) -> SuiteResult:
    """What a suite run that ended earlier came to; its comparison is in its own record."""
    state = suite.outcome or SuiteState.INCOMPLETE
    results = tuple(result_of(each) for each in suite.types)
    return SuiteResult(suite.suite, suite.id, state, results, CheckResult((), ()), suite.message or "it ended earlier")


def result_given_up(suite: str, suite_id: str | None, crashes: int) -> SuiteResult:
    """What is said of a version that no watcher survives."""
    message = f"given up: {crashes} watchers stopped while they ran it"
    return SuiteResult(suite, suite_id or "", SuiteState.INCOMPLETE, (), CheckResult((), ()), message)


def outcome_of(result: SuiteResult) -> str:
    """The ledger's word for a result."""
    return f"{result.state.value}: {result.message}"[:500] if result.message else result.state.value
