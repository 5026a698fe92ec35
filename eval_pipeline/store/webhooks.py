"""Webhooks of an MLflow server: it tells of a new prompt version as soon as it is registered."""

from __future__ import annotations

import re
import socket
import uuid
from typing import Literal
from urllib.parse import urlsplit

from eval_pipeline.errors import UsageError
from eval_pipeline.store.connection import Store

EVENT: Literal["prompt_version.created"] = "prompt_version.created"
NAME = "eval-pipeline-watch"


def register_webhook(store: Store, url: str, secret: str) -> str:
    """Have the server tell `url` of new prompt versions, signed with the secret; the webhook's id.

    What an earlier watcher at the same address could not take back is removed.

    Raises:
        UsageError: the store is no server.
        StoreError: the server refuses the address, or failed.
    """
    if urlsplit(store.uri).scheme not in {"http", "https"}:
        raise UsageError(
            f"{store.shown_uri} is no MLflow server, and only a server sends webhooks: leave --webhook-url away"
        )
    host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:20].strip("-") or "host"
    with store.reached():
        for each in list(store.registry.list_webhooks(max_results=100)):
            if each.name.startswith(NAME) and each.url == url:
                store.registry.delete_webhook(each.webhook_id)
        made = store.registry.create_webhook(f"{NAME}-{host}-{uuid.uuid4().hex[:8]}", url, [EVENT], secret=secret)
    return str(made.webhook_id)


def remove_webhook(store: Store, webhook_id: str) -> None:
    """Have the server tell no more.

    Raises:
        StoreError: the server failed.
    """
    with store.reached():
        store.registry.delete_webhook(webhook_id)
