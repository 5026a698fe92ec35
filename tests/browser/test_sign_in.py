"""Signing in by a real browser at a real OpenID provider, and everything that is refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from eval_pipeline.ui.frame import SECTIONS
from tests.actions.stage import dump
from tests.browser.conftest import ROOT, WAIT_MS, _wait_until_healthy, settle
from tests.browser.crafting import crafting
from tests.browser.refused import DEEDS, PROTECTED, Deed, Scene
from tests.builder import StoreBuilder
from tests.conftest import free_port
from tests.pages.acting import Team, gather
from tests.small_project import SmallProject, write_files

pytestmark = pytest.mark.browser

SECRET = "a secret of more than thirty-two characters"
PEOPLE = {"vera": "viewer", "pia": "promoter", "ada": "admin"}
MORE_SETTINGS = f"""datasets = ["datasets"]
[target]
kind = "python"
function = "small_assistant:answer"
[gate.protected]
{PROTECTED} = {{approvals = 1}}
"""


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """An OpenID provider; its address, which is another site than the app's."""
    said = {name: {"email": f"{name}@example.com", "email_verified": True} for name in (*PEOPLE, "eve")}
    said["mallory"] = {"email": "ada@example.com", "email_verified": False}
    people = [f"id-{name}={json.dumps(claims)}" for name, claims in said.items()]
    command = [sys.executable, "-m", "tests.browser.provider", *people]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    yield f"http://localhost:{process.stdout.readline().strip()}"
    process.terminate()
    process.communicate()


@dataclass(frozen=True)
class Guarded:
    """The app with sign-in, on a store of its own."""

    address: str
    team: Team
    folder: Path

    def forge(self, **claims: Any) -> dict[str, str]:
        """The cookie that the app gives whoever signs in, as of another time."""
        value = {"is_logged_in": True, "origin": self.address, "provider": "default", **claims}
        signed = create_signed_value(SECRET, "_streamlit_user", json.dumps(value))
        return {"name": "_streamlit_user", "value": signed.decode(), "url": self.address}


@contextmanager
def guarding(folder: Path, team: Team, provider: str, more: str = "") -> Iterator[Guarded]:
    """The app as `eval-pipeline ui` serves it, with sign-in and more settings; it must log no traceback."""
    port, log = free_port(), folder / "app.log"
    address = f"http://127.0.0.1:{port}"
    (folder / ".streamlit").mkdir()
    secrets = {
        "redirect_uri": f"{address}/oauth2callback",
        "cookie_secret": SECRET,
        "client_id": "evals",
        "client_secret": "known to all",
        "server_metadata_url": f"{provider}/.well-known/openid-configuration",
    }
    lines = ["[auth]", *(f'{key} = "{value}"' for key, value in secrets.items())]
    (folder / ".streamlit" / "secrets.toml").write_text("\n".join(lines))
    lists = "".join(f'{role}s = ["{name}@example.com"]\n' for name, role in PEOPLE.items())
    (folder / "eval_pipeline.toml").write_text(f'tracking_uri = "{team.uri}"\n{more}[auth]\nenabled = true\n{lists}')
    environment = {**os.environ, "EVAL_PIPELINE_MIRROR_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-P", "-m", "eval_pipeline", "ui", "--port", str(port), "--no-browser"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        _wait_until_healthy(process, port, log)
        yield Guarded(address, team, folder)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    assert "Traceback" not in log.read_text()


@pytest.fixture
def team(copy_of: Callable[..., StoreBuilder]) -> Team:
    """A store with a prompt whose v2 may go live."""
    return Team(copy_of(gather))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, template_db: Path, provider: str) -> Iterator[Guarded]:
    """One such app for several tests."""
    folder = tmp_path_factory.mktemp("guarded")
    shutil.copy(template_db, folder / "mlflow.db")
    builder = StoreBuilder(f"sqlite:///{folder}/mlflow.db")
    gather(builder)
    write_files(folder)
    team = Team(builder)
    team.point(PROTECTED, 1)
    with guarding(folder, team, provider, MORE_SETTINGS) as guarded:
        yield guarded


@pytest.fixture(scope="session")
def scene(shared: Guarded) -> Scene:
    """The project behind it."""
    return Scene(SmallProject(shared.folder, shared.team.builder), shared.team)


