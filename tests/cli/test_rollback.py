"""`rollback` as a user types it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from eval_pipeline.cli import _outcome
from tests.actions.stage import furnish
from tests.builder import StoreBuilder
from tests.cli.conftest import Run

FIELDS = {
    "id",
    "action",
    "prompt_name",
    "alias",
    "from_version",
    "to_version",
    "timestamp",
    "actor",
    "reason",
    "forced",
    "justifying_run_ids",
    "status",
}


@pytest.fixture
def promoted(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    return copy_of(promote)


def promote(builder: StoreBuilder) -> None:
    """Let v2 go live."""
    furnish(builder)
    assert _outcome(["promote", "persona", "--actor", "ada", "--tracking-uri", builder.uri]) == 0


def live(builder: StoreBuilder) -> int:
    return int(builder.client.get_prompt_version_by_alias("persona", "production").version)


def test_a_rollback_moves_the_alias_back_and_says_so(promoted: StoreBuilder, run: Run) -> None:
    arguments = ["rollback", "persona", "--reason", "worse", "--actor", "bob"]
    answer = run(*arguments, "--format", "json", store=promoted)
    said = json.loads(answer.out)
    assert (answer.code, answer.err, live(promoted)) == (0, "", 1)
    assert said.keys() >= FIELDS
    del said["id"], said["timestamp"]
    assert said == {
        "sequence": 2,
        "action": "rollback",
        "prompt_name": "persona",
        "alias": "production",
        "from_version": 2,
        "to_version": 1,
        "actor": "bob",
        "reason": "worse",
        "forced": False,
        "overridden": [],
        "justifying_run_ids": [],
        "status": "FINISHED",
        "outcome": "",
        "request": None,
    }


def test_the_text_says_why_there_and_how_to_undo_it(promoted: StoreBuilder, run: Run) -> None:
    out = run("rollback", "persona", "--reason", "worse", store=promoted).out
    assert "Why v1: the audit log has v1 before v2." in out
    assert "To undo: eval-pipeline promote persona --version 2 --to-alias production" in out


def test_a_dry_run_says_where_it_would_lead_and_writes_nothing(promoted: StoreBuilder, run: Run) -> None:
    answer = run("rollback", "persona", "--reason", "x", "--dry-run", store=promoted)
    assert (answer.code, answer.err, live(promoted)) == (0, "", 2)
    assert answer.out.endswith("Dry run: nothing was written.\n")
    said = json.loads(run("rollback", "persona", "--reason", "x", "--dry-run", "--format", "json", store=promoted).out)
    assert said == {
        "action": "rollback",
        "prompt_name": "persona",
        "alias": "production",
        "from_version": 2,
        "to_version": 1,
        "why": "the audit log has v1 before v2",
        "notes": [],
        "dry_run": True,
    }
    assert len(json.loads(run("audit", "log", "--format", "json", store=promoted).out)) == 1


def test_nothing_to_roll_back_to_is_exit_code_1_and_nothing_moves(promoted: StoreBuilder, run: Run) -> None:
    run("rollback", "persona", "--reason", "worse", store=promoted)
    answer = run("rollback", "persona", "--reason", "worse", store=promoted)
    assert (answer.code, answer.out, answer.err, live(promoted)) == (
        1,
        "",
        "Error: persona@production has nothing to roll back to: no record and no run names an earlier version\n",
        1,
    )


def test_a_named_version_overrides(promoted: StoreBuilder, run: Run) -> None:
    answer = run("rollback", "persona", "--reason", "worse", "--to-version", "4", store=promoted)
    assert (answer.code, live(promoted)) == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["persona"], "Error: Missing option '--reason'"),
        (["persona", "--reason", " "], "Error: a rollback needs a reason: give --reason"),
        (["persona", "--reason", "x", "--actor", ""], "Error: nobody is named as the actor: give --actor"),
        (["personal", "--reason", "x"], "Error: there is no prompt 'personal': did you mean persona?"),
        (["persona", "--reason", "x", "--alias", "prodction"], "Error: persona has no alias 'prodction': did you mean"),
        (["persona", "--reason", "x", "--to-version", "9"], "Error: persona has no v9: known are v1, v2, v3, v4"),
        (["persona", "--reason", "x", "--to-version", "2"], "Error: persona@production points at v2 already"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    promoted: StoreBuilder, run: Run, arguments: list[str], said: str
) -> None:
    answer = run("rollback", *arguments, store=promoted)
    assert (answer.code, answer.out, answer.err.count("\n"), live(promoted)) == (2, "", 1, 2)
    assert answer.err.startswith(said)
