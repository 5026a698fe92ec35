"""Bringing the mirror up to date: read what is new, and what may have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from eval_pipeline.core.models import EvalExperiment
from eval_pipeline.store import files, tables
from eval_pipeline.store.connection import Store
from eval_pipeline.store.runs import ENDED, NOT_ENDED, search_pages

if TYPE_CHECKING:
    from mlflow.entities import Run

LOOK_BACK_MS = 3_600_000
"""Runs that ended up to an hour before the newest one known are read again: clocks differ, and numbers come late."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a sync is, counting the experiments that are read in full."""

    experiments_done: int
    experiments: int
    runs: int
    """Runs read so far."""


Progress = Callable[[SyncProgress], None]


@dataclass(slots=True)
class _Changes:
    """What a sync found for one experiment."""

    runs: dict[str, Run] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    """All that are deleted now."""


class Sync:
    """One pass over the store, by a process that holds the lock.

    It reads experiments that are new in full; of the others, the runs that started or ended since the last pass (less
    an hour), the runs that have not ended, and the ids of deleted ones. That misses runs written with past times and
    edits of old runs, so one experiment in turn, the longest not read, is read in full again.
    """

    def __init__(
        self, store: Store, folder: Path, experiments: list[EvalExperiment], progress: Progress | None
    ) -> None:
        self._store, self._client, self._folder, self._experiments = store, store.client, folder, experiments
        self._report = progress or (lambda _: None)
        self._state = files.read_state(folder)
        self._saved = self._state.model_dump_json()
        self._runs_read = self._done = self._total = 0
        self._newest_end = 0

    def run(self) -> None:
        """Do it. After each experiment that was read in full the state is saved, so a kill loses little."""
        files.remove_leftovers(self._folder)
        known = [each for each in self._experiments if self._is_known(each)]
        in_full = [each for each in self._experiments if each not in known]
        in_full += self._due(known)
        self._total = len(in_full)
        deleted = self._deleted(in_full)
        for experiment in in_full:
            self._read_in_full(experiment, deleted[experiment.experiment_id])
        self._read_changes([each for each in known if each not in in_full])
        self._settle()
        self._save()

    def _is_known(self, experiment: EvalExperiment) -> bool:
        known = self._state.experiments.get(experiment.experiment_id)
        if known is None or (known.name, known.created) != (experiment.experiment_name, experiment.created_ms):
            return False
        if known.read_until > time.time() * 1000 + LOOK_BACK_MS:  # nothing has been read that is yet to come
            return False
        return files.is_sound(self._path(experiment), experiment.created_ms)

    def _due(self, known: list[EvalExperiment]) -> list[EvalExperiment]:
        """The one experiment that was longest not read in full, if that is long ago or (the clock was set) ahead."""
        now, age_limit = time.time(), self._store.settings.mirror.refresh_minutes * 60
        due = [each for each in known if not 0 <= now - self._known(each).read_in_full <= age_limit]
        return sorted(due, key=lambda each: self._known(each).read_in_full)[:1]

    def _known(self, experiment: EvalExperiment) -> files.Known:
        return self._state.experiments[experiment.experiment_id]

    def _path(self, experiment: EvalExperiment) -> Path:
        return files.runs_path(self._folder, experiment.experiment_id)

    def _deleted(self, experiments: Sequence[EvalExperiment]) -> dict[str, set[str]]:
        """The ids of deleted runs, by experiment id.

        Asked before the other runs: one that is deleted or restored meanwhile then differs the next time, and is seen.
        """
        deleted: dict[str, set[str]] = {each.experiment_id: set() for each in experiments}
        for page in search_pages(self._client, list(deleted), deleted=True) if deleted else ():
            for run in page:
                deleted[run.info.experiment_id].add(run.info.run_id)
        return deleted

    def _read_in_full(self, experiment: EvalExperiment, deleted: set[str]) -> None:
        started = time.time()
        self._tell()
        parts = [tables.runs_table(page) for page in self._pages([experiment.experiment_id])]
        table = tables.newest_first(pa.concat_tables([tables.runs_table([]), *parts], promote_options="default"))
        files.write_runs(self._path(experiment), table, experiment.experiment_name, experiment.created_ms)
        statuses = zip(table["run_id"].to_pylist(), table["status"].to_pylist(), strict=True)
        self._state.experiments[experiment.experiment_id] = files.Known(
            name=experiment.experiment_name,
            created=experiment.created_ms,
            read_until=self._newest_end,
            read_in_full=started,
            open_runs=sorted(run_id for run_id, status in statuses if status not in ENDED),
            deleted_runs=sorted(deleted),
        )
        self._done += 1
        self._save()
        self._tell()

    def _pages(self, ids: list[str], condition: str = "") -> Iterator[list[Run]]:
        for page in search_pages(self._client, ids, condition):
            self._runs_read += len(page)
            now = int(time.time() * 1000)  # an end that lies ahead, by a clock that is wrong, must not hide later runs
            ends = (run.info.end_time or 0 for run in page)
            self._newest_end = max(self._newest_end, max((end for end in ends if end <= now), default=0))
            self._tell()
            yield page

    def _read_changes(self, experiments: list[EvalExperiment]) -> None:
        if not experiments:
            return
        changes = {each_id: _Changes(deleted=deleted) for each_id, deleted in self._deleted(experiments).items()}
        since = min(self._known(each).read_until for each in experiments)
        self._newest_end = max(self._newest_end, since)
        self._find_restored(changes)
        recent = max(0, since - LOOK_BACK_MS)
        # runs that started lately too, for not every client says when a run ended; ended ones last, so they win
        for condition in (NOT_ENDED, f"attributes.start_time >= {recent}", f"attributes.end_time >= {recent}"):
            for page in self._pages(list(changes), condition):
                for run in page:
                    changes[run.info.experiment_id].runs[run.info.run_id] = run
        for experiment in experiments:
            self._find_lost(experiment, changes[experiment.experiment_id])
            try:
                self._apply(experiment, changes[experiment.experiment_id])
            except files.DamagedFileError:
                self._total += 1
                self._read_in_full(experiment, changes[experiment.experiment_id].deleted)

    def _find_restored(self, changes: dict[str, _Changes]) -> None:
        """Deleted runs go; ones that are no longer deleted are looked up, for they may have been restored."""
        for experiment_id, found in changes.items():
            before = set(self._state.experiments[experiment_id].deleted_runs)
            found.gone |= found.deleted - before
            for run_id in before - found.deleted:
                self._look_up(run_id, found)

    def _find_lost(self, experiment: EvalExperiment, changes: _Changes) -> None:
        """Runs that were open and are not among the open or recently ended ones, as when an end was backdated."""
        for run_id in self._known(experiment).open_runs:
            if run_id not in changes.runs and run_id not in changes.gone:
                self._look_up(run_id, changes)

    def _look_up(self, run_id: str, changes: _Changes) -> None:
        from mlflow.exceptions import MlflowException

        try:
            run = self._client.get_run(run_id)
        except MlflowException as problem:
            if problem.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            changes.gone.add(run_id)
            return
        if run.info.lifecycle_stage == "active":
            changes.runs[run_id] = run
        else:
            changes.gone.add(run_id)

    def _apply(self, experiment: EvalExperiment, changes: _Changes) -> None:
        """Write the file anew if a run is new, changed or gone; only then is it noted what was found."""
        path, known = self._path(experiment), self._known(experiment)
        gone = changes.gone - changes.runs.keys()
        if changes.runs or gone:
            held = _fingerprints(files.read_runs(path, ["run_id", "fingerprint"]))
            new = tables.runs_table(list(changes.runs.values()))
            fresh = [held.get(run_id) != said for run_id, said in _fingerprints(new).items()]
            if any(fresh) or gone & held.keys():
                table = tables.merge(files.read_runs(path), new.filter(pa.array(fresh, pa.bool_())), gone)
                files.write_runs(path, table, experiment.experiment_name, experiment.created_ms)
        known.open_runs = sorted(run_id for run_id, run in changes.runs.items() if run.info.status not in ENDED)
        known.deleted_runs = sorted(changes.deleted)

    def _settle(self) -> None:
        """All experiments are now read up to the same moment; those that are gone are forgotten."""
        for known in self._state.experiments.values():
            known.read_until = max(known.read_until, self._newest_end)
        for experiment_id in self._state.experiments.keys() - {each.experiment_id for each in self._experiments}:
            del self._state.experiments[experiment_id]
            files.runs_path(self._folder, experiment_id).unlink(missing_ok=True)

    def _save(self) -> None:
        text = self._state.model_dump_json()
        if text != self._saved:
            files.write_state(self._folder, self._state)
            self._saved = text

    def _tell(self) -> None:
        self._report(SyncProgress(self._done, self._total, self._runs_read))


def _fingerprints(table: pa.Table) -> dict[str, str]:
    return dict(zip(table["run_id"].to_pylist(), table["fingerprint"].to_pylist(), strict=True))
