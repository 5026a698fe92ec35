"""Every action asks first whether the actor may do it, whoever calls it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.actions import auditing, promote, requesting, rollback, starting, suites, watching
from eval_pipeline.core.people import NEEDED, Deed, Person, Role
from eval_pipeline.errors import RefusedError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import Stage, dump, furnish, now
from tests.builder import StoreBuilder

PACKAGE = Path(promote.__file__).parents[1]

ACTIONS: dict[Callable[..., Any], tuple[Deed, dict[str, Any]]] = {
    promote.execute_promotion: (Deed.PROMOTE, {"proposal": None}),
    requesting.request_promotion: (Deed.PROMOTE, {"proposal": None, "reason": "better"}),
    requesting.approve_request: (Deed.PROMOTE, {"named": "abc"}),
    requesting.close_request: (Deed.PROMOTE, {"named": "abc"}),
    rollback.execute_rollback: (Deed.ROLL_BACK, {"plan": None, "reason": "worse"}),
    starting.start_suite: (Deed.RUN_EVALS, {"plan": None, "trigger": "page"}),
    starting.launch: (Deed.RUN_EVALS, {"suite_id": "abc"}),
    suites.begin_suite: (Deed.RUN_EVALS, {"plan": None, "trigger": "page"}),
    suites.run_eval_suite: (Deed.RUN_EVALS, {"plan": None, "trigger": "page"}),
    suites.resume_suite: (Deed.RUN_EVALS, {"named": "abc"}),
    suites.cancel_suite: (Deed.CANCEL_SUITE, {"named": "abc"}),
    watching.Watcher: (Deed.RUN_EVALS, {"suite": "core", "listener": None}),
    auditing.reconcile_audit: (Deed.RECONCILE, {"now": now()}),
}
"""Each action with its deed, and just enough to call it: what refuses first needs no more."""
FORCED = [
    (promote.execute_promotion, Deed.FORCE, {"proposal": None, "force": True}),
    (requesting.request_promotion, Deed.FORCE, {"proposal": None, "reason": "better", "force": True}),
]
CASES = [(act, deed, said) for act, (deed, said) in ACTIONS.items()] + FORCED
WRITERS = frozenset(
    {"point_alias", "place_record", "close_record", "create_suite_run", "claim_attempt", "request_cancel"}
    | {"end_suite_run", "open_watch_ledger"}
)
"""What in the store moves an alias, or makes or changes a record or a suite run."""


def mentions() -> dict[str, set[str]]:
    """Each function and class of the actions, with the names that its code mentions."""
    return {
        node.name: {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        for path in (PACKAGE / "actions").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


def writes(name: str, graph: dict[str, set[str]]) -> bool:
    """Whether its code comes to write, by whatever way."""
    reached, ahead = set[str](), {name}
    while ahead:
        reached |= ahead
        ahead = set().union(*(graph.get(each, set()) for each in ahead)) - reached
    return bool(reached & WRITERS)


def imported_actions(folder: str) -> Iterator[tuple[str, str]]:
    """What a face takes from the actions: module and name."""
    for path in (PACKAGE / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("eval_pipeline.actions."):
                yield from ((node.module or "", alias.name) for alias in node.names)


@pytest.mark.parametrize(("act", "deed", "said"), CASES, ids=lambda each: getattr(each, "__name__", None))
def test_an_action_refuses_every_role_below_the_one_it_needs_and_touches_nothing(
    make_store: Callable[..., StoreBuilder], act: Callable[..., Any], deed: Deed, said: dict[str, Any]
) -> None:
    builder = make_store()
    before = dump(builder.path)
    for role in Role:
        person = Person("somebody", role)
        if person.may(deed):
            continue
        with pytest.raises(RefusedError, match=f"^{deed} needs the role {NEEDED[deed]}, and somebody is a"):
            act(Store(builder.uri, Settings()), actor=person, **said)
    assert dump(builder.path) == before


@pytest.mark.parametrize("folder", ["cli", "ui"])
def test_whatever_a_face_calls_that_writes_is_one_of_these_actions(folder: str) -> None:
    graph = mentions()
    acting = {name for _, name in imported_actions(folder) if name in graph and writes(name, graph)}
    asked_before = {"keep_watching"}  # what a Watcher does
    assert acting - asked_before <= {each.__name__ for each in ACTIONS}
    assert "execute_promotion" in acting


def test_a_dry_run_asks_the_gate_for_everybody(make_store: Callable[..., StoreBuilder]) -> None:
    builder = make_store()
    furnish(builder)
    stage = Stage.of(builder)
    result = stage.promote(actor=Person("vera", Role.VIEWER), dry_run=True)
    assert (result.gate.allowed, result.record, stage.live()) == (True, None, 1)


def test_who_may_promote_may_not_promote_against_the_gate(make_store: Callable[..., StoreBuilder]) -> None:
    builder = make_store()
    furnish(builder)
    stage = Stage.of(builder)
    with pytest.raises(RefusedError, match=r"^promoting against the gate needs the role admin, and pia is a promoter"):
        stage.promote(actor=Person("pia", Role.PROMOTER), force=True)
    assert stage.live() == 1
