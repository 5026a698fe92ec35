"""A team's project, small: prompts in a store, two datasets, an assistant, and the settings that say so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eval_pipeline.actions import starting
from eval_pipeline.actions.planning import SuitePlan, plan_suite
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.settings import load_settings
from eval_pipeline.store.aliases import point_alias
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import list_suite_runs, read_suite_run
from tests.builder import StoreBuilder

PATIENCE_S = 120
ASSISTANT = """
import os, time
from pathlib import Path

def answer(prompts, turns):
    while Path("hold").exists():
        time.sleep(0.05)
    return prompts["persona"]
"""
CASES = {"greeting": ["brief", "kind"], "tone": ["kind", "exact"]}
"""Each eval type, and a word that each of its cases wants in the answer, which is the prompt itself."""
TEXTS = ("Be brief.", "Be brief and kind.", "Be brief, kind and exact.")


@dataclass(frozen=True)
class SmallProject:
    """Its store has the prompt `persona`: v1 is in production, v2 the experiment, v3 the newest."""

    folder: Path
    builder: StoreBuilder

    @property
    def config(self) -> Path:
        """Its settings file."""
        return self.folder / "eval_pipeline.toml"

    @property
    def store(self) -> Store:
        """Its store, with its settings."""
        return Store(self.builder.uri, load_settings(self.config).settings)

    @property
    def variables(self) -> dict[str, str]:
        """What tells a process of it."""
        return {"EVAL_PIPELINE_CONFIG": str(self.config), "MLFLOW_TRACKING_URI": self.builder.uri}

    def write(self, *lines: str, target: bool = True) -> None:
        """Write the settings anew, with further lines before the tables."""
        tables = ["[target]", 'kind = "python"', 'function = "small_assistant:answer"'] if target else []
        self.config.write_text("\n".join(['datasets = ["datasets"]', *lines, *tables]) + "\n")

    def hold(self) -> None:
        """Have the assistant answer nothing until `release`."""
        (self.folder / "hold").touch()

    def release(self) -> None:
        """Have it answer."""
        (self.folder / "hold").unlink(missing_ok=True)

    def plan(self, *eval_types: str, version: int = 2) -> SuitePlan:
        """A plan for a version of the prompt: of these types, or of the core suite."""
        return plan_suite(self.store, None, eval_types, {"persona": version})

    @property
    def suites(self) -> list[SuiteRun]:
        """All suite runs, newest first."""
        return list_suite_runs(self.store)

    def wait(
        self, suite_id: str, until: Callable[[SuiteRun], bool] = lambda suite: suite.outcome is not None
    ) -> SuiteRun:
        """The suite run, once it has ended, or something else is true of it."""
        deadline = time.monotonic() + PATIENCE_S
        while not until(suite := read_suite_run(self.store, suite_id)):
            assert time.monotonic() < deadline, f"still so: {suite}"
            time.sleep(0.1)
        return suite


def write_files(folder: Path) -> None:
    """Write the datasets and the assistant."""
    (folder / "datasets").mkdir(parents=True)
    for eval_type, words in CASES.items():
        cases = [{"id": w, "input": "Hi", "assert": [{"type": "contains", "value": w}]} for w in words]
        dataset = {"eval_type": eval_type, "version": "1", "threshold": 0.8, "cases": cases}
        (folder / "datasets" / f"{eval_type}.json").write_text(json.dumps(dataset))
    (folder / "small_assistant.py").write_text(ASSISTANT)


def make_project(folder: Path, builder: StoreBuilder) -> SmallProject:
    """Make the project in a folder, on an empty store."""
    write_files(folder)
    project = SmallProject(folder, builder)
    project.write()
    for number, text in enumerate(TEXTS, 1):
        builder.client.register_prompt("persona", text, commit_message=f"commit of {number}")
    for alias, version in {"production": 1, "experiment": 2}.items():
        point_alias(project.store, "persona", alias, version)
    return project


def end_processes() -> None:
    """Wait until the processes that were started here have ended, and forget them."""
    for process in [*(each.process for each in starting._STARTED.values()), *starting._ENDING]:
        process.wait(PATIENCE_S)
    starting._STARTED.clear()
    starting._ENDING.clear()
