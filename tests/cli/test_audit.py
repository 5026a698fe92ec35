"""`audit log`, `audit verify` and `audit reconcile` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from eval_pipeline.actions import moving
from eval_pipeline.cli import _outcome
from tests.actions.stage import furnish
from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.cli.test_rollback import FIELDS

REASON = '<b>bold</b>\n🦊 質 "quoted" ' * 400


@pytest.fixture
def moved(copy_of: Callable[..., StoreBuilder]) -> StoreBuilder:
    return copy_of(move)


def move(builder: StoreBuilder) -> None:
    """Let v2 go live and take it back."""
    furnish(builder)
    for action, who, why in (("promote", "ada", REASON), ("rollback", "bob", "worse")):
        said = ["--actor", who, "--reason", why, "--tracking-uri", builder.uri]
        assert _outcome([action, "persona", *said]) == 0


def test_the_log_has_every_action_in_order_and_whole(moved: StoreBuilder, run: Run) -> None:
    answer = run("audit", "log", "--format", "json", store=moved)
    said = json.loads(answer.out)
    assert (answer.code, answer.err) == (0, "")
    assert all(record.keys() >= FIELDS for record in said)
    short = [(each["action"], each["from_version"], each["to_version"], each["actor"], each["status"]) for each in said]
    assert short == [("promote", 1, 2, "ada", "FINISHED"), ("rollback", 2, 1, "bob", "FINISHED")]
    assert said[0]["reason"] == REASON.strip()
    table = run("audit", "log", store=moved).out
    assert ["v1→v2" in table, "v2→v1" in table, "<b>bold</b>" in " ".join(table.split())] == [True, True, True]


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        (["--limit", "1"], ["rollback"]),
        (["--prompt", "persona", "--alias", "production"], ["promote", "rollback"]),
        (["--prompt", "other"], []),
        (["--alias", "staging"], []),
    ],
)
def test_the_log_can_be_narrowed(moved: StoreBuilder, run: Run, options: list[str], actions: list[str]) -> None:
    answer = run("audit", "log", *options, "--format", "json", store=moved)
    assert (answer.code, [record["action"] for record in json.loads(answer.out)]) == (0, actions)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--prompt", "personna"], "The audit log has no record of a prompt 'personna': did you mean persona?"),
        (["--prompt", "memory"], "The audit log has no record of a prompt 'memory': known are persona"),
        (["--alias", "prodution"], "The audit log has no record of an alias 'prodution': did you mean production?"),
        (
            ["--prompt", "persona", "--alias", "staging"],
            "The audit log has no record of an alias 'staging' of persona: known are production",
        ),
        (
            ["--prompt", "memory", "--alias", "production"],
            "The audit log has no record of a prompt 'memory': known are persona",
        ),
    ],
)
def test_a_prompt_or_an_alias_without_a_record_is_said_with_the_nearest_that_has_one(
    moved: StoreBuilder, run: Run, options: list[str], said: str
) -> None:
    table = run("audit", "log", *options, store=moved)
    assert (table.code, table.out, table.err) == (0, f"{said}\n", "")
    as_json = run("audit", "log", *options, "--format", "json", store=moved)
    assert (as_json.code, as_json.out, as_json.err) == (0, "[]\n", f"{said}\n")


def test_a_store_without_a_log_has_an_empty_whole_one(store_builder: StoreBuilder, run: Run) -> None:
    log, verify = run("audit", "log", store=store_builder), run("audit", "verify", store=store_builder)
    assert (log.code, log.out) == (0, "No alias has been moved with this tool: the audit log is empty.\n")
    assert (verify.code, verify.out) == (
        0,
        "The audit log is whole, and every alias points where its last record put it.\n",
    )


def test_verify_exits_with_1_and_names_what_it_found(moved: StoreBuilder, run: Run) -> None:
    assert run("audit", "verify", "--format", "json", store=moved).out == "[]\n"
    record_id = json.loads(run("audit", "log", "--format", "json", store=moved).out)[1]["id"]
    moved.client.set_tag(record_id, "audit.actor", "nobody")
    moved.client.set_prompt_alias("persona", "production", 4)
    answer = run("audit", "verify", "--format", "json", store=moved)
    assert (answer.code, answer.err) == (1, "")
    assert [(each["kind"], each["sequence"], each["id"]) for each in json.loads(answer.out)] == [
        ("edited", 2, record_id),
        ("drift", 2, record_id),
    ]
    text = run("audit", "verify", store=moved)
    assert (text.code, text.out.splitlines()[-1]) == (1, "2 findings")
    assert "edited: record 2 (rollback of persona@production) was edited: audit.actor" in " ".join(text.out.split())


def test_reconcile_settles_what_was_left_open_and_then_has_nothing_to_do(
    moved: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(moving, "tag_runs", stop)
        assert run("promote", "persona", "--version", "3", store=moved).code == 130
    verify = run("audit", "verify", store=moved)
    assert (verify.code, "run `eval-pipeline audit reconcile`" in " ".join(verify.out.split())) == (1, True)
    answer = run("audit", "reconcile", "--format", "json", store=moved)
    assert (answer.code, json.loads(answer.out)) == (
        0,
        {"settled": ["record 3 (promote of persona@production to v3): FINISHED"]},
    )
    assert run("audit", "reconcile", store=moved).out == "Nothing was left open.\n"
    assert run("audit", "verify", store=moved).code == 0


@pytest.mark.parametrize("what", ["log", "verify", "reconcile"])
def test_a_store_that_cannot_be_reached_is_one_line_and_exit_code_2(run: Run, what: str) -> None:
    answer = run("audit", what, "--tracking-uri", "sqlite:///none.db")
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
