"""The demo store, really built, once a session."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

NOW = datetime(2026, 6, 15, 10, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Demo:
    """A built demo store, and what the builder said while it worked."""

    folder: Path
    progress: list[tuple[int, int, str]]

    @property
    def client(self) -> MlflowClient:
        """MLflow's client of the store."""
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=f"sqlite:///{self.folder}/mlflow.db")

    def runs(self) -> dict[str, list[Run]]:
        """The runs of each eval type, oldest first."""
        client, base = self.client, "my-assistant-eval"
        ours = [e for e in client.search_experiments() if f"{e.name}-".startswith(f"{base}-")]
        found = [(each.name, each.experiment_id) for each in ours]
        return {
            "quality" if name == base else name.removeprefix(f"{base}-"): client.search_runs(
                [number], order_by=["attributes.start_time ASC"]
            )
            for name, number in found
        }


@pytest.fixture(scope="session")
def demo(shared_folder: Path) -> Demo:
    """The whole demo, built by the first worker that asks. Read it only."""
    folder, said = shared_folder / "demo", shared_folder / "demo-progress.json"
    with FileLock(f"{said}.lock"):
        if not said.exists():
            from eval_pipeline.demo.build import build_demo_store

            steps: list[tuple[int, int, str]] = []
            with ThreadPoolExecutor(1) as apart:  # in the main thread Playwright may keep an event loop running
                apart.submit(
                    build_demo_store, folder, NOW, lambda done, total, what: steps.append((done, total, what))
                ).result()
            said.write_text(json.dumps(steps))
    return Demo(folder, [tuple(step) for step in json.loads(said.read_text())])


@pytest.fixture(scope="session")
def runs(demo: Demo) -> dict[str, list[Run]]:
    """The demo's runs by eval type, oldest first."""
    return demo.runs()
