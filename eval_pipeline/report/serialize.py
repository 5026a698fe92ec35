"""Answers as JSON values. Fields may be added, never renamed or removed: other people's scripts read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from eval_pipeline.core.audit import Finding
from eval_pipeline.core.models import (
    ContextChange,
    PromptChange,
    PromptEvent,
    RegressionReport,
    TrendPoint,
    TrendSummary,
)
from eval_pipeline.core.moves import (
    Action,
    ApprovedRequest,
    AuditRecord,
    PromotionEvalCheck,
    PromotionGate,
    PromotionResult,
    RollbackPlan,
)
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.core.trend_tests import LevelShift, TrendTest, level_shift, monotone_trend
from eval_pipeline.report.serialize_evidence import significance


def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, as in `2026-11-02T14:03:00.123Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def trend_summary(summary: TrendSummary) -> dict[str, Any]:
    """One entry of `trend`."""
    return {
        "eval_type": summary.eval_type,
        "experiment_name": summary.experiment_name,
        "points": [trend_point(point) for point in summary.points],
        "latest_pass_rate": summary.latest_pass_rate,
        "trend_direction": summary.trend_direction.value,
        "prompt_changes": [prompt_change(change) for change in summary.prompt_changes],
        "events": [prompt_event(event) for event in summary.events],
        "trend_test": trend_test(monotone_trend(summary.points)),
        "hint": hint(level_shift(summary.points, summary.prompt_changes)),
    }


def trend_test(found: TrendTest) -> dict[str, Any]:
    """Whether the complete runs that are shown rise or fall steadily; `direction` is null if chance does that too."""
    return {"runs": found.runs, "tau": found.tau, "p": found.p, "direction": found.direction}


def hint(found: LevelShift | None) -> dict[str, Any] | None:
    """The prompt change that best explains a shift of the level of the runs that are shown; null if none does."""
    if found is None:
        return None
    return {
        "run_id": found.run_id,
        "timestamp": timestamp(found.timestamp),
        "prompt_changes": [prompt_change(change) for change in found.changes],
        "mean_before": found.before,
        "mean_after": found.after,
        "shift_pp": percentage_points(found.after, found.before),
        "p": found.p,
        "p_adjusted": found.p_adjusted,
        "candidates": found.candidates,
        "sentence": found.sentence,
    }


def trend_point(point: TrendPoint) -> dict[str, Any]:
    """One run of `trend`."""
    return {
        "run_id": point.run_id,
        "timestamp": timestamp(point.timestamp),
        "experiment_name": point.experiment_name,
        "eval_type": point.eval_type,
        "pass_rate": point.pass_rate,
        "average_score": point.average_score,
        "total_cases": point.total_cases,
        "error_cases": point.error_cases,
        "prompt_versions": dict(point.prompt_versions),
        "eval_status": point.eval_status.value,
        "status_reason": point.status_reason,
        "threshold": point.threshold,
        "context": dict(point.context),
        "notes": list(point.notes),
        "suite_run_id": point.suite_run_id,
    }


def prompt_change(change: PromptChange) -> dict[str, Any]:
    """One prompt that changed between two runs."""
    return {
        "timestamp": timestamp(change.timestamp),
        "run_id": change.run_id,
        "prompt_name": change.prompt_name,
        "from_version": change.from_version,
        "to_version": change.to_version,
    }


def prompt_event(event: PromptEvent) -> dict[str, Any]:
    """One promotion or rollback."""
    return {
        "timestamp": timestamp(event.timestamp),
        "action": event.action,
        "prompt_name": event.prompt_name,
        "from_version": event.from_version,
        "to_version": event.to_version,
        "actor": event.actor,
        "alias": event.alias,
    }


def regression_report(report: RegressionReport) -> dict[str, Any]:
    """One entry of `check`."""
    return {
        "eval_type": report.eval_type,
        "baseline_run_id": report.baseline_run_id,
        "current_run_id": report.current_run_id,
        "baseline_pass_rate": report.baseline_pass_rate,
        "current_pass_rate": report.current_pass_rate,
        "delta_pp": report.delta_pp,
        "threshold": report.threshold,
        "verdict": report.verdict.value,
        "changed_prompts": [prompt_change(change) for change in report.changed_prompts],
        "baseline_timestamp": timestamp(report.baseline_timestamp),
        "current_timestamp": timestamp(report.current_timestamp),
        "context_changes": [context_change(change) for change in report.context_changes],
        "notes": list(report.notes),
        "evidence": significance(report.evidence) if report.evidence else None,
    }


def context_change(change: ContextChange) -> dict[str, Any]:
    """One param other than a prompt that differs; null where a run does not name it."""
    return {"name": change.name, "before": change.before, "after": change.after}


def promotion_result(result: PromotionResult) -> dict[str, Any]:
    """The answer of `promote`. Versions are integers here."""
    gate = result.gate
    return {
        "allowed": gate.allowed,
        "promoted": result.promoted,
        "forced": result.forced,
        "prompt_name": gate.prompt_name,
        "from_alias": result.from_alias,
        "to_alias": result.to_alias,
        "new_alias": result.new_alias is not None,
        "version": gate.candidate,
        "from_version": result.from_version,
        "eval_results": [gate_check(check) for check in gate.checks],
        "blocking_evals": list(gate.blocking_evals),
        "obstacles": list(gate.obstacles),
        "warnings": list(gate.warnings),
        "justifying_run_ids": list(gate.justifying_run_ids),
        "audit_id": result.record.id if result.record else None,
        "dry_run": result.dry_run,
        "approvals_needed": result.approvals,
    }


def gate_check(check: PromotionEvalCheck) -> dict[str, Any]:
    """One eval type at the gate."""
    return {
        "eval_type": check.eval_type,
        "pass_rate": check.pass_rate,
        "threshold": check.threshold,
        "status": check.status.value,
        "passed": check.passed,
        "run_id": check.run_id,
        "reason": check.reason,
        "timestamp": timestamp(check.timestamp),
        "total_cases": check.total_cases,
        "of_candidate": check.of_candidate,
        "blocks": check.blocks,
    }


def gate_snapshot(gate: PromotionGate) -> dict[str, Any]:
    """The gate as it was when it decided, for the audit record."""
    return {
        "allowed": gate.allowed,
        "checks": [gate_check(check) for check in gate.checks],
        "obstacles": list(gate.obstacles),
        "warnings": list(gate.warnings),
    }


def rollback_plan(plan: RollbackPlan) -> dict[str, Any]:
    """What `rollback --dry-run` would do."""
    return {
        "action": Action.ROLLBACK.value,
        "prompt_name": plan.prompt_name,
        "alias": plan.alias,
        "from_version": plan.from_version,
        "to_version": plan.to_version,
        "why": plan.why,
        "notes": list(plan.notes),
        "dry_run": True,
    }


def audit_record(record: AuditRecord) -> dict[str, Any]:
    """One row of `audit log`, and the answer of `rollback`. Versions are integers."""
    return {
        "id": record.id,
        "sequence": record.sequence,
        "action": record.action.value,
        "prompt_name": record.prompt_name,
        "alias": record.alias,
        "from_version": record.from_version,
        "to_version": record.to_version,
        "timestamp": timestamp(record.timestamp),
        "actor": record.actor,
        "reason": record.reason,
        "forced": record.forced,
        "overridden": list(record.overridden),
        "justifying_run_ids": list(record.justifying_run_ids),
        "status": record.status.value,
        "outcome": record.outcome,
        "request": approved_request(record.request) if record.request else None,
    }


def approved_request(request: ApprovedRequest) -> dict[str, Any]:
    """The request behind a promotion to a protected alias."""
    return {"id": request.id, "requester": request.requester, "approvers": list(request.approvers)}


def finding(found: Finding) -> dict[str, Any]:
    """One row of `audit verify`."""
    return {"kind": found.kind, "sequence": found.sequence, "id": found.record_id, "text": found.text}
