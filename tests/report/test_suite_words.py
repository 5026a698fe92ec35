"""What is said of suite runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress, TypeState
from eval_pipeline.report import suite_words

BEGAN = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
PASSED = TypeProgress("tone", TypeState.PASS, 20, 20, pass_rate=0.9, threshold=0.8)
FAILED = TypeProgress("security", TypeState.FAIL, 20, 20, 1, pass_rate=0.7997, threshold=0.8, problem="slow")
ERRED = TypeProgress("routing", TypeState.ERROR, 20, problem="the endpoint is down")
RUNNING = TypeProgress("greeting", TypeState.RUNNING, 20, 10)
WAITING = TypeProgress("memory", total_cases=20)
SUITE = SuiteRun(
    id="0123456789abcdef",
    suite="core",
    trigger="watch",
    actor="ada@example.org",
    started=BEGAN,
    ended=None,
    heartbeat=BEGAN,
    prompts={"persona": "v4"},
    candidate=("persona", 4),
    types=(PASSED, FAILED, RUNNING, WAITING),
    attempts=("here",),
    attempt_began=BEGAN,
)


def test_progress_says_how_far_what_now_what_failed_and_how_long_still() -> None:
    now = BEGAN + timedelta(seconds=50)
    assert suite_words.progress(SUITE, now) == "2 of 4 · now: greeting · 1 failed · about 30 s left"
    assert suite_words.progress(replace(SUITE, types=(WAITING, WAITING)), now) == "0 of 2"
    assert suite_words.progress(replace(SUITE, types=(PASSED,)), now) == "1 of 1"
    many = replace(SUITE, types=tuple(replace(RUNNING, eval_type=name) for name in "abcde"), attempt_began=None)
    assert suite_words.progress(many, now) == "0 of 5 · now: a, b, c and 2 more"


def test_the_share_done_is_of_cases_or_of_types_where_no_one_counts_cases() -> None:
    assert suite_words.share_done(SUITE) == 50 / 80
    own = tuple(replace(each, total_cases=0, done_cases=0) for each in SUITE.types)
    assert suite_words.share_done(replace(SUITE, types=own)) == 0.5
    assert suite_words.share_done(replace(SUITE, types=())) == 0.0
    assert suite_words.share_done(replace(SUITE, types=(replace(PASSED, done_cases=25),))) == 1.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (125, "2 min 5 s"),
        (3_600, "1 h"),
        (3_599.7, "1 h"),
        (4_200, "1 h 10 min"),
        (86_400, "24 h"),
        (187_200, "2 days 4 h"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert suite_words.duration(timedelta(seconds=seconds)) == text


def test_how_long_it_took_is_unknown_until_it_has_ended() -> None:
    assert suite_words.duration(suite_words.took(SUITE)) == "–"
    ended = replace(SUITE, ended=BEGAN + timedelta(minutes=3))
    assert suite_words.duration(suite_words.took(ended)) == "3 min"


def test_a_failure_is_named_with_its_rate_and_its_reason() -> None:
    assert suite_words.failure(FAILED) == "Below threshold: 79.97%, threshold 80%; slow"
    assert suite_words.failure(ERRED) == "Error; the endpoint is down"
    assert suite_words.failure(replace(PASSED, verdict="REGRESSION")) == ""
    assert suite_words.failure(replace(FAILED, state=TypeState.PARTIAL, problem=None)) == "Partial run: 79.97%"


def test_regressions_are_named_with_their_change_and_what_they_are_compared_with() -> None:
    worse = replace(FAILED, verdict="REGRESSION", delta_pp=-10.0)
    types = (worse, replace(PASSED, verdict="WARNING", delta_pp=-12.0), replace(worse, eval_type="tone"))
    types += (replace(worse, eval_type="steady", delta_pp=0.0),)
    versions = {"security": "v3"}
    said = suite_words.regressions(types, lambda each: versions.get(each.eval_type))
    assert said == "security -10.0 pp against v3, tone -10.0 pp, steady below threshold"


def test_who_started_it_and_for_what() -> None:
    assert suite_words.started_by(SUITE) == "by ada@example.org (watch)"
    assert suite_words.candidate(SUITE) == "persona v4"
    assert suite_words.candidate(replace(SUITE, candidate=None)) == "–"
    assert suite_words.resume_command(SUITE.id) == "eval-pipeline run-evals --resume 0123456789abcdef"
