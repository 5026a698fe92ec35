"""`eval-pipeline diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.session import Session, common_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eval_pipeline.actions.diff import RunPair
    from eval_pipeline.core.case_pairs import CaseChange
    from eval_pipeline.core.models import TrendPoint

CHANGES = ("broken", "still-failing", "errored", "fixed", "still-passing", "only-in-one")
ALL = "all"
LISTED = 20


def _changes(context: click.Context, parameter: click.Parameter, said: str) -> tuple[str, ...]:
    """Some of `CHANGES` with commas between them, or `all`."""
    asked = [part.strip() for part in said.split(",") if part.strip()]
    unknown = [each for each in asked if each not in (*CHANGES, ALL)]
    if unknown or not asked:
        wrong = unknown[0] if unknown else said
        raise click.BadParameter(f"{wrong!r} is none of {', '.join(CHANGES)}, all", context, parameter)
    return CHANGES if ALL in asked else tuple(asked)


@click.command(epilog="Example: eval-pipeline diff 1f6feb 760695 --show broken,fixed")
@click.argument("runs", nargs=-1, metavar="[BASELINE CURRENT]")
@click.option("--eval-type", metavar="TYPE", help="The newest complete run of this type against its baseline.")
@click.option("--show", callback=_changes, default="broken", metavar="WHAT", help=f"{', '.join(CHANGES)}, or all.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help=f"Cases to list. In tables: {LISTED}.")
@common_options
@click.pass_context
def command(
    context: click.Context,
    session: Session,
    runs: tuple[str, ...],
    eval_type: str | None,
    show: tuple[str, ...],
    limit: int | None,
) -> int:
    """Which cases broke between two runs, and what changed between them.

    Runs are named by their ids; the first 6 characters may do. Shows what became of each case, the texts of the prompts
    that changed, and what else differs. Exits with 1 if a case broke; where no cases were logged, if the pass rate
    fell.
    """
    if (len(runs) != 2) if eval_type is None else runs:
        raise click.UsageError("name two runs, the older one first, or give --eval-type TYPE alone", context)
    from eval_pipeline.actions.cases import reading
    from eval_pipeline.actions.diff import compare_pairs, read_changed_texts
    from eval_pipeline.actions.observe import choose_eval_types
    from eval_pipeline.core.case_pairs import CaseChange
    from eval_pipeline.report import compare, numbers
    from eval_pipeline.store.mirror import get_trend_points

    with session.synced() as (mirror, experiments):
        histories = {
            each.eval_type: get_trend_points(mirror, each) for each in choose_eval_types(experiments, eval_type)
        }
        pair = _pair(histories, runs, eval_type)
        [comparison] = compare_pairs([pair], reading(mirror.store, keep=not session.no_mirror), mirror.store.settings)
        found = read_changed_texts(mirror.store, comparison.changed_prompts)
    texts = [
        (numbers.prompt_change(e.change.prompt_name, e.change.from_version, e.change.to_version), e.before, e.after)
        for e in found
    ]
    wanted = [CaseChange(name) for name in CHANGES if name in show]
    cases = sorted((p for p in comparison.pairs if p.change in wanted), key=lambda p: _place(wanted, p.change))
    most = limit or (None if session.as_json else LISTED)
    shown = cases[:most]
    session.write(
        compare.as_json(comparison, texts, shown),
        lambda style: compare.text(comparison, texts, shown, len(cases) - len(shown), style),
    )
    return NO if comparison.broke else OK


def _pair(histories: Mapping[str, Sequence[TrendPoint]], runs: tuple[str, ...], eval_type: str | None) -> RunPair:
    from eval_pipeline.actions.diff import named_pair, newest_pair

    return named_pair(histories, *runs) if eval_type is None else newest_pair(histories, eval_type)


def _place(wanted: Sequence[CaseChange], change: CaseChange) -> int:
    return wanted.index(change)
