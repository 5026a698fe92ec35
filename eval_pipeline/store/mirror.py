"""A local copy of the runs, so that reading history costs milliseconds whatever the store.

One folder a store and base experiment, under the user's cache folder; it can be deleted at any time.

- `<experiment id>.parquet`: the runs of one eval type (see `tables`), its metadata naming format and experiment.
- `state.json`: what has been read and up to when. It is written last, so a kill at any moment leaves an older state,
  and what came after it is read again.
- `lock`: held while syncing, by one process at a time; the system frees it when that process dies.

Every file is written aside and renamed. A file that is missing, damaged, of another format or of an experiment that was
made anew is read again in full. A gate, a promotion and a rollback read the store itself, never this copy.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pyarrow as pa
from filelock import FileLock, Timeout

from eval_pipeline.core.models import EvalExperiment, TrendPoint
from eval_pipeline.core.runs import find_eval_experiments
from eval_pipeline.errors import StoreError
from eval_pipeline.store import files, tables
from eval_pipeline.store.connection import Store
from eval_pipeline.store.probing import sqlite_path
from eval_pipeline.store.runs import collector_paused, get_eval_experiments
from eval_pipeline.store.syncing import Progress, Sync

LOCK_SECONDS = 300.0

T = TypeVar("T")


class Mirror:
    """The copy of one store's eval runs in one folder. Use `open_mirror`."""

    def __init__(self, store: Store, folder: Path, *, temporary: bool = False) -> None:
        self.store, self.folder, self._temporary = store, folder, temporary

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def sync(self, progress: Progress | None = None) -> list[EvalExperiment]:
        """Bring the copy up to date and return the store's eval types.

        Raises:
            StoreError: the store can't be read, or the folder can't be written. What was read before stays.
        """
        self.store.probe()
        experiments = get_eval_experiments(self.store)
        if not self.store.absent:
            with self._locked(), collector_paused(), self.store.reached():
                Sync(self.store, self.folder, experiments, progress).run()
        return experiments

    def held(self) -> list[EvalExperiment]:
        """The eval types that the copy holds as of its last sync; the store is not asked."""
        settings = self.store.settings
        known = files.read_state(self.folder).experiments
        named = [(each_id, each.name, each.created) for each_id, each in known.items()]
        found = find_eval_experiments(named, settings.base_experiment, settings.base_eval_type)
        return [each for each in found if files.is_sound(self._path(each), each.created_ms)]

    def table(self, experiment: EvalExperiment, columns: Sequence[str] | None = None) -> pa.Table:
        """The runs of one eval type, newest first, with the named columns or all; see `tables`."""
        if self.store.absent:
            return tables.runs_table([])
        return self._read(experiment, lambda path: files.read_runs(path, columns))

    def columns(self, experiment: EvalExperiment) -> list[str]:
        """The names of all columns that the runs of one eval type have."""
        return list(tables.FIXED.names) if self.store.absent else self._read(experiment, files.read_columns)

    def _read(self, experiment: EvalExperiment, reader: Callable[[Path], T]) -> T:
        """What `reader` finds in the file of one eval type; if it is damaged or missing, it is first made again."""
        path = self._path(experiment)
        try:
            return reader(path)
        except files.DamagedFileError:
            path.unlink(missing_ok=True)
            self.sync()
        try:
            return reader(path)
        except files.DamagedFileError as problem:
            raise StoreError(f"the runs of {experiment.eval_type} are no longer in the store: start again") from problem

    def version(self, experiment: EvalExperiment) -> str:
        """A text that changes whenever the runs of this eval type do; for caches."""
        return "none" if self.store.absent else files.version(self._path(experiment))

    def _path(self, experiment: EvalExperiment) -> Path:
        return files.runs_path(self.folder, experiment.experiment_id)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "lock", timeout=LOCK_SECONDS):
                yield
        except Timeout as problem:
            raise StoreError(
                f"another process has been filling the local copy {self.folder} for {LOCK_SECONDS:.0f} s: "
                "wait for it, or use --no-mirror"
            ) from problem
        except OSError as problem:
            raise StoreError(f"the local copy {self.folder} can't be written ({problem}): use --no-mirror") from problem


def mirror_folder(store: Store) -> Path:
    """Where the copy of this store and base experiment lies."""
    from platformdirs import user_cache_path

    base = store.settings.base_experiment
    file = sqlite_path(store.uri)
    address = str(file.absolute()) if file else store.shown_uri
    key = hashlib.sha256(json.dumps([address, base]).encode()).hexdigest()[:16]
    home = store.settings.mirror.cache_dir or user_cache_path("eval-pipeline", appauthor=False)
    return home / "mirror" / key


def open_mirror(store: Store, *, throwaway: bool = False) -> Mirror:
    """The local copy for this store; if `throwaway` or `mirror.enabled = false`, one that lasts as long as its use."""
    if store.settings.mirror.enabled and not throwaway:
        return Mirror(store, mirror_folder(store))
    return Mirror(store, Path(tempfile.mkdtemp(prefix="eval-pipeline-")), temporary=True)


def get_trend_points(mirror: Mirror, experiment: EvalExperiment) -> list[TrendPoint]:
    """Every run of one eval type as of the last sync, of every status, oldest first."""
    names = tables.wanted_columns(mirror.columns(experiment), experiment.eval_type, mirror.store.settings)
    return tables.trend_points(mirror.table(experiment, names), experiment, mirror.store.settings)
