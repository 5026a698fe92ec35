"""`/healthz`: whether the app can read its store, for machines that watch it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse

from eval_pipeline.errors import PipelineError
from eval_pipeline.ui.history import shared_history

FRESH_SECONDS = 2.0
"""All who ask within so long share one look at the store."""

log = logging.getLogger(__name__)


class Health:
    """The newest look at the store. Anyone may ask, so it names neither the store nor what is wrong with it."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._looked_at = float("-inf")
        self._reachable = False

    async def answer(self, _: Request) -> JSONResponse:
        """200, or 503 while the store can't be read: `status`, `store`, `mirror_age_s`, `version`.

        `mirror_age_s` is since the store was last read for the pages, in seconds; null before the first time.
        """
        async with self._lock:
            if time.monotonic() - self._looked_at > FRESH_SECONDS:
                self._reachable = await to_thread.run_sync(store_is_reachable)
                self._looked_at = time.monotonic()
        body = {
            "status": "ok" if self._reachable else "unavailable",
            "store": "reachable" if self._reachable else "unreachable",
            "mirror_age_s": await to_thread.run_sync(mirror_age_s),
            "version": version("eval-pipeline"),
        }
        return JSONResponse(body, 200 if self._reachable else 503, {"Cache-Control": "no-store"})


def store_is_reachable() -> bool:
    """Whether the store answers; why not goes to the log."""
    try:
        shared_history().store.probe()
    except PipelineError as problem:
        log.warning("health: %s", problem)
        return False
    return True


def mirror_age_s() -> float | None:
    """Seconds since the store was read for the pages; `None` if it never was."""
    with suppress(PipelineError):
        if (read_at := shared_history().read_at) is not None:
            return round((datetime.now(UTC) - read_at).total_seconds(), 1)
    return None
