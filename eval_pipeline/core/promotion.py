"""Whether the evidence lets a prompt version go live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from eval_pipeline.core.models import TrendPoint
from eval_pipeline.core.moves import GateStatus, NewAlias, PromotionEvalCheck, PromotionGate
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.core.wording import some

DATASET_PARAM = "dataset_version"
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class TypeEvidence:
    """The newest complete runs of one eval type that matter to a candidate, read from the store itself."""

    eval_type: str
    newest: TrendPoint | None
    """Of any version, and of runs that name no prompt."""
    of_prompt: TrendPoint | None
    """That names the candidate's prompt, in any version."""
    of_candidate: TrendPoint | None
    of_live: TrendPoint | None
    """Of the version that the target alias points to."""


@dataclass(frozen=True, slots=True)
class GateRules:
    """A team's settings of the gate."""

    latest: bool = False
    """Take the newest complete run of any version as evidence."""
    required: frozenset[str] = frozenset()
    """Eval types that block without data."""
    max_age: timedelta | None = None
    """Older evidence is warned of."""
    min_cases: int | None = None
    """Evidence of fewer cases is warned of."""
    block_on: frozenset[str] = frozenset()
    """Of the warnings `age`, `dataset_version` and `min_cases`, those that block."""


@dataclass(frozen=True, slots=True)
class _Concern:
    kind: str
    text: str


def check_promotion_gate(
    prompt_name: str,
    candidate: int,
    evidence: Sequence[TypeEvidence],
    thresholds: Mapping[str, float],
    rules: GateRules,
    *,
    live_prompts: Mapping[str, int],
    now: datetime,
) -> PromotionGate:
    """Decide on a candidate. `thresholds` are today's (0..1, per type), `live_prompts` what the target alias points to.

    Allowed only if a check passes, none fails or is stale, no required type lacks data, and, unless the rules take the
    latest runs, at least one passing run evaluated the candidate itself.
    """
    checks = [_check(prompt_name, candidate, each, thresholds[each.eval_type], rules) for each in evidence]
    checks.sort(key=_worst_first)
    runs = {each.eval_type: _chosen(each, rules) for each in evidence}
    concerns = [
        *_unused(prompt_name, checks, runs, rules),
        *_skipped(checks),
        *_other_prompts(prompt_name, runs, live_prompts),
        *_weak_evidence(evidence, runs, rules, now),
    ]
    obstacles = [f"{check.eval_type}: {check.reason}" for check in checks if check.blocks]
    if not any(check.passed for check in checks):
        obstacles.append("no eval type passes")
    elif not rules.latest and not any(check.passed and check.of_candidate for check in checks):
        obstacles.append(f"no passing run evaluated {prompt_name} v{candidate}")
    obstacles += [concern.text for concern in concerns if concern.kind in rules.block_on]
    warnings = [concern.text for concern in concerns if concern.kind not in rules.block_on]
    return PromotionGate(prompt_name, candidate, tuple(checks), tuple(obstacles), tuple(warnings))


def find_new_alias(prompt_name: str, alias: str, prompts: Mapping[str, Mapping[str, int]]) -> NewAlias | None:
    """The target alias, if a promotion would make it and it looks unintended; `prompts` have their aliases by name.

    Nothing is said of an alias that this prompt has, nor of one that others have and that resembles none of its own.
    """
    own = prompts.get(prompt_name, {})
    others = {each for aliases in prompts.values() for each in aliases} - {alias}
    if alias in own:
        return None
    like = get_close_matches(alias, sorted(own), n=1) or get_close_matches(alias, sorted(others), n=1)
    elsewhere = any(alias in aliases for aliases in prompts.values())
    if elsewhere and not (like and like[0] in own):
        return None
    return NewAlias(alias, like[0] if like else None)


def _chosen(evidence: TypeEvidence, rules: GateRules) -> TrendPoint | None:
    """The run that counts, if any."""
    if rules.latest:
        return evidence.newest
    if evidence.of_candidate is not None:
        return evidence.of_candidate
    return None if evidence.of_prompt is not None else evidence.newest


