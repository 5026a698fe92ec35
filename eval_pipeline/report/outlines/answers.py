"""The outlines of the answers of `check`, `promote` and `run-evals`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval_pipeline.core.models import CheckResult, RegressionReport, Verdict
from eval_pipeline.core.moves import GateStatus, PromotionEvalCheck, PromotionResult
from eval_pipeline.core.suite_runs import SuiteResult, TypeResult, TypeState
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.report import gate as gate_words
from eval_pipeline.report import numbers
from eval_pipeline.report.outlines.outline import Failing, Outcome, Outline, Row
from eval_pipeline.report.terminal import count_verdicts

MOST_FAILING = 10
"""Failing cases that are named for each eval type."""
Cases = Mapping[str, Sequence[CaseResult] | None]
"""By run id; a run that is not here, or has none, names no failing cases."""

VERDICTS = {
    Verdict.REGRESSION: Outcome.BAD,
    Verdict.WARNING: Outcome.WARNING,
    Verdict.PASS: Outcome.FINE,
    Verdict.IMPROVED: Outcome.FINE,
}
STATES = {TypeState.PASS: Outcome.FINE, TypeState.FAIL: Outcome.BAD}


def outline_of_check(result: CheckResult, cases: Cases, *, strict: bool = False) -> Outline:
    """What `check` found. `strict`: a REGRESSION counts as bad only if its drop is significant."""
    reports = sorted(result.reports, key=lambda report: (list(Verdict).index(report.verdict), report.delta_pp))
    rows = [_report_row(report, cases, strict=strict) for report in reports]
    rows += [Row(each.eval_type, Outcome.SKIPPED, "no verdict", ("",) * 5, each.reason) for each in result.unjudged]
    changes = (change for report in reports for change in report.changed_prompts)
    changed = {numbers.prompt_change(each.prompt_name, each.from_version, each.to_version) for each in changes}
    return Outline(
        title="Eval regressions",
        fine=all(row.outcome is not Outcome.BAD for row in rows),
        sentence=count_verdicts(result),
        columns=("Baseline", "Current", "Change", "Threshold", "Evidence"),
        rows=tuple(rows),
        notes=tuple(f"Changed prompt: {change}" for change in sorted(changed)),
    )


def _report_row(report: RegressionReport, cases: Cases, *, strict: bool) -> Row:
    outcome = VERDICTS[report.verdict]
    if strict and outcome is Outcome.BAD and not (report.evidence and report.evidence.fell):
        outcome = Outcome.WARNING
    loud = report.verdict in {Verdict.REGRESSION, Verdict.WARNING}
    failing = _failing(cases.get(report.current_run_id), cases.get(report.baseline_run_id)) if loud else []
    return Row(
        name=report.eval_type,
        outcome=outcome,
        word=report.verdict.value,
        cells=(
            numbers.rate(report.baseline_pass_rate),
            numbers.rate_against(report.current_pass_rate, report.threshold),
            numbers.delta_pp(report.delta_pp),
            numbers.threshold(report.threshold),
            numbers.evidence(report.evidence),
        ),
        why=report.evidence.sentence if loud and report.evidence else None,
        failing=tuple(failing[:MOST_FAILING]),
        more_failing=max(0, len(failing) - MOST_FAILING),
    )


def _failing(current: Sequence[CaseResult] | None, baseline: Sequence[CaseResult] | None) -> list[Failing]:
    """The cases that fail and passed before; where none did, all that fail."""
    failed = [case for case in current or () if case.passed is False]
    passed = {case.case_id for case in baseline or () if case.passed}
    broken = [case for case in failed if case.case_id in passed] or failed
    return [
        Failing(
            case.case_id,
            case.input if isinstance(case.input, str) else " / ".join(case.input),
            case.expected,
            case.output,
            case.reason,
        )
        for case in {case.case_id: case for case in broken}.values()
    ]


def outline_of_promotion(result: PromotionResult) -> Outline:
    """What `promote` decided, eval type by eval type."""
    gate = result.gate
    done = f"promoted to {result.to_alias}" if result.promoted else "not promoted"
    return Outline(
        title=f"Promotion of {gate.prompt_name} v{gate.candidate}: {done}",
        fine=result.promoted or gate.allowed,
        sentence=gate_words.sentence(gate),
        columns=("Pass rate", "Threshold"),
        rows=tuple(_gate_row(check) for check in gate.checks),
        notes=gate.warnings,
    )


def _gate_row(check: PromotionEvalCheck) -> Row:
    free = Outcome.SKIPPED if check.status is GateStatus.NO_DATA else Outcome.WARNING
    outcome = Outcome.FINE if check.passed and not check.blocks else Outcome.BAD if check.blocks else free
    cells = (numbers.rate(check.pass_rate), numbers.threshold(check.threshold))
    return Row(check.eval_type, outcome, check.status.value, cells, None if outcome is Outcome.FINE else check.reason)


def outline_of_suite(result: SuiteResult, cases: Cases) -> Outline:
    """What `run-evals` came to."""
    reports = {report.eval_type: report for report in result.check.reports}
    rows = [_type_row(each, reports.get(each.eval_type), cases) for each in result.results]
    passed = sum(each.passed for each in result.results)
    return Outline(
        title=f"Eval suite {result.suite}: {result.state.value}",
        fine=result.fine,
        sentence=f"{passed} of {numbers.counted(len(rows), 'eval type')} passed; suite run {result.run_id[:8]}",
        columns=("Pass rate", "Threshold", "Against baseline"),
        rows=tuple(sorted(rows, key=lambda row: list(reversed(list(Outcome))).index(row.outcome))),
        notes=(result.message,) if result.message else (),
    )


def _type_row(result: TypeResult, report: RegressionReport | None, cases: Cases) -> Row:
    outcome = STATES.get(result.state, Outcome.BROKEN)
    against = "" if report is None else f"{report.verdict.value} {numbers.delta_pp(report.delta_pp)}"
    if report is not None and report.verdict is Verdict.REGRESSION:
        outcome = Outcome.BAD
    before = cases.get(report.baseline_run_id) if report else None
    failing = [] if outcome is Outcome.FINE else _failing(cases.get(result.run_id or ""), before)
    return Row(
        name=result.eval_type,
        outcome=outcome,
        word=result.state.value,
        cells=(numbers.rate(result.pass_rate), numbers.threshold(result.threshold), against),
        why=result.error,
        failing=tuple(failing[:MOST_FAILING]),
        more_failing=max(0, len(failing) - MOST_FAILING),
    )
