"""Functions of the team's own that judge an output."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from eval_pipeline.core.datasets import PythonAssertion
from eval_pipeline.core.jobs import PromptTemplate
from eval_pipeline.runner.calls import NoAnswer
from eval_pipeline.runner.foreign import ForeignCode
from eval_pipeline.runner.functions import load_function
from eval_pipeline.runner.grading import Context, Observed

Function = Callable[[str, "FunctionContext"], Any]
EXPECTED = 'true or false, a number from 0 to 1, or {"pass": true, "score": 0.9, "reason": "why"} is due'


class FunctionContext(TypedDict):
    """What a function gets beside the output."""

    case_id: str
    turns: list[str]
    """The user's turns, oldest first."""
    expected: str | None
    tags: list[str]
    vars: dict[str, str]
    prompts: dict[str, PromptTemplate]
    """Each prompt's template, by its name in the registry."""


class PythonFunctions:
    """Loads functions once and calls them away from our event loop: they may block, raise anything or never return."""

    def __init__(self) -> None:
        self._loaded: dict[str, Function] = {}
        self._foreign = ForeignCode()

    @property
    def left_behind(self) -> bool:
        """Whether a call never returned."""
        return self._foreign.left_behind

    async def observe(self, output: str, assertion: PythonAssertion, context: Context) -> Observed:
        """What the function finds.

        Raises:
            NoAnswer: there is no such function, it raised, or it returned something that is no verdict.
        """
        name = assertion.value
        try:
            returned = await self._call(name, output, _shown(context))
        except NoAnswer as problem:
            raise NoAnswer(f"{assertion.type} {name}: {' '.join(str(problem).split())}") from None
        return read_verdict(returned, assertion)

    async def _call(self, name: str, output: str, context: FunctionContext) -> Any:
        if name not in self._loaded:
            self._loaded[name] = await self._foreign.call(lambda: load_function(name))
        function = self._loaded[name]
        if inspect.iscoroutinefunction(function):
            return await self._foreign.run(lambda: function(output, context))
        returned = await self._foreign.call(lambda: function(output, context))
        return await self._foreign.run(lambda: returned) if inspect.isawaitable(returned) else returned


def read_verdict(returned: object, assertion: PythonAssertion) -> Observed:
    """What a function said.

    Raises:
        NoAnswer: it is no verdict.
    """
    name, threshold = assertion.value, assertion.threshold
    reason: object = None
    passed: object
    match returned:
        case bool():
            passed, score = returned, float(returned)
        case int() | float():
            score = _as_score(returned, default=0.0)
            passed = score > 0 if threshold is None else score >= threshold
        case Mapping():
            passed, reason = returned.get("pass"), returned.get("reason")
            score = _as_score(returned.get("score"), default=float(passed is True))
            if passed is True and threshold is not None:
                passed = score >= threshold
        case _:
            passed, score = None, 0.0
    if not isinstance(passed, bool) or math.isnan(score) or not isinstance(reason, str | None):
        raise NoAnswer(f"{assertion.type} {name}: returned {_short(returned)}, where {EXPECTED}")
    said = reason or f"says {'yes' if passed else 'no'}, score {score:.3g}"
    return Observed(passed, f"{name}: {said}", score)


def _as_score(score: object, default: float) -> float:
    """A number from 0 to 1; no score at all is the default, and everything else is not a number."""
    if score is None:
        return default
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        return math.nan
    return float(score)


def _short(value: object) -> str:
    said = f"{type(value).__name__} {value!r}"
    return " ".join((said if len(said) <= 100 else said[:99] + "…").split())


def _shown(context: Context) -> FunctionContext:
    case = context.case
    return {
        "case_id": case.id,
        "turns": list(context.turns),
        "expected": case.expected,
        "tags": list(case.tags),
        "vars": dict(case.vars),
        "prompts": dict(context.prompts),
    }
