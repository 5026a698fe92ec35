"""How a child ends when it is killed, told to end, or has nobody to tell; and what its lines are worth then."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from eval_pipeline.core.suites import read_case_lines
from tests.runner.children import COMMAND, cases, make_job, python, start, write_dataset

TARGETS = """
import os, threading, time

def ticking(prompts, turns):
    time.sleep(0.005)
    return "x" * 5000

def hanging(prompts, turns):
    open("hangs", "x")
    threading.Event().wait()

def quick(prompts, turns):
    return "answered"

def noisy(prompts, turns):
    for descriptor in (1, 2):
        os.write(descriptor, b"noise\\n")
    print("noise")
    return "answered"

def keeping_a_thread(prompts, turns):
    threading.Thread(target=threading.Event().wait).start()
    return "answered"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of targets and a dataset of many cases."""
    (tmp_path / "targets.py").write_text(TARGETS)
    write_dataset(tmp_path, cases(1000))
    return tmp_path


def test_the_lines_of_a_killed_child_are_whole(folder: Path) -> None:
    with start(folder, make_job(python("ticking"))) as child:
        assert child.stdout is not None
        first = [child.stdout.readline() for _ in range(5)]
        child.kill()
        rest = child.stdout.read()
    results = read_case_lines((b"".join(first) + rest).decode())
    assert 5 <= len(results) < 1000
    assert {(result.output, result.passed) for result in results} == {("x" * 5000, True)}
    assert len({result.key for result in results}) == len(results)


@pytest.mark.parametrize("function", ["ticking", "hanging"])
def test_a_child_whose_reader_is_gone_ends_quietly_and_at_once(folder: Path, function: str) -> None:
    with start(folder, make_job(python(function), timeout_s=3600, concurrency=1)) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        if function == "ticking":
            child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait(timeout=120) == 141


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_child_that_is_told_to_end_does_so_by_that_signal(folder: Path, sign: signal.Signals) -> None:
    with start(folder, make_job(python("ticking"))) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.send_signal(sign)
        read_case_lines(child.stdout.read().decode())
        assert child.stderr.read() == b""
    assert child.returncode == -sign


def test_a_thread_that_a_target_forgets_does_not_keep_the_child(folder: Path) -> None:
    write_dataset(folder, cases(1))
    with start(folder, make_job(python("keeping_a_thread"))) as child:
        lines, _ = child.communicate(timeout=120)
    assert json.loads(lines)["output"] == "answered"
    assert child.returncode == 0


def test_results_that_can_not_be_written_end_the_child_with_one_line(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            COMMAND,
            cwd=folder,
            input=make_job(python("quick")).encode(),
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    said = f"the results can't be written: [Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}\n"
    assert (done.returncode, done.stderr.decode()) == (1, said)


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        (">&-", "the results have nowhere to go, standard output is closed"),
        ("<&-", "the job from stdin is none: Invalid JSON"),
        ("<&- >&- --job job.json", "the results have nowhere to go, standard output is closed"),
    ],
)
def test_without_a_stream_that_it_needs_the_child_does_not_begin(folder: Path, closed: str, said: str) -> None:
    (folder / "job.json").write_text(make_job(python("quick")))
    done = subprocess.run(" ".join([*COMMAND, closed]), shell=True, cwd=folder, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(said)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_without_other_streams_the_child_does_its_work_and_its_lines_stay_clean(folder: Path, closed: str) -> None:
    (folder / "job.json").write_text(make_job(python("noisy")))
    write_dataset(folder, cases(20))
    command = " ".join([*COMMAND, "--job", "job.json", closed])
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, timeout=60)
    results = read_case_lines(done.stdout.decode())
    assert (done.returncode, len(results), {result.output for result in results}) == (0, 20, {"answered"})
