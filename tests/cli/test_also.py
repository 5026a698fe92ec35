"""One answer in several forms: on stdout, and in files for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builder import StoreBuilder
from tests.cli.conftest import Run


def test_an_answer_can_go_to_files_as_well(story: StoreBuilder, run: Run) -> None:
    named = [word for each in ("json", "junit", "markdown") for word in ("--also", f"{each}=answer.{each}")]
    assert run("check", *named, store=story) == run("check", store=story)
    alone = {each: run("check", "--format", each, store=story).out for each in ("json", "junit", "markdown")}
    assert {each: Path(f"answer.{each}").read_text(encoding="utf-8") for each in alone} == alone
    assert json.loads(alone["json"])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("junit", "'junit' is not FORMAT=FILE, as in junit=evals.xml"),
        ("table=answer.txt", "'table=answer.txt' is not FORMAT=FILE, as in junit=evals.xml"),
        ("junit=", "'junit=' is not FORMAT=FILE, as in junit=evals.xml"),
        ("junit=nowhere/evals.xml", "'nowhere/evals.xml' can't be written"),
        ("junit=.", "'.' can't be written"),
    ],
)
def test_a_file_that_can_not_take_it_is_known_before_the_work_begins(run: Run, said: str, why: str) -> None:
    answer = run("run-evals", "--also", said)
    line = f"Error: Invalid value for '--also': {why}: see 'eval-pipeline run-evals --help'\n"
    assert (answer.code, answer.out, answer.err) == (2, "", line)


def test_a_file_that_is_lost_meanwhile_is_a_mistake_in_one_line(store_builder: StoreBuilder, run: Run) -> None:
    Path("gone").symlink_to("nowhere/evals.xml")
    answer = run("check", "--also", "junit=gone", store=store_builder)
    assert (answer.code, answer.err) == (2, "Error: gone can't be written: No such file or directory\n")
