"""Reading the prompt registry, without the side effects of `mlflow.genai.load_prompt`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from eval_pipeline.core.models import PromptText
from eval_pipeline.store.connection import Store

ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}


def get_prompt_text(store: Store, name: str, version: int) -> PromptText | None:
    """One version of a prompt; `None` if the registry has no such version, or no longer.

    Raises:
        StoreError: the registry can't be read.
    """
    from mlflow.exceptions import MlflowException

    if store.absent:
        return None
    with store.reached():
        try:
            found = store.registry.get_prompt_version(name, version)
        except MlflowException as problem:
            if problem.error_code in ABSENT:
                return None
            raise
    if found is None:
        return None
    return PromptText(name, version, found.template, found.commit_message, _moment(found.creation_timestamp))


def _moment(milliseconds: Any) -> datetime | None:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC) if milliseconds else None
