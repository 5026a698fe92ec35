"""Whether a run is worse than the one before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_pipeline.core.models import (
    CheckResult,
    ContextChange,
    PromptChange,
    RegressionReport,
    TrendPoint,
    Unjudged,
    Verdict,
)
from eval_pipeline.errors import UsageError

WARNING_DROP_PP = 10.0
"""A drop of this many percentage points is a warning even while the threshold is met."""

FIRST_RUN = "starting from its first run"
NO_DATA = "no data"


def percentage_points(rate: float, reference: float) -> float:
    """How far `rate` lies above `reference`, both 0..1, in percentage points free of binary noise."""
    return round((rate - reference) * 100, 6) + 0.0


def decide_verdict(current: float, baseline: float, threshold: float) -> Verdict:
    """The verdict on a current pass rate; all three are rates 0..1. Exactly on the threshold meets it."""
    delta_pp = percentage_points(current, baseline)
    if percentage_points(current, threshold) < 0:
        return Verdict.REGRESSION
    if delta_pp <= -WARNING_DROP_PP:
        return Verdict.WARNING
    if delta_pp > 0:
        return Verdict.IMPROVED
    return Verdict.PASS


def get_baseline_run(points: Sequence[TrendPoint], current: TrendPoint) -> TrendPoint | None:
    """The newest complete run of the type before the current one. `points` are oldest first and hold `current`."""
    before = points[: [point.run_id for point in points].index(current.run_id)]
    return next((point for point in reversed(before) if point.complete), None)


def changed_prompts(before: Mapping[str, str], current: TrendPoint) -> tuple[PromptChange, ...]:
    """Prompts whose version differs; one that only one side names is no change. By prompt name."""
    return tuple(
        PromptChange(current.timestamp, current.run_id, name, before[name], version)
        for name, version in sorted(current.prompt_versions.items())
        if name in before and before[name] != version
    )


def changed_context(baseline: TrendPoint, current: TrendPoint) -> tuple[ContextChange, ...]:
    """Context params that differ, or that only one of the two runs names. By name."""
    names = sorted({*baseline.context, *current.context})
    pairs = ((name, baseline.context.get(name), current.context.get(name)) for name in names)
    return tuple(ContextChange(name, old, new) for name, old, new in pairs if old != new)


def compare_runs(baseline: TrendPoint, current: TrendPoint, default_threshold: float) -> RegressionReport:
    """Judge `current` against `baseline`, by the threshold of the current run or else `default_threshold` (0..1).

    Raises:
        UsageError: one of the runs is not complete, so its rate proves nothing.
    """
    threshold = default_threshold if current.threshold is None else current.threshold
    new, old = _complete_rate(current), _complete_rate(baseline)
    return RegressionReport(
        eval_type=current.eval_type,
        baseline_run_id=baseline.run_id,
        current_run_id=current.run_id,
        baseline_pass_rate=old,
        current_pass_rate=new,
        delta_pp=percentage_points(new, old),
        threshold=threshold,
        verdict=decide_verdict(new, old, threshold),
        changed_prompts=changed_prompts(baseline.prompt_versions, current),
        baseline_timestamp=baseline.timestamp,
        current_timestamp=current.timestamp,
        context_changes=changed_context(baseline, current),
        notes=current.notes,
        baseline_counts=baseline.counts,
        current_counts=current.counts,
    )


def judge_history(points: Sequence[TrendPoint], default_threshold: float) -> list[RegressionReport | None]:
    """Each run against the complete one before it; `None` where the run or its baseline is missing. Oldest first."""
    reports: list[RegressionReport | None] = []
    baseline: TrendPoint | None = None
    for point in points:
        judged = point.complete and baseline is not None
        reports.append(compare_runs(baseline, point, default_threshold) if judged and baseline is not None else None)
        baseline = point if point.complete else baseline
    return reports


def check_regression(
    eval_type: str, points: Sequence[TrendPoint], default_threshold: float, current: TrendPoint | None = None
) -> RegressionReport | Unjudged:
    """Judge the current run of one type: `current`, or else its newest complete run. `points` are oldest first.

    Raises:
        UsageError: the run that was asked for is not complete.
    """
    current = current or next((point for point in reversed(points) if point.complete), None)
    if current is None:
        runs = "1 run, not" if len(points) == 1 else f"{len(points)} runs, none"
        return Unjudged(eval_type, f"{NO_DATA} ({runs} complete)" if points else NO_DATA)
    _complete_rate(current)
    baseline = get_baseline_run(points, current)
    return compare_runs(baseline, current, default_threshold) if baseline else Unjudged(eval_type, FIRST_RUN)


def check_all_regressions(
    histories: Mapping[str, Sequence[TrendPoint]], thresholds: Mapping[str, float]
) -> CheckResult:
    """Judge the newest complete run of every type. Histories are oldest first; `thresholds` holds today's, per type."""
    answers = [check_regression(name, points, thresholds[name]) for name, points in sorted(histories.items())]
    return CheckResult(
        tuple(answer for answer in answers if isinstance(answer, RegressionReport)),
        tuple(answer for answer in answers if isinstance(answer, Unjudged)),
    )


def _complete_rate(point: TrendPoint) -> float:
    if not point.complete or point.pass_rate is None:
        reason = f" ({point.status_reason})" if point.status_reason else ""
        raise UsageError(
            f"run {point.run_id} of {point.eval_type} is {point.eval_status}{reason}: only complete runs compare"
        )
    return point.pass_rate
