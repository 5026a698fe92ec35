"""`promote` as a user types it: exit code, JSON, table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.actions.stage import furnish, now
from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.demo_store import Demo

FIELDS = {
    "allowed",
    "promoted",
    "forced",
    "prompt_name",
    "from_alias",
    "to_alias",
    "version",
    "from_version",
    "eval_results",
    "blocking_evals",
    "warnings",
    "justifying_run_ids",
    "audit_id",
}
CHECK_FIELDS = {"eval_type", "pass_rate", "threshold", "status", "passed", "run_id", "of_candidate"}


@pytest.fixture
def furnished(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    return copy_of(furnish)


def live(builder: StoreBuilder, name: str = "persona") -> int:
    return int(builder.client.get_prompt_version_by_alias(name, "production").version)


def fail(builder: StoreBuilder) -> None:
    builder.log_run("security", 0.5, started=now(), prompts={"persona": "v2"})


def test_an_allowed_candidate_is_promoted_and_says_how_to_undo_it(furnished: StoreBuilder, run: Run) -> None:
    answer = run("promote", "persona", "--reason", "better", "--format", "json", store=furnished)
    said = json.loads(answer.out)
    assert (answer.code, answer.err, live(furnished)) == (0, "", 2)
    assert said.keys() >= FIELDS
    assert all(check.keys() >= CHECK_FIELDS for check in said["eval_results"])
    assert [check["of_candidate"] for check in said["eval_results"]] == [True, True]
    wanted = {"allowed": True, "promoted": True, "forced": False, "prompt_name": "persona", "version": 2}
    assert wanted.items() <= said.items()
    assert (said["from_alias"], said["to_alias"], said["from_version"]) == ("experiment", "production", 1)
    assert said["justifying_run_ids"] == [check["run_id"] for check in said["eval_results"]]
    undo = run("promote", "persona", "--version", "3", store=furnished)
    assert undo.code == 0
    assert "eval-pipeline rollback persona --alias production --reason '...'" in " ".join(undo.out.split())


def test_a_blocked_candidate_exits_with_1_and_moves_nothing(furnished: StoreBuilder, run: Run) -> None:
    fail(furnished)
    answer = run("promote", "persona", store=furnished)
    assert (answer.code, answer.err, live(furnished)) == (1, "", 1)
    assert "Blocked: persona v2; security: below its threshold." in answer.out
    assert "Nothing was moved: persona@production stays at v1." in answer.out
    said = json.loads(run("promote", "persona", "--format", "json", store=furnished).out)
    assert (said["allowed"], said["promoted"], said["blocking_evals"], said["audit_id"]) == (
        False,
        False,
        ["security"],
        None,
    )


def test_force_needs_a_reason_and_is_recorded(furnished: StoreBuilder, run: Run) -> None:
    fail(furnished)
    without = run("promote", "persona", "--force", store=furnished)
    assert (without.code, without.out, live(furnished)) == (2, "", 1)
    assert without.err == "Error: a forced promotion needs a reason: give --reason\n"
    answer = run("promote", "persona", "--force", "--reason", "urgent", "--format", "json", store=furnished)
    said = json.loads(answer.out)
    assert (answer.code, said["allowed"], said["promoted"], said["forced"]) == (0, False, True, True)
    record = json.loads(run("audit", "log", "--format", "json", store=furnished).out)[0]
    assert (record["id"], record["forced"], record["overridden"]) == (
        said["audit_id"],
        True,
        ["security: below its threshold"],
    )


@pytest.mark.parametrize("blocked", [False, True])
def test_a_dry_run_answers_and_writes_nothing(furnished: StoreBuilder, run: Run, blocked: bool) -> None:
    if blocked:
        fail(furnished)
    answer = run("promote", "persona", "--dry-run", store=furnished)
    assert (answer.code, answer.err, live(furnished)) == (int(blocked), "", 1)
    assert answer.out.endswith("Dry run: nothing was written.\n")
    assert json.loads(run("audit", "log", "--format", "json", store=furnished).out) == []


@pytest.mark.parametrize("dry", [True, False])
def test_a_slip_in_the_target_alias_is_said_before_and_after_it_is_made(
    furnished: StoreBuilder, run: Run, dry: bool
) -> None:
    options = ["persona", "--to-alias", "production2", *(["--dry-run"] if dry else [])]
    answer = run("promote", *options, store=furnished)
    said = "does not exist yet: it will be made" if dry else "did not exist: it was made"
    assert (answer.code, answer.err) == (0, "")
    assert f"Note: production2 {said}; did you mean production?" in answer.out.splitlines()
    assert "To undo" not in answer.out  # there is nothing that it pointed to before
    again = json.loads(run("promote", *options, "--format", "json", store=furnished).out)
    assert again["new_alias"] is dry
    assert (
        json.loads(run("promote", "persona", "--dry-run", "--format", "json", store=furnished).out)["new_alias"]
        is False
    )


def test_what_is_live_already_is_said(furnished: StoreBuilder, run: Run) -> None:
    answer = run("promote", "persona", "--version", "1", store=furnished)
    assert (answer.code, answer.out.splitlines()[-1]) == (
        0,
        "Nothing to do: persona@production points at v1 already.",
    )


def test_stale_evidence_comes_with_the_command_that_makes_it(furnished: StoreBuilder, run: Run) -> None:
    furnished.client.create_prompt_version("persona", "You are number 5.")
    answer = run("promote", "persona", "--version", "5", store=furnished)
    assert answer.code == 1
    assert "eval-pipeline run-evals --eval-type security --eval-type tone --prompt persona=5" in answer.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["persone"], "Error: there is no prompt 'persone': did you mean persona?"),
        (
            ["persona", "--from-alias", "experimen"],
            "Error: persona has no alias 'experimen': did you mean experiment?; --version names a version without one",
        ),
        (["persona", "--version", "9"], "Error: persona has no v9: known are v1, v2, v3, v4"),
        (["persona", "--version", "0"], "Error: Invalid value for '--version': 0 is not in the range x>=1"),
        (["persona", "--to-alias", "v1"], "Error: 'v1' can't be an alias"),
        (["persona", "--actor", " "], "Error: nobody is named as the actor: give --actor"),
        ([], "Error: Missing argument 'PROMPT'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    furnished: StoreBuilder, run: Run, arguments: list[str], said: str
) -> None:
    answer = run("promote", *arguments, store=furnished)
    assert (answer.code, answer.out, answer.err.count("\n"), live(furnished)) == (2, "", 1, 1)
    assert answer.err.startswith(said)


def test_the_table_stays_within_100_columns_whatever_things_are_called(store_builder: StoreBuilder, run: Run) -> None:
    name = "persona-" + "質" * 60
    furnish(store_builder, name)
    store_builder.log_run("\x1b[31mred" + "x" * 120, 0.9, started=now(), prompts={name: "v2"})
    answer = run("promote", name, "--reason", "<b>\n🦊\x1b[0m" * 500, "--actor", "a\nb" * 90, store=store_builder)
    log = run("audit", "log", store=store_builder)
    assert (answer.code, log.code) == (0, 0)
    for line in (answer.out + log.out).splitlines():
        assert cell_len(line) <= 100
        assert line.isprintable()


def test_the_demo_ends_with_a_candidate_that_one_type_blocks_and_one_that_passes(
    demo: Demo, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mlflow.db"
    shutil.copy(demo.folder / "mlflow.db", path)
    settings = (demo.folder / "eval_pipeline.toml").read_text().replace(f"{demo.folder}/mlflow.db", str(path))
    Path("eval_pipeline.toml").write_text(settings)
    builder = StoreBuilder(f"sqlite:///{path}")

    def ask(*arguments: str) -> tuple[int, Callable[[str], object]]:
        answer = run(*arguments, "--format", "json")
        assert answer.err == ""
        return answer.code, json.loads(answer.out).__getitem__

    code, persona = ask("promote", "persona")
    assert (code, persona("blocking_evals"), persona("promoted"), live(builder)) == (1, ["security"], False, 3)
    code, scheduler = ask("promote", "scheduler", "--reason", "nothing is worse")
    assert (code, scheduler("promoted"), scheduler("from_version"), scheduler("version")) == (0, True, 3, 4)
    assert live(builder, "scheduler") == 4
    code, back = ask("rollback", "scheduler", "--reason", "users miss offers")
    assert (code, back("from_version"), back("to_version"), live(builder, "scheduler")) == (0, 4, 3, 3)
    assert run("audit", "verify").code == 0
