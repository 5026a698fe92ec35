"""A store full of hostile names and texts in a real browser: nothing runs, nothing is fetched, no layout breaks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from eval_pipeline.actions.auditing import audit_log
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import list_suite_runs
from tests.browser.conftest import WAIT_MS, OpenTab, ui
from tests.browser.test_accessibility import CUT, WIDE, WIDER, broken_when_narrow, settled
from tests.builder import StoreBuilder
from tests.hostile import HOSTILE, NAME, PROMPT, infest

pytestmark = pytest.mark.browser

FOREIGN_LINKS = "as => as.map(a => a.href).filter(h => !h.startsWith(location.origin))"
PWNED = "window.__pwned !== undefined"
EXCUSED = {("/trends?view=Heatmap", "narrow"): ">+20</text>"}
"""The last number of the legend, where the names of eval types leave the heatmap no more width than that."""
TALL = 3_000
"""So high a window that even what is far down a page is drawn."""


def addresses(infested: StoreBuilder) -> dict[str, str]:
    """The pages, and what is read on each once it shows what it is asked for."""
    store = Store(infested.uri, Settings())
    records, suites = audit_log(store), list_suite_runs(store)
    runs = infested.client.search_runs([infested.experiment(NAME)])
    return {
        "/": "eval type",
        "/trends": "Open a run",
        "/trends?view=Small+multiples": "1+1",
        "/trends?view=Heatmap": "Show as table",
        **{f"/trends?{urlencode({'evals': NAME, 'run': run.info.run_id})}": run.info.run_id[:8] for run in runs},
        "/regressions": "1+1",
        f"/regressions?{urlencode({'eval': NAME, 'run': NAME})}": "1+1",
        "/audit": "Select a row",
        **{f"/audit?record={record.id}": "gnp.exe" for record in records},
        "/run_evals": "Lost",
        **{f"/run_evals?suite={suite.id}": suite.id[:8] for suite in suites},
        f"/compare?{urlencode({'filter': 'all', 'case': HOSTILE + chr(0)})}": "gnp.exe",
        "/compare?filter=all&case=megabyte": "a<b>",
        "/compare?filter=all&case=lines": "<i>",
        f"/compare?{urlencode({'prompt': PROMPT})}": "gnp.exe",
        f"/promote?{urlencode({'prompt': PROMPT})}": "Asked for by",
        f"/rollback?{urlencode({'prompt': PROMPT})}": "Roll back",
    }


def test_hostile_names_and_texts_never_run_link_or_break_a_page_wide_or_narrow(
    copy_of: Callable[..., StoreBuilder], tmp_path: Path, open_tab: OpenTab
) -> None:
    infested, found = copy_of(infest), []
    with ui(tmp_path, MLFLOW_TRACKING_URI=infested.uri, EVAL_PIPELINE_GATE_PROTECTED_PRODUCTION_APPROVALS="1") as app:
        tab = open_tab(app.address, height=TALL)  # which finds dialogs and foreign requests
        for page, said in addresses(infested).items():
            tab.set_viewport_size({"width": WIDE, "height": TALL})
            tab.goto(app.address + page)
            settled(tab)
            expect(tab.get_by_test_id("stMain")).to_contain_text(said, timeout=WAIT_MS)
            found += [(page, "wide", each) for each in [*tab.evaluate(CUT), *tab.evaluate(WIDER), *done_by(tab)]]
            found += [(page, "narrow", each) for each in [*broken_when_narrow(tab), *done_by(tab)]]
    assert [each for each in found if EXCUSED.get(each[:2], "nothing") not in each[2]] == []


def done_by(tab: Page) -> list[str]:
    """What the texts of a page did."""
    links = tab.eval_on_selector_all("a", FOREIGN_LINKS)
    ran = ["a script ran"] if tab.evaluate(PWNED) else []
    return [*ran, *(f"link to {each}" for each in links)]


def test_no_table_and_no_chart_hands_a_formula_to_a_spreadsheet(
    copy_of: Callable[..., StoreBuilder], tmp_path: Path, open_tab: OpenTab
) -> None:
    infested = copy_of(infest)
    with ui(tmp_path, MLFLOW_TRACKING_URI=infested.uri) as app:
        tab = open_tab(f"{app.address}/audit")
        assert tools_of(tab, "stDataFrame") == ["Show/hide columns", "Search", "Fullscreen"]
        tab.goto(f"{app.address}/trends?{urlencode({'evals': NAME})}")
        assert tools_of(tab, "stVegaLiteChart")[0] == "Show data"
        tab.get_by_role("button", name="Show data").click()
        assert tools_of(tab, "stDataFrame") == ["Show chart", "Show/hide columns", "Search"]


def tools_of(tab: Page, element: str) -> list[str]:
    """The buttons above a table or a chart under the pointer; the keyboard reaches no other."""
    settled(tab)
    tab.get_by_test_id(element).first.hover()
    tools = tab.get_by_test_id("stElementToolbar").get_by_role("button")
    expect(tools.first).to_be_visible(timeout=WAIT_MS)
    return [str(each.get_attribute("aria-label")) for each in tools.all()]
