"""What a watcher has seen and done, as JSON values and as text for a terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.text import Text

from eval_pipeline.core.models import RegressionReport, Verdict
from eval_pipeline.core.plain_text import printable
from eval_pipeline.core.watching import Watched, WatchedVersion
from eval_pipeline.report import numbers, shell, terminal
from eval_pipeline.report.looks import SUITES
from eval_pipeline.report.suites import TO_ALIAS, suite_result
from eval_pipeline.report.terminal import INKS, Style, plain
from eval_pipeline.report.zones import Zone

FIRST = (
    "Nobody has watched this store before: versions that exist already are not run. "
    "To run one: eval-pipeline run-evals --prompt NAME=VERSION"
)
NOTHING = "No version is due."


def watched(done: Watched) -> dict[str, Any]:
    """A version and what came of it, as `run-evals` answers; versions are integers."""
    version = done.version
    named = {"prompt_name": version.prompt, "version": version.version, "live_version": done.live}
    return {**named, **suite_result(done.result)}


def begins(suite: str, interval_s: float, *, first: bool) -> list[str]:
    """What is said when watching begins."""
    said = f"Watching for new prompt versions every {interval_s:g} s: each is run on the suite {suite}, once."
    return [said, FIRST] if first else [said]


def noticed(version: WatchedVersion, suite: str, live: int | None, suite_id: str | None) -> str:
    """What is said when a version is about to be run."""
    against = "the runs before it" if live is None else f"v{live}, which is live"
    if suite_id is not None:
        return printable(f"{version}: going on with suite run {suite_id}, against {against}")
    return printable(f"{version} is new: running the suite {suite}, against {against}")


def outcome(done: Watched, style: Style) -> str:
    """What came of a version: the comparison in the form of `check`, then one line that says it all."""
    check = done.result.check
    table = f"\n{terminal.check(check, style)}\n" if check.reports or check.unjudged else ""
    return table + terminal.render([_summary(done), *_next(done)], style)


def _summary(done: Watched) -> Text:
    look = SUITES[done.result.state.value]
    line = Text.assemble((f"{look.glyph} {printable(str(done.version))}: {done.result.state.value}", INKS[look.badge]))
    reasons = _reasons(done)
    return line.append(f"  {reasons}") if reasons else line


def _next(done: Watched) -> list[Text]:
    if not done.result.fine:
        return []
    version = done.version
    return [plain(f"To promote: {shell.promote(version.prompt, version.version, TO_ALIAS)}")]


def _reasons(done: Watched) -> str:
    """Which types regressed, by how much and against what; which did not pass; what else there is to say."""
    against = "" if done.live is None else f" against v{done.live}"
    regressed = [
        f"{each.eval_type} regressed {numbers.delta_pp(each.delta_pp)}{against}{_worth(each)}"
        if each.delta_pp < 0
        else f"{each.eval_type} below threshold"
        for each in done.result.check.reports
        if each.verdict is Verdict.REGRESSION
    ]
    named = {each.eval_type for each in done.result.check.reports if each.verdict is Verdict.REGRESSION}
    failed = [
        f"{each.eval_type} {each.state.value}"
        for each in done.result.results
        if not each.passed and each.eval_type not in named
    ]
    return printable(", ".join([*regressed, *failed, *filter(None, [done.result.message])]))


def _worth(report: RegressionReport) -> str:
    return f" ({numbers.evidence(report.evidence)})" if report.evidence else ""


def left(version: WatchedVersion) -> str:
    """What is said of a version that was stopped half-way."""
    return printable(f"{version} was stopped half-way: the next watcher goes on with it")


def dropped(version: WatchedVersion, why: str) -> str:
    """What is said of a version that can't be run any more."""
    return printable(f"{version} is not run: {why}")


def waits(version: WatchedVersion) -> str:
    """What is said of a version that somebody else runs."""
    return printable(f"{version} is being run by somebody else")


def trouble(version: WatchedVersion, problem: str) -> str:
    """What is said of a version that is tried again."""
    return printable(f"{version} could not be run yet and is tried again: {problem}")


def away(since: datetime, problem: str, zone: Zone) -> str:
    """What is said when the store does not answer."""
    return printable(f"the store is away since {zone.clock(since)} ({problem}); still watching")


def back(since: datetime, zone: Zone) -> str:
    """What is said when it answers again."""
    return f"the store is back; it was away since {zone.clock(since)}"
