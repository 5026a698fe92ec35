"""A file of the mirror is read whole or not at all; a state that makes no sense is no state."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval_pipeline.store import files
from eval_pipeline.store.files import DamagedFileError, Known, State

SCHEMA = pa.schema(
    [("run_id", pa.string()), ("started", pa.int64()), ("m:pass_rate", pa.float64()), ("p:a.b/ü", pa.string())]
)
ROWS = [
    {"run_id": f"{number:032x}", "started": 1_000 + number, "m:pass_rate": number / 50, "p:a.b/ü": f"v{number // 9}"}
    for number in range(50)
]
KNOWN = Known(name="base-tone", created=5, read_until=9, read_in_full=1.5, open_runs=["a"], deleted_runs=["b", "c"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound file of runs."""
    (tmp_path / "mirror").mkdir()
    path = files.runs_path(tmp_path / "mirror", "7")
    files.write_runs(path, pa.Table.from_pylist(ROWS, SCHEMA), "base-tone", 5)
    return path


def test_a_table_is_read_as_it_was_written(path: Path) -> None:
    assert (path.name, files.read_runs(path).to_pylist(), files.read_columns(path)) == ("7.parquet", ROWS, SCHEMA.names)
    assert files.read_runs(path, ["started"]).to_pydict() == {"started": [row["started"] for row in ROWS]}
    assert [files.is_sound(path, created) for created in (5, 6)] == [True, False]


def test_any_parquet_reader_can_open_it(path: Path) -> None:
    assert pq.read_table(path).to_pylist() == ROWS


@pytest.mark.parametrize("content", [b"", b"PAR1", b"garbage" * 99, b"PAR1" + b"\0" * 500 + b"PAR1"])
def test_garbage_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert_damaged(path)


def test_a_file_cut_anywhere_is_damaged(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert_damaged(path)


def test_a_missing_file_and_a_folder_are_damaged(tmp_path: Path) -> None:
    assert_damaged(tmp_path / "8.parquet")
    (tmp_path / "9.parquet").mkdir()
    assert_damaged(tmp_path / "9.parquet")


def assert_damaged(path: Path) -> None:
    assert not files.is_sound(path, 5)
    for read in (files.read_runs, files.read_columns):
        with pytest.raises(DamagedFileError):
            read(path)


def test_one_flipped_byte_anywhere_is_found_or_changes_nothing(path: Path) -> None:
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= (0x01, 0x40, 0xFF)[place % 3]
        path.write_bytes(damaged)
        try:
            read = (files.read_columns(path), files.read_runs(path).to_pylist())
        except DamagedFileError:
            continue
        assert read == (SCHEMA.names, ROWS), place


def test_a_file_of_another_format_is_not_sound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FORMAT", "0")
    assert not files.is_sound(path, 5)


def test_the_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = State(experiments={"7": KNOWN})
    files.write_state(tmp_path, state)
    assert files.read_state(tmp_path) == state
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["state.json"]


def test_a_missing_damaged_or_older_state_is_an_empty_one(tmp_path: Path) -> None:
    assert files.read_state(tmp_path) == State()
    files.write_state(tmp_path, State(experiments={"7": KNOWN}))
    whole = (tmp_path / "state.json").read_bytes()
    said = json.loads(whole)
    broken = [
        *(whole[:length] for length in range(0, len(whole), 11)),
        b"[]",
        b"\xff\xfe",
        b"{}\0",
        json.dumps({**said, "format": "0"}).encode(),
        json.dumps({**said, "more": 1}).encode(),
        json.dumps({**said, "experiments": {"7": {**said["experiments"]["7"], "read_until": "soon"}}}).encode(),
    ]
    for content in broken:
        (tmp_path / "state.json").write_bytes(content)
        assert files.read_state(tmp_path) == State(), content


def test_a_write_that_fails_leaves_the_file_before_and_nothing_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(files.pq, "write_table", fail)
    with pytest.raises(OSError, match="no space"):
        files.write_runs(path, pa.table({}), "base-tone", 5)
    assert files.read_runs(path).to_pylist() == ROWS
    assert [each.name for each in path.parent.iterdir()] == ["7.parquet"]


def test_what_killed_writers_left_aside_is_removed(path: Path) -> None:
    for name in ("7.parquetab12.tmp", "state.jsonx.tmp"):
        (path.parent / name).write_bytes(b"half")
    files.remove_leftovers(path.parent)
    assert [each.name for each in path.parent.iterdir()] == ["7.parquet"]


def test_the_version_changes_with_the_file(path: Path) -> None:
    before = files.version(path)
    assert (files.version(path), files.version(path.with_name("none"))) == (before, "none")
    files.write_runs(path, pa.Table.from_pylist(ROWS, SCHEMA), "base-tone", 5)
    assert files.version(path) != before
