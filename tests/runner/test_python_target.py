"""A function as a target: what it gets, what it may do, and what becomes of one that never returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runner.children import case, cases, evaluate, make_job, python, start, write_dataset

TARGETS = """
import asyncio, functools, sys, threading, time

def echo(prompts, turns):
    return f"{prompts} {turns}"

async def async_echo(prompts, turns):
    await asyncio.sleep(0)
    return f"{prompts} {turns}"

async def _answer(prefix, prompts, turns):
    return f"{prefix} {turns}"

wrapped = functools.partial(_answer, "wrapped")

def giving_a_coroutine(prompts, turns):
    return _answer("given", prompts, turns)

class Assistant:
    async def __call__(self, prompts, turns):
        return f"object {turns}"

an_object = Assistant()

def with_variables(prompts, turns, vars):
    return f"{vars}"

def meddling(prompts, turns):
    before = f"{prompts} {turns}"
    prompts.clear()
    turns.append("more")
    return before

def number(prompts, turns):
    return 7

async def nothing(prompts, turns):
    pass

def leaving(prompts, turns):
    sys.exit(3)

async def leaving_async(prompts, turns):
    raise SystemExit(3)

def stopping(prompts, turns):
    raise StopIteration("enough")

async def cancelling(prompts, turns):
    raise asyncio.CancelledError("gave up")

async def timing_out(prompts, turns):
    raise TimeoutError("the backend took too long")

def hanging(prompts, turns):
    if "hang" in turns:
        threading.Event().wait()
    return "answered"

async def hanging_async(prompts, turns):
    if "hang" in turns:
        try:
            await asyncio.Event().wait()
        finally:
            print("cancelled for real", file=sys.stderr)
    return "answered"

async def blocking(prompts, turns):
    if "hang" in turns:
        time.sleep(3600)
    return "answered"

async def stubborn(prompts, turns):
    while "hang" in turns:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
    return "answered"

shared = None
async def one_loop(prompts, turns):
    global shared
    shared = shared or asyncio.get_running_loop()
    return str(shared is asyncio.get_running_loop())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of targets and a dataset of one case of two turns."""
    (tmp_path / "targets.py").write_text(TARGETS)
    write_dataset(tmp_path, [case("one", ["a", "b"], vars={"city": "Rome"})])
    return tmp_path


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        ("echo", "{'persona': 'In {{city}}.'} ['a', 'b']"),
        ("async_echo", "{'persona': 'In {{city}}.'} ['a', 'b']"),
        ("wrapped", "wrapped ['a', 'b']"),
        ("giving_a_coroutine", "given ['a', 'b']"),
        ("an_object", "object ['a', 'b']"),
        ("with_variables", "{'city': 'Rome'}"),
    ],
)
def test_a_function_gets_templates_and_turns_and_may_be_async(folder: Path, function: str, answer: str) -> None:
    result = evaluate(folder, make_job(python(function), prompts={"persona": "In {{city}}."})).only
    assert (result.output, result.passed, result.attempts) == (answer, True, 1)


def test_what_a_function_does_to_its_arguments_does_not_reach_the_next_case(folder: Path) -> None:
    write_dataset(folder, [case("one", ["a"])], repeat=2)
    ran = evaluate(folder, make_job(python("meddling"), prompts={"p": "x"}, concurrency=1))
    assert [result.output for result in ran.cases] == ["{'p': 'x'} ['a']"] * 2


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("number", "no valid answer: targets:number returned int where text was due"),
        ("nothing", "no valid answer: targets:nothing returned NoneType where text was due"),
        ("leaving", "SystemExit: 3"),
        ("leaving_async", "SystemExit: 3"),
        ("stopping", "StopIteration: enough"),
        ("cancelling", "CancelledError: gave up"),
        ("timing_out", "TimeoutError: the backend took too long"),
    ],
)
def test_whatever_a_function_raises_or_returns_is_the_error_of_its_case(
    folder: Path, function: str, error: str
) -> None:
    write_dataset(folder, cases(3))
    ran = evaluate(folder, make_job(python(function), timeout_s=30, concurrency=1))
    assert [(result.passed, result.score, result.output, result.error) for result in ran.cases] == [
        (None, None, None, error)
    ] * 3


def test_where_a_function_failed_is_told_once_on_stderr(folder: Path) -> None:
    write_dataset(folder, cases(3))
    ran = evaluate(folder, make_job(python("timing_out")))
    assert ran.stderr.count("Traceback") == 1
    assert 'raise TimeoutError("the backend took too long")' in ran.stderr


@pytest.mark.parametrize("function", ["hanging", "hanging_async", "blocking", "stubborn"])
def test_a_call_past_its_deadline_is_an_errored_case_and_the_others_go_on(folder: Path, function: str) -> None:
    hang = [case(f"hang-{index}", "hang", timeout_s=0.3) for index in range(3)]
    write_dataset(folder, [*hang, *cases(3)])
    ran = evaluate(folder, make_job(python(function), concurrency=1, timeout_s=30)).by_id
    late = "TimeoutError: no answer within 0.3 s"
    assert {name: (result.output, result.error) for name, result in ran.items()} == {
        **{f"hang-{index}": (None, late) for index in range(3)},
        **{f"case-{index}": ("answered", None) for index in range(3)},
    }


def test_a_function_that_never_returns_keeps_neither_the_slots_nor_the_process(folder: Path) -> None:
    write_dataset(folder, [*(case(f"hang-{index}", "hang") for index in range(8)), *cases(8)])
    ran = evaluate(folder, make_job(python("hanging"), concurrency=2, timeout_s=0.3))
    assert [result.output for result in ran.cases].count("answered") == 8


def test_calls_that_never_return_are_not_piled_up_without_end(folder: Path) -> None:
    write_dataset(folder, [case(f"hang-{index}", "hang") for index in range(200)])
    ran = evaluate(folder, make_job(python("hanging"), concurrency=50, timeout_s=0.3))
    refused = [result for result in ran.cases if "earlier calls never returned" in (result.error or "")]
    late = [result for result in ran.cases if result.error == "TimeoutError: no answer within 0.3 s"]
    assert len(refused) + len(late) == 200
    assert 100 <= len(late) < 150  # the cap, and at most those that began before it was reached


def test_an_async_function_is_really_cancelled(folder: Path) -> None:
    write_dataset(folder, [case("hang", "hang", timeout_s=0.2), case("next")])
    child = start(folder, make_job(python("hanging_async"), concurrency=1))
    _, complaints = child.communicate(timeout=120)
    assert b"cancelled for real" in complaints


def test_async_functions_share_a_loop_so_that_their_clients_can_be_shared(folder: Path) -> None:
    write_dataset(folder, cases(10))
    assert {result.output for result in evaluate(folder, make_job(python("one_loop"))).cases} == {"True"}
