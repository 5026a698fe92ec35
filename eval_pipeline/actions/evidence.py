"""Judging whether the differences that a check found are more than noise, by the cases of both runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from eval_pipeline.actions.cases import Read, read_what_can_be
from eval_pipeline.core.models import CheckResult
from eval_pipeline.core.significance import with_evidence


def add_evidence(
    result: CheckResult, read: Read, quarantine: Mapping[str, Collection[str]], *, strict: bool = False
) -> CheckResult:
    """The same reports, each with its evidence; verdicts stay as they are.

    Where the cases of a run can't be read, its counts alone are the evidence, and the evidence says so.

    Raises:
        StoreError: only if `strict`: the cases can't be read, and the answer hangs on them.
    """
    cases, problem = read_what_can_be(result.run_ids, read)
    if problem is not None and strict:
        raise problem
    lacking = [r.eval_type for r in result.reports if not {r.baseline_run_id, r.current_run_id} <= cases.keys()]
    remark = f"the cases could not be read ({problem}), so this rests on counts alone"
    return with_evidence(result, cases, quarantine, dict.fromkeys(lacking, remark))
