"""What is evaluated, or judges: something that answers a user under given prompts. One file a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from eval_pipeline.core import jobs
from eval_pipeline.core.jobs import PromptTemplate
from eval_pipeline.errors import UsageError
from eval_pipeline.runner.calls import Calls

DEMO = "eval_pipeline.demo.assistant:answer"
"""The sample assistant; found by name, as the evaluator knows nothing of the demo."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is put to a target."""

    prompts: Mapping[str, PromptTemplate]
    """Each prompt's template, by its name in the registry."""
    turns: tuple[str, ...]
    """The user's turns, oldest first; never empty."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The values for `{{name}}` in the templates."""
    case_id: str | None = None


class Target(Protocol):
    """Something that answers."""

    @property
    def left_behind(self) -> bool:
        """Whether a call is still at work that nobody waits for any more, and that can't be ended."""

    async def answer(self, question: Question, calls: Calls) -> str:
        """Answer the last of the user's turns; `calls` counts each call that this takes before it is made.

        Cancelled, it ends what it began.

        Raises:
            NoAnswer: there is none; the message says why.
        """

    async def close(self) -> None:
        """Let go of connections."""


def open_target(settings: jobs.Target, limits: jobs.Limits, role: str) -> Target:
    """The target that the settings table named `role` (`target` or `judge`) describes.

    Raises:
        UsageError: the table lacks something, or there is no such function, program or address.
    """
    if settings.missing:
        keys = " and ".join(settings.missing)
        raise UsageError(f'[{role}] kind = "{settings.kind}" needs {keys}: set them in the table [{role}]')
    match settings.kind:
        case None:
            raise UsageError(f"nothing says what the {role} is: set [{role}] kind to {_either(jobs.NEEDED)}")
        case "openai":
            from eval_pipeline.runner.targets.openai import Endpoint

            return Endpoint(settings, limits, role)
        case "python" | "demo":
            from eval_pipeline.runner.targets.python import Function

            return Function(DEMO if settings.kind == "demo" else str(settings.function), role)
        case "command":
            from eval_pipeline.runner.targets.command import Command

            return Command(str(settings.command), role)
        case _:
            assert_never(settings.kind)


def _either(words: Mapping[str, object]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}"
