"""What tests of actions share: a store to promote and roll back in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import TYPES, Stage, furnish, spy
from tests.builder import StoreBuilder


@pytest.fixture(autouse=True)
def _work_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The working directory, where MLflow puts artifacts, is of this test."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture(scope="session")
def furnished_db(shared_folder: Path, template_db: Path) -> Path:
    """A furnished store, made once a session."""
    path = shared_folder / "furnished" / "mlflow.db"
    path.parent.mkdir(exist_ok=True)
    with FileLock(f"{path}.lock"):
        if not path.exists():
            making = path.with_suffix(".making")
            shutil.copy(template_db, making)
            furnish(StoreBuilder(f"sqlite:///{making}"))
            spy(making)
            making.rename(path)
    return path


@pytest.fixture
def make_stage(furnished_db: Path, tmp_path: Path) -> Callable[..., Stage]:
    """Makes a furnished store of this test's own: `make_stage("mlflow.db")`."""

    def make(name: str = "mlflow.db") -> Stage:
        path = tmp_path / name
        shutil.copy(furnished_db, path)
        builder = StoreBuilder(f"sqlite:///{path}")
        for each in TYPES:
            builder._ids[each] = builder.client.get_experiment_by_name(f"{builder.base}-{each}").experiment_id
        return Stage(Store(builder.uri, Settings()), builder, path)

    return make


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """A furnished store."""
    return make_stage()
