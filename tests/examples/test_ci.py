"""The GitHub workflows of `examples/ci`: their own shell steps, and the commands in them run on a real store."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
import yaml

from eval_pipeline.actions.auditing import audit_log
from eval_pipeline.cli import _outcome, main
from tests.small_project import SmallProject, make_project

EXAMPLE = Path(__file__).parents[2] / "examples" / "ci"
WORKFLOWS = sorted((EXAMPLE / ".github" / "workflows").glob("*.yml"))
STUB = """#!/bin/sh
{ printf '%s\\n' "$(basename "$0")" "$@"; echo; } >> "$CALLED"
test "$(basename "$0")" != gh || printf '%s' "$KNOWN"
exit "${CODE:-0}"
"""
IDENTITY = {
    "GITHUB_ACTOR": "ada",
    "GITHUB_SHA": "3f2c1a",
    "GITHUB_REPOSITORY": "team/bot",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_RUN_ID": "7",
    "NUMBER": "12",
}


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLE / ".github" / "workflows" / name).read_text(encoding="utf-8"))
    return found


def steps(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in document["jobs"].values():
        yield from job["steps"]


@pytest.fixture
def step(tmp_path: Path) -> Callable[..., tuple[int, list[list[str]]]]:
    """Runs a step's script as GitHub does; its exit code, and the commands of ours and of `gh` that it called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("eval-pipeline", "gh", "pip"):
        (programs / name).write_text(STUB)
        (programs / name).chmod(0o700)

    def run(name: str, title: str, **variables: str) -> tuple[int, list[list[str]]]:
        (script,) = (each["run"] for each in steps(workflow(name)) if each.get("name") == title)
        called = tmp_path / "called"
        called.unlink(missing_ok=True)
        told = {**IDENTITY, "CALLED": str(called), "PATH": f"{programs}:{os.environ['PATH']}", **variables}
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(shell, env=told, capture_output=True, text=True)
        text = called.read_text() if called.exists() else ""
        return done.returncode, [call.split("\n") for call in text.split("\n\n") if call]

    return run


Step = Callable[..., tuple[int, list[list[str]]]]


