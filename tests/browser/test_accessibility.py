"""For everyone's eyes and hands: axe-core on every page, narrow pages, charts in words, and the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from eval_pipeline.actions.promote import propose_promotion
from eval_pipeline.actions.requesting import request_promotion
from tests.browser.conftest import WAIT_MS, OpenTab, serving, settle
from tests.browser.test_app import LINKS
from tests.builder import StoreBuilder
from tests.pages.acting import Team, gather
from tests.people import ADA

if TYPE_CHECKING:
    from mlflow.entities import Run

pytestmark = pytest.mark.browser

NARROW, WIDE = 390, 1440


@dataclass(frozen=True)
class Excused:
    """What axe finds within a widget of Streamlit's that we can't change."""

    rule: str
    within: str
    """A CSS selector."""
    because: str


EXCUSED = [
    Excused("list", '[data-testid="stSidebarNavItems"]', "the navigation has a div a section between list and items"),
    Excused("listitem", '[data-testid="stSidebarNavItems"]', "the same: the items are links that are read as such"),
    Excused(
        "svg-img-alt",
        '[data-testid="stMetricChart"]',
        "an empty group of marks in the chart of a figure; what it shows is in its help, and in the table below",
    ),
    Excused(
        "color-contrast",
        '[data-testid="stWidgetLabel"][disabled]',
        "the label of a disabled control, which may be faint; axe can't see that it belongs to it",
    ),
    Excused(
        "scrollable-region-focusable",
        '[data-testid="stSidebarContent"]',
        "a closed sidebar on a narrow page, which nobody can see or reach",
    ),
]

FIND = """async (excused) => {
    const found = await axe.run(document, {resultTypes: ['violations'], elementRef: true});
    return found.violations.filter(each => ['serious', 'critical'].includes(each.impact)).flatMap(each => each.nodes
        .filter(node => !excused.some(it => it.rule === each.id && node.element.closest(it.within)))
        .map(node => `${each.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`));
}"""
PAGES = [
    *("/", "/trends", "/trends?view=Small+multiples", "/trends?view=Heatmap", "/regressions"),
    *("/trends?evals=tone", "/trends?evals=tone&run={run}"),
    *("/compare", "/compare?prompt=", "/audit", "/run_evals", "/promote", "/rollback"),
]
CUT = """() => [...document.querySelectorAll('[data-testid="stMain"] *')]
    .filter(each => each.matches('svg.marks, svg.marks text, h1, h2, h3, h4, p, td, button')
        && each.checkVisibility({opacityProperty: true})
        && getComputedStyle(each).fillOpacity !== '0' && !each.closest('[data-testid="stDataFrame"]')
        && each.getBoundingClientRect().right > innerWidth + 1)
    .map(each => each.outerHTML.slice(0, 200))"""
"""What reaches over the edge of the page. Tables scroll by themselves."""
DRAWN_ANEW = """() => [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')].every(chart =>
    !chart.checkVisibility() || chart.querySelector('svg.marks')?.getBoundingClientRect().right <= innerWidth)
    && [...document.querySelectorAll('[data-testid="stDataFrameResizable"]')].every(table =>
    table.getBoundingClientRect().right <= innerWidth)"""
"""Charts and tables have taken the width of a page that became narrow."""
WIDER = """() => ['html', '[data-testid=stMain]'].map(name => [name, document.querySelector(name)])
    .filter(([_, each]) => each.scrollWidth > each.clientWidth)
    .map(([name, each]) => `${name}: ${each.scrollWidth} px within ${each.clientWidth}`)"""


def violations(tab: Page) -> list[str]:
    """What axe calls serious or critical, and is not excused."""
    tab.evaluate(AXE_SCRIPT)
    return list(tab.evaluate(FIND, [asdict(each) for each in EXCUSED]))


def broken_when_narrow(tab: Page) -> list[str]:
    """What is cut or too wide once the page is as narrow as a telephone."""
    tab.set_viewport_size({"width": NARROW, "height": 844})
    expect(tab.get_by_test_id("stExpandSidebarButton")).to_be_visible(timeout=WAIT_MS)
    tab.wait_for_function(DRAWN_ANEW, timeout=WAIT_MS)
    return [*tab.evaluate(CUT), *tab.evaluate(WIDER)]


def settled(tab: Page) -> None:
    """Wait until the page has its heading, and its charts are drawn, too."""
    expect(tab.locator("h1")).to_be_visible(timeout=WAIT_MS)
    settle(tab)
    for chart in tab.get_by_test_id("stVegaLiteChart").all():
        expect(chart.locator("svg.marks, canvas.marks").first).to_be_attached(timeout=WAIT_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn_axe_finds_nothing_serious_and_a_narrow_one_is_not_cut(
    page: str, scheme: str, demo_app: str, runs: dict[str, list[Run]], open_tab: OpenTab
) -> None:
    address = demo_app + page.format(run=runs["tone"][-1].info.run_id)
    tab = open_tab(address, scheme, width=WIDE)
    settled(tab)
    expect(tab.locator("h1")).to_be_visible()
    expect(tab.get_by_test_id("stSidebarNav").get_by_role("link")).to_have_count(LINKS)
    background = tab.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 21, 28)"}[scheme]
    assert violations(tab) == []
    assert broken_when_narrow(tab) == []
    assert violations(tab) == []


def test_a_chart_says_what_it_shows_and_is_a_table_on_demand(demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo_app}/trends?evals=tone")
    chart = tab.locator('[role="graphics-document"]')
    expect(chart).to_have_attribute("aria-label", re.compile(r"of tone: 13 runs, .* over 13 complete runs"))
    expect(chart.locator('[role="graphics-symbol"]')).to_have_count(0)
    tab.get_by_role("switch", name="Show as table").focus()
    tab.keyboard.press("Space")
    expect(tab.get_by_test_id("stDataFrame")).to_have_count(2, timeout=WAIT_MS)
    expect(tab.get_by_text("over 13 complete runs, threshold 80%")).to_be_visible()
    settled(tab)
    assert violations(tab) == []


def test_a_run_is_opened_and_the_focus_stays_put_by_the_keyboard_alone(demo_app: str, open_tab: OpenTab) -> None:
    tab = open_tab(f"{demo_app}/trends?evals=tone")
    tab.get_by_role("combobox", name="Open a run").focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("option").first).to_be_visible(timeout=WAIT_MS)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("run=[0-9a-f]{32}"), timeout=WAIT_MS)
    expect(tab.get_by_role("heading", level=4)).to_contain_text("tone", timeout=WAIT_MS)

    tab.goto(demo_app)
    settle(tab)
    tab.get_by_role("button", name="Fullscreen").focus()
    for _ in range(4):
        tab.keyboard.press("Tab")
    settle(tab)
    expect(tab.locator("h1")).to_contain_text("Overview")


def test_a_prompt_is_promoted_and_taken_back_by_the_keyboard_alone(
    copy_of: Callable[..., StoreBuilder], tmp_path: Path, open_tab: OpenTab
) -> None:
    team = Team(copy_of(gather))
    with serving(tmp_path, MLFLOW_TRACKING_URI=team.uri) as address:
        tab = open_tab(f"{address}/promote")
        write(tab, "Reason (optional), for the audit log", "by hand")
        write(tab, "Type persona to confirm", "persona")
        press(tab, "Promote")
        expect(tab.get_by_text("Promoted:")).to_be_visible(timeout=WAIT_MS)
        settle(tab)
        assert team.live == 2
        [record] = team.records
        for page in ("/audit", "/rollback?prompt=persona"):
            tab.goto(address + page)
            settle(tab)
            assert violations(tab) == []
        write(tab, "Reason, for the audit log", "users see secrets")
        write(tab, "Type persona to confirm", "persona")
        press(tab, "Roll back to v1")
        expect(tab.get_by_text("Rolled back:")).to_be_visible(timeout=WAIT_MS)
        settle(tab)
        assert team.live == 1
        for scheme in ("light", "dark"):
            tab = open_tab(f"{address}/audit?record={record.id}", scheme)
            settled(tab)
            expect(tab.get_by_role("heading", level=4)).to_contain_text("Promotion of persona@production")
            assert violations(tab) == []
            assert broken_when_narrow(tab) == []
            assert violations(tab) == []


def test_a_request_is_approved_by_the_keyboard_alone(
    copy_of: Callable[..., StoreBuilder], tmp_path: Path, open_tab: OpenTab
) -> None:
    team = Team(copy_of(gather))
    store = team.store_with({"gate": {"protected": {"production": {}}}})
    request_promotion(store, propose_promotion(store, "persona"), actor=ADA, reason="kinder")
    protected = {"EVAL_PIPELINE_GATE_PROTECTED_PRODUCTION_APPROVALS": "1"}
    with serving(tmp_path, MLFLOW_TRACKING_URI=team.uri, **protected) as address:
        for scheme in ("dark", "light"):
            tab = open_tab(f"{address}/promote?prompt=persona", scheme)
            expect(tab.get_by_text("Asked for by ada")).to_be_visible(timeout=WAIT_MS)
            assert violations(tab) == []
        press(tab, "Approve")
        write(tab, "Type persona to confirm", "persona")
        press(tab, "Approve")
        expect(tab.get_by_text("Promoted:")).to_be_visible(timeout=WAIT_MS)
        assert team.live == 2


def focused(tab: Page) -> str:
    """What the focus is on: its label or its text."""
    return str(
        tab.evaluate(
            "() => { const on = document.activeElement; return on.labels?.[0]?.innerText || on.ariaLabel || "
            "(on.tagName === 'BUTTON' ? on.innerText : '') }"
        )
    )


def tab_to(tab: Page, name: str) -> None:
    """Press the Tab key until the focus is on what has this name; it must be seen there."""
    for _ in range(80):
        tab.keyboard.press("Tab")
        if re.search(rf"(^|\n|\s){re.escape(name)}(\n+[a-z_]+)?$", focused(tab).strip()):  # an icon may follow
            return
    pytest.fail(f"the Tab key does not lead to {name}")


def write(tab: Page, label: str, text: str) -> None:
    """Write into a field as one does who has no pointer."""
    tab_to(tab, label)
    tab.keyboard.type(text)


def press(tab: Page, name: str) -> None:
    """Press a button as one does who has no pointer; the focus on it can be seen."""
    tab_to(tab, name)
    shadow = tab.evaluate("() => getComputedStyle(document.activeElement).boxShadow")
    assert shadow != "none"
    tab.keyboard.press("Enter")
