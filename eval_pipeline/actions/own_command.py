"""The command of a team's own runner: what it may name, and whether it can be started at all."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import Settings

PLACES = ("dataset", "eval_type", "suite_run_id")
"""What the command may name in braces."""


def fill_command(settings: Settings, values: Mapping[str, str]) -> list[str]:
    """The command's words, with `{dataset}`, `{eval_type}` and `{suite_run_id}` filled in.

    Raises:
        SettingsError: it has other braces, quotes that do not close, or no words.
    """
    template = settings.runner.command or ""
    try:
        words = [word.format(**values) for word in shlex.split(template)]
    except (LookupError, ValueError, AttributeError) as problem:
        known = ", ".join(f"{{{name}}}" for name in PLACES)
        raise SettingsError(
            f"runner.command = {template!r} can't be used ({problem}): it may name {known}; write other braces twice"
        ) from problem
    if not words:
        raise SettingsError("runner.command is empty: write the command of your runner, or leave it out")
    return words


def refuse_unusable_command(settings: Settings) -> None:
    """Raise SettingsError unless the command can be started."""
    program, *_ = fill_command(settings, dict.fromkeys(PLACES, "x"))
    folder = settings.runner.folder or Path.cwd()
    found = shutil.which(str(folder / program) if os.sep in program else program)
    if found is None:
        where = f"in {folder}" if os.sep in program else "in the PATH"
        raise SettingsError(f"runner.command: there is no program {program!r} {where} that can be started")
