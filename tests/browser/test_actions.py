"""Promoting, rolling back and reading the log, as a person does: by typing and clicking."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from eval_pipeline.ui.frame import SECTIONS
from tests.browser.conftest import WAIT_MS, OpenTab, serving, settle
from tests.builder import StoreBuilder
from tests.pages.acting import Team, gather

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)> **not bold** =1+1"


@pytest.fixture
def team(copy_of: Callable[..., StoreBuilder]) -> Team:
    """A store with a prompt whose v2 may go live and whose v3 may not."""
    return Team(copy_of(gather))


@pytest.fixture
def app(team: Team, tmp_path: Path) -> Iterator[str]:
    """The app on that store."""
    with serving(tmp_path, MLFLOW_TRACKING_URI=team.uri) as address:
        yield address


def write(tab: Page, reason: str, confirm: str) -> None:
    """Fill in the form of an action."""
    tab.get_by_label(re.compile("^Reason")).fill(reason)
    tab.get_by_label(re.compile("^Type ")).fill(confirm)


def button(tab: Page, name: str) -> Callable[[], None]:
    """The click that sends a form."""
    return tab.get_by_test_id("stForm").get_by_role("button", name=name, exact=True).click


def test_promote_roll_back_and_read_the_log_by_typing_and_clicking(app: str, team: Team, open_tab: OpenTab) -> None:
    tab = open_tab(f"{app}/promote")
    expect(tab.get_by_text("Allowed:")).to_be_visible()
    expect(tab.locator(".pdiff ins").first).to_be_visible()
    write(tab, HOSTILE, "personal")
    button(tab, "Promote")()
    expect(tab.get_by_text("what was typed is not persona")).to_be_visible(timeout=WAIT_MS)
    assert team.live == 1
    write(tab, HOSTILE, "persona")
    button(tab, "Promote")()
    expect(tab.get_by_text("Promoted:")).to_be_visible(timeout=WAIT_MS)
    settle(tab)
    assert team.live == 2
    expect(tab.get_by_test_id("stForm")).to_have_count(0)

    tab.get_by_role("link", name="Undo: roll back").click()
    expect(tab.locator("h1")).to_contain_text("Roll back", timeout=WAIT_MS)
    tab.wait_for_url(re.compile("/rollback.*prompt=persona"), timeout=WAIT_MS)
    expect(tab.get_by_text(HOSTILE)).to_be_visible()
    write(tab, "users complain", "persona")
    button(tab, "Roll back to v1")()
    expect(tab.get_by_text("Rolled back:")).to_be_visible(timeout=WAIT_MS)
    settle(tab)
    assert team.live == 1

    tab.get_by_role("link", name="Its audit record").click()
    tab.wait_for_url(re.compile("/audit.*record=[0-9a-f]{32}"), timeout=WAIT_MS)
    expect(tab.get_by_role("heading", level=4)).to_contain_text("Rollback of persona@production v2 → v1")
    assert tab.locator("img[src='x']").count() == 0


def test_a_double_click_promotes_once(app: str, team: Team, open_tab: OpenTab) -> None:
    tab = open_tab(f"{app}/promote?prompt=persona")
    write(tab, "", "persona")
    tab.get_by_test_id("stForm").get_by_role("button", name="Promote", exact=True).dblclick()
    expect(tab.get_by_text("Promoted:")).to_be_visible(timeout=WAIT_MS)
    settle(tab)
    tab.wait_for_timeout(1_000)
    settle(tab)
    expect(tab.get_by_text("Promoted:")).to_be_visible()
    assert len(team.records) == 1


def test_forcing_is_hidden_away_and_says_what_it_overrides(app: str, team: Team, open_tab: OpenTab) -> None:
    tab = open_tab(f"{app}/promote?prompt=persona&candidate=v3")
    expect(tab.get_by_text("Blocked:")).to_be_visible()
    expect(tab.get_by_test_id("stForm")).to_be_hidden()
    tab.get_by_text("Promote against the gate").first.click()
    write(tab, "an incident", "persona")
    button(tab, "Promote against the gate")()
    expect(tab.get_by_text("Promoted against the gate:")).to_be_visible(timeout=WAIT_MS)
    assert team.records[0].forced


def test_a_row_of_the_log_opens_its_record_and_the_log_can_be_taken_along(
    app: str, team: Team, open_tab: OpenTab
) -> None:
    tab = open_tab(f"{app}/promote?prompt=persona")
    write(tab, HOSTILE.partition("** ")[2], "persona")
    button(tab, "Promote")()
    expect(tab.get_by_text("Promoted:")).to_be_visible(timeout=WAIT_MS)
    for scheme in ("light", "dark"):
        tab = open_tab(f"{app}/audit?prompt=persona", scheme)
        box = tab.get_by_test_id("stDataFrame").first.bounding_box()
        assert box is not None
        tab.mouse.click(box["x"] + 18, box["y"] + 52)
        tab.wait_for_url(re.compile("record=[0-9a-f]{32}"), timeout=WAIT_MS)
        settle(tab)
        expect(tab.get_by_role("heading", level=4)).to_contain_text("Promotion of persona@production v1 → v2")
        assert "prompt=persona" in tab.url
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="Download CSV").click()
    with Path(waiting.value.path()).open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["reason"] == "'=1+1"


def test_whoever_first_opens_a_page_that_acts_sees_the_whole_app(app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{app}/promote?prompt=persona&candidate=v3")
    expect(tab.locator("h1")).to_have_count(1)
    expect(tab.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(sum(map(len, SECTIONS.values())))
    assert "candidate=v3" in tab.url
    expect(tab.get_by_text("Blocked:")).to_be_visible()
