"""What the commands that act share: who acts, and how to say what has not been said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eval_pipeline.errors import UsageError

if TYPE_CHECKING:
    from eval_pipeline.core.people import Person
    from eval_pipeline.settings import Settings

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


def whoever_acts(settings: Settings, said: str | None) -> Person:
    """Who is at this terminal: who `--actor` says, or else the user of the system. The role is a setting.

    Raises:
        UsageError: nobody is named.
    """
    from eval_pipeline.actions.promote import system_user, who_and_why
    from eval_pipeline.core.people import Person

    with naming_options():
        person = Person(system_user() if said is None else said, settings.auth.terminal_role, at_terminal=True)
        who_and_why(person, "", None)
    return person