@pytest.fixture
def project(copy_of: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallProject:
    """A repository with prompts and datasets, and its store."""
    made = make_project(tmp_path / "project", copy_of(nothing, "project/store/mlflow.db"))
    for name, value in {**made.variables, **IDENTITY}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(made.folder)
    Path("prompts").mkdir()
    return made


def nothing(builder: object) -> None:
    """An empty store."""


def register(text: str) -> None:
    """Do as the step that registers the prompts."""
    Path("prompts/persona.md").write_text(text)
    spec = importlib.util.spec_from_file_location("register_prompts", EXAMPLE / "register.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    Path("versions.txt").write_text("".join(f"{each}\n" for each in module.register(Path("prompts"))))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_takes_no_rights_and_no_text_that_it_does_not_need(path: Path) -> None:
    document = workflow(path.name)
    assert document["permissions"] == {}
    rights = [job["permissions"] for job in document["jobs"].values()]
    assert all(each in ({"contents": "read"}, {"pull-requests": "write"}) for each in rights)
    assert "pull_request_target" not in path.read_text(encoding="utf-8")
    for each in steps(document):
        assert "${{" not in each.get("run", ""), each["name"]
        assert re.fullmatch(r"actions/[\w-]+@v\d+", each.get("uses", "actions/none@v1"))
        assert each.get("uses", "").startswith("actions/checkout") == (
            each.get("with") == {"persist-credentials": False}
        )
    for job in document["jobs"].values():
        assert all(re.fullmatch(r"\$\{\{ secrets\.\w+ \}\}", value) for value in job.get("env", {}).values())
        writes = "write" in job["permissions"].values()
        assert not (writes and (job.get("env") or any("checkout" in each.get("uses", "") for each in job["steps"])))


def test_every_command_in_the_workflows_is_one_that_we_have(step: Step, project: SmallProject) -> None:
    Path("versions.txt").write_text("persona=3\nodd name=12\n")
    called = []
    for path in WORKFLOWS:
        for each in steps(workflow(path.name)):
            if "eval-pipeline " in each.get("run", "").replace("<!-- eval-pipeline", ""):
                code, calls = step(path.name, each["name"])
                assert code == 0
                called += calls
    assert [call[1] for call in called] == ["datasets", "run-evals", "run-evals", "promote", "promote"]
    for _, *arguments in called:
        context = main.make_context("eval-pipeline", list(arguments))
        while isinstance(context.command, click.Group):
            name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            context = command.make_context(name, rest, parent=context)
    assert called[1][4:7] == ["--prompt=persona=3", "--prompt=odd name=12", "--actor"]
    assert called[4][1:5] == ["promote", "odd name", "--version", "12"]


def test_a_pull_request_is_evaluated_once_and_answered_in_every_form(
    step: Step, project: SmallProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    register("Be brief and kind.")
    assert Path("versions.txt").read_text() == "persona=2\n"
    register("Be nothing. @team | <b>")
    assert Path("versions.txt").read_text() == "persona=4\n"
    _, ((_, *arguments),) = step("evals.yml", "Run the evals")
    project.write("[suites]", 'core = ["greeting", "tone"]')
    assert _outcome(arguments) == 1
    out = capsys.readouterr().out
    comment = Path("comment.md").read_text(encoding="utf-8")
    assert Path("summary.md").read_text(encoding="utf-8") == comment
    assert "### ❌ Eval suite core: failed" in comment
    assert "Be nothing. @\u200bteam \\| &lt;b&gt;" in comment
    assert [line.partition("::")[0] + line.split("::")[1] for line in out.splitlines()] == [
        "error title=greeting FAIL",
        "error title=tone FAIL",
        "error title=Eval suite core%3A failed",
    ]
    suite = ElementTree.fromstring(Path("evals.xml").read_text(encoding="utf-8"))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "2", "0")
    assert [each.candidate for each in project.suites] == [("persona", 4)]


def test_what_is_merged_is_promoted_as_the_version_that_was_evaluated(step: Step, project: SmallProject) -> None:
    register("Be brief, kind and exact.")
    _, ((_, *evals),) = step("promote.yml", "Run every eval")
    _, ((_, *promote),) = step("promote.yml", "Promote what the evidence allows")
    assert (_outcome(promote), _outcome(evals), _outcome(promote)) == (1, 0, 0)
    (record,) = audit_log(project.store)
    assert (record.to_version, record.actor, record.reason, record.forced) == (3, "ada", "merged as 3f2c1a", False)


def test_a_promotion_that_is_blocked_lets_the_others_be_tried_and_the_job_fail(
    step: Step, project: SmallProject
) -> None:
    Path("versions.txt").write_text("persona=3\nmemory=1\n")
    code, calls = step("promote.yml", "Promote what the evidence allows", CODE="1")
    assert (code, [call[2] for call in calls]) == (1, ["persona", "memory"])


@pytest.mark.parametrize(
    ("known", "request_line"),
    [
        ("", ["POST", "repos/team/bot/issues/12/comments"]),
        ("41\n42", ["PATCH", "repos/team/bot/issues/comments/41"]),
    ],
)
def test_a_pull_request_has_one_comment_that_is_written_anew(
    step: Step, project: SmallProject, known: str, request_line: list[str]
) -> None:
    Path("comment.md").write_text("### Fine\n")
    code, calls = step("evals.yml", "Write the one comment", KNOWN=known)
    assert (code, calls[1][3:6]) == (0, ["--method", *request_line])
    assert calls[0][2:4] == ["--paginate", "repos/team/bot/issues/12/comments"]
    link = "\n[The job](https://github.example/team/bot/actions/runs/7)\n"
    assert Path("body.md").read_text() == "<!-- eval-pipeline -->\n### Fine\n" + link


def test_evals_that_could_not_be_run_are_told_in_the_comment(step: Step, project: SmallProject) -> None:
    assert step("evals.yml", "Write the one comment", KNOWN="")[0] == 0
    assert "The evals could not be run." in Path("body.md").read_text()
