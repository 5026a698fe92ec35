"""Judging whether the differences that a check found are more than noise, by the cases of both runs."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from eval_pipeline.core.models import CheckResult
from eval_pipeline.core.significance import with_evidence
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.errors import StoreError
from eval_pipeline.store.cases import read_run_cases
from eval_pipeline.store.connection import Store

READERS = 4
"""Runs whose cases are read at once."""

Cases = dict[str, tuple[CaseResult, ...] | None]
"""By run id; `None` where a run logged none."""


def add_evidence(store: Store, result: CheckResult, *, strict: bool = False, keep: bool = True) -> CheckResult:
    """The same reports, each with its evidence, as the settings' `quarantine` has it; verdicts stay as they are.

    Where the cases of a run can't be read, its counts alone are the evidence, and the evidence says so. With `keep`,
    cases that were read are kept on disk for the next time.

    Raises:
        StoreError: only if `strict`: the cases can't be read, and the answer hangs on them.
    """
    cases, problem = read_cases(result.run_ids, store, keep)
    if problem is not None and strict:
        raise problem
    lacking = [r.eval_type for r in result.reports if not {r.baseline_run_id, r.current_run_id} <= cases.keys()]
    remark = f"the cases could not be read ({problem}), so this rests on counts alone"
    return with_evidence(result, cases, store.settings.quarantine, dict.fromkeys(lacking, remark))


def read_cases(run_ids: Iterable[str], store: Store, keep: bool = True) -> tuple[Cases, StoreError | None]:
    """The cases of several runs, and what went wrong first; after that no further run is asked for."""
    ids = list(dict.fromkeys(run_ids))
    problems: list[StoreError] = []

    def read(run_id: str) -> tuple[tuple[CaseResult, ...] | None, bool]:
        if problems:
            return None, False
        try:
            return read_run_cases(store, run_id, keep=keep), True
        except StoreError as problem:
            problems.append(problem)
            return None, False

    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(ids, pool.map(read, ids), strict=True))
    return {run_id: cases for run_id, (cases, done) in found.items() if done}, problems[0] if problems else None
