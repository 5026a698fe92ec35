"""A small project to run evals in: prompts in a store, datasets whose inputs say what the assistant does, settings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eval_pipeline.actions.listening import Types
from eval_pipeline.actions.planning import plan_suite
from eval_pipeline.actions.suites import resume_suite, run_eval_suite
from eval_pipeline.core.suite_runs import SuiteResult, SuiteRun, TypeProgress
from eval_pipeline.settings import load_settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.registering import register_prompt_version
from eval_pipeline.store.suite_runs import list_suite_runs, read_suite_run
from tests.builder import StoreBuilder
from tests.people import ADA

if TYPE_CHECKING:
    from mlflow.entities import Run

PATIENCE_S = 120
ASSISTANT = """
import os, signal, time

def answer(prompts, turns):
    said = turns[-1]
    with open("calls", "a") as file:
        file.write(said + "\\n")
    word = said.split()[0]
    if word == "raise" and not os.path.exists("mended"):
        raise RuntimeError("no answer")
    if word == "die" and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    while word == "wait" and not os.path.exists("go"):
        time.sleep(0.02)
    return "no" if word == "fail" else "half a \\ud83d" if word == "odd" else "yes"
"""
TARGET = {"kind": "python", "function": "assistant:answer"}


@dataclass
class Heard:
    """What a suite run told whoever started it."""

    ended_types: list[tuple[int, int, str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)

    def began(self, suite: SuiteRun, types: Types) -> None:
        """Nothing."""

    def ended(self, done: int, total: int, progress: TypeProgress) -> None:
        """Note it."""
        self.ended_types.append((done, total, progress.eval_type, progress.state.value))

    def warn(self, text: str) -> None:
        """Note it."""
        self.warnings.append(text)

    def word(self, eval_type: str, line: str) -> None:
        """Note it."""
        self.words.append((eval_type, line.rstrip("\n")))


@dataclass(frozen=True)
class Trial:
    """A project. Its store has `persona` v1 (production), v2 (experiment) and v3, and `memory` v1."""

    folder: Path
    builder: StoreBuilder
    heard: Heard = field(default_factory=Heard)

    @property
    def config(self) -> Path:
        """Its settings file."""
        return self.folder / "eval_pipeline.toml"

    @property
    def store(self) -> Store:
        """Its store, opened anew."""
        return Store(self.builder.uri, load_settings(self.config).settings)

    def dataset(self, eval_type: str, *inputs: str, **fields: Any) -> None:
        """Write a dataset; each case wants `yes` for its input."""
        cases = [{"id": f"case-{number}", "input": said, "expected": "yes"} for number, said in enumerate(inputs)]
        path = self.folder / "evals" / f"{eval_type}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"eval_type": eval_type, "version": "1", "cases": cases, **fields}))

    def configure(self, **tables: dict[str, Any]) -> None:
        """Write the settings; without a `target` it is the assistant."""
        lines = [f"tracking_uri = {json.dumps(self.builder.uri)}"]
        for name, table in {"target": TARGET, **tables}.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
        self.config.write_text("\n".join(lines) + "\n")

    def run(self, *eval_types: str, store: Store | None = None, repeat: int | None = None, **said: Any) -> SuiteResult:
        """Evaluate eval types, all of them unless some are named, in this process."""
        store = store or self.store
        plan = plan_suite(store, None if eval_types else "full", eval_types, {"persona": 2}, repeat)
        return run_eval_suite(store, plan, trigger="terminal", actor=ADA, listener=self.heard, **said)

    def resume(self, suite_id: str, store: Store | None = None, **said: Any) -> SuiteResult:
        """Go on with a suite run, in this process."""
        return resume_suite(store or self.store, suite_id, actor=ADA, listener=self.heard, **said)

    @property
    def calls(self) -> list[str]:
        """What the assistant was asked, in order."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def suite(self, suite_id: str) -> SuiteRun:
        """A suite run as the store has it."""
        return read_suite_run(self.store, suite_id)

    @property
    def suites(self) -> list[SuiteRun]:
        """All suite runs, newest first."""
        return list_suite_runs(self.store)

    def runs(self, eval_type: str) -> list[Run]:
        """The eval runs of a type, oldest first."""
        found = self.builder.client.get_experiment_by_name(f"{self.builder.base}-{eval_type}")
        if found is None:
            return []
        return list(self.builder.client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"]))

    def statuses(self, eval_type: str) -> list[tuple[str, float | None, float | None]]:
        """The eval runs of a type in short: status, pass rate, errored cases."""
        return [
            (run.info.status, run.data.metrics.get("pass_rate"), run.data.metrics.get("error_cases"))
            for run in self.runs(eval_type)
        ]

    def wait(self, until: Callable[[], object]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < deadline, "it never became true"
            time.sleep(0.02)


def register_prompts(builder: StoreBuilder) -> None:
    """The prompts of a trial."""
    for version in (1, 2, 3):
        register_prompt_version(builder.client, "persona", f"You are number {version}.", f"the {version}.")
    register_prompt_version(builder.client, "memory", "Keep in mind.", "the first.")
    builder.client.set_prompt_alias("persona", "production", 1)
    builder.client.set_prompt_alias("persona", "experiment", 2)


@pytest.fixture
def trial(copy_of: Callable[..., StoreBuilder], tmp_path: Path) -> Trial:
    """A project without datasets, with the assistant as its target."""
    folder = tmp_path / "project"
    made = Trial(folder, copy_of(register_prompts, "project/mlflow.db"))
    (folder / "assistant.py").write_text(ASSISTANT)
    made.configure()
    return made
