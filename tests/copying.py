"""Stores that are filled once a session, and copied with their artifacts for each test that changes them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import chdir, closing
from pathlib import Path

from filelock import FileLock

from tests.builder import StoreBuilder

Fill = Callable[[StoreBuilder], None]
RELOCATE = (
    "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)",
    "UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?)",
)


def fill_once(folder: Path, template: Path, fill: Fill) -> None:
    """Fill a store in a folder of its own, unless another worker has done so."""
    folder.mkdir(exist_ok=True)
    memory = folder / "memory.json"
    with FileLock(f"{folder}.lock"):
        if memory.exists():
            return
        builder = StoreBuilder(f"sqlite:///{folder / 'mlflow.db'}")
        shutil.copy(template, builder.path)
        with chdir(folder):  # where MLflow puts the artifacts
            fill(builder)
        making = memory.with_suffix(".making")
        making.write_text(json.dumps(builder.memory()))
        making.rename(memory)


def copy_store(folder: Path, path: Path) -> StoreBuilder:
    """A copy of that store as the file `path`; its artifacts go to a folder beside it."""
    from mlflow.tracking._tracking_service import utils

    utils._artifact_repos_cache.clear()  # by run, and its runs are those of the copies before
    files = path.with_name(f"{path.name}.files")
    ignored = shutil.ignore_patterns("mlflow.db*", "memory.json")
    shutil.copytree(folder, files, ignore=ignored)
    shutil.copy(folder / "mlflow.db", path)
    with closing(sqlite3.connect(path)) as database:
        for statement in RELOCATE:
            database.execute(statement, (f"{folder}{os.sep}", f"{files}{os.sep}"))
        database.commit()
    return StoreBuilder.remembering(f"sqlite:///{path}", json.loads((folder / "memory.json").read_text()))
