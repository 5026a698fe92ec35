"""What a viewer may not do on any page, each staged so that the very same messages work for somebody who may."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.open_requests import list_open_requests
from eval_pipeline.actions.planning import plan_suite
from eval_pipeline.actions.promote import propose_promotion
from eval_pipeline.actions.requesting import close_request, request_promotion
from eval_pipeline.actions.suites import begin_suite
from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.core.suite_runs import SuiteState
from eval_pipeline.settings import load_settings
from eval_pipeline.store.aliases import list_prompts
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import claim_attempt, end_suite_run, list_suite_runs, read_suite_run
from tests.pages.acting import Team
from tests.pages.test_audit import leave_open
from tests.people import ADA, BOB
from tests.small_project import PATIENCE_S, SmallProject

PROTECTED = "canary"
ELSEWHERE = "elsewhere 1 1|nonce"
"""An owner on another machine: whether it is alive is seen by its heartbeat alone."""
AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A project, and a team at work in it."""

    project: SmallProject
    team: Team

    @property
    def store(self) -> Store:
        """The store, with the settings of the app."""
        return Store(self.team.uri, load_settings(self.project.config).settings)

    def figures(self) -> Counter[str]:
        """What may move, begin or end, as numbers."""
        store, prompts, records = self.store, list_prompts(self.store)["persona"], self.team.records
        suites, waiting = list_suite_runs(store), list_open_requests(store)
        return Counter(
            {
                "production": prompts["production"],
                PROTECTED: prompts[PROTECTED],
                "records": len(records),
                "unfinished records": sum(each.status is RecordStatus.RUNNING for each in records),
                "requests": len(waiting),
                "suite runs": len(suites),
                "attempts": sum(len(each.attempts) for each in suites),
                "cancelled": sum(each.cancelled_by is not None for each in suites),
            }
        )

    def settle(self, attempts: int) -> None:
        """Wait until there have been so many attempts at suite runs, and have each come to its end."""
        deadline = time.monotonic() + PATIENCE_S
        while self.figures()["attempts"] < attempts and time.monotonic() < deadline:
            time.sleep(0.1)
        for suite in list_suite_runs(self.store):
            if suite.attempts[-1:] == (ELSEWHERE,) and suite.outcome is None:
                end_suite_run(self.store, suite.id, 1, SuiteState.CANCELLED, utc_now())
            self.project.wait(suite.id)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does on a page, who may, and what comes of it."""

    page: str
    query: str
    """Of the address; `{}` is what `stage` gives."""
    presses: tuple[str, ...]
    """The buttons, one after another."""
    told: str
    """To a viewer."""
    changes: Mapping[str, int]
    """Once somebody does it who may."""
    stage: Callable[[Scene], str] = lambda _: ""
    by: str = "pia"
    fields: Mapping[str, str] = field(default_factory=lambda: {"Type": "persona", "Reason": "crafted"})


def _at(version: int) -> Callable[[Scene], str]:
    def stage(scene: Scene) -> str:
        scene.team.point("production", version)
        return ""

    return stage


def _without_request(scene: Scene) -> str:
    scene.team.point(PROTECTED, 1)
    for each in list_open_requests(scene.store):
        close_request(scene.store, each.request.id, actor=BOB, reason="staged anew")
    return ""


def _with_request(scene: Scene) -> str:
    _without_request(scene)
    proposal = propose_promotion(scene.store, "persona", to_alias=PROTECTED)
    asked = request_promotion(scene.store, proposal, actor=ADA, reason="kinder").request
    assert asked is not None
    return asked.id


def _at_work_elsewhere(scene: Scene) -> str:
    plan = plan_suite(scene.store, None, ("greeting",), {})
    suite_id = begin_suite(scene.store, plan, trigger="watch", actor=ADA)
    claim_attempt(scene.store, read_suite_run(scene.store, suite_id), ELSEWHERE, utc_now() + AHEAD)
    return suite_id


def _cancelled(scene: Scene) -> str:
    suite_id = _at_work_elsewhere(scene)
    end_suite_run(scene.store, suite_id, 1, SuiteState.CANCELLED, utc_now())
    return suite_id


def _unfinished(scene: Scene) -> str:
    leave_open(scene.team)
    return ""


def _why(deed: str, role: str = "promoter") -> str:
    ask = "ask whoever keeps the settings, where the table [auth] gives the roles"
    return f":material/lock: {deed} needs the role {role}, and vera@example.com is a viewer: {ask}."


DEEDS = {
    "promote": Deed(
        "promote",
        "prompt=persona",
        ("Promote",),
        _why("Promoting"),
        {"production": 1, "records": 1},
        _at(1),
    ),
    "roll back": Deed(
        "rollback",
        "prompt=persona&version=v1",
        ("Roll back to v1",),
        _why("Rolling back"),
        {"production": -1, "records": 1},
        _at(2),
    ),
    "ask for approval": Deed(
        "promote",
        f"prompt=persona&candidate=v2&to={PROTECTED}",
        ("Ask for approval",),
        _why("Promoting"),
        {"requests": 1},
        _without_request,
    ),
    "approve": Deed(
        "promote",
        "prompt=persona",
        ("Approve",),
        _why("Promoting"),
        {PROTECTED: 1, "requests": -1, "records": 1},
        _with_request,
    ),
    "reject": Deed(
        "promote",
        "prompt=persona",
        ("Reject",),
        _why("Promoting"),
        {"requests": -1},
        _with_request,
    ),
    "run evals": Deed(
        "run_evals",
        "type=greeting",
        ("Start run",),
        _why("Running evals"),
        {"suite runs": 1, "attempts": 1},
    ),
    "cancel a suite run": Deed(
        "run_evals",
        "",
        ("Cancel", "Yes, cancel it"),
        _why("Cancelling a suite run"),
        {"cancelled": 1},
        _at_work_elsewhere,
    ),
    "resume a suite run": Deed(
        "run_evals",
        "suite={}",
        ("Resume",),
        _why("Running evals"),
        {"attempts": 1},
        _cancelled,
    ),
    "settle unfinished records": Deed(
        "audit",
        "",
        ("Settle unfinished records",),
        _why("Settling unfinished records", "admin"),
        {"unfinished records": -1},
        _unfinished,
        by="ada",
    ),
}
