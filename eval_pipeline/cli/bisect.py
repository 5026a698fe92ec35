"""`eval-pipeline bisect`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.session import Session, common_options
from eval_pipeline.errors import UsageError


def _version(context: click.Context, parameter: click.Parameter, said: str) -> int:
    """A version of a prompt, as in `3` or `v3`."""
    from eval_pipeline.core.runs import version_number

    number = version_number(said)
    if number is None:
        raise click.BadParameter(f"{said!r} is no version: write 3 or v3", context, parameter)
    return number


@click.command(epilog="Example: eval-pipeline bisect persona --good 3 --bad 7")
@click.argument("prompt")
@click.option("--good", callback=_version, required=True, metavar="VERSION", help="A version that was fine.")
@click.option("--bad", callback=_version, required=True, metavar="VERSION", help="A newer version that is not.")
@click.option("--eval-type", metavar="TYPE", help="Only this eval type.")
@common_options
def command(session: Session, prompt: str, good: int, bad: int, eval_type: str | None) -> int:
    """Which version of a prompt made evals worse, and which one to evaluate next.

    Looks at the newest complete run of each version from the good to the bad one, against that of the good one. The
    drop first shows where a run is a REGRESSION or a WARNING. Exits with 1 if a drop is known.
    """
    from eval_pipeline.actions.bisecting import bisect_prompt
    from eval_pipeline.actions.observe import choose_eval_types
    from eval_pipeline.report import bisection
    from eval_pipeline.store.mirror import get_trend_points

    with session.synced() as (mirror, experiments):
        chosen = choose_eval_types(experiments, eval_type)
        histories = {each.eval_type: get_trend_points(mirror, each) for each in chosen}
        found = bisect_prompt(mirror.store, histories, prompt, good, bad)
    if eval_type is not None and not found.types:
        raise UsageError(f"{eval_type} has no complete run that names {prompt}")
    session.write(bisection.as_json(found), lambda style: bisection.text(found, style))
    return OK if found.first_drop is None else NO
