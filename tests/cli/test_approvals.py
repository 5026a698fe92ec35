"""`promote` on a protected alias as users type it: ask, list, approve, reject."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.stage import furnish, now
from tests.builder import StoreBuilder
from tests.cli.conftest import Answer, Run

PROTECTED = "[gate.protected]\nproduction = {approvals = 1}\n"


@pytest.fixture
def furnished(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    Path("eval_pipeline.toml").write_text(PROTECTED)
    return copy_of(furnish)


def live(builder: StoreBuilder) -> int:
    return int(builder.client.get_prompt_version_by_alias("persona", "production").version)


def ask(run: Run, store: StoreBuilder, *options: str) -> Answer:
    return run("promote", "persona", "--request", "--reason", "kinder", "--actor", "ada", *options, store=store)


def test_one_asks_another_approves_and_the_log_names_both(furnished: StoreBuilder, run: Run) -> None:
    asked = ask(run, furnished)
    assert (asked.code, asked.err, live(furnished)) == (0, "", 1)
    [short] = re.findall(r"To approve it: eval-pipeline promote --approve (\w{8})\n", asked.out)
    assert f"Asked for: request {short} waits for 1 approval by others, until " in asked.out
    [waiting] = json.loads(run("promote", "--requests", "--format", "json", store=furnished).out)
    assert waiting["id"].startswith(short)
    assert (waiting["state"], waiting["requester"], waiting["version"]) == ("waiting", "ada", 2)
    table = run("promote", "--requests", store=furnished)
    assert re.search(rf"{short} .* persona@production +v1→v2 +ada +0 of 1 +3 days +kinder", table.out)
    own = run("promote", "--approve", short, "--actor", "ADA", store=furnished)
    assert (own.code, own.out, live(furnished)) == (1, "", 1)
    assert "nobody approves their own request" in own.err
    done = run("promote", "--approve", short, "--actor", "bob", "--format", "json", store=furnished)
    said = json.loads(done.out)
    assert (done.code, said["promotion"]["promoted"], said["request"]["id"]) == (0, True, waiting["id"])
    assert live(furnished) == 2
    [record] = json.loads(run("audit", "log", "--format", "json", store=furnished).out)
    assert record["request"] == {"id": waiting["id"], "requester": "ada", "approvers": ["bob"]}
    assert f"#1: asked for by ada, approved by bob (request {short})" in run("audit", "log", store=furnished).out
    again = run("promote", "--approve", short, "--actor", "cora", store=furnished)
    assert (again.code, again.err.startswith(f"Error: request {short} has been promoted by bob")) == (1, True)
    assert run("promote", "--requests", store=furnished).out == "No request waits for approval.\n"


def test_without_a_request_nothing_moves_and_the_line_to_type_is_said(furnished: StoreBuilder, run: Run) -> None:
    answer = run("promote", "persona", "--force", "--reason", "x", store=furnished)
    line = "eval-pipeline promote persona --version 2 --to-alias production --request --reason '...'"
    assert (answer.code, answer.out, live(furnished)) == (1, "", 1)
    assert line in answer.err
    dry = run("promote", "persona", "--dry-run", store=furnished)
    assert (dry.code, line in " ".join(dry.out.split())) == (0, True)
    assert run("promote", "persona", "--to-alias", "staging", store=furnished).code == 0


def test_if_the_gate_now_blocks_the_approval_stands_and_the_exit_code_is_1(furnished: StoreBuilder, run: Run) -> None:
    asked = json.loads(ask(run, furnished, "--format", "json").out)["request"]
    furnished.log_run("security", 0.5, started=now(), prompts={"persona": "v2"})
    answer = run("promote", "--approve", asked["id"], "--actor", "bob", store=furnished)
    assert (answer.code, live(furnished)) == (1, 1)
    assert "Blocked: persona v2; security: below its threshold." in answer.out
    assert f"The approval stands: request {asked['id'][:8]} waits until" in answer.out
    assert (ask(run, furnished, "--version", "2").code, live(furnished)) == (1, 1)


def test_a_request_is_rejected_with_a_reason_or_withdrawn(furnished: StoreBuilder, run: Run) -> None:
    first = json.loads(ask(run, furnished, "--format", "json").out)["request"]["id"]
    without = run("promote", "--reject", first, "--actor", "bob", store=furnished)
    assert (without.code, without.err) == (2, "Error: a rejection needs a reason: give --reason\n")
    rejected = run("promote", "--reject", first, "--actor", "bob", "--reason", "too bold", store=furnished)
    assert rejected.code == 0
    assert rejected.out.startswith(f"Request {first[:8]} was rejected by bob, ")
    assert rejected.out.endswith(": too bold.\n")
    second = json.loads(ask(run, furnished, "--format", "json").out)["request"]["id"]
    own = json.loads(run("promote", "--reject", second, "--actor", "ada", "--format", "json", store=furnished).out)
    assert (own["state"], own["decisions"][0]["decision"]) == ("withdrawn", "withdraw")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["persona", "--request"], "a request to promote needs a reason: give --reason"),
        (["persona", "--request", "--to-alias", "staging", "--reason", "x"], "staging is not protected"),
        (["persona", "--approve", "abcdef"], "--approve does not go together with PROMPT"),
        (["--approve", "abcdef", "--reject", "abcdef"], "--approve does not go together with --reject"),
        (["--requests", "--force"], "--requests does not go together with --force"),
        (["--approve", "abcdef"], "there is no request 'abcdef'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    furnished: StoreBuilder, run: Run, arguments: list[str], said: str
) -> None:
    answer = run("promote", *arguments, store=furnished)
    assert (answer.code, answer.out, answer.err.count("\n"), live(furnished)) == (2, "", 1, 1)
    assert answer.err.startswith(f"Error: {said}")


def test_where_the_gate_blocks_nothing_is_asked_for_and_it_is_said_how_to_ask_all_the_same(
    furnished: StoreBuilder, run: Run
) -> None:
    Path("eval_pipeline.toml").write_text(f"default_threshold = 1.0\n{PROTECTED}")
    line = "eval-pipeline promote persona --version 2 --to-alias production --request --reason '...' --force"
    answer = ask(run, furnished)
    assert answer.code == 1
    assert f"Nothing was asked for, as the gate blocks it. To ask all the same: {line}" in " ".join(answer.out.split())
    assert "Nothing was moved" not in answer.out
    assert json.loads(run("promote", "--requests", "--format", "json", store=furnished).out) == []
    dry = run("promote", "persona", "--dry-run", store=furnished)
    assert f"production is protected: 1 approval needed, ask with {line}" in " ".join(dry.out.split())


def test_what_a_rollback_says_of_undoing_it_asks_where_the_alias_is_protected(
    furnished: StoreBuilder, run: Run
) -> None:
    request = json.loads(ask(run, furnished, "--format", "json").out)["request"]["id"]
    run("promote", "--approve", request, "--actor", "bob", store=furnished)
    answer = run("rollback", "persona", "--reason", "worse", store=furnished)
    assert answer.code == 0
    undo = "To undo: eval-pipeline promote persona --version 2 --to-alias production --request --reason '...'"
    assert undo in " ".join(answer.out.split())
    nowhere = run("rollback", "persona", "--reason", "worse", store=furnished)
    assert (nowhere.code, nowhere.out) == (1, "")
    assert "has nothing to roll back to: no record names an earlier version" in nowhere.err
