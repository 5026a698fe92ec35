"""Whose the demo's folder is, and when it counts as built."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from eval_pipeline.demo.building import building, demo_is_built
from eval_pipeline.errors import PipelineError

NOW = datetime(2026, 6, 15, tzinfo=UTC)


def break_off(home: Path) -> None:
    """Somebody presses Ctrl-C half-way."""
    (home / "mlflow.db").write_text("half")
    raise KeyboardInterrupt


def build(folder: Path) -> None:
    """What a build comes to, without the work."""
    with building(folder, NOW) as home:
        (home / "mlflow.db").write_text("")


def test_a_folder_counts_as_built_after_the_work_and_not_before(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    assert not demo_is_built(folder)
    with building(folder, NOW) as home:
        (home / "mlflow.db").write_text("")
        assert not demo_is_built(folder)
    assert demo_is_built(folder)


def test_work_that_broke_off_leaves_a_folder_that_is_built_anew(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with pytest.raises(KeyboardInterrupt), building(folder, NOW) as home:
        break_off(home)
    assert not demo_is_built(folder)
    with building(folder, NOW) as home:
        assert [path.name for path in home.iterdir()] == ["demo.json"]


def test_a_folder_with_other_files_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(PipelineError, match="holds other files than a demo"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("change", [{"format": 0}, {"built_at": None}, {"folder": "/elsewhere"}])
def test_an_older_unfinished_or_moved_demo_does_not_count(tmp_path: Path, change: dict[str, object]) -> None:
    folder = tmp_path / "demo"
    build(folder)
    marker = folder / "demo.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | change))
    assert not demo_is_built(folder)


def test_a_demo_without_its_store_or_with_a_damaged_marker_does_not_count(tmp_path: Path) -> None:
    build(tmp_path / "a")
    (tmp_path / "a" / "mlflow.db").unlink()
    build(tmp_path / "b")
    (tmp_path / "b" / "demo.json").write_text("{")
    assert not demo_is_built(tmp_path / "a")
    assert not demo_is_built(tmp_path / "b")


def test_two_processes_do_not_build_in_one_folder(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / "demo.lock"),
        pytest.raises(PipelineError, match="another process is building the demo"),
    ):
        build(tmp_path / "demo")


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PipelineError, match=r"can't be built in .*file"):
        build(tmp_path / "file" / "demo")
