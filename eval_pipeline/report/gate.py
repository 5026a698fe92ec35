"""The gate's decision, as text for a terminal and as a sentence."""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from eval_pipeline.core.models import GateStatus, PromotionGate, PromotionResult
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.report import looks, numbers
from eval_pipeline.report.terminal import INKS, RUN_ID, Style, plain, plain_table, render


def sentence(gate: PromotionGate) -> str:
    """Allowed or blocked, and why, in one sentence."""
    name = f"{gate.prompt_name} v{gate.candidate}"
    if gate.allowed:
        passed = sum(check.passed for check in gate.checks)
        return f"Allowed: {name} passes {numbers.counted(passed, 'eval type')} and fails none."
    return f"Blocked: {name}; {'; '.join(gate.obstacles)}."


def advice(gate: PromotionGate) -> str | None:
    """What to do next about stale evidence: the command that makes it."""
    stale = [check.eval_type for check in gate.checks if check.status is GateStatus.STALE]
    if not stale:
        return None
    types = " ".join(f"--eval-type {name}" for name in stale)
    return f"eval-pipeline run-evals {types} --prompt {gate.prompt_name}={gate.candidate}"


def text(result: PromotionResult, live: int | None, style: Style) -> str:
    """The checks as a table, the warnings, the decision, and what was done."""
    gate = result.gate
    change = numbers.version_change(None if live is None else f"v{live}", f"v{gate.candidate}")
    parts: list[RenderableType] = [plain(f"{gate.prompt_name}@{result.to_alias}: {change}"), Text("")]
    parts += [_table(gate), Text("")] if gate.checks else []
    parts += [plain(f"Warning: {warning}") for warning in gate.warnings]
    parts.append(plain(sentence(gate)))
    if (next_step := advice(gate)) is not None:
        parts += [Text("To make the missing evidence:"), Padding(plain(next_step), (0, 0, 0, 2))]
    return render([*parts, plain(_outcome(result, live))], style)


def _table(gate: PromotionGate) -> RenderableType:
    table = plain_table("Eval type", "Gate", ">Pass rate", ">Threshold", ">Margin", ">Cases", "Evidence (UTC)", "Run")
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
            Text(numbers.when(check.timestamp).removesuffix(" UTC")),
            Text((check.run_id or "")[:RUN_ID]),
        )
    return table


def _outcome(result: PromotionResult, live: int | None) -> str:
    gate = result.gate
    name = f"{gate.prompt_name}@{result.to_alias}"
    if result.record is not None:
        forced = " against the gate" if result.forced else ""
        note = f" Note: {result.record.outcome}." if result.record.outcome else ""
        undo = f"eval-pipeline rollback {gate.prompt_name} --alias {result.to_alias} --reason '...'"
        return f"Promoted{forced}: {name} points at v{gate.candidate}, record {result.record.id}.{note} To undo: {undo}"
    if gate.candidate == live:
        return f"Nothing to do: {name} points at v{gate.candidate} already."
    if result.dry_run:
        return "Dry run: nothing was written."
    return f"Nothing was moved: {name} stays at {'no version' if live is None else f'v{live}'}."
