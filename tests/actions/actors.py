"""Real processes that promote and roll back on one store."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.actions.stage import Stage
from tests.forking import Forker

FOREVER = 1_000_000


class Actors(Forker):
    """Starts them and hears how they end."""

    def __init__(self, folder: Path) -> None:
        super().__init__("tests.actions.forking:act")
        self._folder = folder

    def start(
        self,
        stage: Stage,
        *,
        actions: int = 1,
        seed: int = 0,
        die_at: int | None = None,
        approve: str | None = None,
        reject: str | None = None,
    ) -> int:
        """Start a process that opens the store; its id, once it waits to act. `approve`, `reject`: requests, by id."""
        where = {"uri": stage.store.uri, "base": stage.builder.base, "prompt": stage.prompt}
        return self.order(
            **where, folder=str(self._folder), actions=actions, seed=seed, die_at=die_at, approve=approve, reject=reject
        )

    def ended(self, processes: int) -> tuple[list[int], Counter[str]]:
        """Wait for so many to end; their exit codes (-9 for a kill) and what those that were not killed did."""
        codes: list[int] = []
        counts: Counter[str] = Counter()
        while len(codes) < processes:
            word, _, said = self.hear()
            if word == "ended":
                codes.append(int(said))
            else:
                counts.update(json.loads(said))
        return codes, counts

    def killed_after(self, stage: Stage, seconds: float, seed: int) -> int:
        """Let one act until it is killed after a while; its exit code."""
        pid = self.start(stage, actions=FOREVER, seed=seed)
        self.go()
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return self.ended(1)[0][0]


def moments(kills: int, seed: int, longest: float = 1.5) -> list[tuple[float, int]]:
    """When to kill, in seconds from the start, and a seed for each."""
    chance = random.Random(seed)
    return [(chance.uniform(0.0, longest), chance.randrange(1_000_000)) for _ in range(kills)]
