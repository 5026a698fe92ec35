"""Children: their lines as they come, how they ended, and nothing of them left behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from eval_pipeline.actions import children
from eval_pipeline.actions.children import Child, ChildEnd, kill_children
from eval_pipeline.errors import PipelineError
from tests.trial import PATIENCE_S

LEAVING = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']{more}).pid, flush=True)"


def python(script: str, **options: object) -> tuple[Child, list[str]]:
    lines: list[str] = []
    return Child([sys.executable, "-S", "-c", script], on_line=lines.append, **options), lines  # type: ignore[arg-type]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_it_is_told_and_what_it_says() -> None:
    words: list[str] = []
    script = "import sys; print(input()); print('a\\rb'); print('oh', file=sys.stderr); sys.exit(3)"
    child, lines = python(script, stdin="hi\nno more", on_word=words.append)
    end = child.wait()
    assert (lines[0], words, end) == ("hi\n", ["oh\n"], ChildEnd(3, ("oh",), stalled=False))
    assert end.problem == "oh"


def test_one_that_never_reads_what_it_is_told_ends_all_the_same() -> None:
    child, _ = python("print('done')", stdin="x" * 1_000_000)
    assert child.wait().exit_code == 0


@pytest.mark.parametrize("in_its_group", [True, False])
def test_what_it_leaves_behind_with_its_output_open_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, in_its_group: bool
) -> None:
    monkeypatch.setattr(children, "GRACE_S", 0.3)
    child, lines = python(LEAVING.format(more="" if in_its_group else ", start_new_session=True"))
    assert child.wait().exit_code == 0
    left = int(lines[0])
    if not in_its_group:
        assert alive(left)
        os.kill(left, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while alive(left):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_that_says_nothing_for_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "WATCH_S", 0.02)
    child, _ = python("import time; time.sleep(600)", stall_s=0.1)
    end = child.wait()
    assert (end.stalled, end.problem) == (True, "the evaluator gave no sign for too long and was ended")


def test_one_that_will_not_end_is_killed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE_S", 0.1)
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
    ends: list[str] = []
    child: Child

    def end(line: str) -> None:
        ends.append(line)
        child.end()

    child = Child([sys.executable, "-S", "-c", script], on_line=end)
    assert (child.wait().problem, ends) == ("the evaluator was ended by SIGKILL", ["x\n"])


def test_whoever_can_not_take_its_lines_gets_his_own_mistake_and_no_child_stays() -> None:
    def refuse(line: str) -> None:
        raise LookupError(line)

    child = Child([sys.executable, "-S", "-c", "print('x', flush=True); import time; time.sleep(600)"], on_line=refuse)
    with pytest.raises(LookupError, match="x"):
        child.wait()
    assert not alive(child.pid)


def test_all_can_be_killed_at_once() -> None:
    child, _ = python("import time; time.sleep(600)")
    kill_children()
    assert child.wait().signal_name == "SIGKILL"


def test_one_that_can_not_be_started_is_one_line() -> None:
    with pytest.raises(PipelineError, match="no-such-program could not be started"):
        Child(["no-such-program"], on_line=print)
    with pytest.raises(PipelineError, match="could not be started"):
        Child([sys.executable], folder=Path("no such folder"), on_line=print)
