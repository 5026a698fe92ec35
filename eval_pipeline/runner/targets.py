"""What is evaluated: something that answers a user under given prompts."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from typing import Protocol, cast

from eval_pipeline.errors import UsageError

NAMED_TARGETS = {"demo": "eval_pipeline.demo.assistant:answer"}
"""Short names for `module:function`."""


class Target(Protocol):
    """Answers the last of the user's turns (oldest first), given each prompt's rendered text by prompt name."""

    def __call__(self, prompts: Mapping[str, str], turns: Sequence[str]) -> str: ...


def load_target(name: str) -> Target:
    """The target of a short name or of `module:function`.

    Raises:
        UsageError: there is no such target.
    """
    module_name, separator, function = NAMED_TARGETS.get(name, name).partition(":")
    if not separator:
        near = difflib.get_close_matches(name, NAMED_TARGETS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(NAMED_TARGETS)} and module:function"
        raise UsageError(f"no target {name!r}: {hint}")
    try:
        target = getattr(importlib.import_module(module_name), function)
    except (ImportError, AttributeError) as problem:
        raise UsageError(f"target {name!r} can't be loaded: {problem}") from problem
    if not callable(target):
        raise UsageError(f"target {name!r} is no function")
    return cast("Target", target)
