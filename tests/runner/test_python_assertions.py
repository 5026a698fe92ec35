"""Functions of a team's own as assertions: what they get, what they may return, and what they may break."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.core.datasets import Case
from eval_pipeline.runner.assertions import Grade, assertions_left_behind, judge_output
from eval_pipeline.runner.calls import NoAnswer

MODULE = """
import asyncio, json, sys, threading

returned = None

def give(output, context):
    return returned

def echo(output, context):
    return {"pass": False, "reason": json.dumps([output, context])}

async def polite(output, context):
    await asyncio.sleep(0)
    return "please" in output

class Polite:
    async def __call__(self, output, context):
        return "please" in output

polite_object = Polite()

def wait_for_the_others(output, context, barrier=threading.Barrier(3)):
    barrier.wait(timeout=30)
    return True

def spoil(output, context):
    context["prompts"].clear()
    context["turns"].append("x")
    return True

started, release = threading.Event(), threading.Event()

def hangs(output, context):
    started.set()
    release.wait(timeout=60)
    return True

def raises(output, context):
    raise KeyError("two\\nlines")

async def raises_later(output, context):
    raise StopAsyncIteration

def stops(output, context):
    raise StopIteration

def leaves(output, context):
    sys.exit(3)

number = 7
"""


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a module of functions in the working directory, a new one for each test."""
    name = f"checks_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def grade(function: str, output: str = "x", kind: str = "python", **fields: Any) -> Grade:
    asked = {"type": kind, "value": function, **fields}
    case = Case.model_validate(
        {"id": "a", "input": ["hi", "you"], "tags": ["t"], "vars": {"n": "1"}, "assert": [asked]}
    )
    return asyncio.run(judge_output(output, case, {"persona": "Be kind."}, None))


def giving(checks: str, returned: object, **fields: Any) -> Grade:
    """The grade by a function that returns this."""
    __import__(checks)
    sys.modules[checks].returned = returned  # type: ignore[attr-defined]
    return grade(f"{checks}:give", **fields)


@pytest.mark.parametrize(
    ("returned", "threshold", "expected", "score"),
    [
        (True, None, True, 1.0),
        (False, None, False, 0.0),
        (0.7, None, True, 0.7),
        (0.7, 0.7, True, 0.7),
        (0.7, 0.8, False, 0.7),
        (1, None, True, 1.0),
        (0, None, False, 0.0),
        (0.0, None, False, 0.0),
        ({"pass": True}, None, True, 1.0),
        ({"pass": False}, None, False, 0.0),
        ({"pass": True, "score": 0.4, "reason": "short"}, None, True, 0.4),
        ({"pass": True, "score": 0.4, "reason": None}, 0.5, False, 0.4),
        ({"pass": False, "score": 1}, 0.5, False, 1.0),
    ],
)
def test_a_verdict_is_a_truth_a_number_or_both(
    checks: str, returned: object, threshold: float | None, expected: bool, score: float
) -> None:
    found = giving(checks, returned, threshold=threshold)
    assert (found.passed, found.score) == (expected, score)
    opposite = giving(checks, returned, threshold=threshold, kind="not-python")
    assert (opposite.passed, opposite.score) == (not expected, 1 - score)


def test_a_reason_is_the_functions_or_tells_what_it_said(checks: str) -> None:
    told = giving(checks, {"pass": False, "reason": "too long"})
    assert told.reason == f"python: {checks}:give: too long"
    assert giving(checks, 0.25, threshold=0.5).reason == f"python: {checks}:give: says no, score 0.25"
    assert giving(checks, 1, kind="not-python").reason == f"not-python: {checks}:give: says yes, score 1"


