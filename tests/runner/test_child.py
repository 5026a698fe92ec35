"""The evaluator as a child process: what it prints, and why it may not begin."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval_pipeline.core.suites import CaseResult
from tests.runner.children import case, cases, evaluate, evaluate_anew, make_job, python, run, start, write_dataset

TARGETS = """
import os, subprocess, sys, threading

def echo(prompts, turns):
    if turns[-1] == "break":
        raise RuntimeError("no answer")
    return f"{sorted(prompts.items())} {turns}"

def loud(prompts, turns):
    print("by print")
    print("by the first stdout", file=sys.__stdout__, flush=True)
    os.write(1, b"by descriptor\\n")
    subprocess.run([sys.executable, "-c", "print('by a program')"], check=True)
    return "quiet"

def loaded(prompts, turns):
    return " ".join(sorted({name.partition(".")[0] for name in sys.modules}))

def reading(prompts, turns):
    return f"read {sys.stdin.read()!r} and {os.read(0, 10)!r}"

def odd(prompts, turns):
    return "half a \\ud83d character,\\nline\\u2028ends"

meeting = threading.Barrier(3)
def together(prompts, turns):
    meeting.wait()
    return "met"

active, most, lock = 0, 0, threading.Lock()
def counting(prompts, turns):
    global active, most
    with lock:
        active += 1
        most = max(most, active)
    threading.Event().wait(0.01)
    with lock:
        active -= 1
    return str(most)

def waiting(prompts, turns):
    while not os.path.exists(turns[-1]):
        threading.Event().wait(0.01)
    return "done"

number = 7
"""
KIND = [{"type": "contains", "value": "('persona', 'Be kind.')"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of targets and a dataset of one case."""
    (tmp_path / "targets.py").write_text(TARGETS)
    write_dataset(tmp_path, [case("one")])
    return tmp_path


def test_each_case_and_repeat_gives_a_line_and_an_exception_is_an_errored_case(folder: Path) -> None:
    write_dataset(
        folder,
        [
            {"id": "one", "input": "hi", "group": "g", "tags": ["a", "b"], "assert": KIND},
            {"id": "two", "input": ["a", "break"], "expected": "x"},
            {"id": "three", "input": ["a", "bé"], "assert": [{"type": "icontains", "value": "['A', 'BÉ']"}]},
        ],
        repeat=2,
    )
    done = evaluate_anew(folder, make_job(python("echo"), prompts={"persona": "Be kind."}, concurrency=1))
    prompts, broke = "[('persona', 'Be kind.')]", "RuntimeError: no answer"
    assert [replace(result, duration_ms=0.0) for result in done.cases] == [
        replace(result, repeat=repeat)
        for result in (
            CaseResult("one", "g", 1, True, 1.0, None, "hi", None, f"{prompts} ['hi']", 0.0, tags=("a", "b")),
            CaseResult("two", None, 1, None, None, broke, ["a", "break"], "x", None, 0.0),
            CaseResult("three", None, 1, True, 1.0, None, ["a", "bé"], None, f"{prompts} ['a', 'bé']", 0.0),
        )
        for repeat in (1, 2)
    ]


def test_a_case_that_fails_says_why(folder: Path) -> None:
    write_dataset(folder, [{"id": "one", "input": "hi", "expected": "something else"}])
    result = evaluate(folder, make_job(python("echo"))).only
    assert (result.passed, result.score, result.error) == (False, 0.0, None)
    assert "something else" in (result.reason or "")


def test_cases_that_have_a_result_already_are_left_out_and_the_job_says_how_often_each_is_run(folder: Path) -> None:
    write_dataset(folder, cases(2), repeat=5)
    done = [["case-0", 1], ["case-1", 2], ["gone", 1]]
    ran = evaluate(folder, make_job(python("echo"), done=done, repeat=2))
    assert sorted(result.key for result in ran.cases) == [("case-0", 2), ("case-1", 1)]


def test_nothing_to_do_is_done(folder: Path) -> None:
    assert evaluate(folder, make_job(python("echo"), done=[["one", 1]])).cases == ()


def test_nothing_that_a_target_prints_in_any_way_gets_between_the_lines(folder: Path) -> None:
    done = evaluate_anew(folder, make_job(python("loud")))
    assert done.only.output == "quiet"
    assert len(done.stdout.splitlines()) == 1
    for noise in ("by print", "by the first stdout", "by descriptor", "by a program"):
        assert noise in done.stderr


def test_a_target_that_reads_standard_input_finds_it_empty(folder: Path) -> None:
    assert evaluate_anew(folder, make_job(python("reading"))).only.output == "read '' and b''"


def test_an_answer_that_is_no_proper_text_still_is_one_line(folder: Path) -> None:
    done = evaluate(folder, make_job(python("odd")))
    assert done.only.output == "half a \ud83d character,\nline\u2028ends"
    assert done.stdout.count("\n") == 1


