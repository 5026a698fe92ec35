"""Pages by AppTest, always through `streamlit_app.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.builder import StoreBuilder
from tests.pages.acting import Team

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Open:
    """Opens a page on a store: `open_page("trends", uri, evals=["tone"])`; what the process remembers is forgotten."""
    monkeypatch.chdir(tmp_path)

    def open_on(page: str, uri: str, **query: str | list[str]) -> AppTest:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        st.cache_resource.clear()
        st.cache_data.clear()
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        return app if page == "overview" else app.switch_page(f"pages/{page}.py").run()

    return open_on


@pytest.fixture
def history(store_builder: StoreBuilder) -> StoreBuilder:
    """A store with a regression, a warning, a first run, a partial and a failed one, and a changed prompt."""
    prompt = {"persona": "v1", "tools": "2"}
    for eval_type, before, after in (("tone", 0.95, 0.7), ("routing", 0.97, 0.85), ("memory", 0.9, 0.9)):
        store_builder.log_run(eval_type, before, prompts=prompt, params={"judge_model": "judge-1"})
        store_builder.log_run(eval_type, after, prompts=prompt | {"persona": "v2"}, params={"judge_model": "judge-2"})
    store_builder.log_run("greeting", 0.75, prompts=prompt)
    store_builder.log_run("memory", 0.5, metrics={"error_cases": 3, "total_cases": 20})
    store_builder.log_run("memory", None, status="FAILED")
    return store_builder


@pytest.fixture
def team(store_builder: StoreBuilder) -> Team:
    """A store with a prompt whose v2 may go live and whose v3 may not."""
    return Team(store_builder)
