"""A store full of hostile names and texts in a real browser: nothing runs, nothing is fetched, no layout breaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WAIT_MS, OpenTab, serving
from tests.builder import StoreBuilder
from tests.hostile import NAME, PROMPT, infest

pytestmark = pytest.mark.browser

ADDRESSES = (
    *("/", "/trends", "/trends?view=Small+multiples", "/trends?view=Heatmap", "/regressions", "/audit", "/run_evals"),
    *("/compare?filter=all&case=megabyte", "/compare?filter=all&case=lines"),
    *(f"/{page}?{urlencode({'prompt': PROMPT})}" for page in ("compare", "promote", "rollback")),
    f"/regressions?{urlencode({'eval': NAME, 'run': NAME})}",
)
FOREIGN_LINKS = "as => as.map(a => a.href).filter(h => !h.startsWith(location.origin))"
PWNED = "window.__pwned !== undefined"
WIDER = "[...document.querySelectorAll('html, [data-testid=stMain]')].some(e => e.scrollWidth > e.clientWidth)"


def test_hostile_names_and_texts_never_run_link_or_break_a_page(
    copy_of: Callable[..., StoreBuilder], tmp_path: Path, open_tab: OpenTab
) -> None:
    infested, found = copy_of(infest), []
    with serving(tmp_path, MLFLOW_TRACKING_URI=infested.uri) as address:
        for page in ADDRESSES:
            tab = open_tab(address + page)  # which finds dialogs and foreign requests
            expect(tab.locator("h1")).to_be_visible(timeout=WAIT_MS)
            links = tab.eval_on_selector_all("a", FOREIGN_LINKS)
            found += [(page, "links", links)] if links else []
            found += [(page, sign) for sign in (PWNED, WIDER) if tab.evaluate(sign)]
            tab.context.close()
    assert found == []
