"""Everything against an MLflow as teams run it: see `tests.team_server`."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Run
from tests.pages.acting import said
from tests.pages.conftest import Open
from tests.small_project import SmallProject
from tests.team_server import EDITOR, TeamServer, sign_in

pytestmark = pytest.mark.server

COMMANDS = {
    "doctor": (0, "answers"),
    "run-evals --prompt persona=1": (1, "tone ................... FAIL (0.0%, threshold 80%)"),
    "run-evals --prompt persona=2": (1, "tone ................... FAIL (50.0%, threshold 80%)"),
    "run-evals --prompt persona=3": (0, "Passed: all 2 eval types met the threshold"),
    "trend": (0, "persona"),
    "check": (0, "▲ IMPROVED"),
    "diff --eval-type tone": (0, "exact"),
    "bisect persona --good 1 --bad 3": (0, "persona"),
    "flaky": (0, ""),
    "promote persona": (1, "Blocked: persona v2; tone: below its threshold."),
    "promote persona --version 3": (0, "Promoted"),
    "rollback persona --reason worse": (0, "Rolled back"),
    "audit log": (0, "worse"),
    "audit verify": (0, "The audit log is whole"),
    "audit reconcile": (0, "othing"),
    "watch --once": (0, "No version is due"),
}
"""Every command that reads or writes a store, in the order of a story: its exit code and something that it says."""
PAGES = {
    "overview": "Rollback",
    "trends": "Click a point to open its run",
    "regressions": "0 of 2 eval types regressed",
    "compare": "Still passing",
    "audit": "2 records; the chain was verified",
    "run_evals": "Will run 2 eval types, 4 cases",
    "promote": "tone\\: below its threshold",
    "rollback": "Nothing to roll back to",
}


def test_all_commands_and_pages_work_and_runs_read_the_same_as_on_the_database_itself(
    project: SmallProject, team_server: TeamServer, run: Run, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch, *EDITOR)
    answers = {line: run(*line.split(), store=project.builder) for line in COMMANDS}
    assert {line: answer.code for line, answer in answers.items()} == {
        line: code for line, (code, _) in COMMANDS.items()
    }
    for line, answer in answers.items():
        assert COMMANDS[line][1] in answer.out, answer
    for command in (["trend"], ["audit", "log"]):
        uris = (team_server.uri, team_server.database_uri)
        served, direct = (run(*command, "--format", "json", "--tracking-uri", uri) for uri in uris)
        assert (served.code, len(json.loads(served.out))) == (0, 2)
        assert served == direct
    for page, shown in PAGES.items():
        app = open_page(page, team_server.uri)
        assert (list(app.exception), shown in said(app)) == ([], True), said(app)
