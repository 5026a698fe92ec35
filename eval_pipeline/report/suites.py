"""Suite runs as JSON values and as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from eval_pipeline.core.models import Verdict
from eval_pipeline.core.plain_text import printable
from eval_pipeline.core.suite_runs import SuiteResult, SuiteRun, SuiteState, TypeProgress, TypeResult, TypeState
from eval_pipeline.core.wording import some
from eval_pipeline.report import numbers, shell, suite_words
from eval_pipeline.report.looks import SUITE_TYPES
from eval_pipeline.report.serialize import regression_report, timestamp
from eval_pipeline.report.terminal import INKS, Style, check, plain, render

SHOWN_ID = 8
"""So many characters of a suite run's id are shown."""
BAR_WIDTH = 24
TO_ALIAS = "production"
NAME_WIDTH = 24
"""Columns that a type's name and the dots behind it take."""


def suite_result(result: SuiteResult) -> dict[str, Any]:
    """The answer of `run-evals`."""
    return {
        "suite": result.suite,
        "run_id": result.run_id,
        "state": result.state.value,
        "message": result.message,
        "results": [type_result(each) for each in result.results],
        "reports": [regression_report(each) for each in result.check.reports],
        "unjudged": [{"eval_type": each.eval_type, "reason": each.reason} for each in result.check.unjudged],
    }


def type_result(result: TypeResult) -> dict[str, Any]:
    """One eval type of `run-evals`."""
    return {
        "eval_type": result.eval_type,
        "passed": result.passed,
        "pass_rate": result.pass_rate,
        "run_id": result.run_id,
        "error": result.error,
        "threshold": result.threshold,
        "state": result.state.value,
    }


def suite_run(suite: SuiteRun, state: str) -> dict[str, Any]:
    """One suite run; `state` is what it is now."""
    return {
        "run_id": suite.id,
        "suite": suite.suite,
        "state": state,
        "trigger": suite.trigger,
        "actor": suite.actor,
        "started": timestamp(suite.started),
        "ended": timestamp(suite.ended),
        "heartbeat": timestamp(suite.heartbeat),
        "prompts": dict(suite.prompts),
        "total": suite.total,
        "done": suite.done,
        "now": list(suite.now),
    }


def began(suite: SuiteRun, style: Style) -> str:
    """What is said when work begins: `Suite run 3f2a91c0: core, 5 eval types, 120 cases; persona v4`."""
    size = numbers.counted(suite.total, "eval type")
    if suite.total_cases:
        size += f", {numbers.counted(suite.total_cases, 'case')}"
    prompts = ", ".join(f"{name} {version}" for name, version in sorted(suite.prompts.items()))
    done = sum(each.state.complete for each in suite.types)
    again = f"; {done} of them complete already" if done else ""
    said = f"Suite run {suite.id[:SHOWN_ID]}: {suite.suite}, {size}{again}; {prompts or 'no prompts'}"
    return render([plain(said)], style)


def type_ended(done: int, total: int, progress: TypeProgress, style: Style) -> str:
    """What is said when a type has ended: `[3/5] tone ........ PASS (85.0%)`, and below it what went wrong."""
    name = printable(progress.eval_type)
    dots = "." * max(3, NAME_WIDTH - len(name) - 1)
    state = progress.state
    line = Text(f"[{done:>{len(str(total))}}/{total}] {name} ")
    line.append(f"{dots} ", "bright_black")
    line.append(state.value if state.complete else state.value.upper(), INKS[SUITE_TYPES[state.value].badge])
    if progress.pass_rate is not None:
        below = state is TypeState.FAIL and progress.threshold is not None
        limit = f", threshold {numbers.threshold(progress.threshold)}" if below else ""
        line.append(f" ({suite_words.rate(progress)}{limit})")
    parts: list[RenderableType] = [line]
    if progress.problem:
        parts.append(Padding(plain(progress.problem), (0, 0, 0, len(f"[{total}/{total}] "))))
    return render(parts, style)


def bar(suite: SuiteRun, now: datetime) -> RenderableType:
    """One line for a terminal, drawn again and again: cases done, then how far the types are."""
    grid = Table.grid(padding=(0, 1))
    total = suite.total_cases or suite.total
    done = suite.done_cases if suite.total_cases else suite.done
    cases = f"{numbers.count(done)}/{numbers.count(total)} cases · " if suite.total_cases else ""
    said = plain(f"{cases}types: {suite_words.progress(suite, now)}")
    grid.add_row(ProgressBar(total=total, completed=done, width=BAR_WIDTH), said)
    return grid


def outcome(result: SuiteResult, lines: Sequence[str], style: Style) -> str:
    """The comparison with what was known before, in the form of `check`, then the closing lines."""
    compared = f"{check(result.check, style)}\n" if _is_compared(result) else ""
    return f"\n{compared}{render([plain(line) for line in lines], style)}"


def closing(result: SuiteResult, candidate: tuple[str, int] | None) -> list[str]:
    """What it came to, and how to go on. `candidate` is the prompt version that it was for."""
    lines = [_came_to(result)]
    if result.fine and candidate is not None:
        lines.append(f"To promote: {shell.promote(*candidate, TO_ALIAS)}")
    elif not all(each.state.complete for each in result.results):
        lines.append(f"To run what is missing: {suite_words.resume_command(result.run_id)}")
    return lines


def _is_compared(result: SuiteResult) -> bool:
    return bool(result.check.reports or result.check.unjudged)


def _came_to(result: SuiteResult) -> str:
    total = len(result.results)
    if result.fine:
        return f"Passed: {_all(total)} met the threshold" + (
            ", and nothing regressed." if _is_compared(result) else "."
        )
    missing = [f"{each.eval_type} ({each.state.value})" for each in result.results if not each.state.complete]
    regressed = {each.eval_type for each in result.check.reports if each.verdict is Verdict.REGRESSION}
    complete = [each for each in result.results if each.state.complete]
    bad = [each.eval_type for each in complete if not each.passed or each.eval_type in regressed]
    of_all = f"of {numbers.counted(total, 'eval type')}"
    if not missing:
        return f"Failed: {len(bad)} {of_all}: {some(bad)}."
    how = "Incomplete" if result.state is SuiteState.INCOMPLETE else result.message[:1].upper() + result.message[1:]
    failed = f" Failed: {some(bad)}." if bad else ""
    return f"{how}: {len(missing)} {of_all} not evaluated in full: {some(missing)}.{failed}"


def _all(total: int) -> str:
    return "the eval type" if total == 1 else f"all {total} eval types"
