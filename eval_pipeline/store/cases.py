"""The cases that eval runs logged, kept on disk once a run has ended.

They lie in `cases/<run id>.json` under the mirror's folder: the checksum of the rest, then the cases as JSON. Each file
is written aside and renamed, and one that is not as it was written is read from the store again. When together they
outgrow `MOST_BYTES`, those that nobody has looked at for longest go.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from eval_pipeline.core.suites import CaseResult, read_case_table
from eval_pipeline.store import files
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import mirror_folder
from eval_pipeline.store.recording import CASES_FILE, TABLES_TAG
from eval_pipeline.store.runs import ENDED
from eval_pipeline.store.suite_evals import reached_with_artifacts
from eval_pipeline.store.trace_cases import read_trace_cases

if TYPE_CHECKING:
    from mlflow.entities import Run

Cases = tuple[CaseResult, ...]

FORMAT = "1"
MOST_BYTES = 256_000_000
"""What all kept cases of one store may take on disk."""
LEFT_ASIDE_S = 3600.0
"""A file written aside that is older was left by a writer that was killed."""

_RUN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_CASES = TypeAdapter(Cases)


def read_run_cases(store: Store, run_id: str, *, keep: bool = True) -> Cases | None:
    """The cases that a run logged: its table `cases.json`, or else what MLflow's evaluation traces of it tell.

    `None` if there is no such run or it logged none that can be understood. With `keep`, the table of an ended run is
    kept on disk and read from there the next time. Traces are always read anew: people may assess them later.

    Raises:
        StoreError: the store or its artifacts can't be read.
    """
    path = _path(store, run_id) if keep else None
    if path is not None and (known := _read_kept(path)) is not None:
        return known
    run = _find_run(store, run_id)
    if run is None:
        return None
    cases = _read_table(store, run)
    if cases is None:
        return read_trace_cases(store, run.info.experiment_id, run_id)
    if path is not None and run.info.status in ENDED:
        _keep(path, cases)
    return cases


def _find_run(store: Store, run_id: str) -> Run | None:
    from mlflow.exceptions import MlflowException

    if store.absent:
        return None
    with store.reached():
        try:
            return store.client.get_run(run_id)
        except MlflowException as problem:
            if problem.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                raise
            return None


def _read_table(store: Store, run: Run) -> Cases | None:
    """The table of cases; `None` if the run has none, or one that somebody else laid out.

    A folder of artifacts that is out of reach lists as empty. So where the run itself says that it has the table, that
    is believed, and not finding it is an error.
    """
    run_id = run.info.run_id
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-") as folder, reached_with_artifacts(store):
        if not _says_so(run) and CASES_FILE not in [each.path for each in store.client.list_artifacts(run_id)]:
            return None
        path = store.client.download_artifacts(run_id, CASES_FILE, folder)
        return _understood(Path(path).read_bytes())


def _says_so(run: Run) -> bool:
    try:
        tables = json.loads(run.data.tags.get(TABLES_TAG, "[]"))
        return any(each["path"] == CASES_FILE for each in tables)
    except (ValueError, TypeError, KeyError):
        return False


def _understood(content: bytes) -> Cases | None:
    """The cases of a table, each field of the type it should have; `None` for any other content."""
    try:
        rows = [asdict(case) for case in read_case_table(_whole(json.loads(content)))]
        return _CASES.validate_json(json.dumps(rows), strict=True)
    except (ValueError, RecursionError):
        return None


def _whole(value: Any) -> Any:
    """The same without what JSON can hold and nothing that shows or stores text can: half characters, and NaN."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return {_whole(key): _whole(each) for key, each in value.items()} if isinstance(value, dict) else value


def _path(store: Store, run_id: str) -> Path | None:
    """Where the cases of a run are kept; `None` where nothing is to be kept."""
    if not store.settings.mirror.enabled or not _RUN_ID.fullmatch(run_id):
        return None
    return mirror_folder(store) / "cases" / f"{run_id}.json"


def _read_kept(path: Path) -> Cases | None:
    """What is kept, if it is there and as it was written."""
    try:
        checksum, _, content = path.read_bytes().partition(b"\n")
        if checksum != _checksum(content):
            return None
        cases = _CASES.validate_json(content, strict=True)
    except (OSError, ValidationError):
        return None
    with contextlib.suppress(OSError):  # another process may have made room just now
        os.utime(path)
    return cases


def _keep(path: Path, cases: Cases) -> None:
    """Keep the cases. A disk that does not take them costs the time of reading them again, and nothing else."""
    content = json.dumps([asdict(case) for case in cases]).encode()
    if len(content) > MOST_BYTES:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.written_aside(path) as aside:
            aside.write_bytes(_checksum(content) + b"\n" + content)
        _make_room(path.parent)


def _checksum(content: bytes) -> bytes:
    return f"{FORMAT}-{hashlib.blake2b(content, digest_size=16).hexdigest()}".encode()


def _make_room(folder: Path) -> None:
    """Delete what was looked at longest ago, until the rest fits; several processes may do so at once."""
    found = sorted(_files(folder), reverse=True)
    total = 0
    for looked_at, size, path in found:
        total += size
        left_over = path.suffix == files.ASIDE and looked_at < time.time() - LEFT_ASIDE_S
        if left_over or (total > MOST_BYTES and path.suffix != files.ASIDE):
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            yield stat.st_mtime, stat.st_size, path
