"""Real processes that promote and roll back on one store."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.actions.stage import Stage

FOREVER = 1_000_000


class Actors:
    """Starts them, by `tests.actions.forking`, and hears how they end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.actions.forking"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def close(self) -> None:
        """End the process that forks."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(self, stage: Stage, *, actions: int = 1, seed: int = 0, die_at: int | None = None) -> int:
        """Start a process that opens the store; its id, once it waits to act."""
        order: dict[str, Any] = {"uri": stage.store.uri, "base": stage.builder.base, "folder": str(self._folder)}
        self._say(json.dumps({**order, "actions": actions, "seed": seed, "die_at": die_at}))
        word, pid = self._hear()
        assert word == "ready"
        return int(pid)

    def go(self) -> None:
        """Let all that wait act."""
        self._say("go")

    def ended(self, processes: int) -> tuple[list[int], Counter[str]]:
        """Wait for so many to end; their exit codes (-9 for a kill) and what those that were not killed did."""
        codes: list[int] = []
        counts: Counter[str] = Counter()
        while len(codes) < processes:
            word, _, said = self._hear()
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

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> list[str]:
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n").split(" ", 2)


def moments(kills: int, seed: int, longest: float = 1.5) -> list[tuple[float, int]]:
    """When to kill, in seconds from the start, and a seed for each."""
    chance = random.Random(seed)
    return [(chance.uniform(0.0, longest), chance.randrange(1_000_000)) for _ in range(kills)]
