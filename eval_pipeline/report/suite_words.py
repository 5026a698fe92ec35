"""What is said of suite runs in sentences: how far one is, how long it took, what regressed in it, how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress, TypeState
from eval_pipeline.report import numbers, shell
from eval_pipeline.report.looks import SUITE_TYPES

MOST_NAMED = 3
LONGEST_ACTOR = 60

Version = Callable[[TypeProgress], str | None]
"""The prompt version that a type is compared with, as in `v3`; `None` where that is not known."""


def started_by(suite: SuiteRun) -> str:
    """Who started it and how: `by ada@example.org (watch)`."""
    return f"by {numbers.shortened(suite.actor, LONGEST_ACTOR)} ({suite.trigger})"


def candidate(suite: SuiteRun) -> str:
    """The prompt version that it was started for: `persona v4`; `–` for none."""
    return f"{suite.candidate[0]} v{suite.candidate[1]}" if suite.candidate else numbers.MISSING


def progress(suite: SuiteRun, now: datetime) -> str:
    """How far it is: `5 of 19 · now: grounding · 2 failed · about 40 s left`."""
    said = [f"{suite.done} of {suite.total}"]
    if suite.now:
        said.append(f"now: {some(suite.now)}")
    if suite.failures:
        said.append(f"{len(suite.failures)} failed")
    left = suite.time_left(now)
    if left is not None and suite.done < suite.total:
        said.append(f"about {duration(left)} left")
    return " · ".join(said)


def share_done(suite: SuiteRun) -> float:
    """How much of it is done, 0..1: of its cases, or of its types where nobody knows how many cases there are."""
    done, total = (suite.done_cases, suite.total_cases) if suite.total_cases else (suite.done, suite.total)
    return min(1.0, done / total) if total else 0.0


def some(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """The first of some names: `a, b, c and 4 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def duration(length: timedelta | None) -> str:
    """A length of time in its two largest units: `4 s`, `2 min 5 s`, `1 h 10 min`, `3 days 4 h`."""
    if length is None:
        return numbers.MISSING
    seconds = max(0, round(length.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 1:
        return f"{seconds} s"
    if hours < 1:
        return _two(f"{minutes} min", seconds % 60, "s")
    if days < 2:
        return _two(f"{hours} h", minutes % 60, "min")
    return _two(f"{days} days", hours % 24, "h")


def _two(large: str, small: int, unit: str) -> str:
    return f"{large} {small} {unit}" if small else large


def took(suite: SuiteRun) -> timedelta | None:
    """From its start to its end, pauses before it was resumed included."""
    return None if suite.started is None or suite.ended is None else suite.ended - suite.started


def rate(each: TypeProgress) -> str:
    """The pass rate of a type beside its threshold, so that it reads lower only if it is."""
    return (
        numbers.rate(each.pass_rate) if each.threshold is None else numbers.rate_against(each.pass_rate, each.threshold)
    )


def failure(each: TypeProgress) -> str:
    """Why a type is no good news: `Below threshold: 62.0%, threshold 80%`; `Error: the endpoint is down`."""
    look = SUITE_TYPES[each.state.value]
    said = []
    if each.state is not TypeState.PASS:
        rates = [rate(each)] if each.pass_rate is not None else []
        if each.state is TypeState.FAIL and rates and each.threshold is not None:
            rates.append(f"threshold {numbers.threshold(each.threshold)}")
        said.append(f"{look.word}: {', '.join(rates)}" if rates else look.word)
    if each.problem:
        said.append(each.problem)
    return "; ".join(said)


def regression(each: TypeProgress, against: str | None = None) -> str:
    """How a type moved: `tone -10.0 pp against v3`; `tone below threshold` where it did not fall."""
    if each.delta_pp is not None and each.delta_pp >= 0:
        return f"{each.eval_type} below threshold"
    said = f"{each.eval_type} {numbers.delta_pp(each.delta_pp)}"
    return f"{said} against {against}" if against else said


def regressions(types: Iterable[TypeProgress], version: Version) -> str:
    """The types that regressed, each with its change: `tone -10.0 pp against v3, security -4.0 pp against v3`."""
    return ", ".join(regression(each, version(each)) for each in types if each.regressed)


def resume_command(suite_id: str) -> str:
    """Do what is missing of a suite run, as a shell takes it."""
    return shlex.join([shell.PROGRAM, "run-evals", "--resume", suite_id])


def cancel_command(suite_id: str) -> str:
    """Have a suite run stop, or end one that is lost, as a shell takes it."""
    return shlex.join([shell.PROGRAM, "run-evals", "--cancel", suite_id])
