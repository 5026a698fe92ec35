"""What the commands that move an alias share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from eval_pipeline.errors import UsageError

OPTIONS = {
    "actor": ": give --actor",
    "reason": ": give --reason",
    "version": "; --version names a version without one",
}
"""How to say what has not been said."""


@contextmanager
def naming_options() -> Iterator[None]:
    """Where something has yet to be said, name the option that says it.

    Raises:
        UsageError: something is missing.
    """
    from eval_pipeline.actions.promote import NotSaidError

    try:
        yield
    except NotSaidError as problem:
        raise UsageError(f"{problem}{OPTIONS[problem.what]}") from problem
