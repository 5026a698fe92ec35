"""`eval-pipeline rollback`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK, complain
from eval_pipeline.cli.acting import naming_options, whoever_acts
from eval_pipeline.cli.session import Session, common_options


@click.command(epilog="Example: eval-pipeline rollback persona --reason 'users see secrets'")
@click.argument("prompt")
@click.option("--alias", default="production", show_default=True, help="What to take back.")
@click.option("--reason", required=True, help="Why, for the audit log.")
@click.option("--actor", help="Who, for the audit log. Default: the user of the system.")
@click.option("--to-version", type=click.IntRange(min=1), help="Where to. Default: what it pointed to before.")
@click.option("--dry-run", is_flag=True, help="Say where it would lead and write nothing.")
@common_options
def command(
    session: Session, prompt: str, alias: str, reason: str, actor: str | None, to_version: int | None, dry_run: bool
) -> int:
    """Point an alias back at what it pointed to before.

    What came before is known from the audit log; rolling back twice goes back two steps. Where the log knows nothing,
    the evals do. A protected alias goes only where steps back lead by the log. Exits with 1, and moves nothing, if
    there is no such version.
    """
    from eval_pipeline.actions.protecting import approvals_needed
    from eval_pipeline.actions.rollback import execute_rollback, propose_rollback
    from eval_pipeline.report import records, serialize

    store = session.open_store()
    plan = propose_rollback(store, prompt, alias, to_version)
    protected = approvals_needed(store.settings, alias) > 0
    if plan is None:
        runs = "" if protected else " and no run"
        complain(f"{prompt}@{alias} has nothing to roll back to: no record{runs} names an earlier version")
        return NO
    if dry_run:
        session.write(serialize.rollback_plan(plan), lambda style: records.plan(plan, style))
        return OK
    with naming_options():
        person = whoever_acts(store.settings, actor)
        done = execute_rollback(store, plan, actor=person, reason=reason, named=to_version is not None)
    session.write(serialize.audit_record(done), lambda style: records.done(done, plan, style, protected=protected))
    return OK
