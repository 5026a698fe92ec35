"""Answers as text for a terminal: tables that fit a given width, plain or coloured."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from eval_pipeline.core.models import (
    CheckResult,
    ContextChange,
    PromptChange,
    PromptEvent,
    RegressionReport,
    RunStatus,
    TrendPoint,
    TrendSummary,
    Verdict,
)
from eval_pipeline.core.plain_text import printable
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.core.trend_tests import level_shift, monotone_trend
from eval_pipeline.core.wording import some
from eval_pipeline.report import looks, numbers
from eval_pipeline.report.zones import IN_UTC, Zone

WIDTH = 100
RUN_ID = 7
"""So many characters of a run id are shown; the whole id is in the JSON."""
INKS = {"green": "green", "blue": "blue", "orange": "yellow", "red": "red", "gray": "bright_black"}


@dataclass(frozen=True, slots=True)
class Style:
    """How text is written: `width` in columns, and whether the terminal shows colours."""

    width: int = WIDTH
    colour: bool = False
    zone: Zone = IN_UTC
    """In which times are written."""


def render(parts: Iterable[RenderableType], style: Style) -> str:
    """The parts below each other, without spaces at the ends of lines."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=style.width,
        force_terminal=style.colour,
        color_system="standard" if style.colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for part in parts:
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def plain(text: str) -> Text:
    """Text from outside: its control and escape characters can't reach the terminal."""
    return Text(printable(text))


def trends(summaries: Sequence[TrendSummary], style: Style) -> str:
    """A table for each eval type; each prompt change is marked on the run that first shows it.

    Promotions and rollbacks stand in lines of their own between the runs; those before the first run shown are left
    out.
    """
    parts: list[RenderableType] = []
    for summary in summaries:
        shift = level_shift(summary.points, summary.prompt_changes)
        parts.append(_trend_heading(summary))
        parts += [Padding(_trend_table(summary, style.zone), (0, 0, 0, 2))] if summary.points else []
        parts += [Padding(plain(f"Hint: {shift.sentence}"), (0, 0, 0, 2))] if shift else []
        parts.append(Text(""))
    return render(parts, style)


def _trend_heading(summary: TrendSummary) -> Text:
    heading = Text.assemble((printable(summary.eval_type), "bold"), f"  {printable(summary.experiment_name)}")
    if not summary.points:
        return heading.append("  no data", "bright_black")
    rate = numbers.rate(summary.latest_pass_rate)
    steadily = monotone_trend(summary.points).sentence
    return heading.append(f"  latest {rate}, {summary.trend_direction.value}{steadily and f'; {steadily}'}")


def _trend_table(summary: TrendSummary, zone: Zone) -> Table:
    table = plain_table(zone.heading("Started"), ">Pass rate", ">Change", ">Cases", "Status", "Run", "Prompts")
    changes: dict[str, list[PromptChange]] = {}
    for change in summary.prompt_changes:
        changes.setdefault(change.run_id, []).append(change)
    previous: TrendPoint | None = None
    first = next((point.timestamp for point in summary.points if point.timestamp), None)
    events = [event for event in summary.events if event.timestamp and first and event.timestamp >= first]
    for point in summary.points:
        while events and point.timestamp and events[0].timestamp and events[0].timestamp < point.timestamp:
            table.add_row(*_event_row(events.pop(0), zone))
        table.add_row(*_trend_row(point, previous, changes.get(point.run_id, []), zone))
        previous = point if point.complete else previous
    for event in events:
        table.add_row(*_event_row(event, zone))
    return table


def _event_row(event: PromptEvent, zone: Zone) -> list[Text]:
    look = looks.EVENTS[event.action]
    change = numbers.prompt_change(event.prompt_name, event.from_version, event.to_version)
    said = f"{look.glyph} {look.word}: {change} @{event.alias} by {event.actor}"
    return [Text(zone.cell(event.timestamp)), *(Text("") for _ in range(5)), plain(said)]


def _trend_row(
    point: TrendPoint, previous: TrendPoint | None, changes: Sequence[PromptChange], zone: Zone
) -> list[Text]:
    delta = None
    if point.complete and point.pass_rate is not None and previous is not None and previous.pass_rate is not None:
        delta = percentage_points(point.pass_rate, previous.pass_rate)
    return [
        Text(zone.cell(point.timestamp)),
        Text(numbers.rate(point.pass_rate)),
        Text(numbers.points(delta) if delta is not None else ""),
        Text(numbers.count(point.total_cases)),
        _status(point),
        Text(point.run_id[:RUN_ID]),
        Text("\n").join(_change(change) for change in changes),
    ]


def _status(point: TrendPoint) -> Text:
    if point.complete:
        return Text("complete")
    look = looks.LOOKS[point.eval_status.value.upper()]
    reason = f": {point.status_reason}" if point.status_reason and point.eval_status is not RunStatus.RUNNING else ""
    return Text(f"{look.glyph} {point.eval_status.value}{printable(reason)}", INKS[look.badge])


