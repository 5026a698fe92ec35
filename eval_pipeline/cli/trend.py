"""`eval-pipeline trend`."""

from __future__ import annotations

import click

from eval_pipeline.cli.session import Session, common_options


@click.command(epilog="Example: eval-pipeline trend --eval-type tone --limit 20")
@click.option("--eval-type", metavar="TYPE", help="Only this eval type.")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Newest runs of each type.")
@common_options
def command(session: Session, eval_type: str | None, limit: int) -> None:
    """How pass rates move over time, where prompts changed, and when versions were promoted or rolled back.

    Every run is shown, oldest first. Runs that are not complete are marked and say why; no verdict rests on them.
    """
    from eval_pipeline.actions.auditing import audit_events, audit_log
    from eval_pipeline.actions.observe import choose_eval_types, read_trends
    from eval_pipeline.cli.first_run import say_if_empty
    from eval_pipeline.report import serialize, terminal

    with session.synced() as (mirror, experiments):
        chosen = choose_eval_types(experiments, eval_type)
        summaries = read_trends(mirror, chosen, limit, audit_events(audit_log(mirror.store)))
        runs = [len(summary.points) for summary in summaries]
        empty = eval_type is None and say_if_empty(session, mirror.store, runs)
    if session.as_json or not empty:
        session.write([serialize.trend_summary(each) for each in summaries], lambda s: terminal.trends(summaries, s))