def test_as_many_cases_run_at_once_as_the_job_says(folder: Path) -> None:
    write_dataset(folder, cases(9))
    assert {result.output for result in evaluate(folder, make_job(python("together"), concurrency=3)).cases} == {"met"}
    ran = evaluate(folder, make_job(python("counting"), concurrency=2))
    assert max(int(result.output or "") for result in ran.cases) <= 2


def test_each_line_comes_as_soon_as_its_case_has_ended(folder: Path) -> None:
    write_dataset(folder, [case("slow", "go-on"), case("fast", ".")])
    with start(folder, make_job(python("waiting"), concurrency=2)) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["case_id"] == "fast"
        (folder / "go-on").touch()
        assert json.loads(child.stdout.readline())["case_id"] == "slow"


def test_the_child_loads_nothing_that_its_job_does_not_need(folder: Path) -> None:
    loaded = set((evaluate_anew(folder, make_job(python("loaded"))).only.output or "").split())
    heavy = {"mlflow", "pandas", "numpy", "streamlit", "yaml", "httpx", "tenacity", "jsonschema", "distributed"}
    assert heavy & loaded == set()


def test_the_job_can_come_from_a_file(folder: Path) -> None:
    (folder / "job.json").write_text(make_job(python("echo")))
    done = run(folder, "", "--job", "job.json")
    assert (done.code, done.only.passed) == (0, True)


def test_the_sample_assistant_is_a_target(folder: Path) -> None:
    prompts = {"persona": "Refuse to reveal {passwords}."}
    assert evaluate(folder, make_job({"kind": "demo"}, prompts=prompts)).only.passed is True


OPENAI = {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "m"}


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ("", "the job from stdin is none: Invalid JSON"),
        ("[]", "the job from stdin is none: "),
        ('{"target": {}, "tarpet": 1}', "the job from stdin is none: tarpet: Extra inputs are not permitted"),
        (make_job({}), "set [target] kind to openai, python, command or demo"),
        (make_job({"kind": "openai"}), '[target] kind = "openai" needs base_url and model'),
        (make_job({"kind": "python"}), '[target] kind = "python" needs function'),
        (make_job({"kind": "command"}), '[target] kind = "command" needs command'),
        (make_job(python("ecco")), "targets has no function 'ecco': did you mean echo?"),
        (make_job(python("number")), "targets has no function 'number'"),
        (make_job({"kind": "python", "function": "nowhere:f"}), "can't be used: ModuleNotFoundError: No module"),
        (make_job({"kind": "python", "function": "broken:f"}), "can't be used: SyntaxError"),
        (make_job({"kind": "python", "function": "leaving:f"}), "can't be used: SystemExit: 3"),
        (make_job({"kind": "python", "function": "echo"}), "write module:function"),
        (make_job({"kind": "command", "command": "no-such-program -x"}), "there is no such program"),
        (make_job({"kind": "command", "command": "say 'hi"}), "can't be read: No closing quotation"),
        (make_job({**OPENAI, "base_url": "127.0.0.1/v1"}), "base_url must begin with http:// or https://"),
        (
            make_job({**OPENAI, "prompts": ["tone"]}, prompts={"a": "x"}),
            "[target] prompts names 'tone', and there is a",
        ),
        (make_job(python("echo"), max_calls=1, calls_file="no/such/folder"), "calls can't be counted in"),
        (make_job(python("echo"), max_calls=1, executor="dask"), "calls can't be counted over many machines"),
        (make_job(python("echo"), executor="dask", dask_address="tcp://127.0.0.1:1"), "no Dask scheduler at tcp://"),
    ],
)
def test_what_keeps_the_child_from_beginning_is_one_line_and_exit_code_2(folder: Path, job: str, message: str) -> None:
    (folder / "broken.py").write_text("def f(:\n")
    (folder / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    done = run(folder, job)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dataset", "missing.json"), "missing.json can't be read"),
        (("--dataset", "binary.json"), "binary.json can't be read"),
        (("--dataset", "targets.py"), "targets.py"),
        (("--job", "missing.json"), "the job from missing.json can't be read"),
    ],
)
def test_a_file_that_can_not_be_read_is_named(folder: Path, options: tuple[str, ...], message: str) -> None:
    (folder / "binary.json").write_bytes(b"\xff\xfe")
    done = run(folder, json.dumps({"target": {"kind": "demo"}}), *options)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_cases_that_need_a_judge_do_not_begin_without_one(folder: Path) -> None:
    write_dataset(folder, [case("one", **{"assert": [{"type": "llm-rubric", "value": "is kind"}]})])
    message = "cases are graded by llm-rubric, and nothing says by whom: set [judge] kind\n"
    for job in (make_job(python("echo")), make_job(python("echo"), judge={})):
        done = run(folder, job)
        assert (done.code, done.stderr) == (2, message)
    done = run(folder, make_job(python("echo"), judge={**python("echo"), "prompts": ["a"]}))
    assert (done.code, done.stderr) == (2, "[judge] prompts is set: a judge has a prompt of its own, leave it out\n")
