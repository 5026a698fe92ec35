"""What a forked process does that promotes and rolls back; see `tests.forking`.

An order is `{"uri", "base", "prompt", "folder", "seed", "actions", "die_at", "approve", "reject"}`: the child opens the
store, waits, and promotes and rolls back at random, `actions` times, or else approves or rejects the request of this
id. With `die_at` it kills itself before the write of this number to the store.
Then it says `done <pid> <counts as JSON>`.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from typing import Any

from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.requesting import approve_request, close_request
from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.core.people import Person, Role
from eval_pipeline.errors import PipelineError, RefusedError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import VERSIONS, interpose
from tests.forking import Ready, killing_at, say

WRITES = {
    "create_experiment",
    "create_run",
    "delete_experiment",
    "delete_run",
    "log_batch",
    "log_param",
    "log_text",
    "rename_experiment",
    "set_experiment_tag",
    "set_prompt_alias",
    "set_terminated",
}


def act(order: dict[str, Any], ready: Ready) -> None:
    """Open the store, wait for the word, act."""
    os.chdir(order["folder"])
    store = Store(order["uri"], Settings.model_validate({"base_experiment": order["base"]}))
    store.client.search_experiments(max_results=1)
    store.client.search_registered_models(max_results=1)
    if order["die_at"] is not None:
        step = killing_at(order["die_at"])
        interpose(store, lambda name: step() if name in WRITES else None)
    ready()
    chance, counts = random.Random(order["seed"]), Counter[str]()
    actor = Person(f"process {os.getpid()}", Role.PROMOTER)
    if order["approve"] or order["reject"]:
        counts[decide(store, order, actor)] += 1
    else:
        for number in range(order["actions"]):
            counts[one(store, order["prompt"], chance, actor, number)] += 1
    say("done", os.getpid(), json.dumps(counts))


def one(store: Store, prompt: str, chance: random.Random, actor: Person, number: int) -> str:
    """Promote or roll back; what came of it."""
    try:
        if number and chance.random() < 0.4:
            plan = propose_rollback(store, prompt)
            if plan is None:
                return "nothing to roll back to"
            execute_rollback(store, plan, actor=actor, reason="worse")
            return "rolled back"
        proposal = propose_promotion(store, prompt, version=chance.choice(VERSIONS))
        result = execute_promotion(store, proposal, actor=actor, reason="better")
    except RefusedError as problem:
        line = str(problem)
        clear = "in progress by process" in line or "look again and decide anew" in line
        return "refused" if clear and "\n" not in line else f"refused: {line}"
    except PipelineError as problem:
        return f"failed: {problem}"
    if result.promoted:
        return "promoted"
    return "live already" if result.gate.allowed else "blocked"


def decide(store: Store, order: dict[str, Any], actor: Person) -> str:
    """Approve or reject; what came of it."""
    try:
        if order["reject"]:
            close_request(store, order["reject"], actor=actor, reason="no")
            return "rejected"
        result = approve_request(store, order["approve"], actor=actor).result
    except RefusedError as problem:
        return "refused" if "\n" not in str(problem) else f"refused: {problem}"
    except PipelineError as problem:
        return f"failed: {problem}"
    return "promoted" if result is not None and result.promoted else f"nothing: {result}"
