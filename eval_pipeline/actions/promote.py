"""Letting a prompt version go live, on evidence."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.actions.moving import Take, move_alias, refuse_other
from eval_pipeline.actions.observe import nearest
from eval_pipeline.actions.protecting import approvals_needed, refuse_unapproved
from eval_pipeline.core.moves import Action, ApprovedRequest, NewAlias, PromotionGate, PromotionResult
from eval_pipeline.core.people import Deed, Person, refuse_unless
from eval_pipeline.core.promotion import GateRules, TypeEvidence, check_promotion_gate, find_new_alias
from eval_pipeline.errors import UsageError
from eval_pipeline.report import numbers
from eval_pipeline.report.serialize import gate_snapshot
from eval_pipeline.settings import GateSettings
from eval_pipeline.store.aliases import list_prompts, list_versions, may_be_alias
from eval_pipeline.store.audit import Draft
from eval_pipeline.store.connection import Store
from eval_pipeline.store.evidence import read_evidence
from eval_pipeline.store.runs import get_eval_experiments

FROM_ALIAS, TO_ALIAS = "experiment", "production"


class NotSaidError(UsageError):
    """The person has yet to say something: the `actor`, the `reason` or the `version`. Each face knows where."""

    def __init__(self, what: Literal["actor", "reason", "version"], message: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a promotion would do, as the store is now."""

    prompt_name: str
    from_alias: str | None
    """`None` if the version was named."""
    to_alias: str
    candidate: int
    live: int | None
    """What the target alias points to; `None` if there is no such alias yet."""
    gate: PromotionGate
    new_alias: NewAlias | None = None
    """The target alias, if it would be new."""

    @property
    def needless(self) -> bool:
        """Whether the candidate is live already."""
        return self.candidate == self.live


@dataclass(frozen=True, slots=True)
class Warrant:
    """What lets a protected alias move."""

    request: ApprovedRequest
    take: Take
    """Uses the request up for one record, or refuses because somebody has."""


def propose_promotion(
    store: Store,
    prompt_name: str,
    from_alias: str = FROM_ALIAS,
    to_alias: str = TO_ALIAS,
    version: int | None = None,
    clock: Clock = utc_now,
) -> Proposal:
    """Read everything anew and ask the gate; nothing is written.

    Raises:
        UsageError: no such prompt, alias or version, or a name that can't be an alias.
        StoreError: the store can't be read.
    """
    prompts = require_prompt(store, prompt_name)
    candidate = version if version is not None else prompts[prompt_name].get(from_alias)
    if candidate is None:
        known = sorted(prompts[prompt_name])
        hint = nearest(from_alias, known, "it has no alias")
        raise NotSaidError("version", f"{prompt_name} has no alias {from_alias!r}: {hint}")
    existing = list_versions(store, prompt_name)
    if candidate not in existing:
        raise UsageError(f"{prompt_name} has no v{candidate}: known are {numbers.versions(existing)}")
    live = prompts[prompt_name].get(to_alias)
    if live is None and not may_be_alias(to_alias):
        raise UsageError(
            f"{to_alias!r} can't be an alias: letters, digits, - and _, but neither latest nor v1, v2, ..."
        )
    live_prompts = {name: aliases[to_alias] for name, aliases in prompts.items() if to_alias in aliases}
    gate = _ask_gate(store, prompt_name, candidate, live, live_prompts, clock())
    source = None if version is not None else from_alias
    new = find_new_alias(prompt_name, to_alias, prompts)
    return Proposal(prompt_name, source, to_alias, candidate, live, gate, new)


def _ask_gate(
    store: Store, prompt_name: str, candidate: int, live: int | None, live_prompts: dict[str, int], now: datetime
) -> PromotionGate:
    experiments = get_eval_experiments(store)
    evidence = [read_evidence(store, each, prompt_name, candidate, live) for each in experiments]
    known = {each.eval_type for each in experiments}
    missing = [name for name in store.settings.gate.required if name not in known]
    evidence += [TypeEvidence(name, None, None, None, None) for name in missing]
    thresholds = {each.eval_type: store.settings.threshold(each.eval_type) for each in evidence}
    rules = gate_rules(store.settings.gate)
    return check_promotion_gate(prompt_name, candidate, evidence, thresholds, rules, live_prompts=live_prompts, now=now)


