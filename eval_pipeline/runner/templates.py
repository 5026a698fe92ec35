"""From prompt templates and a case to the messages that open a chat."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eval_pipeline.core.jobs import Message, PromptTemplate
from eval_pipeline.runner.calls import NoAnswer

INPUT = "input"
"""`{{input}}` stands for the user's turn."""
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")

Named = tuple[str, PromptTemplate]
"""A prompt's name in the registry, and its template."""


def open_chat(templates: Sequence[Named], variables: Mapping[str, str], turn: str) -> list[Message]:
    """The messages up to and including the user's first turn, from named templates in their order.

    Texts become the system message, joined by a blank line; a chat template's messages follow as they are. Where a
    template says `{{input}}`, the turn stands there, a text that says it is the user's message instead of the
    system's, and no further message is added.

    Raises:
        NoAnswer: a template names a variable that the case gives no value.
    """
    values = {**variables, INPUT: turn}
    system: list[str] = []
    user: list[str] = []
    chat: list[Message] = []
    for name, template in templates:
        if isinstance(template, str):
            (user if _asks_input(template) else system).append(fill(template, values, name))
        else:
            chat += [_fill_all(message, values, name) for message in template]
    if not user and not any(_asks_input(template) for _, template in templates):
        user.append(turn)
    return [*_message("system", system), *chat, *_message("user", user)]


def _message(role: str, texts: Sequence[str]) -> list[Message]:
    return [{"role": role, "content": "\n\n".join(texts)}] if texts else []


def fill(text: str, values: Mapping[str, str], prompt: str) -> str:
    """The text with each `{{name}}` replaced by its value; values are never searched for names in turn.

    Raises:
        NoAnswer: a name has no value.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in values:
            raise NoAnswer(f"no value for {{{{{name}}}}} of the prompt {prompt}: give the case vars.{name}")
        return values[name]

    return _PLACEHOLDER.sub(value, text)


def _fill_all(part: Any, values: Mapping[str, str], prompt: str) -> Any:
    if isinstance(part, str):
        return fill(part, values, prompt)
    if isinstance(part, dict):
        return {key: _fill_all(each, values, prompt) for key, each in part.items()}
    if isinstance(part, list):
        return [_fill_all(each, values, prompt) for each in part]
    return part


def _asks_input(part: Any) -> bool:
    if isinstance(part, str):
        return any(found[1] == INPUT for found in _PLACEHOLDER.finditer(part))
    if isinstance(part, dict):
        return any(map(_asks_input, part.values()))
    return isinstance(part, list) and any(map(_asks_input, part))