def _change(change: PromptChange) -> Text:
    glyph = looks.EVENTS["change"].glyph
    return plain(f"{glyph} {numbers.prompt_change(change.prompt_name, change.from_version, change.to_version)}")


def check(result: CheckResult, style: Style) -> str:
    """The reports as a table, worst first; then what has no report, what changed, and the count of the verdicts."""
    reports = sorted(result.reports, key=lambda report: (list(Verdict).index(report.verdict), report.delta_pp))
    parts: list[RenderableType] = [_check_table(reports)] if reports else []
    parts += [plain(f"{each.eval_type}: {each.reason}") for each in result.unjudged]
    parts += [plain(f"{report.eval_type}: {note}") for report in reports for note in report.notes]
    loud = [(each.eval_type, each.evidence) for each in reports if each.evidence and each.verdict is not Verdict.PASS]
    parts += _listed("Evidence", {f"{name}: {evidence.sentence}": [] for name, evidence in loud})
    parts += _changes("Changed prompts", [(report.eval_type, report.changed_prompts) for report in reports])
    parts += _context("Changed context", [(report.eval_type, report.context_changes) for report in reports])
    return render([*parts, Text(""), Text(count_verdicts(result))], style)


def _check_table(reports: Sequence[RegressionReport]) -> Table:
    rates = (">Baseline", ">Current", ">Change", ">Threshold")
    judged = any(report.evidence for report in reports)
    evidence = ["Evidence"] if judged else []
    table = plain_table("Eval type", "Verdict", *rates, *evidence, "Run", whole=("Verdict", "Evidence"))
    for report in reports:
        look = looks.LOOKS[report.verdict.value]
        table.add_row(
            plain(report.eval_type),
            Text(f"{look.glyph} {report.verdict.value}", INKS[look.badge]),
            Text(numbers.rate(report.baseline_pass_rate)),
            Text(numbers.rate_against(report.current_pass_rate, report.threshold)),
            Text(numbers.points(report.delta_pp)),
            Text(numbers.threshold(report.threshold)),
            *([_evidence(report)] if judged else []),
            Text(report.current_run_id[:RUN_ID]),
        )
    return table


def _evidence(report: RegressionReport) -> Text:
    """The evidence, its p value below: in one line it would take the names of eval types their room."""
    return Text(numbers.evidence(report.evidence).replace("significant ", "significant\n"))


def _changes(title: str, changed: Sequence[tuple[str, Sequence[PromptChange]]]) -> list[RenderableType]:
    """Each changed prompt once, with the eval types whose runs show it."""
    types: dict[str, list[str]] = {}
    for eval_type, changes in changed:
        for change in changes:
            text = numbers.prompt_change(change.prompt_name, change.from_version, change.to_version)
            types.setdefault(text, []).append(eval_type)
    return _listed(title, dict(sorted(types.items())))


def _context(title: str, changed: Sequence[tuple[str, Sequence[ContextChange]]]) -> list[RenderableType]:
    types: dict[str, list[str]] = {}
    for eval_type, changes in changed:
        for change in changes:
            types.setdefault(f"{change.name} {change.before or '–'} → {change.after or '–'}", []).append(eval_type)
    return _listed(title, dict(sorted(types.items())))


def _listed(title: str, types: dict[str, list[str]]) -> list[RenderableType]:
    if not types:
        return []
    lines = [plain(f"{what}  ({some(names)})" if names else what) for what, names in types.items()]
    return [Text(""), Text(title, "bold"), *(Padding(line, (0, 0, 0, 2)) for line in lines)]


def count_verdicts(result: CheckResult) -> str:
    """One line: `19 eval types: 1 regression, 2 warnings, 12 passed, 3 improved, 1 without a verdict`."""
    counts = Counter(report.verdict for report in result.reports)
    words = [
        numbers.counted(counts[Verdict.REGRESSION], "regression"),
        numbers.counted(counts[Verdict.WARNING], "warning"),
        f"{counts[Verdict.PASS]} passed",
        f"{counts[Verdict.IMPROVED]} improved",
    ]
    if result.unjudged:
        words.append(f"{len(result.unjudged)} without a verdict")
    return f"{numbers.counted(len(result.reports) + len(result.unjudged), 'eval type')}: {', '.join(words)}"


def plain_table(*headings: str, whole: Sequence[str] = ()) -> Table:
    """A table without lines. A heading with `>` before it is of a right-aligned column, one in `whole` never breaks."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        right = heading.startswith(">")
        table.add_column(
            heading.removeprefix(">"), justify="right" if right else "left", overflow="fold", no_wrap=heading in whole
        )
    return table