def gate_rules(settings: GateSettings) -> GateRules:
    """The settings as the gate takes them."""
    days, cases = settings.max_evidence_age_days, settings.min_cases
    return GateRules(
        latest=settings.evidence == "latest",
        required=frozenset(settings.required),
        max_age=timedelta(days=days) if days else None,
        min_cases=cases or None,
        block_on=frozenset(settings.block_on),
    )


def execute_promotion(
    store: Store,
    proposal: Proposal,
    *,
    actor: Person,
    reason: str = "",
    force: bool = False,
    dry_run: bool = False,
    warrant: Warrant | None = None,
    clock: Clock = utc_now,
) -> PromotionResult:
    """Check everything again and, if the gate allows it or is overridden, move the alias and record it.

    What the person saw (`proposal`) only says what must still be true: the same candidate and the same live version.

    Raises:
        NotSaidError: no reason for a forced promotion, or no actor.
        RefusedError: the actor's role is not enough (a dry run needs none), the alias is protected and there is no
            warrant, things are no longer as they were seen, or somebody else is moving the alias.
        StoreError: the store failed; the message says what is known of the alias.
    """
    if not dry_run:
        refuse_unless(actor, Deed.FORCE if force else Deed.PROMOTE)
    who, why = who_and_why(actor, reason, "a forced promotion" if force else None)
    source = proposal.from_alias
    version = proposal.candidate if source is None else None
    fresh = propose_promotion(store, proposal.prompt_name, source or FROM_ALIAS, proposal.to_alias, version, clock)
    if source is not None:
        refuse_other(fresh.prompt_name, source, proposal.candidate, fresh.candidate)
    refuse_other(fresh.prompt_name, fresh.to_alias, proposal.live, fresh.live)
    if warrant is None and not (dry_run or fresh.needless):
        refuse_unapproved(store.settings, fresh.prompt_name, fresh.candidate, fresh.to_alias)
    gate, needed = fresh.gate, approvals_needed(store.settings, fresh.to_alias)
    if dry_run or fresh.needless or not (gate.allowed or force):
        return PromotionResult(gate, source, fresh.to_alias, fresh.live, None, dry_run, fresh.new_alias, needed)
    draft = _draft(fresh, who, why, clock(), warrant.request if warrant else None)
    record = move_alias(store, draft, clock(), warrant.take if warrant else None)
    return PromotionResult(gate, source, fresh.to_alias, fresh.live, record, False, fresh.new_alias, needed)


def _draft(proposal: Proposal, actor: str, reason: str, moment: datetime, request: ApprovedRequest | None) -> Draft:
    gate = proposal.gate
    return Draft(
        action=Action.PROMOTE,
        prompt_name=proposal.prompt_name,
        alias=proposal.to_alias,
        from_version=proposal.live,
        to_version=proposal.candidate,
        timestamp=moment,
        actor=actor,
        reason=reason,
        forced=not gate.allowed,
        justifying_run_ids=gate.justifying_run_ids,
        overridden=gate.obstacles,
        gate=gate_snapshot(gate),
        source_alias=proposal.from_alias,
        request=request,
    )


def require_prompt(store: Store, prompt_name: str) -> dict[str, dict[str, int]]:
    """Every prompt with its aliases, once this one is known to be among them.

    Raises:
        UsageError: there is no such prompt.
    """
    prompts = list_prompts(store)
    if prompt_name not in prompts:
        hint = nearest(prompt_name, list(prompts), "the registry has none")
        raise UsageError(f"there is no prompt {prompt_name!r}: {hint}")
    return prompts


def stated(text: str) -> str:
    """Text as every store takes it: trimmed, lone surrogates as `\\udcff` and NUL as `\\x00`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00").strip()


def who_and_why(person: Person, reason: str, needing: str | None) -> tuple[str, str]:
    """The actor and the reason as they are recorded. `needing`: the action, if it needs a reason.

    Raises:
        NotSaidError: nobody is named, or the reason is missing.
    """
    actor, reason = stated(person.name), stated(reason)
    if not actor:
        raise NotSaidError("actor", "nobody is named as the actor")
    if needing and not reason:
        raise NotSaidError("reason", f"{needing} needs a reason")
    return actor, reason


def system_user() -> str:
    """Who runs this process, by the operating system.

    Raises:
        NotSaidError: the system knows no name.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError) as problem:
        raise NotSaidError("actor", "the system has no name for this user") from problem
