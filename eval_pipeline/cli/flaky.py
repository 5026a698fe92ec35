"""`eval-pipeline flaky`."""

from __future__ import annotations

import click

from eval_pipeline.cli.session import Session, common_options


@click.command(epilog="Example: eval-pipeline flaky --eval-type tone")
@click.option("--eval-type", metavar="TYPE", help="Only this eval type.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Newest runs of each type.")
@common_options
def command(session: Session, eval_type: str | None, limit: int) -> None:
    """Cases whose result changes though no prompt did, and how much noise they make.

    Compares each case with itself: repeats within a run, and runs of the same prompt versions in the same context. A
    case listed in the settings' [quarantine] is shown, but is not counted as evidence by `check`.
    """
    from eval_pipeline.actions.observe import choose_eval_types
    from eval_pipeline.cli.first_run import say_if_empty
    from eval_pipeline.store.mirror import get_trend_points

    with session.synced() as (mirror, experiments):
        chosen = choose_eval_types(experiments, eval_type)
        histories = {each.eval_type: get_trend_points(mirror, each) for each in chosen}
        empty = eval_type is None and say_if_empty(session, mirror.store, [len(each) for each in histories.values()])
        from eval_pipeline.actions.cases import reading  # loads mlflow, which settings mistakes need not
        from eval_pipeline.actions.flaky import find_noise

        read = reading(mirror.store, keep=not session.no_mirror)
        found = find_noise(histories, read, mirror.store.settings.quarantine, newest=limit)
    if session.as_json or not empty:
        from eval_pipeline.report import flaky

        session.write([flaky.as_json(each) for each in found], lambda style: flaky.text(found, style))