@pytest.fixture(scope="session")
def held(shared: Guarded, browser: Browser) -> dict[str, dict[str, str]]:
    """The cookies of everybody on the lists, who have signed in to it by a browser."""
    found = {}
    for name in PEOPLE:
        context = browser.new_context()
        sign_in(context.new_page(), shared.address, name)
        found[name] = cookies(context)
        context.close()
    return found


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """Makes a browser of somebody's own, with no cookie in it."""
    contexts = []

    def make() -> BrowserContext:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 1000}))
        return contexts[-1]

    yield make
    for context in contexts:
        context.close()


NewContext = Callable[[], BrowserContext]


def go(tab: Page, address: str) -> None:
    """Open an address and wait until its page has settled."""
    tab.goto(address)
    settle(tab)


def sign_in(tab: Page, address: str, name: str) -> None:
    """Sign in as a person does."""
    go(tab, address)
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_role("button", name=f"id-{name}", exact=True).click()
    tab.wait_for_url(f"{address}/", timeout=WAIT_MS)
    settle(tab)


def expect_sign_in(tab: Page) -> None:
    """There is the sign-in page, and nothing else."""
    expect(tab.get_by_role("button", name="Sign in")).to_be_visible(timeout=WAIT_MS)
    expect(tab.locator("h1")).to_have_text("eval-pipeline")
    for nothing in ("stSidebarNav", "stDataFrame", "stForm", "stMetric"):
        expect(tab.get_by_test_id(nothing)).to_have_count(0)


def cookies(context: BrowserContext) -> dict[str, str]:
    """What its websocket sends."""
    return {each["name"]: each["value"] for each in context.cookies() if each["name"].startswith("_streamlit_")}


def test_before_signing_in_and_after_it_has_ended_no_page_shows_anything(
    tmp_path: Path, team: Team, provider: str, new_context: NewContext
) -> None:
    pages = [name for entries in SECTIONS.values() for name, _, _ in entries]
    with guarding(tmp_path, team, provider) as guarded:
        context = new_context()
        tab = context.new_page()
        for page in sorted(pages, key=lambda name: name != "promote"):  # whose file a fresh server serves by itself
            go(tab, f"{guarded.address}/{page}")
            expect_sign_in(tab)
        now = time.time()
        pia = {"sub": "id-pia", "email": "pia@example.com", "email_verified": True}
        context.add_cookies([guarded.forge(**pia, iat=now - 3600, exp=now - 1)])
        go(tab, f"{guarded.address}/promote")
        expect(tab.get_by_text("Your sign-in has ended")).to_be_visible()
        expect_sign_in(tab)
        context.add_cookies([guarded.forge(**pia, iat=now, exp=now + 3600)])
        go(tab, f"{guarded.address}/promote")
        expect(tab.get_by_test_id("stForm")).to_be_visible()


def test_a_promoter_promotes_under_their_own_name_until_they_sign_out_in_any_tab(
    shared: Guarded, new_context: NewContext
) -> None:
    shared.team.point("production", 1)
    known = len(shared.team.records)
    context = new_context()
    tab = context.new_page()
    sign_in(tab, shared.address, "pia")
    go(tab, f"{shared.address}/promote?prompt=persona")
    expect(tab.get_by_test_id("stSidebar")).to_contain_text("promoter")
    tab.get_by_label(re.compile("^Type ")).fill("persona")
    tab.get_by_test_id("stForm").get_by_role("button", name="Promote", exact=True).click()
    expect(tab.get_by_text("Promoted:")).to_be_visible(timeout=WAIT_MS)
    assert [each.actor for each in shared.team.records[known:]] == ["pia@example.com"]

    go(tab, f"{shared.address}/rollback?prompt=persona")
    other = context.new_page()
    go(other, f"{shared.address}/audit")
    other.get_by_role("button", name="Sign out").click()
    other.get_by_role("button", name="End session").click()
    other.wait_for_url(f"{shared.address}/", timeout=WAIT_MS)
    settle(other)
    expect_sign_in(other)
    tab.get_by_label(re.compile("^Reason")).fill("worse")
    tab.get_by_label(re.compile("^Type ")).fill("persona")
    tab.get_by_test_id("stForm").get_by_role("button", name="Roll back to v1").click()
    expect_sign_in(tab)
    assert len(shared.team.records) == known + 1


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_viewer_is_refused_whatever_messages_they_send_and_the_same_messages_work_for_who_may(
    deed: Deed, shared: Guarded, scene: Scene, held: dict[str, dict[str, str]]
) -> None:
    query = deed.query.format(deed.stage(scene))
    with (
        crafting(shared.address, deed.page, query, held["vera"]) as viewer,
        crafting(shared.address, deed.page, query, held[deed.by]) as permitted,
    ):
        before, content = scene.figures(), dump(scene.team.builder.path)
        for label in deed.presses[:-1]:
            viewer.press(label, permitted, **deed.fields)
            permitted.press(label, **deed.fields)
        last = deed.presses[-1]
        offered = [each for each in viewer.widgets if each.label in deed.presses and not each.disabled]
        viewer.press(last, permitted, **deed.fields)
        assert dump(scene.team.builder.path) == content
        assert (offered, deed.told in viewer.said) == ([], True)
        permitted.press(last, **deed.fields)
    scene.settle(before["attempts"] + deed.changes.get("attempts", 0))
    after = scene.figures()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == deed.changes


