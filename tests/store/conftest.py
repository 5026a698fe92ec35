"""What store tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror, open_mirror
from tests.builder import StoreBuilder


@pytest.fixture(autouse=True)
def _work_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MLflow's default store, a file in the working directory, would be of this test."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)


@pytest.fixture
def settings_with(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with the mirror in a folder of this test."""

    def make(**values: Any) -> Settings:
        mirror = {"cache_dir": tmp_path / "cache", **values.pop("mirror", {})}
        return Settings.model_validate({**values, "mirror": mirror})

    return make


@pytest.fixture
def store(store_builder: StoreBuilder, settings_with: Callable[..., Settings]) -> Store:
    """The store that `store_builder` fills."""
    return Store(store_builder.uri, settings_with())


@pytest.fixture
def mirror(store: Store) -> Mirror:
    """The mirror of `store`."""
    return open_mirror(store)
