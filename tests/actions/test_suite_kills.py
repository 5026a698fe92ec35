"""Real `eval-pipeline run-evals` processes that are interrupted, killed, or get in each other's way."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eval_pipeline.actions.lines import suite_folder
from eval_pipeline.actions.suites import standing
from eval_pipeline.core.suite_runs import SuiteState, TypeState
from tests.terminals import Terminals
from tests.trial import Trial

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("calls", "w").write("begun")
time.sleep(600)
"""


@pytest.fixture(scope="module")
def forker() -> Iterator[Terminals]:
    started = Terminals()
    yield started
    started.close()


@pytest.fixture
def terminals(forker: Terminals) -> Iterator[Terminals]:
    yield forker
    forker.kill_all()


def processes(folder: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if (each / "cwd").readlink() == folder and (each / "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(int(each.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_one_ends_its_children_logs_what_is_done_and_says_how_to_go_on(
    terminals: Terminals, trial: Trial, sign: signal.Signals
) -> None:
    trial.dataset("tone", "pass", "wait")
    trial.dataset("zeal", "pass")
    [pid] = terminals.start(trial.folder, ["run-evals", "--suite", "full", "--jobs", "1"])
    trial.wait(lambda: len(trial.calls) == 2)
    assert len(processes(trial.folder)) == 2
    os.killpg(pid, sign)
    [ended] = terminals.end()
    [suite] = trial.suites
    assert (ended.code, processes(trial.folder)) == (130, [])
    assert ended.err == "stopping: what is done is logged as partial; once more ends at once\n"
    assert ended.out.splitlines()[-2:] == [
        "Interrupted: 2 of 2 eval types not evaluated in full: tone (partial), zeal (waiting).",
        f"To run what is missing: eval-pipeline run-evals --resume {suite.id}",
    ]
    assert (suite.outcome, suite.message) == (SuiteState.CANCELLED, "interrupted")
    assert trial.statuses("tone") == [("FINISHED", 1.0, 1)]
    (trial.folder / "go").touch()
    assert trial.resume(suite.id).state is SuiteState.PASSED
    assert sorted(trial.calls) == ["pass", "pass", "wait", "wait"]


def test_interrupted_twice_it_ends_at_once_with_children_that_will_not_go(terminals: Terminals, trial: Trial) -> None:
    (trial.folder / "stubborn.py").write_text(STUBBORN)
    trial.configure(runner={"command": "python stubborn.py"})
    trial.dataset("tone", "pass")
    [pid] = terminals.start(trial.folder, ["run-evals", "--suite", "full"])
    trial.wait(lambda: trial.calls)
    os.kill(pid, signal.SIGINT)
    trial.wait(lambda: terminals.files[pid][1].read_text().startswith("stopping:"))
    os.kill(pid, signal.SIGINT)
    [ended] = terminals.end()
    assert (ended.code, ended.err.splitlines()[-1]) == (130, "ended at once")
    trial.wait(lambda: not processes(trial.folder))
    [suite] = trial.suites
    assert standing(suite) is SuiteState.LOST


@pytest.mark.parametrize("lines_kept", [True, False])
def test_one_that_is_killed_is_lost_at_once_and_resuming_takes_what_was_done(
    terminals: Terminals, trial: Trial, lines_kept: bool
) -> None:
    trial.dataset("a", "pass a")
    trial.dataset("b", "pass b", "wait")
    [pid] = terminals.start(trial.folder, ["run-evals", "--suite", "full", "--jobs", "1"])
    trial.wait(lambda: len(trial.calls) == 3)
    folder = suite_folder(trial.store.settings, trial.suites[0].id)
    trial.wait(lambda: len("".join(path.read_text() for path in folder.glob("*.jsonl")).splitlines()) == 2)
    trial.wait(lambda: trial.suites[0].types[0].state is TypeState.PASS)
    os.kill(pid, signal.SIGKILL)
    [ended] = terminals.end()
    assert ended.code == -signal.SIGKILL
    trial.wait(lambda: not processes(trial.folder))
    [suite] = trial.suites
    assert (standing(suite), suite.outcome) == (SuiteState.LOST, None)
    if not lines_kept:
        shutil.rmtree(folder)
    (trial.folder / "go").touch()
    assert trial.resume(suite.id).state is SuiteState.PASSED
    again = [] if lines_kept else ["pass b"]
    assert sorted(trial.calls) == sorted(["pass a", "pass b", "wait", "wait", *again])
    assert [trial.statuses(each) for each in "ab"] == [[("FINISHED", 1.0, 0)]] * 2


def test_of_two_that_resume_at_once_one_works_and_one_is_refused(terminals: Terminals, trial: Trial) -> None:
    trial.dataset("tone", "pass", "raise")
    suite_id = trial.run().run_id
    (trial.folder / "mended").touch()
    terminals.start(trial.folder, ["run-evals", "--resume", suite_id], ["run-evals", "--resume", suite_id[:8]])
    ended = sorted(terminals.end(2), key=lambda each: each.code)
    assert [each.code for each in ended] == [0, 1]
    assert ended[1].out == ""
    assert any(
        each in ended[1].err for each in ("has just begun to work on", "is being worked on", "nothing is missing")
    )
    assert sorted(trial.calls) == ["pass", "raise", "raise"]
    assert len(trial.runs("tone")) == 2


def test_doctor_names_what_is_lost_and_how_to_finish_or_clear_it(terminals: Terminals, trial: Trial) -> None:
    trial.dataset("tone", "wait")
    [pid] = terminals.start(trial.folder, ["run-evals", "--suite", "full", "--actor", "ada"])
    trial.wait(lambda: trial.calls)
    os.kill(pid, signal.SIGKILL)
    terminals.end()
    suite_id = trial.suites[0].id
    terminals.start(trial.folder, ["doctor"])
    [text] = terminals.end()
    terminals.start(trial.folder, ["doctor", "--format", "json"])
    [as_json] = terminals.end()
    lines = text.out.splitlines()
    begin = lines.index("Suite runs that are lost: their process has stopped")
    assert lines[begin + 1].startswith(f"  {suite_id[:8]}  full, begun ")
    assert lines[begin + 1].endswith(" by ada, 0 of 1 eval type done")
    assert lines[begin + 2 : begin + 4] == [
        f"    to finish: eval-pipeline run-evals --resume {suite_id}",
        f"    to clear:  eval-pipeline run-evals --cancel {suite_id}",
    ]
    [lost] = json.loads(as_json.out)["lost_suites"]
    assert (lost["run_id"], lost["state"], lost["finish"], lost["clear"]) == (
        suite_id,
        "lost",
        f"eval-pipeline run-evals --resume {suite_id}",
        f"eval-pipeline run-evals --cancel {suite_id}",
    )
    terminals.start(trial.folder, ["run-evals", "--cancel", suite_id])
    [cancelled] = terminals.end()
    assert (cancelled.code, cancelled.out) == (0, f"Suite run {suite_id} was ended: its process had stopped.\n")
    terminals.start(trial.folder, ["doctor"])
    assert "are lost" not in terminals.end()[0].out


def test_in_a_terminal_a_bar_counts_the_cases_below_the_lines(terminals: Terminals, trial: Trial) -> None:
    trial.dataset("tone", "pass", "wait")
    reader, terminal = os.openpty()
    try:
        where = {"terminal": os.ttyname(terminal), "TERM": "xterm", "COLUMNS": "90"}
        terminals.start(trial.folder, ["run-evals", "--eval-type", "tone"], **where)
        said = read_until(reader, "1/2", trial.wait)
        (trial.folder / "go").touch()
        said += read_until(reader, "Passed: the eval type met the threshold", trial.wait)
        [ended] = terminals.end()
    finally:
        os.close(reader)
        os.close(terminal)
    assert ended.code == 0
    assert "━" in said
    assert re.search(r"[^\r]1/2 cases · types: 0 of 1 · now: tone", said)
    assert "[1/1] tone ................... PASS (100.0%)\r\n" in re.sub(r"\x1b\[[\d;]*m", "", said)


def read_until(reader: int, wanted: str, wait: Callable[[Callable[[], object]], None]) -> str:
    """What a terminal shows, up to some words."""
    os.set_blocking(reader, False)
    said = bytearray()

    def read() -> bool:
        try:
            said.extend(os.read(reader, 65_536))
        except BlockingIOError:
            return False
        return wanted in said.decode(errors="replace")

    wait(read)
    return said.decode(errors="replace")
