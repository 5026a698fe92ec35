"""Every eval type in one table, worst margin first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from eval_pipeline.core.models import Direction, TrendPoint
from eval_pipeline.core.statistics import wilson_interval
from eval_pipeline.core.trends import trend_direction
from eval_pipeline.report import numbers
from eval_pipeline.report.looks import LOOKS, NOT_EVIDENCE
from eval_pipeline.report.page.drawing import sparkline
from eval_pipeline.report.page.facts import State
from eval_pipeline.report.page.text import joined, tag

RIGHT = frozenset({"Pass rate", "Δ pp", "Threshold", "Cases"})
PROMPTS = "Prompts"
DIRECTIONS = {
    Direction.IMPROVING: "↗ improving",
    Direction.STABLE: "→ stable",
    Direction.DEGRADING: "↘ degrading",
}


def types_table(state: State) -> Markup:
    """The section with the table. Prompt versions are a column only where the eval types differ in them."""
    versions = {name: _versions(state.newest.get(name)) for name in state.standing["eval_type"]}
    alike = set(versions.values()) if len(versions) > 1 else set()
    [evaluated] = alike if len(alike) == 1 else [None]
    rows = [_cells(state, row, _lowest(state)) for row in state.standing.to_dict("records")]
    if evaluated is None:
        rows = [{**cells, PROMPTS: _small(versions[name])} for name, cells in zip(versions, rows, strict=True)]
    said = Markup(' All evaluated <span class="out">{}</span>.').format(evaluated) if evaluated else ""
    heads = [Markup('<th scope="col"{}>{}</th>').format(_right(name), name) for name in ("Eval type", *rows[0])]
    body = [_row(name, cells) for name, cells in zip(versions, rows, strict=True)]
    return Markup(
        '<section><h2>All eval types</h2><p class="about">The newest complete run of each against the complete run '
        'before it, worst margin first.{}</p><table class="list types"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></section>"
    ).format(said, joined(heads), joined(body))


def _cells(state: State, row: Mapping[Any, Any], lowest: float) -> dict[str, str | Markup]:
    """What stands in the row of one eval type, by column."""
    name = str(row["eval_type"])
    report, point = state.reports.get(name), state.newest.get(name)
    return {
        "Result": _result(row),
        "Pass rate": numbers.rate_against(_known(row["pass_rate"]), row["threshold"]),
        "Δ pp": numbers.points(row["delta_pp"]),
        "Threshold": numbers.threshold(_known(row["threshold"])),
        "Cases": numbers.count(point.total_cases if point else None),
        "95% interval": _small(_interval(point)),
        "Evidence": numbers.evidence(report.evidence if report else None),
        "Trend": _trend(state, name, row, lowest),
    }


def _row(name: str, cells: Mapping[str, str | Markup]) -> Markup:
    said = [
        Markup('<td data-name="{}"{}><div>{}</div></td>').format(column, _right(column), cell)
        for column, cell in cells.items()
    ]
    return Markup('<tr><th scope="row"><span class="out">{}</span></th>{}</tr>').format(name, joined(said))


def _result(row: Mapping[Any, Any]) -> Markup:
    """The state; and why it is no verdict, or what the newest run is, if that is another one."""
    latest = row["latest_state"]
    later = f"newest run: {LOOKS[latest].word.lower()}" if latest in NOT_EVIDENCE and latest != row["state"] else ""
    why = row["reason"] or later
    said = Markup('<span class="small mute under out">{}</span>').format(why) if why else ""
    return Markup("{}{}").format(tag(LOOKS[row["state"]]), said)


def _small(said: str) -> Markup:
    return Markup('<span class="small mute out">{}</span>').format(said)


def _interval(point: TrendPoint | None) -> str:
    """The 95% interval of a pass rate, as in `57% to 89%`."""
    counts = point.counts if point else None
    if counts is None:
        return numbers.MISSING
    found = wilson_interval(counts.passed, counts.total)
    return f"{numbers.rate_short(found.low)} to {numbers.rate_short(found.high)}"


def _versions(point: TrendPoint | None) -> str:
    """The prompts that a run evaluated, as in `memory v2, persona v3`."""
    named = sorted(point.prompt_versions.items()) if point else ()
    return ", ".join(f"{name} {version}" for name, version in named) or numbers.MISSING


def _trend(state: State, name: str, row: Mapping[Any, Any], lowest: float) -> str | Markup:
    if not row["last"]:
        return numbers.MISSING
    word = DIRECTIONS[trend_direction(state.facts.histories[name].points)]
    spark = sparkline(row["last"], lowest, row["threshold"])
    return Markup('<span class="trend">{}<span class="small mute">{}</span></span>').format(spark, word)


def _lowest(state: State) -> float:
    """A round pass rate below all that the sparklines show, so that one height means the same in each."""
    seen: Iterable[float] = (rate for last in state.standing["last"] for rate in last)
    limits = state.judged["threshold"].tolist()
    return math.floor(min([*seen, *limits], default=0.0) * 10) / 10


def _known(value: float) -> float | None:
    return None if value != value else value


def _right(title: str) -> Markup:
    return Markup(' class="n"') if title in RIGHT else Markup("")
