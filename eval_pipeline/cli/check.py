"""`eval-pipeline check`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.session import Session, outlined_options


@click.command(epilog="Example: eval-pipeline check --eval-type tone --format json")
@click.option("--eval-type", metavar="TYPE", help="Only this eval type.")
@click.option("--run-id", metavar="RUN", help="Judge this run instead of the newest; its first 6 characters may do.")
@click.option("--strict-evidence", is_flag=True, help="Exit with 1 only for a REGRESSION by a significant drop.")
@click.option("--notify", is_flag=True, help="Tell the webhook of the settings, if the exit code is 1.")
@outlined_options
def command(session: Session, eval_type: str | None, run_id: str | None, strict_evidence: bool, notify: bool) -> int:
    """Whether the newest runs are worse than the ones before.

    Judges each eval type's newest complete run against the complete run before it. REGRESSION: below the threshold.
    WARNING: 10 points lower or more, threshold met. Exits with 1 if anything is a REGRESSION.

    Evidence says whether the difference is more than noise, by the cases of both runs: significant (at 5% over all
    types checked together), within noise, or too few cases to tell. It changes no verdict.
    """
    from eval_pipeline.actions.observe import check
    from eval_pipeline.cli.first_run import say_if_empty
    from eval_pipeline.core.models import CheckResult
    from eval_pipeline.report import serialize, terminal
    from eval_pipeline.report.outlines.answers import outline_of_check

    if notify:
        from eval_pipeline.actions.notifying import require_told, tell_of_regressions
        from eval_pipeline.core.notices import Event

        require_told(session.load().settings, Event.REGRESSION)
    with session.synced() as (mirror, experiments):
        runs = [mirror.table(each, ["run_id"]).num_rows for each in experiments]
        empty = eval_type is None and run_id is None and say_if_empty(session, mirror.store, runs)
        result = CheckResult((), ()) if empty else check(mirror, experiments, eval_type, run_id)
        from eval_pipeline.actions.cases import read_what_can_be, reading
        from eval_pipeline.actions.evidence import add_evidence

        read = reading(mirror.store, keep=not session.no_mirror)
        result = add_evidence(result, read, mirror.store.settings.quarantine, strict=strict_evidence)
        cases = read_what_can_be(result.run_ids, read)[0] if session.outlined else {}
    if session.alone or session.also or not empty:
        reports = [serialize.regression_report(each) for each in result.reports]
        session.write(
            reports,
            lambda style: terminal.check(result, style),
            lambda: outline_of_check(result, cases, strict=strict_evidence),
        )
    if strict_evidence and result.regressed and not result.significantly_regressed:
        session.remark("No REGRESSION is a significant drop: exit code 0, as --strict-evidence asks.")
    bad = result.significantly_regressed if strict_evidence else result.regressed
    if notify and bad:
        tell_of_regressions(mirror.store, result)
    return NO if bad else OK
