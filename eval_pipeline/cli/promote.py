"""`eval-pipeline promote`."""

from __future__ import annotations

import click

from eval_pipeline.cli import NO, OK
from eval_pipeline.cli.acting import naming_options
from eval_pipeline.cli.session import Session, outlined_options


@click.command(epilog="Example: eval-pipeline promote persona --reason 'tone is better, nothing else is worse'")
@click.argument("prompt")
@click.option("--from-alias", default="experiment", show_default=True, help="Where the candidate is.")
@click.option("--to-alias", default="production", show_default=True, help="What to point at it.")
@click.option("--version", type=click.IntRange(min=1), help="The candidate, instead of --from-alias.")
@click.option("--force", is_flag=True, help="Promote although the gate blocks; recorded, and needs --reason.")
@click.option("--reason", default="", help="Why, for the audit log.")
@click.option("--actor", help="Who, for the audit log. Default: the user of the system.")
@click.option("--dry-run", is_flag=True, help="Ask the gate and write nothing.")
@outlined_options
def command(
    session: Session,
    prompt: str,
    from_alias: str,
    to_alias: str,
    version: int | None,
    force: bool,
    reason: str,
    actor: str | None,
    dry_run: bool,
) -> int:
    """Point an alias at a prompt version, if its evals allow it.

    The gate reads the store as it is now: each eval type's newest complete run of exactly this version must meet
    today's threshold. Exits with 1 if it blocks. Whatever is moved is in the audit log.
    """
    from eval_pipeline.actions.promote import execute_promotion, propose_promotion, system_user
    from eval_pipeline.report import gate, serialize
    from eval_pipeline.report.outlines.answers import outline_of_promotion

    store = session.open_store()
    with naming_options():
        proposal = propose_promotion(store, prompt, from_alias, to_alias, version)
        who = system_user() if actor is None else actor
        result = execute_promotion(store, proposal, actor=who, reason=reason, force=force, dry_run=dry_run)
    session.write(
        serialize.promotion_result(result),
        lambda style: gate.text(result, proposal.live, style),
        lambda: outline_of_promotion(result),
    )
    return OK if result.promoted or result.gate.allowed else NO
