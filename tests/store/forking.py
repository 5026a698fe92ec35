"""What a forked process does that syncs; see `tests.forking`.

An order is `{"uri", "cache", "page", "die_at"}`: the child opens the store, waits, and syncs. With `die_at` it kills
itself at that step of writing files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eval_pipeline.settings import Settings
from eval_pipeline.store import files, mirror, runs
from eval_pipeline.store.connection import Store
from tests.forking import Ready, killing_at


def sync(order: dict[str, Any], ready: Ready) -> None:
    """Open the store, wait for the word, sync."""
    runs.PAGE = order["page"]
    settings = Settings.model_validate({"mirror": {"cache_dir": order["cache"]}})
    store = Store(order["uri"], settings)
    store.client.search_experiments(max_results=1)
    if order["die_at"] is not None:
        watch_writing(killing_at(order["die_at"]))
    ready()
    mirror.open_mirror(store).sync()


def watch_writing(step: Callable[[], None]) -> None:
    """Have each step of writing told: before a file, when it is half written, before and after a rename."""
    replace, write_table, write_text, unlink = Path.replace, files.pq.write_table, Path.write_text, Path.unlink

    def replacing(self: Path, target: Path) -> Path:
        step()
        result = replace(self, target)
        step()
        return result

    def writing_table(table: Any, where: Path, **kwargs: Any) -> None:
        step()
        write_table(table, where, **kwargs)
        whole = where.read_bytes()
        where.write_bytes(whole[: len(whole) // 2])
        step()
        where.write_bytes(whole)

    def writing_text(self: Path, text: str, **kwargs: Any) -> int:
        write_text(self, text[: len(text) // 2], **kwargs)
        step()
        return write_text(self, text, **kwargs)

    def unlinking(self: Path, missing_ok: bool = False) -> None:
        step()
        unlink(self, missing_ok=missing_ok)

    Path.replace, Path.write_text, Path.unlink = replacing, writing_text, unlinking  # type: ignore[method-assign,assignment]
    files.pq.write_table = writing_table
