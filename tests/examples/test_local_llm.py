"""The example with a real model: that its files fit together and, where asked for, that it works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.core.datasets import Dataset, parse_dataset
from eval_pipeline.core.jobs import Job, Limits, PromptTemplate, Target
from eval_pipeline.core.suites import CaseResult, read_case_lines
from eval_pipeline.settings import Settings

EXAMPLE = Path(__file__).parents[2] / "examples" / "local-llm"
DATASET = EXAMPLE / "datasets" / "routing.jsonl"
VERSIONS = (1, 2, 3)


def settings() -> Settings:
    return Settings.model_validate(tomllib.loads((EXAMPLE / "eval_pipeline.toml").read_text(encoding="utf-8")))


def dataset() -> Dataset:
    return parse_dataset(DATASET.read_text(encoding="utf-8"), DATASET.name)


def template(version: int) -> PromptTemplate:
    (file,) = (EXAMPLE / "prompts" / "router").glob(f"v{version}.*")
    text = file.read_text(encoding="utf-8")
    return json.loads(text) if file.suffix == ".json" else text


def skills() -> set[str]:
    """The words that the model may say."""
    form: Any = settings().target.extra["response_format"]
    return set(form["json_schema"]["schema"]["enum"])


def test_the_dataset_asks_for_each_skill_equally_often_and_for_nothing_else() -> None:
    expected = [json.loads(case.expected or "") for case in dataset().cases]
    assert {skill: expected.count(skill) for skill in expected} == dict.fromkeys(skills(), 9)


def test_the_prompts_name_each_skill_and_no_message_of_the_dataset() -> None:
    for version in VERSIONS:
        text = json.dumps(template(version))
        assert all(skill in text for skill in skills())
        assert not any(turn in text for case in dataset().cases for turn in case.turns)


def test_the_settings_choose_a_model_that_the_server_has() -> None:
    target = settings().target
    assert f'NAME = "{target.model}"' in (EXAMPLE / "serve.py").read_text(encoding="utf-8")
    assert target.missing == ()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the model, served from an environment made as the README says."""
    if not os.environ.get("LOCAL_LLM"):
        pytest.skip("downloads a model server and 98 MB of weights: set LOCAL_LLM=1 to run it")
    found = shutil.which("uv")
    run = [found] if found else [sys.executable, "-m", "uv"]
    model = tmp_path_factory.mktemp("local-llm") / "model"
    subprocess.run([*run, "venv", "--no-project", "--python", sys.executable, model], check=True)
    install = [*run, "pip", "install", "--python", model, "--no-deps", "-r", EXAMPLE / "requirements.txt"]
    subprocess.run(install, check=True)
    command = [model / "bin" / "python", EXAMPLE / "serve.py", "--port", "0"]
    with (
        (model / "log.txt").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), (model / "log.txt").read_text()
            yield address
        finally:
            server.terminate()
    assert server.returncode == 0


def evaluate(address: str, version: int) -> dict[str, CaseResult]:
    """What the evaluator child says of a version of the prompt."""
    base: Target = settings().target
    job = Job(
        target=base.model_copy(update={"base_url": address}),
        prompts={"router": template(version)},
        limits=Limits(concurrency=settings().runner.concurrency),
    )
    command = [sys.executable, "-m", "eval_pipeline.runner", "--dataset", str(DATASET)]
    child = subprocess.run(
        command, input=job.model_dump_json(), capture_output=True, text=True, timeout=600, check=True
    )
    return {result.case_id: result for result in read_case_lines(child.stdout)}


@pytest.mark.timeout(1800)
def test_a_real_model_routes_better_the_more_examples_the_prompt_gives(served: str) -> None:
    results = {version: evaluate(served, version) for version in VERSIONS}
    for version in VERSIONS:
        assert len(results[version]) == 36
        assert {result.error for result in results[version].values()} == {None}
        assert {json.loads(result.output or "") for result in results[version].values()} <= skills()
    right = [sum(result.passed is True for result in results[version].values()) for version in VERSIONS]
    print(f"right of 36: {right}")  # noqa: T201
    assert right[0] < right[1] < right[2]

    again = evaluate(served, 3)
    assert {name: result.output for name, result in again.items()} == {
        name: result.output for name, result in results[3].items()
    }
