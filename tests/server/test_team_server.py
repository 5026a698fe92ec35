"""Everything against an MLflow as teams run it: see `tests.team_server`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.actions import moving
from eval_pipeline.actions.suites import begin_suite, cancel_suite
from eval_pipeline.store.aliases import read_alias
from tests.cli.conftest import Run
from tests.pages.acting import said
from tests.pages.conftest import Open
from tests.people import ADA
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


PROTECTED = "[gate.protected]", "canary = {approvals = 1}"


def test_one_asks_another_approves_or_rejects_and_the_log_reads_the_same_on_the_database_itself(
    project: SmallProject, team_server: TeamServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(*PROTECTED)
    sign_in(monkeypatch, *EDITOR)
    for version in (1, 3):
        run("run-evals", "--prompt", f"persona={version}", store=project.builder)
    asking = "promote persona --version 3 --to-alias canary --request --reason kinder --actor ada"

    first = answer(run, project, asking)["request"]
    assert answer(run, project, "promote --requests") == [{**first, "state": "waiting"}]
    rejected = answer(run, project, f"promote --reject {first['id']} --reason bold --actor bob")
    [decision] = rejected.pop("decisions")
    assert rejected == {**{name: first[name] for name in first if name != "decisions"}, "state": "rejected"}
    assert {**decision, "when": ""} == {
        "decision": "reject",
        "who": "bob",
        "when": "",
        "reason": "bold",
        "audit_id": None,
    }

    second = answer(run, project, asking)["request"]
    own = run("promote", "--approve", second["id"], "--actor", "ADA", store=project.builder)
    assert (own.code, "nobody approves their own request" in own.err) == (1, True)
    assert read_alias(project.store, "persona", "canary") is None
    promoted = answer(run, project, f"promote --approve {second['id'][:8]} --actor bob")["promotion"]
    assert (promoted["promoted"], read_alias(project.store, "persona", "canary")) == (True, 3)
    [record] = answer(run, project, "audit log")
    assert (record["id"], record["actor"], record["status"]) == (promoted["audit_id"], "bob", "FINISHED")
    assert record["request"] == {"id": second["id"], "requester": "ada", "approvers": ["bob"]}
    assert answer(run, project, asking.replace("--version 3", "--version 2"), code=1)["request"] is None
    answer(run, project, asking.replace("canary", "production").replace("--request ", ""))
    for line in ("promote --requests", "audit log"):
        command = [*line.split(), "--format", "json"]
        served, direct = (run(*command, "--tracking-uri", uri) for uri in (team_server.uri, team_server.database_uri))
        assert (served.code, served.err, served) == (0, "", direct)
    assert answer(run, project, "audit verify") == []


def test_an_answer_goes_to_files_as_well_and_a_page_tells_the_same_from_the_database_itself(
    project: SmallProject, team_server: TeamServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(monkeypatch, *EDITOR)
    for version in (3, 2):
        run("run-evals", "--prompt", f"persona={version}", store=project.builder)
    forms = ("json", "junit", "markdown")
    whole = run(
        "check", *(word for each in forms for word in ("--also", f"{each}=answer.{each}")), store=project.builder
    )
    assert whole == run("check", store=project.builder)
    assert (whole.code, whole.err, "✕ REGRESSION" in whole.out) == (1, "", True)
    alone = {each: run("check", "--format", each, store=project.builder).out for each in forms}
    assert {each: Path(f"answer.{each}").read_text(encoding="utf-8") for each in forms} == alone

    newest = answer(run, project, "trend --eval-type tone")[0]["points"][-1]["run_id"]
    [judged] = answer(run, project, f"check --run-id {newest}", code=1)
    assert [judged] == answer(run, project, "check --eval-type tone", code=1)
    assert (judged["current_run_id"], judged["verdict"], judged["delta_pp"]) == (newest, "REGRESSION", -50.0)

    told, pages = [], []
    for number, uri in enumerate((team_server.uri, team_server.database_uri)):
        said = run("report", "--html", f"{number}.html", "--format", "json", "--tracking-uri", uri)
        assert (said.code, said.err) == (0, "")
        pages.append(Path(f"{number}.html").read_text(encoding="utf-8"))
        told.append({**json.loads(said.out), "file": "", "bytes": 0})
    counts = {"eval_types": 2, "judged": 2, "meeting_threshold": 1, "regressions": 1, "warnings": 0}
    assert told == [{"file": "", "bytes": 0, **counts}] * 2
    assert all("<!doctype html>" in page and "✕ Regression" in page for page in pages)


def test_what_was_left_half_done_is_finished(project: SmallProject, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(monkeypatch, *EDITOR)
    suite_id = begin_suite(project.store, project.plan(version=3), trigger="terminal", actor=ADA)
    cancel_suite(project.store, suite_id, actor=ADA)
    resumed = answer(run, project, f"run-evals --resume {suite_id[:8]}")
    assert (resumed["run_id"], resumed["state"]) == (suite_id, "passed")
    assert [(each["eval_type"], each["passed"], each["pass_rate"], each["error"]) for each in resumed["results"]] == [
        (each, True, 1.0, None) for each in ("tone", "greeting")
    ]

    with monkeypatch.context() as patch:
        patch.setattr(moving, "tag_runs", interrupted)
        assert run("promote", "persona", "--version", "3", store=project.builder).code == 130
    [finding] = answer(run, project, "audit verify", code=1)
    assert finding["kind"] == "unfinished"
    settled = ["record 1 (promote of persona@production to v3): FINISHED"]
    assert answer(run, project, "audit reconcile") == {"settled": settled}
    assert (answer(run, project, "audit reconcile"), answer(run, project, "audit verify")) == ({"settled": []}, [])


def interrupted(*_: object) -> None:
    """What Ctrl-C does."""
    raise KeyboardInterrupt


def answer(run: Run, project: SmallProject, line: str, code: int = 0) -> Any:
    """What a command says as JSON."""
    said = run(*line.split(), "--format", "json", store=project.builder)
    assert said.code == code, said
    return json.loads(said.out)
