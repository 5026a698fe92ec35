"""Pages under addresses made up at random, on a store full of hostile names and texts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from eval_pipeline.ui.frame import SECTIONS
from tests.builder import StoreBuilder
from tests.fuzz.targets import SCRAPS
from tests.hostile import NAME, PARAMETERS, PROMPT, infest

PAGES = [name for entries in SECTIONS.values() for name, _, _ in entries]
ENTRYPOINT = Path(__file__).parents[2] / "streamlit_app.py"
Address = tuple[str, dict[str, list[str]]]

KNOWN = st.sampled_from([NAME, PROMPT, "v1", "v2", "production", "experiment", "all", "megabyte", "1", "All", "Focus"])
ADDRESSES: st.SearchStrategy[Address] = st.tuples(
    st.sampled_from(PAGES),
    st.dictionaries(st.sampled_from(PARAMETERS), st.lists(KNOWN | SCRAPS, min_size=1, max_size=3), max_size=6),
)


def visitor(folder: Path) -> Callable[[Address], None]:
    """Opens pages on a store of its own in `folder`; each has been opened once when this returns."""
    store = StoreBuilder(f"sqlite:///{folder / 'mlflow.db'}")
    infest(store)
    os.environ |= {"MLFLOW_TRACKING_URI": store.uri, "EVAL_PIPELINE_MIRROR_CACHE_DIR": str(folder / "cache")}
    apps = {page: AppTest.from_file(str(ENTRYPOINT), default_timeout=60) for page in PAGES}
    for page, app in apps.items():
        app.switch_page(f"pages/{page}.py").run()

    def visit(address: Address) -> None:
        page, query = address
        app = apps[page]
        app.query_params.clear()
        app.query_params.update(query)
        app.run()
        assert not app.exception, [each.value for each in app.exception]

    return visit
