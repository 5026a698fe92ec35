"""What only a browser shows: drawn charts, clicks on marks, addresses, themes, and that nothing else is asked for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from eval_pipeline.ui.frame import SECTIONS
from tests.browser.conftest import WAIT_MS, OpenTab, serving, settle
from tests.builder import StoreBuilder

pytestmark = pytest.mark.browser

LINKS = sum(len(entries) for entries in SECTIONS.values())
"""Pages in the navigation."""


def charts(tab: Page) -> int:
    """How many charts have drawn marks that take up space."""
    expect(tab.locator(".vega-embed").first).to_be_visible(timeout=WAIT_MS)
    return sum(
        chart.locator('canvas, g[class*="mark-"] path').count() > 0 for chart in tab.locator(".vega-embed").all()
    )


@pytest.mark.parametrize(("view", "count"), [("Focus", 1), ("Small+multiples", 19), ("Heatmap", 1)])
def test_each_chart_has_drawn_marks(view: str, count: int, demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo_app}/trends?view={view}")
    expect(tab.locator(".vega-embed")).to_have_count(count, timeout=WAIT_MS)
    assert charts(tab) == count


def test_the_overview_draws_its_table_and_sparklines(demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(demo_app)
    expect(tab.get_by_test_id("stMetric")).to_have_count(4)
    expect(tab.get_by_test_id("stDataFrame").locator("canvas").first).to_be_visible()
    expect(tab.get_by_text("security is below threshold.")).to_be_visible()


def test_a_click_on_a_point_opens_its_run_and_the_address_names_it(demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo_app}/trends?evals=tone")
    points = tab.locator('.vega-embed g[class*="mark-symbol"]').last.locator("path")
    expect(points.first).to_be_attached(timeout=WAIT_MS)
    points.nth(3).click(force=True)
    tab.wait_for_url(re.compile("run=[0-9a-f]{32}"), timeout=WAIT_MS)
    settle(tab)
    expect(tab.get_by_role("heading", level=4)).to_contain_text("tone")
    address = tab.url
    again = open_tab(address)
    expect(again.get_by_role("heading", level=4)).to_contain_text("tone")
    again.get_by_role("button", name="Close").click()
    again.wait_for_url(lambda url: "run=" not in url, timeout=WAIT_MS)
    assert "evals=tone" in again.url


def test_the_view_lives_in_the_address(demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo_app}/trends?evals=tone&evals=security")
    tab.get_by_role("radio", name="90d").or_(tab.get_by_role("button", name="90d")).first.click()
    tab.wait_for_url(re.compile("window=90d"), timeout=WAIT_MS)
    assert "evals=tone" in tab.url
    again = open_tab(tab.url)
    expect(again.get_by_test_id("stMultiSelect").first).to_contain_text("security")


@pytest.mark.parametrize(
    ("from_the_right", "address"), [(False, r"/regressions\?eval=security"), (True, "/trends.*evals=security")]
)
def test_an_eval_type_of_the_overview_leads_to_what_changed_and_the_sign_beside_its_sparkline_to_the_trend(
    from_the_right: bool, address: str, demo_app: str, open_tab: OpenTab
) -> None:
    tab = open_tab(demo_app)
    box = tab.get_by_test_id("stDataFrame").first.bounding_box()
    assert box is not None
    tab.mouse.click(box["x"] + (box["width"] - 25 if from_the_right else 60), box["y"] + 55)
    tab.wait_for_url(re.compile(address), timeout=WAIT_MS)


def test_regressions_shows_the_words_that_changed(demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo_app}/regressions")
    expect(tab.get_by_text("1 of 19 eval types regressed")).to_be_visible()
    expect(tab.locator(".pdiff ins").first).to_be_visible()
    expect(tab.locator(".pdiff del").first).to_be_visible()


def test_csv_of_the_view_is_downloaded(demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo_app}/trends?evals=tone")
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name="Download CSV").click()
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert lines[0].startswith("eval_type,run_id,started,pass_rate")
    assert all(line.startswith("tone,") for line in lines[1:])
    assert len(lines) > 5


def test_times_are_in_the_zone_of_the_settings_of_the_browser_or_of_a_choice(
    store_builder: StoreBuilder, tmp_path: Path, open_tab: OpenTab
) -> None:
    for minute in (0, 50):
        store_builder.log_run("tone", 0.9, started=datetime(2026, 7, 1, 22, minute, tzinfo=UTC))
    with serving(tmp_path, MLFLOW_TRACKING_URI=store_builder.uri, EVAL_PIPELINE_TIME_ZONE="local") as address:
        tab = open_tab(f"{address}/trends")
        caption = tab.get_by_test_id("stSidebar").get_by_text("read ")
        expect(caption).to_contain_text(re.compile("E[DS]T"))  # the browsers of these tests are in New York
        assert {text[:9] for text in axis(tab)} == {"01 Jul 18"}
        zone = tab.get_by_role("combobox", name=re.compile("Time zone"))
        zone.click()
        zone.fill("kolkata")
        zone.press("Enter")
        expect(caption).to_contain_text("IST", timeout=WAIT_MS)
        settle(tab)
        assert {text[:9] for text in axis(tab)} == {"02 Jul 03", "02 Jul 04"}
        tab.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview").click()
        expect(tab.get_by_text("newest run 02 Jul 2026 04:20 IST")).to_be_visible(timeout=WAIT_MS)


def axis(tab: Page) -> list[str]:
    """The times on the axis of the chart, earliest first."""
    labels = tab.locator(".vega-embed g.role-axis-label text")
    expect(labels.first).to_be_attached(timeout=WAIT_MS)
    found = [text for text in labels.all_text_contents() if re.fullmatch(r"\d\d \w{3} \d\d:\d\d", text)]
    assert found
    return found


def test_whoever_first_opens_a_page_other_than_the_first_sees_the_whole_app(
    demo_folder: Path, tmp_path: Path, open_tab: OpenTab
) -> None:
    with serving(tmp_path, EVAL_PIPELINE_CONFIG=str(demo_folder / "eval_pipeline.toml")) as address:
        tab = open_tab(f"{address}/regressions?eval=tone")
        expect(tab.locator("h1")).to_have_count(1)
        expect(tab.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(LINKS)
        expect(tab.locator("h1")).to_contain_text("Regressions")
        tab.get_by_test_id("stSidebarNav").get_by_role("link").first.click()
        expect(tab.locator("h1")).to_contain_text("Overview", timeout=WAIT_MS)
        expect(tab.locator("h1")).to_have_count(1)


def test_a_store_that_is_away_is_said_on_every_page_and_found_again(
    store_builder: StoreBuilder, tmp_path: Path, open_tab: OpenTab
) -> None:
    store_builder.log_run("tone", 0.9)
    away = store_builder.path.rename(tmp_path / "away.db")
    with serving(tmp_path, MLFLOW_TRACKING_URI=store_builder.uri) as address:
        tab = open_tab(f"{address}/trends")
        expect(tab.get_by_role("alert")).to_contain_text("The store can't be read")
        waiting = open_tab(f"{address}/promote")
        expect(waiting.get_by_role("alert")).to_contain_text("The store can't be read")
        expect(tab.get_by_role("button", name="Try again")).to_be_visible()
        away.rename(store_builder.path)
        for each in (tab, waiting):  # by themselves, without a click
            expect(each.get_by_text("The store can't be read")).to_have_count(0, timeout=WAIT_MS)
        expect(tab.locator(".vega-embed")).to_be_visible(timeout=WAIT_MS)
