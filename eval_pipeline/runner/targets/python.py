"""A function as a target: `module:function`."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from eval_pipeline.errors import UsageError
from eval_pipeline.runner.calls import Calls, NoAnswer
from eval_pipeline.runner.foreign import ForeignCode
from eval_pipeline.runner.functions import load_function
from eval_pipeline.runner.targets import Question

VARIABLES = "vars"
"""A function with a parameter of this name gets the variables of the case."""


class Function:
    """Calls a function with the prompts (name to template) and the user's turns; it may be async."""

    def __init__(self, name: str, role: str) -> None:
        """Import the function.

        Raises:
            UsageError: there is no such function.
        """
        self._name = name
        self._function = _load(name, role)
        self._is_async = inspect.iscoroutinefunction(self._function) or inspect.iscoroutinefunction(
            getattr(self._function, "__call__", None)  # noqa: B004  an object may have an async __call__
        )
        self._wants_variables = _has_parameter(self._function, VARIABLES)
        self._foreign = ForeignCode()

    @property
    def left_behind(self) -> bool:
        """Whether a call never returned."""
        return self._foreign.left_behind

    async def answer(self, question: Question, calls: Calls) -> str:
        """Call the function once.

        Raises:
            NoAnswer: it raised, or returned something else than text.
        """
        calls.count()
        further = {VARIABLES: dict(question.variables)} if self._wants_variables else {}

        def call() -> Any:
            return self._function(dict(question.prompts), list(question.turns), **further)

        answer = await self._foreign.run(call) if self._is_async else await self._foreign.call(call)
        if inspect.isawaitable(answer):
            answer = await self._foreign.run(_giving(answer))
        if not isinstance(answer, str):
            raise NoAnswer(f"no valid answer: {self._name} returned {type(answer).__name__} where text was due")
        return answer

    async def close(self) -> None:
        """Nothing is open."""


def _load(name: str, role: str) -> Callable[..., Any]:
    try:
        return load_function(name)
    except (Exception, SystemExit) as problem:  # a module is foreign code and may raise anything
        said = " ".join(f"{type(problem).__name__}: {problem}".split())
        raise UsageError(f"[{role}] function = {name!r} can't be used: {said}") from problem


def _has_parameter(function: Callable[..., Any], name: str) -> bool:
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):  # functions in C may have no signature
        return False


def _giving(answer: Awaitable[Any]) -> Callable[[], Awaitable[Any]]:
    return lambda: answer
