"""Forks processes that promote and roll back: what they need is imported once, so that many can be started and killed.

Reads one JSON line an order, `{"uri", "base", "folder", "seed", "actions", "die_at"}`, and forks a child for it, which
opens the store, says `ready <pid>`, waits for `go`, and promotes and rolls back at random, `actions` times. With
`die_at` it kills itself before the write of this number to the store. Then it says `done <pid> <counts as JSON>`. For
each child that ended, `ended <pid> <status>` is said, -9 for a kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from typing import Any

import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.errors import PipelineError, RefusedError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from tests.actions.stage import VERSIONS, interpose

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


def say(*words: object) -> None:
    """Tell the parent, in one write."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def act(order: dict[str, Any], go: int) -> None:
    """In the child: open the store, wait for the word, act."""
    os.chdir(order["folder"])
    store = Store(order["uri"], Settings.model_validate({"base_experiment": order["base"]}))
    store.client.search_experiments(max_results=1)
    store.client.search_registered_models(max_results=1)
    if order.get("die_at") is not None:
        die_at(store, order["die_at"])
    say("ready", os.getpid())
    os.read(go, 1)
    chance, counts = random.Random(order["seed"]), Counter[str]()
    for number in range(order["actions"]):
        counts[one(store, chance, f"process {os.getpid()}", number)] += 1
    say("done", os.getpid(), json.dumps(counts))


def one(store: Store, chance: random.Random, actor: str, number: int) -> str:
    """Promote or roll back; what came of it."""
    try:
        if number and chance.random() < 0.4:
            plan = propose_rollback(store, "persona")
            if plan is None:
                return "nothing to roll back to"
            execute_rollback(store, plan, actor=actor, reason="worse")
            return "rolled back"
        proposal = propose_promotion(store, "persona", version=chance.choice(VERSIONS))
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


def die_at(store: Store, step: int) -> None:
    """Be killed before the write of this number."""
    left = [step]

    def count_down(name: str) -> None:
        if name in WRITES:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

    interpose(store, count_down)


def fork(order: dict[str, Any]) -> tuple[int, int]:
    """A child that carries out the order; its pid and the end of a pipe that makes it go."""
    go, starter = os.pipe()
    pid = os.fork()
    if pid:
        os.close(go)
        return pid, starter
    os.close(starter)
    status = 1
    try:
        act(order, go)
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    """Serve until stdin ends. `go`, on a line of its own, starts all that are ready."""
    waiting: dict[int, int] = {}
    for line in sys.stdin:
        if line.strip() == "go":
            for starter in waiting.values():
                os.write(starter, b"g")
                os.close(starter)
            for _ in range(len(waiting)):
                pid, status = os.wait()
                say("ended", pid, os.waitstatus_to_exitcode(status))
            waiting.clear()
        else:
            pid, starter = fork(json.loads(line))
            waiting[pid] = starter


if __name__ == "__main__":
    main()
