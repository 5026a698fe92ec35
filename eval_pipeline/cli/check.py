"""`eval-pipeline check`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.session import Session, common_options


@click.command(epilog="Example: eval-pipeline check --eval-type tone --format json")
@click.option("--eval-type", metavar="TYPE", help="Only this eval type.")
@click.option("--run-id", metavar="RUN", help="Judge this run instead of the newest; its first 6 characters may do.")
@common_options
def command(session: Session, eval_type: str | None, run_id: str | None) -> int:
    """Whether the newest runs are worse than the ones before.

    Judges each eval type's newest complete run against the complete run before it. REGRESSION: below the threshold.
    WARNING: 10 points lower or more, threshold met. Exits with 1 if anything is a REGRESSION.
    """
    from eval_pipeline.actions.observe import check
    from eval_pipeline.cli.first_run import say_if_empty
    from eval_pipeline.core.models import CheckResult
    from eval_pipeline.report import serialize, terminal

    with session.synced() as (mirror, experiments):
        runs = [mirror.table(each, ["run_id"]).num_rows for each in experiments]
        empty = eval_type is None and run_id is None and say_if_empty(session, mirror.store, runs)
        result = CheckResult((), ()) if empty else check(mirror, experiments, eval_type, run_id)
    if session.as_json or not empty:
        reports = [serialize.regression_report(each) for each in result.reports]
        session.write(reports, lambda s: terminal.check(result, s))
    return NO if result.regressed else OK
