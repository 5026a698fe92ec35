"""What `report` writes and says, and that a page which is there is never lost."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from tests.builder import StoreBuilder
from tests.cli.conftest import Answer, Run
from tests.logging_cases import case, log_cases

NO_RUNS = "No eval runs found in"


@pytest.fixture
def told(store_builder: StoreBuilder) -> StoreBuilder:
    """A type that regressed with its prompt, and one with a first run."""
    for text in ("Greet the user.\nRefuse.", "Greet the user."):
        store_builder.client.register_prompt("persona", text)
    log_cases(store_builder, [case("a"), case("b")], hour=1, prompts={"persona": "v1"})
    log_cases(store_builder, [case("a"), case("b", False)], hour=2, prompts={"persona": "v2"})
    log_cases(store_builder, [case("c")], "routing", hour=2, prompts={"persona": "v2"})
    return store_builder


def test_a_page_is_written_and_the_answer_says_where_and_what_it_tells(told: StoreBuilder, run: Run) -> None:
    said = run("report", "--html", "evals.html", store=told)
    assert said == Answer(0, "Wrote evals.html: 1 of 2 eval types meet their threshold.\n", "")
    page = Path("evals.html").read_text(encoding="utf-8")
    for part in ("<!doctype html>", "✕ Regression", ">b</b>", "does not contain &#39;hello&#39;", "persona v1→v2"):
        assert part in page
    assert '<td class="t gone"><del>Refuse.</del></td>' in page
    as_json = run("report", "--html", "other.html", "--format", "json", "--no-mirror", store=told)
    assert (as_json.code, as_json.err) == (0, "")
    assert json.loads(as_json.out) == {
        "file": "other.html",
        "bytes": Path("other.html").stat().st_size,
        "eval_types": 2,
        "judged": 2,
        "meeting_threshold": 1,
        "regressions": 1,
        "warnings": 0,
    }


def test_a_place_where_no_page_can_be_written_is_named_before_the_store_is_asked(run: Run, tmp_path: Path) -> None:
    os.mkfifo("pipe")
    nowhere = StoreBuilder(f"sqlite:///{tmp_path / 'nowhere.db'}")
    for file, why in (
        ("missing/evals.html", "there is no folder missing: make it, or name a file in another one"),
        ("pipe", "pipe is no file that a page could replace: name another"),
    ):
        assert run("report", "--html", file, store=nowhere) == Answer(2, "", f"Error: {why}\n")
    folder = run("report", "--html", ".", store=nowhere)
    assert (folder.code, folder.out) == (2, "")
    assert "File '.' is a directory" in folder.err


def test_a_full_disk_leaves_the_old_page_and_nothing_beside_it(
    told: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("evals.html").write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    said = run("report", "--html", "evals.html", store=told)
    why = "evals.html can't be written (No space left on device): nothing was changed there"
    assert said == Answer(2, "", f"Error: {why}\n")
    assert {path.name: path.read_text() for path in Path().iterdir()} == {"evals.html": "old"}


def test_a_page_takes_the_place_of_the_one_before_with_its_permissions_and_links(told: StoreBuilder, run: Run) -> None:
    old = Path("old.html")
    old.write_text("old")
    old.chmod(0o640)
    Path("evals.html").symlink_to(old)
    assert run("report", "--html", "evals.html", store=told).code == 0
    assert (Path("evals.html").is_symlink(), old.stat().st_mode & 0o777) == (True, 0o640)
    assert old.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert run("report", "--html", "new.html", store=told).code == 0
    mask = os.umask(0)
    os.umask(mask)
    assert Path("new.html").stat().st_mode & 0o777 == 0o666 & ~mask


def test_an_empty_store_says_so_and_no_page_of_nothing_is_written(store_builder: StoreBuilder, run: Run) -> None:
    store_builder.experiment("tone")
    Path("evals.html").write_text("old")
    said = run("report", "--html", "evals.html", store=store_builder)
    assert (said.code, said.out.partition(" sqlite")[0], said.err) == (2, NO_RUNS, "")
    as_json = run("report", "--html", "evals.html", "--format", "json", store=store_builder)
    assert (as_json.code, json.loads(as_json.out)) == (2, {"file": None, "bytes": 0, "eval_types": 1})
    assert as_json.err.startswith(NO_RUNS)
    assert Path("evals.html").read_text() == "old"
