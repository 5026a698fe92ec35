"""Aliases of prompts: where they point, and pointing them elsewhere. Read live, without MLflow's cache."""

from __future__ import annotations

import re
from collections.abc import Mapping

from eval_pipeline.errors import UsageError
from eval_pipeline.store.connection import Store

NO_ALIAS, NO_PROMPT = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"
IMPOSSIBLE = "latest"
"""An alias that MLflow gives to nobody."""
PROMPTS = "tag.`mlflow.prompt.is_prompt` = 'true'"


def may_be_alias(name: str) -> bool:
    """Whether MLflow takes a name for an alias."""
    reserved = re.fullmatch(r"latest|v\d+", name, re.IGNORECASE)
    return re.fullmatch(r"[\w-]{1,255}", name) is not None and reserved is None


def list_prompts(store: Store) -> dict[str, dict[str, int]]:
    """Every prompt of the registry with its aliases and the versions they point to, by name.

    Raises:
        StoreError: the registry can't be read.
    """
    found: dict[str, dict[str, int]] = {}
    token: str | None = None
    if store.absent:
        return found
    with store.reached():
        while True:
            page = store.registry.search_registered_models(filter_string=PROMPTS, max_results=100, page_token=token)
            for model in page:
                found[model.name] = {alias: int(version) for alias, version in _pairs(model.aliases)}
            token = page.token
            if not token:
                return dict(sorted(found.items()))


def _pairs(aliases: Mapping[str, str | int]) -> list[tuple[str, str | int]]:
    return list(aliases.items())


def list_versions(store: Store, prompt_name: str) -> list[int]:
    """The versions of a prompt that exist, ascending; none if the prompt does not exist."""
    from mlflow.exceptions import MlflowException

    with store.reached():
        try:
            found = store.registry.search_prompt_versions(prompt_name, max_results=1_000)
        except MlflowException as problem:
            if problem.error_code == NO_PROMPT:
                return []
            raise
    return sorted(int(each.version) for each in found)


def read_alias(store: Store, prompt_name: str, alias: str) -> int | None:
    """The version that an alias points to; `None` if there is no such alias.

    Raises:
        StoreError: the registry can't be read.
    """
    from mlflow.exceptions import MlflowException

    with store.reached():
        try:
            found = store.registry.get_prompt_version_by_alias(prompt_name, alias)
        except MlflowException as problem:
            if problem.error_code in {NO_ALIAS, NO_PROMPT}:
                return None
            raise
    return None if found is None else int(found.version)


def ask_permission(store: Store, prompt_name: str, version: int) -> None:
    """Ask whether these credentials may move aliases of a prompt; nothing is moved.

    A server looks at the permission first and then at the alias, so it is asked for one that it refuses to everybody.
    Other stores are not asked: there the first write tells.

    Raises:
        NotPermittedError: they may not.
        StoreError: the store failed.
    """
    from mlflow.exceptions import MlflowException

    if not store.uri.startswith("http"):
        return
    with store.reached():
        try:
            store.registry.set_prompt_alias(prompt_name, IMPOSSIBLE, version)
        except MlflowException as problem:
            if problem.error_code not in {NO_ALIAS, NO_PROMPT}:
                raise


def point_alias(store: Store, prompt_name: str, alias: str, version: int | None) -> None:
    """Point an alias at a version; `None` takes the alias away.

    Raises:
        UsageError: there is no such version, or no longer; the alias is where it was.
        StoreError: it may or may not have been moved.
    """
    from mlflow.exceptions import MlflowException

    with store.reached():
        try:
            if version is None:
                store.registry.delete_prompt_alias(prompt_name, alias)
            else:
                store.registry.set_prompt_alias(prompt_name, alias, version)
        except MlflowException as problem:
            if problem.error_code != NO_PROMPT:
                raise
            raise UsageError(f"{prompt_name} has no v{version}, or no longer: nothing was moved") from problem
