"""`eval-pipeline promote`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK, approvals
from eval_pipeline.cli.acting import naming_options, whoever_acts
from eval_pipeline.cli.session import Session, outlined_options


@click.command(epilog="Example: eval-pipeline promote persona --reason 'tone is better, nothing else is worse'")
@click.argument("prompt", required=False)
@click.option("--from-alias", default="experiment", show_default=True, help="Where the candidate is.")
@click.option("--to-alias", default="production", show_default=True, help="What to point at it.")
@click.option("--version", type=click.IntRange(min=1), help="The candidate, instead of --from-alias.")
@click.option("--force", is_flag=True, help="Promote although the gate blocks; recorded, and needs --reason.")
@click.option("--reason", default="", help="Why, for the audit log.")
@click.option("--actor", help="Who, for the audit log. Default: the user of the system.")
@click.option("--dry-run", is_flag=True, help="Ask the gate and write nothing.")
@click.option("--request", is_flag=True, help="Ask others to approve it; for a protected alias, and needs --reason.")
@click.option("--approve", metavar="ID", help="Approve a request; the last approval that it needs promotes.")
@click.option("--reject", metavar="ID", help="Reject a request, with --reason, or withdraw your own.")
@click.option("--requests", is_flag=True, help="List the open requests.")
@outlined_options
@click.pass_context
def command(
    context: click.Context,
    session: Session,
    prompt: str | None,
    from_alias: str,
    to_alias: str,
    version: int | None,
    force: bool,
    reason: str,
    actor: str | None,
    dry_run: bool,
    request: bool,
    approve: str | None,
    reject: str | None,
    requests: bool,
) -> int:
    """Point an alias at a prompt version, if its evals allow it.

    The gate reads the store as it is now: each eval type's newest complete run of exactly this version must meet
    today's threshold. Exits with 1 if it blocks. Whatever is moved is in the audit log.

    A protected alias moves by --request and then, by somebody else, --approve. --approve, --reject and --requests take
    no PROMPT.
    """
    _refuse_together(context, prompt, {"--approve": approve, "--reject": reject, "--requests": requests})
    if approve is not None:
        return approvals.approve(session, approve, actor, reason)
    if reject is not None:
        return approvals.reject(session, reject, actor, reason)
    if requests or prompt is None:
        return approvals.show_open(session)
    from eval_pipeline.actions.promote import execute_promotion, propose_promotion
    from eval_pipeline.report import gate, serialize
    from eval_pipeline.report.outlines.answers import outline_of_promotion

    store = session.open_store()
    with naming_options():
        proposal = propose_promotion(store, prompt, from_alias, to_alias, version)
        person = whoever_acts(store.settings, actor)
        if request and not dry_run:
            return approvals.ask(session, store, proposal, person, reason, force=force)
        result = execute_promotion(store, proposal, actor=person, reason=reason, force=force, dry_run=dry_run)
    session.write(
        serialize.promotion_result(result),
        lambda style: gate.text(result, proposal.live, style),
        lambda: outline_of_promotion(result),
    )
    return OK if result.promoted or result.gate.allowed else NO


def _refuse_together(context: click.Context, prompt: str | None, instead: dict[str, str | bool | None]) -> None:
    """One question at a time: of a prompt, or else of requests."""
    given = [name for name, value in instead.items() if value]
    if not given and prompt is None:
        raise click.MissingParameter(ctx=context, param_hint="'PROMPT'", param_type="argument")
    asking = [f"--{name.replace('_', '-')}" for name in ("request", "force", "dry_run") if context.params[name]]
    if len(given) > 1 or (given and (prompt is not None or asking)):
        other = given[1] if len(given) > 1 else "PROMPT" if prompt is not None else asking[0]
        raise click.UsageError(f"{given[0]} does not go together with {other}", context)
