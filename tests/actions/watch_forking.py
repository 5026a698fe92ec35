"""What a forked process does that watches; see `tests.forking`.

An order is `{"uri", "folder", "base", "die"}`: the child opens the store, waits, begins to watch and runs what is due.
With `die`, which is `[call, key, number]`, it kills itself before the call to the store of this name and number (from
1) whose param's name begins with the key. Then it says `ran <pid> <versions and what came of them, as JSON>`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eval_pipeline.actions.watching import Watcher
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.watch_stage import Notes, settings_of
from tests.forking import Ready, killing_at, say
from tests.people import ADA


class Deadly:
    """MLflow's client, which kills this process at one of its calls."""

    def __init__(self, client: Any, call: str, key: str, number: int) -> None:
        self._client, self._call, self._key = client, call, key
        self._step = killing_at(number - 1)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if name == self._call and (not self._key or str(args[1]).startswith(self._key)):
                self._step()
            return method(*args, **kwargs)

        return call


def watch(order: dict[str, Any], ready: Ready) -> None:
    """Open the store, wait for the word, run what is due."""
    folder = Path(order["folder"])
    os.chdir(folder)
    store = Store(order["uri"], Settings.model_validate(settings_of(folder, order["base"])))
    store.client.search_experiments(max_results=1)
    if order["die"] is not None:
        store.__dict__["client"] = Deadly(store.client, *order["die"])
    ready()
    done = Watcher(store, "core", Notes(), actor=ADA).run_pending()
    say("ran", os.getpid(), json.dumps([[str(each.version), each.result.state] for each in done]))
