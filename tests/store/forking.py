"""Forks processes that sync: what they need is imported once, so that many can be started and killed.

Reads one JSON line an order, `{"uri", "cache", "page", "die_at"}`, and forks a child for it, which opens the store,
says `ready <pid>`, waits for `go`, syncs, and exits with 0. With `die_at` it kills itself at that step of
writing files. For each child that ended, `ended <pid> <status>` is said, -9 for a kill.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

from eval_pipeline.settings import Settings
from eval_pipeline.store import files, mirror, runs
from eval_pipeline.store.connection import Store


def say(*words: object) -> None:
    """Tell the parent, in one write."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def sync(order: dict[str, Any], go: int) -> None:
    """In the child: open the store, wait for the word, sync."""
    runs.PAGE = order["page"]
    settings = Settings.model_validate({"mirror": {"cache_dir": order["cache"]}})
    store = Store(order["uri"], settings)
    store.client.search_experiments(max_results=1)
    if order.get("die_at") is not None:
        die_at(order["die_at"])
    say("ready", os.getpid())
    os.read(go, 1)
    mirror.open_mirror(store).sync()


def die_at(step: int) -> None:
    """Be killed at this step of writing: before a file, when it is half written, before and after a rename."""
    left = [step]

    def count_down() -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    replace, write_table, write_text, unlink = Path.replace, files.pq.write_table, Path.write_text, Path.unlink

    def replacing(self: Path, target: Path) -> Path:
        count_down()
        result = replace(self, target)
        count_down()
        return result

    def writing_table(table: Any, where: Path, **kwargs: Any) -> None:
        count_down()
        write_table(table, where, **kwargs)
        whole = where.read_bytes()
        where.write_bytes(whole[: len(whole) // 2])
        count_down()
        where.write_bytes(whole)

    def writing_text(self: Path, text: str, **kwargs: Any) -> int:
        write_text(self, text[: len(text) // 2], **kwargs)
        count_down()
        return write_text(self, text, **kwargs)

    def unlinking(self: Path, missing_ok: bool = False) -> None:
        count_down()
        unlink(self, missing_ok=missing_ok)

    Path.replace, Path.write_text, Path.unlink = replacing, writing_text, unlinking  # type: ignore[method-assign,assignment]
    files.pq.write_table = writing_table


def fork(order: dict[str, Any]) -> tuple[int, int]:
    """A child that carries out the order; its pid and the end of a pipe that makes it go."""
    go, starter = os.pipe()
    pid = os.fork()
    if pid:
        os.close(go)
        return pid, starter
    os.close(starter)
    status = 1
    try:
        sync(order, go)
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    """Serve until stdin ends. `go`, on a line of its own, starts all that are ready."""
    waiting: dict[int, int] = {}
    for line in sys.stdin:
        if line.strip() == "go":
            for starter in waiting.values():
                os.write(starter, b"g")
                os.close(starter)
            for _ in range(len(waiting)):
                pid, status = os.wait()
                say("ended", pid, os.waitstatus_to_exitcode(status))
            waiting.clear()
        else:
            pid, starter = fork(json.loads(line))
            waiting[pid] = starter


if __name__ == "__main__":
    main()