def _check(
    prompt_name: str, candidate: int, evidence: TypeEvidence, threshold: float, rules: GateRules
) -> PromotionEvalCheck:
    name, run = evidence.eval_type, _chosen(evidence, rules)
    if run is None and evidence.newest is None:
        required = name in rules.required
        reason = "no complete run, and it is required" if required else "no complete run"
        return PromotionEvalCheck(name, GateStatus.NO_DATA, reason, threshold, blocks=required)
    if run is None or run.pass_rate is None:
        reason = f"complete runs, but none of {prompt_name} v{candidate}"
        return PromotionEvalCheck(name, GateStatus.STALE, reason, threshold, blocks=True)
    status, reason = GateStatus.PASS, "meets its threshold"
    if percentage_points(run.pass_rate, threshold) < 0:
        status, reason = GateStatus.FAIL, "below its threshold"
    elif run.threshold_problem:
        status, reason = GateStatus.FAIL, run.threshold_problem
    return PromotionEvalCheck(
        eval_type=name,
        status=status,
        reason=reason,
        threshold=threshold,
        pass_rate=run.pass_rate,
        run_id=run.run_id,
        timestamp=run.timestamp,
        total_cases=run.total_cases,
        of_candidate=run is evidence.of_candidate or run.prompt_versions.get(prompt_name) == f"v{candidate}",
        blocks=status is GateStatus.FAIL,
    )


def _worst_first(check: PromotionEvalCheck) -> tuple[bool, float, str]:
    margin = 0.0 if check.pass_rate is None else percentage_points(check.pass_rate, check.threshold)
    return (not check.blocks, margin, check.eval_type)


def _unused(
    prompt_name: str, checks: Sequence[PromotionEvalCheck], runs: Mapping[str, TrendPoint | None], rules: GateRules
) -> Iterable[_Concern]:
    """Types whose evidence says nothing about the candidate."""
    silent = [name for name, run in runs.items() if run is not None and not run.prompt_versions]
    if silent:
        yield _Concern("unnamed", f"the evidence of {_few(silent)} names no prompt at all")
    other = [c.eval_type for c in checks if rules.latest and c.run_id and not c.of_candidate]
    if other:
        yield _Concern("latest", f"the evidence of {_few(other)} is of another version of {prompt_name} (latest)")


def _skipped(checks: Sequence[PromotionEvalCheck]) -> Iterable[_Concern]:
    skipped = [check.eval_type for check in checks if check.status is GateStatus.NO_DATA and not check.blocks]
    if skipped:
        yield _Concern("no_data", f"no complete run of {_few(skipped)}: skipped")


def _other_prompts(
    prompt_name: str, runs: Mapping[str, TrendPoint | None], live_prompts: Mapping[str, int]
) -> Iterable[_Concern]:
    """Prompts that the evidence was made with and that are not live in that version."""
    types: dict[tuple[str, str], list[str]] = {}
    for eval_type, run in runs.items():
        for name, version in run.prompt_versions.items() if run else ():
            if name != prompt_name and name in live_prompts and version != f"v{live_prompts[name]}":
                types.setdefault((name, version), []).append(eval_type)
    for (name, version), names in sorted(types.items()):
        yield _Concern("prompts", f"the evidence of {_few(names)} used {name} {version}, live is v{live_prompts[name]}")


def _weak_evidence(
    evidence: Sequence[TypeEvidence], runs: Mapping[str, TrendPoint | None], rules: GateRules, now: datetime
) -> Iterable[_Concern]:
    old, few, moved = [], [], []
    for each in evidence:
        run = runs[each.eval_type]
        if run is None:
            continue
        if rules.max_age is not None and (run.timestamp is None or now - run.timestamp > rules.max_age):
            old.append(each.eval_type)
        if rules.min_cases is not None and _too_few(run.total_cases, rules.min_cases, rules):
            few.append(each.eval_type)
        live = each.of_live.context.get(DATASET_PARAM) if each.of_live else None
        if live is not None and run.context.get(DATASET_PARAM) != live:
            moved.append(each.eval_type)
    if old and rules.max_age is not None:
        yield _Concern("age", f"the evidence of {_few(old)} is older than {rules.max_age / timedelta(days=1):g} days")
    if moved:
        yield _Concern("dataset_version", f"{_few(moved)}: evaluated on another dataset_version than what is live")
    if few:
        unknown = ", or does not say how many" if "min_cases" in rules.block_on else ""
        yield _Concern("min_cases", f"the evidence of {_few(few)} has fewer than {rules.min_cases} cases{unknown}")


def _too_few(cases: int | None, wanted: int, rules: GateRules) -> bool:
    """Whether evidence rests on too few cases. A run that does not say how many is only held back where that blocks."""
    return "min_cases" in rules.block_on if cases is None else cases < wanted


def _few(names: Sequence[str]) -> str:
    return some(names, MOST_NAMED)
