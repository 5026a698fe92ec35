"""What is said of a suite run in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eval_pipeline.core.models import CheckResult, RegressionReport, Unjudged, Verdict
from eval_pipeline.core.suite_runs import (
    SuiteResult,
    SuiteRun,
    SuiteState,
    TypeProgress,
    TypeResult,
    TypeState,
)
from eval_pipeline.report import terminal
from eval_pipeline.report.suites import bar, began, closing, outcome, suite_result, suite_run, type_ended
from eval_pipeline.report.terminal import Style, render

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
EMPTY = CheckResult((), ())


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (
            TypeProgress("tone", TypeState.PASS, pass_rate=0.85, threshold=0.8),
            "[ 3/19] tone ................... PASS (85.0%)\n",
        ),
        (
            TypeProgress("tone", TypeState.FAIL, pass_rate=0.7999, threshold=0.8),
            "[ 3/19] tone ................... FAIL (79.99%, threshold 80%)\n",
        ),
        (TypeProgress("tone", TypeState.FAIL, pass_rate=0.9), "[ 3/19] tone ................... FAIL (90.0%)\n"),
        (
            TypeProgress("tone", TypeState.ERROR, problem="down\x1b[31m\nagain"),
            "[ 3/19] tone ................... ERROR\n        down [31m again\n",
        ),
        (TypeProgress("x" * 40, TypeState.PARTIAL, pass_rate=1.0), f"[ 3/19] {'x' * 40} ... PARTIAL (100.0%)\n"),
    ],
)
def test_a_type_that_has_ended_is_one_line_and_below_it_what_went_wrong(progress: TypeProgress, said: str) -> None:
    assert type_ended(3, 19, progress, Style()) == said


def suite(**said: object) -> SuiteRun:
    types = (TypeProgress("a", TypeState.PASS, 10, 10), TypeProgress("b", TypeState.RUNNING, 10, 5))
    usual: dict[str, object] = {
        "id": "0123456789abcdef",
        "suite": "core",
        "trigger": "page",
        "actor": "ada",
        "started": NOON,
        "ended": None,
        "heartbeat": NOON,
        "prompts": {"persona": "v4"},
        "candidate": None,
        "types": types,
    }
    return SuiteRun(**{**usual, **said})  # type: ignore[arg-type]


def test_the_beginning_names_the_run_its_size_and_its_prompts() -> None:
    assert began(suite(), Style()) == (
        "Suite run 01234567: core, 2 eval types, 20 cases; 1 of them complete already; persona v4\n"
    )
    unknown = suite(types=(TypeProgress("a"),), prompts={})
    assert began(unknown, Style()) == "Suite run 01234567: core, 1 eval type; no prompts\n"


def test_the_bar_counts_cases_where_they_are_known() -> None:
    assert render([bar(suite(), NOON)], Style()).split("━ ")[-1].strip() == "15/20 cases · types: 1 of 2 · now: b"
    unknown = suite(types=(TypeProgress("a", TypeState.PASS), TypeProgress("b")))
    assert render([bar(unknown, NOON)], Style()).split("━ ")[-1].strip() == "types: 1 of 2"


def result(*states: TypeState, state: SuiteState, check: CheckResult = EMPTY, message: str = "") -> SuiteResult:
    types = tuple(TypeResult(f"t{n}", each, 0.5, 0.8, None, None) for n, each in enumerate(states))
    return SuiteResult("core", "abc", state, types, check, message)


def check(verdict: Verdict) -> CheckResult:
    report = RegressionReport("t0", "old", "new", 0.9, 0.7, -20.0, 0.8, verdict, (), None, None)
    return CheckResult((report,), (Unjudged("t1", "starting from its first run"),))


RESUME = "To run what is missing: eval-pipeline run-evals --resume abc"


@pytest.mark.parametrize(
    ("said", "candidate", "lines"),
    [
        (
            result(TypeState.PASS, TypeState.PASS, state=SuiteState.PASSED, check=check(Verdict.PASS)),
            ("my prompt", 4),
            [
                "Passed: all 2 eval types met the threshold, and nothing regressed.",
                "To promote: eval-pipeline promote 'my prompt' --version 4 --to-alias production",
            ],
        ),
        (result(TypeState.PASS, state=SuiteState.PASSED), None, ["Passed: the eval type met the threshold."]),
        (
            result(TypeState.PASS, TypeState.FAIL, state=SuiteState.FAILED, check=check(Verdict.REGRESSION)),
            ("persona", 4),
            ["Failed: 2 of 2 eval types: t0, t1."],
        ),
        (
            result(TypeState.FAIL, TypeState.PARTIAL, TypeState.WAITING, state=SuiteState.INCOMPLETE),
            ("persona", 4),
            [
                "Incomplete: 2 of 3 eval types not evaluated in full: t1 (partial), t2 (waiting). Failed: t0.",
                RESUME,
            ],
        ),
        (
            result(TypeState.PASS, TypeState.ERROR, state=SuiteState.CANCELLED, message="cancelled by bob"),
            None,
            ["Cancelled by bob: 1 of 2 eval types not evaluated in full: t1 (error).", RESUME],
        ),
    ],
)
def test_the_end_says_what_it_came_to_and_how_to_go_on(
    said: SuiteResult, candidate: tuple[str, int] | None, lines: list[str]
) -> None:
    assert closing(said, candidate) == lines
    table = f"{terminal.check(said.check, Style())}\n" if said.check.reports else ""
    assert outcome(said, lines, Style()) == f"\n{table}" + "\n".join(lines) + "\n"


def test_json_has_the_promised_fields() -> None:
    value = suite_result(result(TypeState.PASS, state=SuiteState.PASSED, check=check(Verdict.PASS)))
    assert value.keys() >= {"suite", "run_id", "results", "reports"}
    assert value["results"] == [
        {
            "eval_type": "t0",
            "passed": True,
            "pass_rate": 0.5,
            "run_id": None,
            "error": None,
            "threshold": 0.8,
            "state": "PASS",
        }
    ]
    assert suite_run(suite(), "lost") == {
        "run_id": "0123456789abcdef",
        "suite": "core",
        "state": "lost",
        "trigger": "page",
        "actor": "ada",
        "started": "2026-11-02T12:00:00.000Z",
        "ended": None,
        "heartbeat": "2026-11-02T12:00:00.000Z",
        "prompts": {"persona": "v4"},
        "total": 2,
        "done": 1,
        "now": ["b"],
    }
