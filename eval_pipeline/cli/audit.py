"""`eval-pipeline audit`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.acting import whoever_acts
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
@click.option("--notify", is_flag=True, help="Tell the webhook of the settings, if anything is found.")
@common_options
def verify(session: Session, notify: bool) -> int:
    """Whether the log is whole, and every alias points where its last record put it.

    Names edited, removed and reordered records, unfinished ones, and aliases that were moved outside the tool. Exits
    with 1 if anything is found.
    """
    from eval_pipeline.actions.auditing import verify_audit
    from eval_pipeline.report import records, serialize

    if notify:
        from eval_pipeline.actions.notifying import require_told, tell_of_findings
        from eval_pipeline.core.notices import Event

        require_told(session.load().settings, Event.DRIFT)
    store = session.open_store()
    findings = verify_audit(store)
    session.write([serialize.finding(each) for each in findings], lambda style: records.findings(findings, style))
    if notify:
        tell_of_findings(store.settings, findings)
    return NO if findings else OK


@command.command(epilog="Example: eval-pipeline audit reconcile")
@click.option("--actor", help="Who. Default: the user of the system.")
@common_options
def reconcile(session: Session, actor: str | None) -> None:
    """Settle what a stopped process left open, from where the alias really points."""
    from eval_pipeline.actions.auditing import reconcile_audit
    from eval_pipeline.actions.clock import utc_now
    from eval_pipeline.report import records

    store = session.open_store()
    done = reconcile_audit(store, utc_now(), actor=whoever_acts(store.settings, actor))
    session.write({"settled": done}, lambda style: records.settled(done, style))