def test_a_sign_in_that_ends_while_the_page_is_open_promotes_nothing(shared: Guarded, new_context: NewContext) -> None:
    shared.team.point("production", 1)
    known = len(shared.team.records)
    address = f"{shared.address}/promote?prompt=persona"
    pia = {"sub": "id-pia", "email": "pia@example.com", "email_verified": True}
    context = new_context()
    tab = context.new_page()

    def open_until(ends: float) -> float:
        """Open the page with a sign-in that ends then; how long it took."""
        begun = time.time()
        context.add_cookies([shared.forge(**pia, iat=begun, exp=ends)])
        go(tab, address)
        expect(tab.get_by_test_id("stForm").get_by_role("button", name="Promote", exact=True)).to_be_enabled()
        return time.time() - begun

    took = open_until(time.time() + 3600)
    ends = time.time() + 2 + 3 * took
    open_until(ends)
    tab.get_by_label(re.compile("^Type ")).fill("persona")
    time.sleep(max(0.0, ends - time.time()) + 0.1)
    tab.get_by_test_id("stForm").get_by_role("button", name="Promote", exact=True).click()
    expect(tab.get_by_text("Your sign-in has ended")).to_be_visible(timeout=WAIT_MS)
    expect_sign_in(tab)
    assert (shared.team.live, len(shared.team.records)) == (1, known)


def test_a_part_of_a_page_that_runs_by_itself_stops_when_its_sign_in_ends_elsewhere(
    shared: Guarded, new_context: NewContext
) -> None:
    context = new_context()
    sign_in(context.new_page(), shared.address, "vera")
    held = cookies(context)
    with crafting(shared.address, "run_evals", "", held) as here:
        here.run(fragment=here.fragment)
        assert here.labels == set()
        with crafting(shared.address, "audit", "", held) as elsewhere:
            elsewhere.press("Sign out")
        here.run(fragment=here.fragment)
        assert here.labels == {"Sign in"}
    with crafting(shared.address, "promote", "", held) as again:  # the cookie was copied before it was deleted
        assert again.labels == {"Sign in"}


def test_an_admin_may_override_the_gate_and_whoever_only_claims_to_be_one_is_a_stranger(
    shared: Guarded, new_context: NewContext
) -> None:
    tab = new_context().new_page()
    sign_in(tab, shared.address, "ada")
    go(tab, f"{shared.address}/promote?prompt=persona&candidate=v3")
    tab.get_by_text("Promote against the gate").first.click()
    expect(tab.get_by_test_id("stForm").get_by_role("button", name="Promote against the gate")).to_be_enabled()
    for name, shown in (("eve", "eve@example.com"), ("mallory", "sub=id-mallory")):
        tab = new_context().new_page()
        sign_in(tab, shared.address, name)
        expect(tab.get_by_text("on no list of who may use this app")).to_be_visible()
        expect(tab.get_by_test_id("stCode")).to_have_text(shown)
        go(tab, f"{shared.address}/audit")
        expect(tab.get_by_text("on no list of who may use this app")).to_be_visible()
        expect(tab.get_by_test_id("stSidebarNav")).to_have_count(0)
