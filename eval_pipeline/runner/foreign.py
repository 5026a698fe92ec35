"""Running functions that we know nothing about: they may raise anything, block, or never return."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

from eval_pipeline.runner.calls import NoAnswer

T = TypeVar("T")

MOST_LEFT_BEHIND = 100
"""Threads that may be stuck in foreign code; a thread can't be ended from outside."""
SIGN_OF_LIFE_S = 0.2


class ForeignCode:
    """Calls functions away from our event loop. An exception becomes a `NoAnswer` that names it."""

    def __init__(self) -> None:
        self._left: list[threading.Thread] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread: threading.Thread | None = None
        self._doubtful = False
        self._told: set[str] = set()

    @property
    def left_behind(self) -> bool:
        """Whether a call that nobody waits for any more is still at work."""
        self._left = [thread for thread in self._left if thread.is_alive()]
        return bool(self._left) or self._doubtful

    async def call(self, function: Callable[[], T]) -> T:
        """Call a function in a thread of its own. Cancelled, it leaves the thread behind.

        Raises:
            NoAnswer: the function raised, or too many earlier calls never returned.
        """
        self._refuse_if_too_many_are_left()
        outcome: Future[T] = Future()
        outcome.set_running_or_notify_cancel()
        thread = threading.Thread(target=self._fulfil, args=(outcome, function), daemon=True)
        thread.start()
        try:
            return await asyncio.wrap_future(outcome)
        except asyncio.CancelledError:
            self._left.append(thread)
            raise

    async def run(self, function: Callable[[], Awaitable[T]]) -> T:
        """Await an async function, in an event loop that all such calls share. Cancelled, it cancels the function.

        Raises:
            NoAnswer: the function raised, or too many earlier calls never gave way.
        """
        loop = await self._living_loop()
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._guard(function), loop))
        except asyncio.CancelledError:
            self._doubtful = True
            raise

    async def _living_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of async functions: another one, if one of them blocks it."""
        loop = self._loop
        if loop is not None and self._doubtful and not await _gives_way(loop) and loop is self._loop:
            self._left += [self._loop_thread] if self._loop_thread else []
            self._loop = None
        self._doubtful = False
        if self._loop is None:
            self._refuse_if_too_many_are_left()
            self._loop = asyncio.new_event_loop()
            self._loop_thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._loop_thread.start()
        return self._loop

    def _refuse_if_too_many_are_left(self) -> None:
        if self.left_behind and len(self._left) >= MOST_LEFT_BEHIND:
            raise NoAnswer(f"not run: {len(self._left)} earlier calls never returned, and are still at work")

    def _fulfil(self, outcome: Future[T], function: Callable[[], T]) -> None:
        try:
            outcome.set_result(function())
        except BaseException as problem:  # noqa: BLE001  whatever it raises, even SystemExit, is this call's outcome
            outcome.set_exception(self._described(problem))

    async def _guard(self, function: Callable[[], Awaitable[T]]) -> T:
        task = asyncio.current_task()
        try:
            return await function()
        except BaseException as problem:
            if isinstance(problem, asyncio.CancelledError) and task and task.cancelling():
                raise
            raise self._described(problem) from None

    def _described(self, problem: BaseException) -> NoAnswer:
        text = f"{type(problem).__name__}: {problem}"
        if text not in self._told:
            self._told.add(text)
            traceback.print_exception(problem, file=sys.stderr)
        return NoAnswer(text)


async def _gives_way(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop in another thread still gets round to things."""
    sign: Future[None] = Future()
    loop.call_soon_threadsafe(sign.set_result, None)
    await asyncio.wait([asyncio.wrap_future(sign)], timeout=SIGN_OF_LIFE_S)
    return sign.done()
