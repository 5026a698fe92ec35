"""`eval-pipeline ui` as a server: guarded answers, a health page, and a clean end.

That every page works under the content security policy shows in all tests of the demo app: see `open_tab`.
"""

from __future__ import annotations

import json
import signal
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from eval_pipeline.ui.serving.guard import HEADERS, content_security_policy
from tests.browser.conftest import END_SECONDS, OpenTab, serving, settle, ui
from tests.builder import StoreBuilder

pytestmark = pytest.mark.browser


def ask(url: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=END_SECONDS) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.headers, problem.read()


def health(address: str, status: int = 200) -> dict[str, object]:
    """What `/healthz` says, once it answers with that status."""
    end = time.monotonic() + END_SECONDS
    while (answer := ask(f"{address}/healthz"))[0] != status:
        assert time.monotonic() < end, answer[2]
        time.sleep(0.1)
    assert answer[1]["Cache-Control"] == "no-store"
    said: dict[str, object] = json.loads(answer[2])
    return said


def opens_websocket(address: str, origin: str | None) -> bool:
    """Whether a page of that origin may talk to the app."""
    where = address.replace("http", "ws") + "/_stcore/stream"
    try:
        with connect(where, origin=origin, subprotocols=["streamlit"]):  # type: ignore[arg-type,list-item]
            return True
    except InvalidStatus:
        return False


def test_streamlits_own_server_lets_nobody_in_where_others_could_come_and_nobody_signs_in(
    store_builder: StoreBuilder, tmp_path: Path, open_tab: OpenTab
) -> None:
    store_builder.log_run("tone", 0.9)
    wide = {"MLFLOW_TRACKING_URI": store_builder.uri, "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    with serving(tmp_path, **wide) as address:
        tab = open_tab(f"{address}/trends")
        expect(tab.get_by_role("alert")).to_contain_text("0.0.0.0 can be reached by others and nobody signs in")
        assert tab.locator("h1").count() == 0
    with serving(tmp_path, **wide, EVAL_PIPELINE_AUTH_ENABLED="true") as address:
        tab = open_tab(f"{address}/trends")
        expect(tab.locator("h1")).to_contain_text("eval-pipeline")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/trends", 200), ("/favicon.png", 200), ("/healthz", 200), ("/app/static/none.woff2", 404)],
)
def test_every_answer_carries_the_security_headers(path: str, status: int, demo_app: str) -> None:
    code, headers, _ = ask(demo_app + path)
    assert code == status
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["Content-Security-Policy"] == content_security_policy()


def test_only_the_app_s_own_pages_may_open_its_websocket(demo_app: str) -> None:
    origins = (demo_app, None, "https://evil.example", "http://localhost:1")
    assert [opens_websocket(demo_app, each) for each in origins] == [True, True, False, False]


def test_a_script_in_a_page_that_the_policy_does_not_know_never_runs(demo_app: str, browser: Browser) -> None:
    with browser.new_context() as context:
        tab = context.new_page()
        tab.goto(demo_app)
        settle(tab)
        with tab.expect_console_message(lambda said: "Content Security Policy" in said.text):
            tab.evaluate(
                "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
            )
        assert tab.evaluate("window.ran") is None


def test_health_follows_the_store_and_names_nothing_and_ctrl_c_ends_the_app_under_an_open_page(
    store_builder: StoreBuilder, open_tab: OpenTab, tmp_path: Path
) -> None:
    store_builder.log_run("tone", 0.9)
    with ui(tmp_path, MLFLOW_TRACKING_URI=store_builder.uri) as served:
        said = health(served.address)
        assert said == {"status": "ok", "store": "reachable", "mirror_age_s": None, "version": said["version"]}
        open_tab(served.address)
        age = health(served.address)["mirror_age_s"]
        assert isinstance(age, float)
        assert age >= 0
        away = store_builder.path.rename(tmp_path / "away.db")
        gone = health(served.address, 503)
        assert gone == {**said, "status": "unavailable", "store": "unreachable", "mirror_age_s": gone["mirror_age_s"]}
        away.rename(store_builder.path)
        health(served.address, 200)
        assert served.end(signal.SIGINT) == 0
