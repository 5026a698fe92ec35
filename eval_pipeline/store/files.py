"""The files of the mirror: read as data only, written aside and renamed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

FORMAT = "2"
ASIDE = ".tmp"


class DamagedFileError(Exception):
    """A file of runs that can't be read whole."""


class Known(BaseModel):
    """What has been read of one experiment."""

    model_config = ConfigDict(extra="forbid")

    name: str
    created: int
    read_until: int
    """Runs that ended before this moment have been read (ms since 1970 UTC)."""
    read_in_full: float
    """When every run was last read (s since 1970 UTC)."""
    open_runs: list[str]
    deleted_runs: list[str]


class State(BaseModel):
    """What has been read of a store, by experiment id."""

    model_config = ConfigDict(extra="forbid")

    format: str = FORMAT
    experiments: dict[str, Known] = {}


def runs_path(folder: Path, experiment_id: str) -> Path:
    """The file that holds the runs of one experiment."""
    return folder / f"{experiment_id}.parquet"


def read_state(folder: Path) -> State:
    """The state; an empty one if it is missing, damaged or of another format."""
    try:
        state = State.model_validate_json((folder / "state.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return State()
    return state if state.format == FORMAT else State()


def write_state(folder: Path, state: State) -> None:
    """Put the state in the place of the one before."""
    with written_aside(folder / "state.json") as aside:
        aside.write_text(state.model_dump_json(), encoding="utf-8")


def write_runs(path: Path, table: pa.Table, experiment_name: str, created: int) -> None:
    """Put a table of runs in the place of the one before; `created` tells experiments of one id apart."""
    said = {"format": FORMAT, "created": str(created), "experiment": experiment_name, "columns": _columns(table.schema)}
    with written_aside(path) as aside:
        pq.write_table(
            table.replace_schema_metadata(said),
            aside,
            compression="zstd",
            compression_level=1,
            write_page_checksum=True,
        )


def read_runs(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table of runs, or some of its columns.

    Raises:
        DamagedFileError: it is missing, or not as it was written.
    """
    with _opened(path) as file:
        return file.read(list(columns) if columns is not None else None)


def read_columns(path: Path) -> list[str]:
    """The names of the columns.

    Raises:
        DamagedFileError: it is missing, or not as it was written.
    """
    with _opened(path) as file:
        return list(file.schema_arrow.names)


def is_sound(path: Path, created: int) -> bool:
    """Whether there is a whole file of today's format for the experiment that was made at `created`."""
    try:
        with _opened(path) as file:
            said = file.schema_arrow.metadata
    except DamagedFileError:
        return False
    return bool(said.get(b"format") == FORMAT.encode() and said.get(b"created") == str(created).encode())


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """The file, if its columns are as they were written: Parquet has checksums for its pages, but not for those."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            if (schema.metadata or {}).get(b"columns") != _columns(schema).encode():
                raise DamagedFileError(f"{path} has other columns than were written")
            yield file
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise DamagedFileError(str(problem)) from problem


def _columns(schema: pa.Schema) -> str:
    """A checksum of the names and types of columns."""
    said = repr([(each.name, str(each.type)) for each in schema])
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def version(path: Path) -> str:
    """A text that changes whenever the file does."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return "none"
    return f"{stat.st_mtime_ns}-{stat.st_ino}-{stat.st_size}"


def remove_leftovers(folder: Path) -> None:
    """Remove what writers that were killed left aside. Only for the process that holds the lock."""
    for aside in folder.glob(f"*{ASIDE}"):
        aside.unlink(missing_ok=True)


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A path to write to, which then takes the place of `path` in one step."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=ASIDE)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
