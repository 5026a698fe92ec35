"""Posting to a webhook beside the work: whether it gets there changes nothing about what was done."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

CONNECT_S, ANSWER_S = 2.0, 3.0
LONGEST_S = 6.0
"""So long a process that ends waits for what it has posted."""

log = logging.getLogger(__name__)


def post_soon(url: str, shown: str, what: str, payload: Mapping[str, Any]) -> None:
    """Post from a thread of its own, once. If it can't be delivered, a line in the log says so.

    `shown` is what may be seen of the address, `what` names the message in that line.
    """
    _Posting(url, shown, what, json.dumps(payload).encode()).start()


def finish_posting() -> None:
    """Give what is still being posted its time; for a process that is about to end."""
    end = time.monotonic() + LONGEST_S
    with suppress(KeyboardInterrupt):
        for each in threading.enumerate():
            if isinstance(each, _Posting):
                each.join(max(0.0, end - time.monotonic()))
                if each.is_alive():
                    each.warn("no answer in time")


class _Posting(threading.Thread):
    """One message on its way. As a daemon it holds up no process that ends without `finish_posting`."""

    def __init__(self, url: str, shown: str, what: str, body: bytes) -> None:
        super().__init__(name=f"posting a {what}", daemon=True)
        self._url, self._shown, self._what, self._body = url, shown, what, body

    def run(self) -> None:
        """Post it."""
        import httpx

        logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log the whole address, which is a secret
        timeout = httpx.Timeout(ANSWER_S, connect=CONNECT_S)
        kind = {"Content-Type": "application/json"}
        try:
            with (
                httpx.Client(timeout=timeout, follow_redirects=False) as client,
                client.stream("POST", self._url, content=self._body, headers=kind) as answer,
            ):
                code = answer.status_code
        except httpx.TimeoutException:
            self.warn("no answer in time")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as problem:
            self.warn(str(problem) or type(problem).__name__)
        else:
            if not 200 <= code < 300:
                self.warn(f"it answered {code}{', which is not followed' if 300 <= code < 400 else ''}")

    def warn(self, why: str) -> None:
        """Say that it was not delivered."""
        line = " ".join(why.replace(self._url, self._shown).split())
        log.warning("The notice of a %s could not be delivered to %s: %s", self._what, self._shown, line)
