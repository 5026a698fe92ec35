"""The gate's decision, as text for a terminal and as a sentence."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from eval_pipeline.core.moves import GateStatus, NewAlias, PromotionGate, PromotionResult
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.core.wording import some
from eval_pipeline.report import looks, numbers, shell
from eval_pipeline.report.terminal import INKS, RUN_ID, Style, plain, plain_table, render
from eval_pipeline.report.zones import Zone


def sentence(gate: PromotionGate) -> str:
    """Allowed or blocked, and why, in one sentence."""
    name = f"{gate.prompt_name} v{gate.candidate}"
    if gate.allowed:
        passed = sum(check.passed for check in gate.checks)
        return f"Allowed: {name} passes {numbers.counted(passed, 'eval type')} and fails none."
    return f"Blocked: {name}; {'; '.join(obstacles(gate))}."


def obstacles(gate: PromotionGate) -> list[str]:
    """What blocks, in few words: eval types with the same reason stand together."""
    types: dict[str, list[str]] = {}
    single = set()
    for check in gate.checks:
        if check.blocks:
            types.setdefault(check.reason, []).append(check.eval_type)
            single.add(f"{check.eval_type}: {check.reason}")
    grouped = [
        f"{some(names)}: {reason if len(names) == 1 else _PLURAL.get(reason, reason)}"
        for reason, names in types.items()
    ]
    return grouped + [obstacle for obstacle in gate.obstacles if obstacle not in single]


_PLURAL = {
    "below its threshold": "below their thresholds",
    "no complete run, and it is required": "no complete run, and they are required",
}


def advice(gate: PromotionGate) -> str | None:
    """What to do next about stale evidence: the command that makes it."""
    stale = [check.eval_type for check in gate.checks if check.status is GateStatus.STALE]
    if not stale:
        return None
    return shell.run_evals(stale, gate.prompt_name, gate.candidate)


def new_alias(found: NewAlias, *, made: bool = False) -> str:
    """That the target alias is new, and what else may have been meant. `made`: the promotion has made it."""
    said = f"{found.name} did not exist: it was made" if made else f"{found.name} does not exist yet: it will be made"
    return said if found.like is None else f"{said}; did you mean {found.like}?"


def text(result: PromotionResult, live: int | None, style: Style, *, closing: bool = True) -> str:
    """The checks as a table, the warnings, the decision, and, if `closing`, what was done."""
    gate = result.gate
    change = numbers.version_change(live, gate.candidate)
    parts: list[RenderableType] = [plain(f"{gate.prompt_name}@{result.to_alias}: {change}"), Text("")]
    parts += [_table(gate, style.zone), Text("")] if gate.checks else []
    parts += [plain(f"Warning: {warning}") for warning in gate.warnings]
    if result.new_alias is not None:
        parts.append(plain(f"Note: {new_alias(result.new_alias, made=result.promoted)}"))
    parts.append(plain(sentence(gate)))
    if (next_step := advice(gate)) is not None:
        parts += [Text("To make the missing evidence:"), Padding(plain(next_step), (0, 0, 0, 2))]
    closed = [plain(line) for line in _outcome(result, live).splitlines()] if closing else []
    return render([*parts, *closed], style)


def _table(gate: PromotionGate, zone: Zone) -> RenderableType:
    at = zone.heading("Evidence")
    table = plain_table("Eval type", "Gate", ">Pass rate", ">Threshold", ">Margin", ">Cases", at, "Run")
    for check in gate.checks:
        look = looks.GATE[check.status.value]
        margin = None if check.pass_rate is None else percentage_points(check.pass_rate, check.threshold)
        table.add_row(
            plain(check.eval_type),
            Text(f"{look.glyph} {check.status.value}", INKS[look.badge]),
            Text(numbers.rate_against(check.pass_rate, check.threshold)),
            Text(numbers.threshold(check.threshold)),
            Text(numbers.points(margin)),
            Text(numbers.count(check.total_cases)),
            Text(zone.cell(check.timestamp)),
            Text((check.run_id or "")[:RUN_ID]),
        )
    return table


def _outcome(result: PromotionResult, live: int | None) -> str:
    gate = result.gate
    name = f"{gate.prompt_name}@{result.to_alias}"
    if result.record is not None:
        forced = " against the gate" if result.forced else ""
        note = f" Note: {result.record.outcome}." if result.record.outcome else ""
        undo = "" if live is None else f" To undo: {shell.rollback(gate.prompt_name, result.to_alias)}"
        return f"Promoted{forced}: {name} points at v{gate.candidate}, record {result.record.id}.{note}{undo}"
    if gate.candidate == live:
        return f"Nothing to do: {name} points at v{gate.candidate} already."
    if result.dry_run:
        ask = shell.request(gate.prompt_name, gate.candidate, result.to_alias) + ("" if gate.allowed else " --force")
        needed = numbers.counted(result.approvals, "approval")
        protected = f"{result.to_alias} is protected: {needed} needed, ask with {ask}\n" if result.approvals else ""
        return f"{protected}Dry run: nothing was written."
    return f"Nothing was moved: {name} stays at {numbers.version(live)}."
