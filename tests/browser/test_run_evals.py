"""Running evals from the page, as a person does: started, watched while it works, cancelled and resumed."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from eval_pipeline.settings import load_settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import list_suite_runs
from eval_pipeline.ui.frame import SECTIONS
from tests.browser.conftest import WAIT_MS, OpenTab, serving, settle
from tests.builder import StoreBuilder
from tests.small_project import make_project

pytestmark = pytest.mark.browser

PAGES = sum(len(entries) for entries in SECTIONS.values())


UNHURRIED = """
import time
from eval_pipeline.demo.assistant import answer as answer_at_once

def answer(prompts, turns):
    time.sleep(0.1)
    return answer_at_once(prompts, turns)
"""
"""The demo's assistant, slow enough for its suite to be seen at work between two looks of the page."""


def copy_demo(demo_folder: Path, folder: Path) -> Path:
    """A demo of this test's own; its settings file. Where artifacts go is written into the database in full."""
    shutil.copytree(demo_folder, folder, ignore=shutil.ignore_patterns("artifacts"))
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(demo_folder), str(folder)))
    config = folder / "eval_pipeline.toml"
    settings = config.read_text().replace(str(demo_folder), str(folder))
    unhurried = 'kind = "python"\nfunction = "unhurried:answer"\n\n[runner]\nconcurrency = 1'
    config.write_text(settings.replace('kind = "demo"', unhurried))
    (folder / "unhurried.py").write_text(UNHURRIED)
    return config


def press(tab: Page, button: Locator) -> None:
    """Press a button by the keyboard alone. It has the focus when the key comes: a page at work draws it anew."""
    expect(button).to_be_enabled(timeout=WAIT_MS)
    settle(tab)
    button.press("Enter")


def test_a_suite_is_started_once_by_a_double_click_and_seen_to_its_end_without_a_reload(
    demo_folder: Path, tmp_path: Path, open_tab: OpenTab
) -> None:
    config = copy_demo(demo_folder, tmp_path / "demo")
    settings = load_settings(config).settings
    store = Store(settings.tracking_uri or "", settings)
    before = {suite.id for suite in list_suite_runs(store)}
    with serving(tmp_path, EVAL_PIPELINE_CONFIG=str(config)) as app:
        tab = open_tab(f"{app}/run_evals?prompt=persona&version=v4")
        tab.evaluate("window.neverReloaded = true")
        expect(tab.get_by_text("Will run 5 eval types")).to_be_visible(timeout=WAIT_MS)
        tab.get_by_role("button", name="Start run").dblclick()
        expect(tab.get_by_text(re.compile(r"[0-4] of 5 · now: "))).to_be_visible(timeout=WAIT_MS)
        expect(tab.get_by_test_id("stExpanderIconSpinner")).to_be_visible()
        heading = tab.get_by_role("heading", level=4)
        expect(heading).to_contain_text("Core · persona v4 error Failed", timeout=WAIT_MS)
        expect(tab.get_by_test_id("stExpanderIconSpinner")).to_have_count(0)
        expect(tab.get_by_text("security Below threshold: 67.4%, threshold 95%")).to_be_visible()
        [suite] = [suite for suite in list_suite_runs(store) if suite.id not in before]
        assert suite.id in tab.url
        assert tab.evaluate("window.neverReloaded")

        tab.get_by_role("link", name="On Trends").first.click()
        tab.wait_for_url(re.compile("/trends.*run="), timeout=WAIT_MS)
        expect(tab.get_by_role("heading", level=4)).to_contain_text("security", timeout=WAIT_MS)


def test_it_is_cancelled_and_resumed_by_keyboard_on_a_page_opened_first(
    store_builder: StoreBuilder, tmp_path: Path, open_tab: OpenTab
) -> None:
    project = make_project(tmp_path / "project", store_builder)
    project.hold()
    with serving(tmp_path, **project.variables) as app:
        tab = open_tab(f"{app}/run_evals?prompt=persona&type=tone")
        expect(tab.locator("h1")).to_have_count(1)
        expect(tab.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(PAGES)
        press(tab, tab.get_by_role("button", name="Start run"))
        expect(tab.get_by_text("0 of 1 · now: tone")).to_be_visible(timeout=WAIT_MS)
        press(tab, tab.get_by_role("button", name="Cancel"))
        press(tab, tab.get_by_role("button", name="Yes, cancel it"))
        expect(tab.get_by_role("heading", level=4)).to_contain_text("Cancelled", timeout=WAIT_MS)
        settle(tab)

        project.release()
        tab = open_tab(tab.url)
        press(tab, tab.get_by_role("button", name="Resume"))
        expect(tab.get_by_role("heading", level=4)).to_contain_text("Single types · persona v2", timeout=WAIT_MS)
        expect(tab.get_by_text("2 attempts")).to_be_visible(timeout=WAIT_MS)
        expect(tab.get_by_text("tone Below threshold: 50.0%, threshold 80%")).to_be_visible()
    [suite] = project.suites
    assert (suite.outcome, len(suite.attempts)) == ("failed", 2)
