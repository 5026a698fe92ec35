"""The report page as a mail's attachment: opened from a file, with nothing around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from eval_pipeline.actions.reporting import write_report
from eval_pipeline.report.page import render, work_out
from eval_pipeline.settings import load_settings
from eval_pipeline.store.connection import open_store
from eval_pipeline.store.mirror import open_mirror
from tests.page_facts import HOSTILE, HOSTILE_NAME, SHOWN, story

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 521, 641, 800, 961, 1100, 1160, 1440)
OVERFLOWING = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
DRAWN = """() => [...document.querySelectorAll('.chart svg')].filter(svg => svg.checkVisibility()).map(svg => [
  [...svg.querySelectorAll('path[stroke], path[fill]')].filter(mark => mark.getBBox().width > 1).length,
  svg.querySelectorAll('line[stroke-dasharray]').length,
])"""
"""Of each chart that can be seen: how many shapes it has, and how many dashed lines."""

Look = Callable[..., Page]


@pytest.fixture
def look(browser: Browser) -> Iterator[Look]:
    """Opens a file in a window of its own; nothing in it may ask for anything, or run."""
    contexts, happened = [], []

    def open_file(file: Path, scheme: str = "light", width: int = 1440) -> Page:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 1000})
        contexts.append(context)
        tab = context.new_page()
        tab.on("request", lambda request: happened.append(request.url))
        tab.on("dialog", lambda dialog: happened.append(f"a script ran: {dialog.message}"))
        tab.on("console", lambda message: happened.append(message.text))
        tab.on("pageerror", lambda error: happened.append(str(error)))
        tab.goto(file.as_uri())
        assert happened == [file.as_uri()]
        happened.clear()
        return tab

    yield open_file
    for context in contexts:
        context.close()
    assert happened == []


@pytest.fixture(scope="session")
def report(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the demo store."""
    file = tmp_path_factory.mktemp("report") / "evals.html"
    settings = load_settings(demo_folder / "eval_pipeline.toml").settings
    with open_mirror(open_store(settings), throwaway=True) as mirror:
        write_report(mirror, mirror.sync(), file, keep=False)
    return file


def test_a_page_stands_alone_with_all_charts_drawn_and_fits_every_width(report: Path, look: Look) -> None:
    assert report.stat().st_size < 400_000
    tab = look(report)
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 1000})
        assert tab.evaluate(OVERFLOWING) == 0, width
        drawn = tab.evaluate(DRAWN)
        assert len(drawn) == 19 + 3  # each type, and once more what regressed or dropped
        assert min(shapes for shapes, _ in drawn) >= 2
        assert min(lines for _, lines in drawn) >= 2
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_legible_in_light_and_in_dark(report: Path, look: Look, scheme: str) -> None:
    tab = look(report, scheme)
    found = Axe().run(tab).response["violations"]
    assert [(each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found] == []


def test_what_prompts_and_outputs_say_is_shown_and_never_run(look: Look, tmp_path: Path) -> None:
    file = tmp_path / "hostile.html"
    facts = story(HOSTILE_NAME, HOSTILE_NAME, HOSTILE, base_experiment=HOSTILE, store=HOSTILE, notice=HOSTILE)
    file.write_text(render(work_out(facts)), encoding="utf-8")
    tab = look(file, width=390)
    assert SHOWN in tab.inner_text("header")
    assert tab.evaluate("document.querySelectorAll('script, img, iframe').length") == 0
    assert tab.evaluate(OVERFLOWING) == 0
