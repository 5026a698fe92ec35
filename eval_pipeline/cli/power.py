"""`eval-pipeline power`."""

from __future__ import annotations

import click

from eval_pipeline.cli.session import Session


@click.command(epilog="Example: eval-pipeline power --cases 20 --rate 0.9")
@click.option("--cases", type=click.IntRange(1, 1_000_000), required=True, help="Cases of the dataset.")
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True), required=True, help="Pass rate today, as in 0.9.")
@click.option(
    "--drop",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="The drop that should show; 0.1 is 10 percentage points.",
)
@click.option("--repeats", type=click.IntRange(1, 1_000), default=1, show_default=True, help="Runs of each case.")
@click.option("--types", type=click.IntRange(1, 1_000), default=1, show_default=True, help="Types checked together.")
@click.option("--format", type=click.Choice(["table", "json"]), default="table", help="What to print on stdout.")
def command(cases: int, rate: float, drop: float, repeats: int, types: int, format: str) -> None:
    """How large a drop of the pass rate so many cases can show.

    Cases that pass by chance make a pass rate move though nothing changed. Says which drops stand out from that, and
    how many cases, or repeats of each, would show the drop that matters. Reads no store.
    """
    from eval_pipeline.core.power import Setup, plan_power
    from eval_pipeline.errors import UsageError
    from eval_pipeline.report.power import as_json, text

    try:
        plan = plan_power(Setup(cases, repeats, types), rate, drop)
    except ValueError as problem:
        raise UsageError(f"{problem}: give a --drop above 0 and up to --rate") from problem
    Session(None, None, format, no_mirror=True).write(as_json(plan), lambda style: text(plan, style))
