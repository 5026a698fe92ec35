"""Looking for new prompt versions again and again."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.watch_listening import WatchListener
from eval_pipeline.actions.watching import Watcher
from eval_pipeline.errors import StoreError

LONGEST_PAUSE_S = 20.0
"""Seconds between two looks at a store that is away, unless the interval is longer."""
STOP_S = 0.2
"""Seconds between two looks whether it is to stop."""


def keep_watching(watcher: Watcher, listener: WatchListener, wake: threading.Event, interval_s: float) -> None:
    """Look for new versions every `interval_s` seconds, and whenever `wake` is set, until `watcher.stop` is set.

    Then it looks for drift. A store that goes away is waited for.
    """
    since: datetime | None = None
    pause = interval_s
    while not watcher.stop.is_set():
        try:
            watcher.run_pending()
            watcher.look_for_drift()
        except StoreError as problem:
            pause = min(pause * 2, max(interval_s, LONGEST_PAUSE_S))
            if since is None:
                since = utc_now()
                listener.away(since, problem)
        else:
            pause = interval_s
            if since is not None:
                listener.back(since)
                since = None
        _pause(watcher.stop, wake, pause)


def _pause(stop: threading.Event, wake: threading.Event, seconds: float) -> None:
    """Wait, unless somebody wants it to go on or to stop. A signal sets `stop`, which must not be waited for then."""
    end = time.monotonic() + seconds
    while not stop.is_set() and (left := end - time.monotonic()) > 0:
        if wake.wait(min(left, STOP_S)):
            break
    wake.clear()