@pytest.mark.parametrize(
    "returned",
    [
        *(None, "yes", 2, -0.1, float("nan"), [], {}, {"passed": True}, {"pass": 1}, {"pass": True, "score": 2}),
        *({"pass": True, "score": "1"}, {"pass": True, "score": True}, {"pass": True, "reason": 5}),
        pytest.param("x" * 1000, id="long"),
        pytest.param(10**400, id="huge"),
    ],
)
def test_what_is_no_verdict_is_neither_good_nor_bad(checks: str, returned: object) -> None:
    with pytest.raises(NoAnswer) as caught:
        giving(checks, returned)
    said = str(caught.value)
    assert said.startswith(f"python {checks}:give: returned {type(returned).__name__} ")
    assert said.endswith(
        'where true or false, a number from 0 to 1, or {"pass": true, "score": 0.9, "reason": "why"} is due'
    )
    assert len(said) < 400


def test_a_function_gets_the_output_and_the_case(checks: str) -> None:
    assert grade(f"{checks}:echo", "héllo").reason == (
        f'python: {checks}:echo: ["h\\u00e9llo", {{"case_id": "a", "turns": ["hi", "you"], "expected": null, '
        '"tags": ["t"], "vars": {"n": "1"}, "prompts": {"persona": "Be kind."}}]'
    )


@pytest.mark.parametrize("function", ["polite", "polite_object"])
def test_a_function_may_be_async(checks: str, function: str) -> None:
    assert grade(f"{checks}:{function}", "please").passed is True
    assert grade(f"{checks}:{function}", "now").passed is False


def test_functions_of_several_cases_run_at_once(checks: str) -> None:
    case = Case.model_validate(
        {"id": "a", "input": "x", "assert": [{"type": "python", "value": f"{checks}:wait_for_the_others"}]}
    )

    async def all_three() -> list[Grade]:
        return await asyncio.gather(*(judge_output("x", case, {}, None) for _ in range(3)))

    assert [found.passed for found in asyncio.run(all_three())] == [True] * 3


def test_a_function_can_spoil_nothing_for_the_next(checks: str) -> None:
    asked = [{"type": "python", "value": f"{checks}:{name}"} for name in ("spoil", "echo")]
    case = Case.model_validate({"id": "a", "input": ["hi"], "assert": asked})
    prompts: dict[str, Any] = {"persona": "Be kind."}
    found = asyncio.run(judge_output("x", case, prompts, None))
    assert '"turns": ["hi"]' in str(found.reason)
    assert prompts == {"persona": "Be kind."}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("raises", "KeyError: 'two\\nlines'"),
        ("raises_later", "StopAsyncIteration: "),
        ("stops", "StopIteration: "),
        ("leaves", "SystemExit: 3"),
        ("polit", "has no function 'polit': did you mean polite?"),
        ("number", "has no function 'number'"),
    ],
)
def test_a_function_that_breaks_is_no_verdict_and_is_named(checks: str, function: str, said: str) -> None:
    for kind in ("python", "not-python"):
        with pytest.raises(NoAnswer) as caught:
            grade(f"{checks}:{function}", kind=kind)
        assert str(caught.value).startswith(f"{kind} {checks}:{function}: ")
        assert said.strip() in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_function_that_never_returns_is_left_behind(checks: str) -> None:
    module = __import__(checks)

    async def give_up() -> None:
        case = Case.model_validate(
            {"id": "a", "input": "x", "assert": [{"type": "python", "value": f"{checks}:hangs"}]}
        )
        task = asyncio.create_task(judge_output("x", case, {}, None))
        while not module.started.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(give_up())
    assert assertions_left_behind() is True
    module.release.set()
    while assertions_left_behind():
        time.sleep(0.001)


def test_a_module_that_is_not_there_is_no_verdict(checks: str) -> None:
    with pytest.raises(NoAnswer, match="python nowhere_at_all:polite: ModuleNotFoundError: No module named"):
        grade("nowhere_at_all:polite")


def test_a_module_is_found_in_the_working_directory(
    checks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each not in ("", str(tmp_path))])
    monkeypatch.chdir(tmp_path)
    assert grade(f"{checks}:polite", "please").passed is True


def test_a_function_is_loaded_once(checks: str) -> None:
    grade(f"{checks}:polite")
    del sys.modules[checks]
    assert grade(f"{checks}:polite", "please").passed is True
    assert checks not in sys.modules
