"""Letting a prompt version go live, on evidence."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eval_pipeline.actions.moving import move_alias
from eval_pipeline.actions.observe import nearest
from eval_pipeline.core.models import Action, PromotionGate, PromotionResult
from eval_pipeline.core.promotion import GateRules, TypeEvidence, check_promotion_gate
from eval_pipeline.errors import RefusedError, UsageError
from eval_pipeline.report.serialize import gate_snapshot
from eval_pipeline.settings import GateSettings
from eval_pipeline.store.aliases import list_prompts, list_versions, may_be_alias
from eval_pipeline.store.audit import Draft
from eval_pipeline.store.connection import Store
from eval_pipeline.store.evidence import read_evidence
from eval_pipeline.store.runs import get_eval_experiments

FROM_ALIAS, TO_ALIAS = "experiment", "production"
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


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

    @property
    def needless(self) -> bool:
        """Whether the candidate is live already."""
        return self.candidate == self.live


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
        UsageError: no such prompt, alias or version.
        StoreError: the store can't be read.
    """
    prompts = require_prompt(store, prompt_name)
    candidate = version if version is not None else prompts[prompt_name].get(from_alias)
    if candidate is None:
        known = sorted(prompts[prompt_name])
        hint = nearest(from_alias, known, "it has no alias")
        raise UsageError(f"{prompt_name} has no alias {from_alias!r}: {hint}; --version names a version without one")
    existing = list_versions(store, prompt_name)
    if candidate not in existing:
        raise UsageError(f"{prompt_name} has no v{candidate}: known are {_versions(existing)}")
    live = prompts[prompt_name].get(to_alias)
    if live is None and not may_be_alias(to_alias):
        raise UsageError(
            f"{to_alias!r} can't be an alias: letters, digits, - and _, but neither latest nor v1, v2, ..."
        )
    live_prompts = {name: aliases[to_alias] for name, aliases in prompts.items() if to_alias in aliases}
    gate = _ask_gate(store, prompt_name, candidate, live, live_prompts, clock())
    return Proposal(prompt_name, None if version is not None else from_alias, to_alias, candidate, live, gate)


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
    days = settings.max_evidence_age_days
    return GateRules(
        latest=settings.evidence == "latest",
        required=frozenset(settings.required),
        max_age=None if days is None else timedelta(days=days),
        min_cases=settings.min_cases,
        block_on=frozenset(settings.block_on),
    )


def execute_promotion(
    store: Store,
    proposal: Proposal,
    *,
    actor: str,
    reason: str = "",
    force: bool = False,
    dry_run: bool = False,
    clock: Clock = utc_now,
) -> PromotionResult:
    """Check everything again and, if the gate allows it or is overridden, move the alias and record it.

    What the person saw (`proposal`) only says what must still be true: the same candidate and the same live version.

    Raises:
        UsageError: no reason for a forced promotion, or no actor.
        RefusedError: things are no longer as they were seen, or somebody else is moving the alias.
        StoreError: the store failed; the message says what is known of the alias.
    """
    actor, reason = stated(actor), stated(reason)
    if not actor:
        raise UsageError("nobody is named as the actor: give --actor")
    if force and not reason:
        raise UsageError("a forced promotion needs a reason: give --reason")
    source = proposal.from_alias
    version = proposal.candidate if source is None else None
    fresh = propose_promotion(store, proposal.prompt_name, source or FROM_ALIAS, proposal.to_alias, version, clock)
    _refuse_changed(proposal, fresh)
    gate = fresh.gate
    if dry_run or fresh.needless or not (gate.allowed or force):
        return PromotionResult(gate, source, fresh.to_alias, fresh.live, None, dry_run)
    draft = Draft(
        action=Action.PROMOTE,
        prompt_name=fresh.prompt_name,
        alias=fresh.to_alias,
        from_version=fresh.live,
        to_version=fresh.candidate,
        timestamp=clock(),
        actor=actor,
        reason=reason,
        forced=not gate.allowed,
        justifying_run_ids=gate.justifying_run_ids,
        overridden=gate.obstacles,
        gate=gate_snapshot(gate),
        source_alias=source,
    )
    return PromotionResult(gate, source, fresh.to_alias, fresh.live, move_alias(store, draft, clock()))


def _refuse_changed(seen: Proposal, fresh: Proposal) -> None:
    for what, before, now in (
        (f"{seen.prompt_name}@{seen.from_alias}", seen.candidate, fresh.candidate),
        (f"{seen.prompt_name}@{seen.to_alias}", seen.live, fresh.live),
    ):
        if before != now:
            moved = f"now points at {_version(now)}, not at {_version(before)}"
            raise RefusedError(f"{what} {moved}: nothing was moved; look again and decide anew")


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


def system_user() -> str:
    """Who runs this process, by the operating system.

    Raises:
        UsageError: the system knows no name.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError) as problem:
        raise UsageError("the system has no name for this user: give --actor") from problem


def _version(version: int | None) -> str:
    return "no version" if version is None else f"v{version}"


def _versions(existing: list[int]) -> str:
    return ", ".join(f"v{version}" for version in existing[-10:]) or "none"
