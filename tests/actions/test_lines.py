"""The results that this machine keeps until they are logged."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eval_pipeline.actions.lines import Lines, forget_lines
from eval_pipeline.core.suites import CaseResult, write_case_line

DONE = CaseResult("a", None, 1, True, 1.0, None, "hi", None, "yes", 1.5)
ERRED = replace(DONE, passed=None, score=None, error="down", output=None)


def add(lines: Lines, *cases: CaseResult) -> None:
    for case in cases:
        lines.add(write_case_line(case))


def test_a_later_attempt_finds_what_an_earlier_one_kept(tmp_path: Path) -> None:
    odd = replace(DONE, case_id="odd \u2028\r", output="ü")
    add(Lines(tmp_path / "suite", 0, "digest"), DONE, odd)
    again = Lines(tmp_path / "suite", 0, "digest")
    assert (list(again.cases.values()), again.problem) == ([DONE, odd], None)
    assert Lines(tmp_path / "suite", 0, "another").cases == {}
    assert Lines(tmp_path / "suite", 1, "digest").cases == {}
    forget_lines(tmp_path / "suite")
    assert Lines(tmp_path / "suite", 0, "digest").cases == {}


def test_a_result_takes_the_place_of_an_error_and_never_the_other_way_round(tmp_path: Path) -> None:
    lines = Lines(tmp_path, 0, "digest")
    add(lines, ERRED)
    assert (lines.errored, lines.failed, lines.done()) == (1, 0, [])
    failed = replace(DONE, passed=False)
    add(lines, failed, ERRED, DONE)
    assert (lines.errored, lines.failed, lines.done(), lines.cases) == (0, 1, [("a", 1)], {("a", 1): failed})
    again = Lines(tmp_path, 0, "digest")
    assert (again.errored, again.failed, again.cases) == (0, 1, {("a", 1): failed})


def test_errors_are_forgotten_so_that_they_are_run_again(tmp_path: Path) -> None:
    lines = Lines(tmp_path, 0, "digest")
    add(lines, DONE, replace(ERRED, repeat=2))
    lines.forget_errors()
    assert (lines.errored, list(lines.cases)) == (0, [("a", 1)])


def test_a_line_that_a_killed_process_could_not_finish_is_cut_off(tmp_path: Path) -> None:
    add(Lines(tmp_path, 0, "digest"), DONE)
    [path] = tmp_path.glob("*.jsonl")
    with path.open("a") as file:
        file.write('{"case_id": "b", "gro')
    lines = Lines(tmp_path, 0, "digest")
    assert (list(lines.cases), lines.problem) == ([("a", 1)], None)
    add(lines, replace(DONE, case_id="c"))
    assert list(Lines(tmp_path, 0, "digest").cases) == [("a", 1), ("c", 1)]


def test_a_line_that_can_not_be_read_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "0000-digest.jsonl").write_bytes(b"\xff{}\n" + write_case_line(DONE).encode() + b"\n")
    lines = Lines(tmp_path, 0, "digest")
    assert list(lines.cases) == [("a", 1)]
    assert "can't be read" in str(lines.problem)
    add(lines, replace(DONE, case_id="b"))
    assert list(Lines(tmp_path, 0, "digest").cases) == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("line", ["", "\n", "null\n", "[]\n", '{"case_id": "a"}\n', "loading the model\n"])
def test_what_is_no_result_is_refused_and_not_kept(tmp_path: Path, line: str) -> None:
    lines = Lines(tmp_path / "suite", 0, "digest")
    with pytest.raises(ValueError, match="no case result"):
        lines.add(line)
    assert (lines.cases, (tmp_path / "suite").exists()) == ({}, False)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one page."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(place)], capture_output=True)
    if os.geteuid() != 0 or mounted.returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_on_a_full_disk_results_are_in_memory_and_what_was_written_is_whole(tiny_disk: Path) -> None:
    lines = Lines(tiny_disk, 0, "digest")
    many = [replace(DONE, case_id=f"case-{number}", output="x" * 400) for number in range(20)]
    add(lines, *many)
    assert list(lines.cases.values()) == many
    assert "No space left on device" in str(lines.problem)
    kept = list(Lines(tiny_disk, 0, "digest").cases.values())
    assert 0 < len(kept) < 20
    assert kept == many[: len(kept)]
