"""Which versions of the prompts are evaluated: those that a person names, and the usual ones of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_pipeline.actions.observe import nearest
from eval_pipeline.actions.promote import require_prompt
from eval_pipeline.core.models import PromptText
from eval_pipeline.core.runs import version_number
from eval_pipeline.errors import UsageError
from eval_pipeline.report import numbers
from eval_pipeline.store.aliases import list_prompts, list_versions
from eval_pipeline.store.connection import Store
from eval_pipeline.store.prompts import get_prompt_text

ALIAS = "@"


def read_candidates(store: Store, said: Sequence[str]) -> dict[str, int]:
    """The version of each prompt that is named, as in `persona=3`, `persona=v3` or `persona=@alias`.

    Raises:
        UsageError: one can't be understood, a prompt is named twice, or there is no such prompt or alias.
        StoreError: the registry can't be read.
    """
    found: dict[str, int] = {}
    for text in said:
        name, _, version = text.rpartition("=")
        if not name or not version:
            raise UsageError(f"{text!r} names no version of a prompt: write NAME=VERSION, as in persona=3")
        if name in found:
            raise UsageError(f"the prompt {name} is named twice: one version of it can be evaluated at once")
        found[name] = _read_version(store, name, version)
    return found


def _read_version(store: Store, name: str, said: str) -> int:
    aliases = require_prompt(store, name)[name]
    if said.startswith(ALIAS):
        alias = said.removeprefix(ALIAS)
        if alias not in aliases:
            raise UsageError(f"{name} has no alias {alias!r}: {nearest(alias, sorted(aliases), 'it has none')}")
        return aliases[alias]
    number = version_number(said)
    if number is None:
        hint = f": write {name}={ALIAS}{said} for the alias" if said in aliases else ": write a number, as in v3"
        raise UsageError(f"{said!r} is no version of {name}{hint}")
    return number


def resolve_prompts(store: Store, versions: Mapping[str, int], prefer: Sequence[str]) -> dict[str, PromptText]:
    """The snapshot: each prompt of the project at one version, by name. A prompt without any version is left out.

    Raises:
        UsageError: a prompt or version does not exist.
        StoreError: the registry can't be read.
    """
    known = list_prompts(store)
    ours = store.settings.prompts or list(known)
    found: dict[str, PromptText] = {}
    for name in sorted({*ours, *versions}):
        if name not in known:
            hint = nearest(name, list(known), "the registry has none")
            raise UsageError(f"there is no prompt {name!r}: {hint}")
        version = versions.get(name) or _usual_version(store, name, known[name], prefer)
        text = None if version is None else get_prompt_text(store, name, version)
        if text is not None:
            found[name] = text
        elif name in versions:
            known_versions = numbers.versions(list_versions(store, name))
            raise UsageError(f"{name} has no v{versions[name]}: known are {known_versions}")
    return found


def _usual_version(store: Store, name: str, aliases: Mapping[str, int], prefer: Sequence[str]) -> int | None:
    aliased = next((aliases[alias] for alias in prefer if alias in aliases), None)
    return aliased if aliased is not None else max(list_versions(store, name), default=None)
