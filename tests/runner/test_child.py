"""The evaluator as a child process: what it prints, and what it survives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from eval_pipeline.core.suites import CaseResult, read_case_lines

TARGETS = """
def echo(prompts, turns):
    print("a target may print")
    if turns[-1] == "break":
        raise RuntimeError("no answer")
    return f"{sorted(prompts.items())} {turns}"

import sys
def loaded(prompts, turns):
    return " ".join(sorted({name.partition(".")[0] for name in sys.modules}))

number = 7
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a module of targets and a dataset of three cases, each run twice."""
    (tmp_path / "some_targets.py").write_text(TARGETS)
    cases = [
        {
            "id": "one",
            "input": "hi",
            "group": "g",
            "assert": [{"type": "contains", "value": "('persona', 'Be kind.')"}],
        },
        {"id": "two", "input": ["a", "break"], "expected": "x"},
        {"id": "three", "input": ["a", "bé"], "assert": [{"type": "icontains", "value": "('A', 'BÉ')"}]},
    ]
    dataset = {"eval_type": "tone", "version": "1", "repeat": 2, "cases": cases}
    (tmp_path / "tone.json").write_text(json.dumps(dataset))
    return tmp_path


def run(folder: Path, *options: str, prompts: str = '{"persona": "Be kind."}') -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eval_pipeline.runner", "--dataset", "tone.json", *options]
    return subprocess.run(
        command, cwd=folder, input=prompts, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def summary(case: CaseResult) -> Mapping[str, object]:
    return {"id": case.case_id, "repeat": case.repeat, "passed": case.passed, "score": case.score, "error": case.error}


def test_the_child_prints_one_line_for_each_case_and_repeat_and_an_exception_is_an_errored_case(folder: Path) -> None:
    done = run(folder, "--target", "some_targets:echo")
    failed = "RuntimeError: no answer"
    assert done.returncode == 0, done.stderr
    assert [summary(case) for case in read_case_lines(done.stdout)] == [
        {"id": "one", "repeat": 1, "passed": True, "score": 1.0, "error": None},
        {"id": "one", "repeat": 2, "passed": True, "score": 1.0, "error": None},
        {"id": "two", "repeat": 1, "passed": None, "score": None, "error": failed},
        {"id": "two", "repeat": 2, "passed": None, "score": None, "error": failed},
        {"id": "three", "repeat": 1, "passed": True, "score": 1.0, "error": None},
        {"id": "three", "repeat": 2, "passed": True, "score": 1.0, "error": None},
    ]


def test_what_a_target_prints_goes_to_stderr(folder: Path) -> None:
    done = run(folder, "--target", "some_targets:echo")
    assert "may print" in done.stderr
    assert "may print" not in done.stdout


def test_prompts_can_come_from_a_file(folder: Path) -> None:
    (folder / "prompts.json").write_text('{"persona": "Be kind."}')
    done = run(folder, "--target", "some_targets:echo", "--prompts", "prompts.json", prompts="")
    assert read_case_lines(done.stdout)[0].passed is True


def test_the_child_loads_no_store_no_frames_and_no_app(folder: Path) -> None:
    loaded = read_case_lines(run(folder, "--target", "some_targets:loaded").stdout)[0].output or ""
    assert {"mlflow", "pandas", "numpy", "streamlit", "yaml"} & set(loaded.split()) == set()


@pytest.mark.parametrize(
    ("options", "prompts", "message"),
    [
        (("--target", "dmo"), "{}", "no target 'dmo': did you mean demo?"),
        (("--target", "some_targets:nothing"), "{}", "target 'some_targets:nothing' can't be loaded"),
        (("--target", "nowhere:answer"), "{}", "target 'nowhere:answer' can't be loaded"),
        (("--target", "some_targets:number"), "{}", "target 'some_targets:number' is no function"),
        ((), "{", "the prompts from - can't be read"),
        ((), "[]", "the prompts from - must be a JSON object"),
        ((), '{"persona": 1}', "the prompts from - must be a JSON object"),
        (("--prompts", "missing.json"), "", "the prompts from missing.json can't be read"),
        (("--dataset", "missing.json"), "{}", "missing.json can't be read"),
        (("--dataset", "some_targets.py"), "{}", "some_targets.py: a dataset is a .json, .yaml, .yml file"),
    ],
)
def test_what_keeps_the_child_from_beginning_is_one_line_and_exit_code_2(
    folder: Path, options: tuple[str, ...], prompts: str, message: str
) -> None:
    done = run(folder, *options, prompts=prompts)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
