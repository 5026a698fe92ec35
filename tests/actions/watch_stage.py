"""A project to watch: a prompt, a tiny dataset, and a target whose answers are the prompt and the question."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.actions.watching import Watcher
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.core.watching import VersionLog, Watched, WatchedVersion
from eval_pipeline.errors import PipelineError, StoreError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.registering import register_prompt_version
from eval_pipeline.store.suite_runs import list_suite_runs
from eval_pipeline.store.watches import find_watch_ledger, read_prompts
from tests.builder import StoreBuilder
from tests.people import ADA

BOT = '''
import time
from pathlib import Path

def answer(prompts, turns):
    """Waits while there is a file `hold` beside it, and says that it does."""
    while Path("hold").exists():
        Path("held").touch()
        time.sleep(0.05)
    with Path("answered").open("a") as answered:
        answered.write(prompts["persona"] + "\\n")
    return prompts["persona"] + ": " + turns[-1]
'''
CASES = [{"id": "a", "input": "Hello.", "assert": [{"type": "contains", "value": "kind"}]}]
BASE = "watched-eval"


def furnish(folder: Path, cases: list[dict[str, Any]] | None = None) -> None:
    """Write the dataset and the target."""
    (folder / "evals").mkdir(exist_ok=True)
    dataset = {"eval_type": "tone", "version": "1", "threshold": 0.8, "cases": cases or CASES}
    (folder / "evals" / "tone.json").write_text(json.dumps(dataset))
    (folder / "bot.py").write_text(BOT)


def settings_of(folder: Path, base: str = BASE, **more: Any) -> dict[str, Any]:
    """The settings of the project, as JSON values."""
    return {
        "base_experiment": base,
        "datasets": [str(folder / "evals")],
        "target": {"kind": "python", "function": "bot:answer"},
        "runner": {"folder": str(folder), "jobs": 1},
        "mirror": {"cache_dir": str(folder / "cache")},
        **more,
    }


class Notes:
    """What a watcher tells, in order."""

    def __init__(self, at: Callable[[str], None] = lambda _: None) -> None:
        """`at` is called with the kind of each thing told."""
        self.said: list[tuple[Any, ...]] = []
        self._at = at

    def _note(self, *said: Any) -> None:
        self.said.append(said)
        self._at(said[0])

    def noticed(self, version: WatchedVersion, live: int | None, suite_id: str | None) -> None:
        self._note("noticed", str(version), live)

    def began(self, suite: SuiteRun, types: Any) -> None:
        self._at("began")

    def ended(self, done: int, total: int, progress: Any) -> None:
        self._at("ended")

    def word(self, eval_type: str, line: str) -> None:
        pass

    def warn(self, text: str) -> None:
        self._note("warned", text)

    def finished(self, watched: Watched) -> None:
        self._note("finished", str(watched.version), watched.result.state.value)

    def left(self, version: WatchedVersion) -> None:
        self._note("left", str(version))

    def dropped(self, version: WatchedVersion, why: str) -> None:
        self._note("dropped", str(version), why)

    def waits(self, version: WatchedVersion) -> None:
        self._note("waits", str(version))

    def trouble(self, version: WatchedVersion, problem: PipelineError) -> None:
        self._note("trouble", str(version), str(problem))

    def away(self, since: datetime, problem: StoreError) -> None:
        self._note("away")

    def back(self, since: datetime) -> None:
        self._note("back")


@dataclass
class WatchStage:
    """A store with the prompt `persona` v1, which is live, and the folder of the project."""

    builder: StoreBuilder
    folder: Path
    base: str = BASE
    notes: Notes = field(default_factory=Notes)

    def __post_init__(self) -> None:
        self.register("You are kind.")
        self.builder.client.set_prompt_alias("persona", "production", 1)

    def register(self, text: str, prompt: str = "persona") -> int:
        """Register the next version of a prompt."""
        return register_prompt_version(self.builder.client, prompt, text, "a change")

    def store(self, **settings: Any) -> Store:
        """The store, opened anew."""
        return Store(self.builder.uri, Settings.model_validate(settings_of(self.folder, self.base, **settings)))

    def watcher(
        self,
        notes: Notes | None = None,
        store: Store | None = None,
        clock: Clock = utc_now,
        suite: str = "core",
        stop: threading.Event | None = None,
    ) -> Watcher:
        """A watcher of this process."""
        return Watcher(store or self.store(), suite, notes or self.notes, actor=ADA, clock=clock, stop=stop)

    def suite_runs(self) -> list[tuple[tuple[str, int] | None, str | None]]:
        """Every suite run of the store: its candidate and its outcome, oldest first."""
        return [(each.candidate, each.outcome) for each in reversed(list_suite_runs(self.store()))]

    def answered(self) -> list[str]:
        """The persona of every answer that the target gave."""
        said = self.folder / "answered"
        return said.read_text().splitlines() if said.exists() else []

    def log(self, version: int, prompt: str = "persona") -> VersionLog:
        """What the ledger says of a version."""
        ledger = find_watch_ledger(self.store())
        assert ledger is not None
        made = read_prompts(self.store())[prompt]
        return ledger.read().log(WatchedVersion(prompt, made.created_ms, version))
