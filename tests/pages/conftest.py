"""Pages by AppTest, always through `streamlit_app.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.builder import StoreBuilder
from tests.pages.acting import Team, gather

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _components_scanned_once() -> Iterator[None]:
    """Streamlit looks for components in every installed package for each app that is tested, half of a test's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Open:
    """Opens a page on a store: `open_page("trends", uri, evals=["tone"])`; what the process remembers is forgotten."""
    monkeypatch.chdir(tmp_path)

    def open_on(page: str, uri: str, **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        st.cache_resource.clear()
        st.cache_data.clear()
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=120)
        for name, value in query.items():
            app.query_params[name] = value
        return app.switch_page(f"pages/{page}.py").run()

    return open_on


@pytest.fixture
def history(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    """A store with a regression, a warning, a first run, a partial and a failed one, and a changed prompt."""
    return copy_of(tell_history)


def tell_history(builder: StoreBuilder) -> None:
    """Log it."""
    prompt = {"persona": "v1", "tools": "2"}
    for eval_type, before, after in (("tone", 0.95, 0.7), ("routing", 0.97, 0.85), ("memory", 0.9, 0.9)):
        builder.log_run(eval_type, before, prompts=prompt, params={"judge_model": "judge-1"})
        builder.log_run(eval_type, after, prompts=prompt | {"persona": "v2"}, params={"judge_model": "judge-2"})
    builder.log_run("greeting", 0.75, prompts=prompt)
    builder.log_run("memory", 0.5, metrics={"error_cases": 3, "total_cases": 20})
    builder.log_run("memory", None, status="FAILED")


@pytest.fixture
def team(copy_of: Callable[..., StoreBuilder]) -> Team:
    """A store with a prompt whose v2 may go live and whose v3 may not."""
    return Team(copy_of(gather))
