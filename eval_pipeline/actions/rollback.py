"""Taking a live prompt version back, in one step."""

from __future__ import annotations

from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.actions.moving import move_alias
from eval_pipeline.actions.observe import nearest
from eval_pipeline.actions.promote import TO_ALIAS, require_prompt, who_and_why
from eval_pipeline.actions.protecting import approvals_needed, refuse_forward
from eval_pipeline.core.audit import of_alias
from eval_pipeline.core.moves import Action, AuditRecord, RollbackPlan
from eval_pipeline.core.people import Deed, Person, refuse_unless
from eval_pipeline.core.rollback import find_previous_version, plan_rollback
from eval_pipeline.errors import RefusedError, UsageError
from eval_pipeline.report import numbers
from eval_pipeline.store.aliases import list_versions
from eval_pipeline.store.audit import Draft, read_records
from eval_pipeline.store.connection import Store
from eval_pipeline.store.evidence import read_runs_of_prompt
from eval_pipeline.store.ledger import find_ledger
from eval_pipeline.store.runs import get_eval_experiments


def propose_rollback(
    store: Store, prompt_name: str, alias: str = TO_ALIAS, to_version: int | None = None
) -> RollbackPlan | None:
    """Where a rollback would lead, as the store is now; `None` if nothing says where to. Nothing is written.

    Where a protected alias was before, the audit log alone says: a run can be logged by anybody.

    Raises:
        UsageError: no such prompt, alias or version.
        RefusedError: the alias is protected, and the named version is none that going back comes to.
        StoreError: the store can't be read.
    """
    aliases = require_prompt(store, prompt_name)[prompt_name]
    live = aliases.get(alias)
    if live is None:
        raise UsageError(f"{prompt_name} has no alias {alias!r}: {nearest(alias, sorted(aliases), 'it has none')}")
    existing = list_versions(store, prompt_name)
    records = of_alias(read_records(find_ledger(store)), prompt_name, alias)
    if to_version is not None:
        if to_version not in existing:
            raise UsageError(f"{prompt_name} has no v{to_version}: known are {numbers.versions(existing)}")
        if to_version == live:
            raise UsageError(f"{prompt_name}@{alias} points at v{live} already: name another version")
        refuse_forward(store.settings, records, (prompt_name, alias), live, to_version)
        return plan_rollback(prompt_name, alias, live, None, to_version)
    protected = approvals_needed(store.settings, alias)
    runs = [] if protected else read_runs_of_prompt(store, get_eval_experiments(store), prompt_name)
    previous = find_previous_version(records, live, existing, runs, prompt_name)
    return plan_rollback(prompt_name, alias, live, previous, None)


def execute_rollback(
    store: Store, plan: RollbackPlan, *, actor: Person, reason: str, named: bool = False, clock: Clock = utc_now
) -> AuditRecord:
    """Check everything again, move the alias back and record it. `named`: the person chose the version.

    Raises:
        NotSaidError: no reason, or no actor.
        UsageError: the version is gone.
        RefusedError: the actor's role is not enough, the alias is protected and going back does not come there, things
            are no longer as they were seen, or somebody else is moving the alias.
        StoreError: the store failed; the message says what is known of the alias.
    """
    refuse_unless(actor, Deed.ROLL_BACK)
    who, why = who_and_why(actor, reason, "a rollback")
    fresh = propose_rollback(store, plan.prompt_name, plan.alias, plan.to_version if named else None)
    if fresh is None or (fresh.from_version, fresh.to_version) != (plan.from_version, plan.to_version):
        now = "to nowhere" if fresh is None else f"from v{fresh.from_version} to v{fresh.to_version}"
        raise RefusedError(
            f"a rollback of {plan.prompt_name}@{plan.alias} would now lead {now}, not from v{plan.from_version} to "
            f"v{plan.to_version}: nothing was moved; look again and decide anew"
        )
    moment = clock()
    draft = Draft(
        action=Action.ROLLBACK,
        prompt_name=plan.prompt_name,
        alias=plan.alias,
        from_version=plan.from_version,
        to_version=plan.to_version,
        timestamp=moment,
        actor=who,
        reason=why,
    )
    return move_alias(store, draft, moment)
