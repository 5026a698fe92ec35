"""The folder of the demo: whose it is, whether it is whole, and one builder at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from eval_pipeline.errors import PipelineError

MARKER = "demo.json"
DEMO_FORMAT = 4
"""Raised whenever the demo's content changes: an older folder is then built anew."""
DATABASE = "mlflow.db"


def demo_is_built(folder: Path) -> bool:
    """Whether a whole demo store of today's format is in the folder, built right there: artifact paths are absolute."""
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (
        marker.get("format") == DEMO_FORMAT
        and marker.get("built_at") is not None
        and marker.get("folder") == str(folder.resolve())
        and (folder / DATABASE).exists()
    )


@contextmanager
def building(folder: Path, now: datetime) -> Iterator[Path]:
    """Give the empty folder, under its full name; it counts as built only when the work inside has ended well.

    Raises:
        PipelineError: the folder holds something that is no demo, or another process is building there.
    """
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock"), timeout=0):
            _clear(folder)
            _mark(folder, None)
            yield folder
            _mark(folder, now)
    except Timeout:
        raise PipelineError(f"another process is building the demo in {folder}: wait until it is done") from None
    except OSError as problem:
        raise PipelineError(f"the demo can't be built in {folder}: {problem}") from problem


def _clear(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise PipelineError(f"{folder} holds other files than a demo: name an empty folder")
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)


def _mark(folder: Path, built_at: datetime | None) -> None:
    marker = {"format": DEMO_FORMAT, "folder": str(folder), "built_at": built_at and built_at.isoformat()}
    aside = folder / f"{MARKER}.new"
    aside.write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
    aside.replace(folder / MARKER)
