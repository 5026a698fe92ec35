"""A real app whose database goes away while people look: pages say so at once, and come back by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from eval_pipeline.ui.frame import SECTIONS
from tests.browser.conftest import WAIT_MS, OpenTab, settle, ui
from tests.builder import StoreBuilder
from tests.pages.acting import gather
from tests.postgres import Postgres

pytestmark = pytest.mark.browser

PAGES = [name for entries in SECTIONS.values() for name, _, _ in entries]
AT_ONCE_MS = 30_000
"""MLflow itself would try for 100 s to open what is away."""


def banner(tab: Page) -> Locator:
    """What a page says while its store is away."""
    return tab.get_by_text("The store can't be read")


def test_every_page_says_at_once_that_the_database_is_away_and_comes_back_without_a_click(
    postgres: Postgres, tmp_path: Path, open_tab: OpenTab
) -> None:
    uri = postgres.make("away")
    gather(StoreBuilder(uri))
    with ui(tmp_path, MLFLOW_TRACKING_URI=uri) as served:
        tab = open_tab(served.address)  # the only page: nothing has asked for a prompt yet
        working = open_tab(f"{served.address}/run_evals")
        expect(working.locator("h1")).to_be_visible()
        postgres.stop()
        try:
            for page in PAGES:
                tab.goto(f"{served.address}/{page}")
                expect(tab.locator('[data-test-script-state="notRunning"]')).to_be_visible(timeout=AT_ONCE_MS)
                assert tab.get_by_test_id("stException").count() == 0
            expect(banner(tab)).to_be_visible()
            expect(banner(working)).to_be_visible(timeout=WAIT_MS)
        finally:
            postgres.start()
        for each in (tab, working):
            expect(banner(each)).to_have_count(0, timeout=WAIT_MS)
            settle(each)
        expect(working.get_by_text("No target yet.")).to_be_visible()
