"""A program as a target: what it is told, how it answers, and how it ends."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.runner.children import Evaluated, case, cases, evaluate, make_job, start, write_dataset

HANG = """
import os, subprocess, sys, time
code = "import os, time; open(f'grandchild-{os.getpid()}', 'x'); time.sleep(3600)"
subprocess.Popen([sys.executable, "-c", code])
open(f"child-{os.getpid()}", "x")
time.sleep(3600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a dataset of one case of two turns."""
    write_dataset(tmp_path, [case("one", ["a", "b"], vars={"city": "Rome"})])
    return tmp_path


def command(code: str) -> dict[str, str]:
    """A target that is a program of a few lines of Python."""
    return {"kind": "command", "command": shlex.join([sys.executable, "-c", code])}


def ask(folder: Path, code: str) -> Evaluated:
    return evaluate(folder, make_job(command(code), prompts={"persona": "In {{city}}."}))


def started(folder: Path, pattern: str, count: int) -> list[int]:
    """The ids of the processes that left a file of this name, as soon as there are so many."""
    end = time.monotonic() + 30
    while len(found := list(folder.glob(pattern))) < count:
        assert time.monotonic() < end, f"no {pattern}"
        time.sleep(0.01)
    return [int(path.name.rpartition("-")[2]) for path in found]


def wait_until_gone(process: int) -> None:
    """Wait for a process that is not our child; one that stays fails the test."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state == "Z":  # ended; nobody has asked for its exit code
            return
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    pytest.fail(f"process {process} was still there")


def test_a_program_gets_the_question_as_json_and_answers_in_json(folder: Path) -> None:
    result = ask(folder, "import json, sys; print(json.dumps({'output': sys.stdin.read()}))").only
    asked = '{"prompts": {"persona": "In {{city}}."}, "turns": ["a", "b"], "vars": {"city": "Rome"}, "case_id": "one"}'
    assert (result.output, result.passed, result.attempts) == (asked, True, 1)


def test_a_program_need_not_read_its_question(folder: Path) -> None:
    write_dataset(folder, [case("one", "x" * 1_000_000)])
    assert ask(folder, """print('{"output": "é"}')""").only.output == "é"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("""print('{"error": "no such user"}')""", "no such user"),
        ("import sys; sys.exit('first\\nlast words')", "the command failed with exit code 1: last words"),
        ('import sys; print(\'{"output": "x"}\'); sys.exit(3)', "the command failed with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "the command failed with SIGKILL"),
        ("print('hello')", 'no valid answer: the command printed hello where {"output": "…"} was due'),
        ("print('[]')", 'no valid answer: the command printed [] where {"output": "…"} was due'),
        ("""print('{"output": 7}')""", 'the command printed {"output": 7} where {"output": "…"} was due'),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "the command printed \ufffd where"),
        ("pass", 'no valid answer: the command printed nothing where {"output": "…"} was due'),
    ],
)
def test_a_program_that_fails_or_answers_otherwise_makes_an_errored_case(folder: Path, code: str, error: str) -> None:
    result = ask(folder, code).only
    assert (result.passed, result.output) == (None, None)
    assert error in (result.error or "")


def test_no_shell_reads_the_command(folder: Path) -> None:
    echo = {"kind": "command", "command": "echo $HOME; echo x > made"}
    result = evaluate(folder, make_job(echo)).only
    assert "printed $HOME; echo x > made where" in (result.error or "")
    assert not (folder / "made").exists()


def test_what_a_program_complains_of_goes_to_stderr(folder: Path) -> None:
    code = """import sys; print("be careful", file=sys.stderr); print('{"output": "x"}')"""
    assert "be careful" in ask(folder, code).stderr


def test_a_program_that_hangs_is_killed_with_all_that_it_started_and_the_others_go_on(folder: Path) -> None:
    write_dataset(folder, [case("hang", "hang"), *cases(2)])
    code = f"""
import json, sys
if json.load(sys.stdin)["turns"] == ["hang"]:
    exec({HANG!r})
print('{{"output": "x"}}')
"""
    child = start(folder, make_job(command(code), timeout_s=5, concurrency=1))
    (grandchild,), (hanging,) = started(folder, "grandchild-*", 1), started(folder, "child-*", 1)
    lines, _ = child.communicate(timeout=120)
    assert b"TimeoutError: no answer within 5 s" in lines
    assert lines.count(b'"output": "x"') == 2
    wait_until_gone(grandchild)
    wait_until_gone(hanging)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_child_that_is_told_to_end_takes_its_programs_along(folder: Path, sign: signal.Signals) -> None:
    write_dataset(folder, cases(3))
    child = start(folder, make_job(command(HANG), concurrency=2))
    family = [*started(folder, "grandchild-*", 2), *started(folder, "child-*", 2)]
    child.send_signal(sign)
    assert child.communicate(timeout=120) == (b"", b"")
    assert child.returncode == -sign
    for process in family:
        wait_until_gone(process)


def test_a_child_whose_reader_is_gone_takes_its_programs_along(folder: Path) -> None:
    child = start(folder, make_job(command(HANG)))
    family = [*started(folder, "grandchild-*", 1), *started(folder, "child-*", 1)]
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    with child.stderr as complaints:
        assert complaints.read() == b""
    assert child.wait(timeout=120) == 141
    for process in family:
        wait_until_gone(process)


def test_what_a_program_leaves_running_on_purpose_may_stay(folder: Path) -> None:
    code = """
import subprocess, sys
quiet = subprocess.DEVNULL
server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], stdout=quiet, stderr=quiet)
print('{"output": "%s"}' % server.pid)
"""
    server = int(ask(folder, code).only.output or "")
    assert Path(f"/proc/{server}").exists()
    os.kill(server, signal.SIGKILL)
