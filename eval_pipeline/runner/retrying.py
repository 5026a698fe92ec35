"""Trying a call again: the only place where that is done."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_any,
    wait_exponential_jitter,
    wait_random,
)
from tenacity.stop import stop_base

from eval_pipeline.runner.calls import Calls, NoAnswer

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
STAGGER_S = 0.05
"""How far apart the cases go on after a pause, so that they do not all come at once."""


class PassingFailure(Exception):  # noqa: N818  what failed may well work in a moment
    """A call failed in a way that may pass."""

    def __init__(self, message: str, *, limited: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.limited = limited
        """The endpoint asks for fewer calls, so the other cases should wait as well."""
        self.retry_after_s = retry_after_s
        """How long the endpoint asks to wait."""


class Retrying:
    """Tries calls to one endpoint again, and holds all of them back while the endpoint asks for fewer."""

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._paused_until = -math.inf
        self._waiting = 0
        self._backoff = wait_exponential_jitter(FIRST_WAIT_S, LONGEST_WAIT_S, jitter=FIRST_WAIT_S)
        self._jitter = wait_random(0, STAGGER_S)

    async def run(self, attempt: Callable[[], Awaitable[T]], calls: Calls) -> T:
        """Make a call, and make it again after a `PassingFailure`, as often and as long as its case may.

        Raises:
            NoAnswer: it failed for good, or waiting longer would pass the deadline of the case, or the cap is reached.
        """

        async def once() -> T:
            await self._wait_for_the_pause(calls)
            calls.count()
            return await attempt()

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PassingFailure),
            wait=self._wait,
            stop=stop_any(stop_after_attempt(self._retries + 1), _StopBeforeDeadline(calls)),
            sleep=asyncio.sleep,
            retry_error_callback=lambda state: self._give_up(state, calls),
        )
        return await retrying(once)

    def _wait(self, state: RetryCallState) -> float:
        """How long to wait before the next attempt, in seconds; the other cases too, if the endpoint asks for it."""
        problem = _problem(state)
        seconds = self._backoff(state)
        if problem.retry_after_s is not None:
            seconds = problem.retry_after_s + self._jitter(state)
        if problem.limited:
            self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)
        return seconds

    def _give_up(self, state: RetryCallState, calls: Calls) -> NoReturn:
        problem = _problem(state)
        if state.attempt_number > self._retries:
            tries = f" ({state.attempt_number} attempts)" if state.attempt_number > 1 else ""
            raise NoAnswer(f"{problem}{tries}") from problem
        wait = f"{state.upcoming_sleep:.1f} s"
        raise NoAnswer(f"{problem} (no time to wait {wait} and try again within {calls.seconds:g} s)") from problem

    async def _wait_for_the_pause(self, calls: Calls) -> None:
        now = asyncio.get_running_loop().time
        while (seconds := self._paused_until - now()) > 0:
            if seconds >= calls.time_left:
                limit = f"within {calls.seconds:g} s"
                raise NoAnswer(f"not run: the endpoint limits the rate, no time to wait {seconds:.1f} s {limit}")
            self._waiting += 1
            try:
                await asyncio.sleep(seconds + self._waiting * STAGGER_S)
            finally:
                self._waiting -= 1


class _StopBeforeDeadline(stop_base):
    """Stop where the next attempt would come after the deadline of the case."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __call__(self, retry_state: RetryCallState) -> bool:
        return retry_state.upcoming_sleep >= self._calls.time_left


def read_retry_after(value: str | None) -> float | None:
    """The seconds that a `Retry-After` header asks to wait, as a number or a date; `None` if it says nothing usable."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = max(0.0, (aware - datetime.now(UTC)).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _problem(state: RetryCallState) -> PassingFailure:
    problem = state.outcome.exception() if state.outcome else None
    if not isinstance(problem, PassingFailure):  # pragma: no cover - tenacity asks for nothing else to be retried
        raise TypeError(f"not to be retried: {problem!r}")
    return problem
