"""Cases as tasks of a Dask cluster: the same results, also when a worker dies, or the scheduler does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from eval_pipeline.core.suites import CaseResult
from tests.conftest import free_port
from tests.runner.children import (
    Evaluated,
    case,
    cases,
    evaluate_anew,
    make_job,
    python,
    run_anew,
    start,
    write_dataset,
)

TARGETS = """
import os, signal, time

def answer(prompts, turns):
    print("noise")
    if turns == ["break"]:
        raise RuntimeError("broken")
    return f"{prompts['persona']} {turns[-1]}"

def deadly(prompts, turns):
    open(f"ran-{turns[-1]}-{os.getpid()}-{time.monotonic_ns()}", "x").close()
    if turns == ["deadly"] and not os.path.exists("died"):
        open("died", "x").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"

def hanging(prompts, turns):
    open(f"hangs-{turns[-1]}", "x").close()
    time.sleep(3600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of targets."""
    (tmp_path / "targets.py").write_text(TARGETS)
    return tmp_path


def in_order(done: Evaluated) -> list[CaseResult]:
    """The results without what differs from run to run."""
    return sorted((replace(result, duration_ms=0.0) for result in done.cases), key=lambda result: result.key)


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and a worker, as on machines of their own; the scheduler's address and process."""
    address = f"tcp://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    with ExitStack() as stack:
        scheduler = stack.enter_context(
            dask(folder, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        )
        stack.enter_context(dask(folder, "worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard"))
        yield address, scheduler


@contextmanager
def dask(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's command line, in a folder."""
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "dask", *arguments], cwd=folder, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_cluster_gives_the_same_results_as_one_process(folder: Path) -> None:
    further = [case("broken", "break"), {"id": "wrong", "input": "hi", "expected": "x"}]
    write_dataset(folder, [*cases(8), *further], repeat=2)
    fields = {"prompts": {"persona": "Ada says"}, "done": [["case-0", 1]]}
    here = evaluate_anew(folder, make_job(python("answer"), **fields))
    there = evaluate_anew(folder, make_job(python("answer"), executor="dask", concurrency=2, **fields))
    assert len(there.cases) == 19
    assert in_order(there) == in_order(here)
    assert "noise" in there.stderr


def test_with_a_worker_killed_half_way_nothing_is_lost_and_nothing_counts_twice(folder: Path) -> None:
    others = cases(20)
    write_dataset(folder, [*others[:10], case("deadly", "deadly"), *others[10:]])
    done = evaluate_anew(folder, make_job(python("deadly"), executor="dask", concurrency=2))
    assert [(result.output, result.error) for result in done.cases] == [("survived", None)] * 21
    assert len({result.key for result in done.cases}) == 21
    assert len(list(folder.glob("ran-deadly-*"))) == 2


def test_a_cluster_elsewhere_is_found_by_its_address_and_may_lack_something_or_be_lost(folder: Path) -> None:
    write_dataset(folder, cases(3))
    far = folder / "far"
    far.mkdir()
    with cluster(far) as (address, scheduler):
        elsewhere = {"executor": "dask", "dask_address": address}
        done = run_anew(folder, make_job(python("answer"), **elsewhere))
        assert (done.code, done.stdout) == (2, "")
        assert "can't evaluate: [target] function = 'targets:answer' can't be used: ModuleNotFound" in done.stderr
        assert len(done.stderr.splitlines()) == 1

        (far / "targets.py").write_text(TARGETS)
        done = evaluate_anew(folder, make_job(python("answer"), prompts={"persona": "Ada says"}, **elsewhere))
        assert {result.output for result in done.cases} == {"Ada says hi"}

        write_dataset(folder, [case("hangs", "once"), case("next", "twice")])
        with start(folder, make_job(python("hanging"), **elsewhere)) as child:
            while not (far / "hangs-once").exists():
                time.sleep(0.01)
            scheduler.kill()
            lines, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert lines.count(b"not run: the connection to the Dask scheduler is lost") == 2
