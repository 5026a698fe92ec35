"""`eval-pipeline audit`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.session import Session, common_options


@click.group()
def command() -> None:
    """Who moved which alias, when and why; whether the log is whole."""


@command.command(epilog="Example: eval-pipeline audit log --prompt persona --format json")
@click.option("--prompt", help="Only this prompt.")
@click.option("--alias", help="Only this alias.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the newest so many.")
@common_options
def log(session: Session, prompt: str | None, alias: str | None, limit: int | None) -> None:
    """Every promotion and rollback, oldest first."""
    from eval_pipeline.actions.auditing import audit_log, explain_no_record
    from eval_pipeline.report import records, serialize

    whole = audit_log(session.open_store())
    found = [each for each in whole if prompt in (None, each.prompt_name) and alias in (None, each.alias)]
    shown = found[-limit:] if limit else found
    if whole and not found:
        session.remark(explain_no_record(whole, prompt, alias))
    if found or not whole or session.as_json:
        session.write([serialize.audit_record(each) for each in shown], lambda style: records.log(shown, style))


@command.command(epilog="Example: eval-pipeline audit verify")
@common_options
def verify(session: Session) -> int:
    """Whether the log is whole, and every alias points where its last record put it.

    Names edited, removed and reordered records, unfinished ones, and aliases that were moved outside the tool. Exits
    with 1 if anything is found.
    """
    from eval_pipeline.actions.auditing import verify_audit
    from eval_pipeline.report import records, serialize

    findings = verify_audit(session.open_store())
    session.write([serialize.finding(each) for each in findings], lambda style: records.findings(findings, style))
    return NO if findings else OK


@command.command(epilog="Example: eval-pipeline audit reconcile")
@common_options
def reconcile(session: Session) -> None:
    """Settle what a stopped process left open, from where the alias really points."""
    from eval_pipeline.actions.auditing import reconcile_audit
    from eval_pipeline.actions.clock import utc_now
    from eval_pipeline.report import records

    done = reconcile_audit(session.open_store(), utc_now())
    session.write({"settled": done}, lambda style: records.settled(done, style))
