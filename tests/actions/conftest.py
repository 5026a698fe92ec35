"""What tests of actions share: a store to promote and roll back in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.stage import Stage, furnish_spied
from tests.builder import StoreBuilder


@pytest.fixture(autouse=True)
def _work_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The working directory, where MLflow puts artifacts, is of this test."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def make_stage(copy_of: Callable[..., StoreBuilder]) -> Callable[..., Stage]:
    """Makes a furnished store of this test's own: `make_stage("mlflow.db")`."""

    def make(name: str = "mlflow.db") -> Stage:
        return Stage.of(copy_of(furnish_spied, name))

    return make


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """A furnished store."""
    return make_stage()
