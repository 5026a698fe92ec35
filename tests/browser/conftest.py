"""The app in a real browser: Debian's Chromium, driven by Playwright.

Without Chromium these tests skip and say so; with `REQUIRE_BROWSER=1`, as in CI, that is a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import free_port
from tests.demo_store import Demo

ROOT = Path(__file__).parents[2]
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 60_000
END_SECONDS = 60
POLICY = "Content Security Policy"
"""What Chromium says of whatever the policy of a page refused."""
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this worker."""
    if not CHROMIUM.exists():
        reason = f"no Chromium at {CHROMIUM}: install Debian's chromium, or name another in CHROMIUM"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass(frozen=True)
class Served:
    """A running `eval-pipeline ui`."""

    address: str
    process: subprocess.Popen[str]

    def end(self, sign: signal.Signals) -> int:
        """End it by a signal; its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(END_SECONDS)


@contextmanager
def ui(folder: Path, **variables: str) -> Iterator[Served]:
    """`eval-pipeline ui`, once it says where the app is. It must end well when told to, and log no traceback."""
    log, port = folder / "ui.log", str(free_port())
    command = [sys.executable, "-m", "eval_pipeline", "ui", "--no-browser", "--port", port]
    environment = {**os.environ, "EVAL_PIPELINE_MIRROR_CACHE_DIR": str(folder / "cache"), **variables}
    with log.open("w") as err:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=err, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        assert said == f"The app is at http://127.0.0.1:{port}  (Ctrl-C ends it)\n", log.read_text()
        served = Served(f"http://127.0.0.1:{port}", process)
        yield served
        assert process.returncode is not None or served.end(signal.SIGTERM) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert "Traceback" not in log.read_text()


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[str]:
    """`streamlit run` on a store, as a process that ends with the block; its address. It must log no traceback."""
    port = free_port()
    log = folder / "app.log"
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py"), "--server.port", str(port)]
    environment = {**os.environ, "EVAL_PIPELINE_MIRROR_CACHE_DIR": str(folder / "cache"), **variables}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        _wait_until_healthy(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    assert "Traceback" not in log.read_text()


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def demo_folder(demo: Demo) -> Path:
    """The folder of the built demo."""
    return demo.folder


@pytest.fixture(scope="session")
def demo_app(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on the demo store, as `eval-pipeline ui` serves it: under its content security policy."""
    folder = tmp_path_factory.mktemp("demo-app")
    config = str(demo_folder / "eval_pipeline.toml")
    with ui(folder, EVAL_PIPELINE_CONFIG=config, EVAL_PIPELINE_MLFLOW_UI_URL="https://mlflow.example") as served:
        yield served.address


OpenTab = Callable[..., Page]


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[OpenTab]:
    """Opens an address in a window of its own and waits until the page has settled.

    At the end of the test no page may have met a script error, run against its content security policy, or asked for
    anything outside this machine.
    """
    contexts, errors = [], []

    def open_one(address: str, scheme: str = "light", width: int = 1440, height: int = 1000) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, timezone_id="America/New_York"
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: errors.append(f"script error: {error}"))
        tab.on("console", lambda said: errors.append(said.text[:500]) if POLICY in said.text else None)
        tab.on("dialog", lambda dialog: errors.append(f"a script ran: {dialog.message}"))
        tab.on("request", lambda r: None if r.url.startswith(LOCAL) else errors.append(f"foreign: {r.url}"))
        tab.goto(address)
        settle(tab)
        return tab

    yield open_one
    for context in contexts:
        context.close()
    assert errors == []


def settle(tab: Page) -> None:
    """Wait until the script of the page has run; it must not have failed."""
    expect(tab.locator('[data-testid="stApp"][data-test-script-state="notRunning"]')).to_be_visible(timeout=WAIT_MS)
    expect(tab.get_by_test_id("stException")).to_have_count(0)
