"""What tests of the command line share: a store with a story, and a way to run a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eval_pipeline.cli import _outcome
from tests.builder import StoreBuilder

DAY = timedelta(days=1)
FIRST_DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    err: str


Run = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _work_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The working directory, with MLflow's default store and `eval_pipeline.toml`, is of this test."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process: `run("trend", "--limit", "3", store=builder)`."""

    def call(*arguments: str, store: StoreBuilder | None = None) -> Answer:
        capsys.readouterr()
        code = _outcome([*arguments, *(["--tracking-uri", store.uri] if store else [])])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


def tell_story(builder: StoreBuilder) -> None:
    """Eight eval types over a week: every verdict, every status, and prompts that change alone and together."""

    def log(day: int, eval_type: str, rate: float | None, status: str = "FINISHED", **values: object) -> None:
        started = FIRST_DAY + day * DAY
        metrics = {"total_cases": 20, "error_cases": 0, **values.pop("metrics", {})}  # type: ignore[dict-item]
        builder.log_run(eval_type, rate, status=status, started=started, metrics=metrics, **values)  # type: ignore[arg-type]

    old, new = {"persona": "v1", "memory": "3"}, {"persona": "v2", "memory": "4"}
    log(0, "tone", 0.95, prompts=old)
    log(1, "tone", 0.85, prompts={**old, "persona": "v2"})
    log(0, "security", 0.97, prompts=old, params={"pass_rate_threshold": "0.95", "judge_model": "j-1"})
    log(1, "security", 0.9, prompts=new, params={"pass_rate_threshold": "0.95", "judge_model": "j-2"})
    log(0, "routing", 0.8, prompts=old)
    log(1, "routing", 0.85, prompts=old)
    log(0, "", 0.9)
    log(1, "", 0.9)
    log(0, "memory", 0.7, prompts=old)
    builder.experiment("weather")
    log(0, "proactive", 0.9, prompts=old)
    log(1, "proactive", 0.5, "FAILED", prompts=new)
    log(2, "proactive", 0.6, prompts=new, metrics={"error_cases": 3})
    log(3, "proactive", float("nan"))
    log(4, "proactive", 0.925, prompts={"persona": "v2"})
    log(5, "proactive", None, "RUNNING", prompts={"persona": "v3"})
    log(0, "broken", None, "KILLED")


@pytest.fixture
def story(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    """A store with a week of history."""
    return copy_of(tell_story)
