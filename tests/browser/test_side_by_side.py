"""Two apps and two watchers on one team's server: see `tests.team_server`."""

from __future__ import annotations

import json
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from eval_pipeline.store.watches import find_watch_ledger
from tests.browser.conftest import WAIT_MS, OpenTab, serving, settle
from tests.browser.test_actions import button, write
from tests.builder import StoreBuilder
from tests.cli.test_watch import until, watching
from tests.small_project import TEXTS, SmallProject, make_project
from tests.team_server import TeamServer

pytestmark = [pytest.mark.browser, pytest.mark.server]


@pytest.fixture
def project(team_server: TeamServer, tmp_path: Path) -> SmallProject:
    """A project whose v2 may go live."""
    project = make_project(tmp_path / "project", StoreBuilder(team_server.uri))
    for eval_type in ("tone", "greeting"):
        for version in ("v1", "v2"):
            project.builder.log_run(eval_type, 0.9, prompts={"persona": version})
    return project


def test_what_one_app_does_the_other_sees_and_a_new_version_is_run_once(
    project: SmallProject, open_tab: OpenTab, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(serving(_folder(tmp_path, name), **project.variables)) for name in ("first", "second")
        )
        watchers = [
            stack.enter_context(watching(project.builder.uri, "--interval", "0.5", **project.variables)) for _ in "ab"
        ]
        tab, other = open_tab(f"{first}/promote"), open_tab(f"{second}/promote")
        for each in (tab, other):
            expect(each.get_by_text("Allowed:")).to_be_visible(timeout=WAIT_MS)
        write(tab, "better", "persona")
        button(tab, "Promote")()
        expect(tab.get_by_text("Promoted:")).to_be_visible(timeout=WAIT_MS)
        write(other, "better still", "persona")
        button(other, "Promote")()
        expect(other.get_by_text("now points at v2, not at v1")).to_be_visible(timeout=WAIT_MS)
        other.goto(f"{second}/rollback")
        settle(other)
        expect(other.get_by_text("Promotion v1 → v2")).to_be_visible(timeout=WAIT_MS)

        until(lambda: find_watch_ledger(project.store) is not None)
        project.builder.client.register_prompt("persona", TEXTS[2])
        until(lambda: [each.outcome for each in project.suites] == ["passed"])
        for address in (first, second):
            expect(open_tab(f"{address}/promote?candidate=v4").get_by_text("Allowed:")).to_be_visible(timeout=WAIT_MS)
        ran = []
        for watcher in watchers:
            watcher.send_signal(signal.SIGINT)
            out, err = watcher.communicate(timeout=60)
            assert (watcher.returncode, "Traceback" in err) == (0, False), err
            ran += [json.loads(line) for line in out.splitlines()]
    assert [(each["version"], each["state"]) for each in ran] == [(4, "passed")]
    assert [each.candidate for each in project.suites] == [("persona", 4)]


def _folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name
