"""A store of which every name and text is out to harm whoever shows it."""

from __future__ import annotations

from eval_pipeline.actions.promote import execute_promotion, propose_promotion
from eval_pipeline.actions.requesting import request_promotion
from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
from eval_pipeline.core.people import Person, Role
from eval_pipeline.core.suite_runs import SuiteState, TypeProgress, TypeState
from eval_pipeline.settings import Settings
from eval_pipeline.store.aliases import point_alias
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import SuiteDraft, create_suite_run, end_suite_run, request_cancel
from tests.builder import LONG_AGO, StoreBuilder
from tests.logging_cases import case, log_cases

MARKUP = (
    "<script>window.__pwned=1</script><img src=http://evil.example/a.png onerror=window.__pwned=1>"
    "![i](http://evil.example/b.png) [l](http://evil.example) **bold** :red[x] `c` $x^2$ | a | &lt;u&gt;"
)
LINKS = "https://evil.example/x www.evil.example eve@evil.example javascript:window.__pwned=1"
STEERING = "\x1b[31m\x1b]0;title\x07 \u202egnp.exe \u2066 \u200f\x7f\r\n\t# heading\n\n    code\n\n---\n"
RIGHT_TO_LEFT = "שלום עולם 12"
HOSTILE = f"=1+1 {MARKUP} {LINKS} {STEERING} {RIGHT_TO_LEFT}"
NAME = f"=1+1 <img src=x onerror=window.__pwned=1> **b** [l](http://evil.example) www.evil.example {RIGHT_TO_LEFT}"
"""MLflow takes it as an experiment's name."""
PROMPT = "www.evil.example--" + "x" * 60
"""MLflow takes it as a prompt's name."""
MEGABYTE = "a<b>" * 250_000
LINES = "<i>\n" * 250_000
EVE = Person(f"eve@evil.example {MARKUP}\u202e", Role.ADMIN)

PARAMETERS = (
    *(
        "alias",
        "baseline",
        "candidate",
        "case",
        "current",
        "eval",
        "evals",
        "filter",
        "from",
        "group",
        "mode",
        "prompt",
    ),
    *("prompts", "q", "record", "request", "run", "since", "suite", "tag", "to", "type", "version", "view", "window"),
    *("action", "actor", "against", "band", "compare", "concurrency", "limit", "repeat", "state", "zone"),
)
"""What any page reads from its address, and some that none does."""


def infest(builder: StoreBuilder) -> None:
    """Fill a store with prompts, cases, runs that failed, a promotion, a rollback, a request and suite runs."""
    for number in (1, 2):
        builder.client.register_prompt(PROMPT, f"{HOSTILE}\0\n{number}\n{'x' * 50_000}{number}", commit_message=HOSTILE)
    store = Store(builder.uri, Settings())
    point_alias(store, PROMPT, "production", 1)
    point_alias(store, PROMPT, "experiment", 2)
    texts = {"expected": HOSTILE + "\0", "group": HOSTILE, "tags": (HOSTILE, NAME), "reason": HOSTILE + "\0\ud800"}
    for hour, passed in ((1, True), (2, False)):
        said = {**texts, "output": f"{HOSTILE}\0{hour}"}
        cases = [
            case(f"{HOSTILE}\0", passed, input=[HOSTILE, f"{HOSTILE}\0"], **said),
            case("megabyte", passed, input=MEGABYTE, **{**said, "output": MEGABYTE + str(hour), "reason": MEGABYTE}),
            case("lines", passed, input="", **{**said, "output": LINES if passed else f"b\n{LINES}"}),
        ]
        prompts = {PROMPT: f"v{hour}", "other": f"{NAME}{hour}"}
        log_cases(builder, cases, NAME, hour=hour, prompts=prompts, dataset_version=NAME + str(hour), git_sha=HOSTILE)
    builder.log_run(NAME, None, status="FAILED", tags={"mlflow.user": HOSTILE}, params={"rate": HOSTILE})
    seen = propose_promotion(store, PROMPT)
    execute_promotion(store, seen, actor=EVE, reason=HOSTILE, force=True)
    execute_rollback(store, propose_rollback(store, PROMPT), actor=EVE, reason=HOSTILE)
    ask(builder)
    leave_suites(store)


def ask(builder: StoreBuilder) -> None:
    """Leave a request to promote that waits for an approval."""
    store = Store(builder.uri, Settings.model_validate({"gate": {"protected": {"production": {}}}}))
    request_promotion(store, propose_promotion(store, PROMPT), actor=EVE, reason=HOSTILE, force=True)


def leave_suites(store: Store) -> None:
    """Leave a suite run that ended badly, and one that is lost and that somebody wants cancelled."""
    types = (
        TypeProgress(NAME, TypeState.FAIL, 3, 3, 2, 0, 1 / 3, 0.8, problem=HOSTILE, verdict="REGRESSION", delta_pp=-60),
        TypeProgress(HOSTILE, TypeState.ERROR, 3, 3, 0, 3, problem=MEGABYTE[:4_000]),
        TypeProgress("x" * 200, TypeState.RUNNING, 3, 1),
    )
    draft = SuiteDraft(HOSTILE, HOSTILE, EVE.name, {PROMPT: "v2", "other": NAME}, (PROMPT, 2), types)
    ended, lost = (create_suite_run(store, draft, LONG_AGO) for _ in range(2))
    end_suite_run(store, ended, 1, SuiteState.INCOMPLETE, LONG_AGO, HOSTILE)
    request_cancel(store, lost, 1, EVE.name)
