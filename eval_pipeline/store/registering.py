"""Putting prompt versions into the store's registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALREADY_THERE = "RESOURCE_ALREADY_EXISTS"


def register_prompt_version(client: MlflowClient, name: str, template: str, commit_message: str) -> int:
    """Register the next version of a prompt, and the prompt if it is new; gives the version's number.

    `client.register_prompt` would also resolve the active experiment, in whatever store the environment names.
    """
    from mlflow.exceptions import MlflowException

    try:
        client.create_prompt(name)
    except MlflowException as problem:
        if problem.error_code != ALREADY_THERE:
            raise
    return int(client.create_prompt_version(name, template, description=commit_message).version)
