"""What judging an output takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from eval_pipeline.core.datasets import Case
from eval_pipeline.core.jobs import PromptTemplate

LONGEST_QUOTE = 120


@dataclass(frozen=True, slots=True)
class Grade:
    """What an output is worth."""

    passed: bool
    score: float
    """0..1."""
    reason: str | None
    """Why an assertion did not hold, in words; `None` if all hold."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an assertion may look at beside the output."""

    case: Case
    turns: tuple[str, ...]
    """The user's turns, oldest first."""
    prompts: Mapping[str, PromptTemplate]
    """Each prompt's template, by its name in the registry."""


class Judge(Protocol):
    """Grades an output by a rubric; raises where it can't."""

    async def __call__(self, rubric: str, output: str, context: Context) -> Grade: ...


@dataclass(frozen=True, slots=True)
class Observed:
    """What was found about an output, before any `not-`."""

    held: bool
    words: str
    """The fact in words: `contains 'sorry'`, or `does not contain 'sorry'`."""
    score: float
    """0..1."""


def fact(held: bool, words: str, otherwise: str) -> Observed:
    """An observation that is either so or not: it scores 1 or 0."""
    return Observed(held, words if held else otherwise, float(held))


def quoted(text: str) -> str:
    """A text as it may stand in a reason."""
    return repr(text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…")
