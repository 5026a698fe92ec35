"""From the results of single cases to the numbers of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from eval_pipeline.core.models import RunStatus


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case, run once."""

    case_id: str
    group: str | None
    repeat: int
    """Which of the case's runs this is, from 1."""
    passed: bool | None
    """`None` when the case errored: it neither passed nor failed."""
    score: float | None
    """Weighted share of the assertions that held, 0..1; `None` when the case errored."""
    error: str | None
    input: str | list[str]
    expected: str | None
    output: str | None
    duration_ms: float
    reason: str | None = None
    """Why it did not pass: the assertions that failed, the judge's words."""
    tags: tuple[str, ...] = ()
    attempts: int = 1
    """How many calls to the target it took, retries and turns included."""

    @property
    def key(self) -> tuple[str, int]:
        """What makes it this result and no other: the case and which of its runs."""
        return self.case_id, self.repeat


CASE_COLUMNS = tuple(field.name for field in fields(CaseResult))


@dataclass(frozen=True, slots=True)
class EvalOutcome:
    """What evaluating one dataset came to."""

    cases: tuple[CaseResult, ...]
    pass_rate: float | None
    """Passed / (passed + failed), 0..1; `None` when no case did either."""
    average_score: float | None
    """Mean score of the cases that did not error, 0..1."""
    total_cases: int
    passed_cases: int
    failed_cases: int
    error_cases: int
    """Errored or, in an evaluation that was cut off, never run."""


def score_cases(cases: Iterable[CaseResult], planned: int | None = None) -> EvalOutcome:
    """Sum up the results. With `planned`, cases that left no result count as errored: they prove nothing."""
    done = tuple(cases)
    scores = [case.score for case in done if case.score is not None]
    passed = sum(case.passed is True for case in done)
    failed = sum(case.passed is False for case in done)
    total = len(done) if planned is None else max(planned, len(done))
    return EvalOutcome(
        cases=done,
        pass_rate=passed / (passed + failed) if passed + failed else None,
        average_score=sum(scores) / len(scores) if scores else None,
        total_cases=total,
        passed_cases=passed,
        failed_cases=failed,
        error_cases=total - passed - failed,
    )


def in_order(cases: Iterable[CaseResult], case_ids: Sequence[str]) -> list[CaseResult]:
    """The results in the order of their dataset, which an evaluator that runs cases at once does not keep."""
    place = {case_id: index for index, case_id in enumerate(case_ids)}
    return sorted(cases, key=lambda case: (place.get(case.case_id, len(place)), case.key))


def status_of(outcome: EvalOutcome) -> RunStatus:
    """What the run of this outcome is good for."""
    if outcome.pass_rate is None:
        return RunStatus.ERROR
    return RunStatus.PARTIAL if outcome.error_cases else RunStatus.COMPLETE


def write_case_line(case: CaseResult) -> str:
    """One result as the line of JSON that the evaluator prints."""
    return json.dumps(asdict(case), ensure_ascii=False)


def read_case_lines(text: str) -> list[CaseResult]:
    """The results that an evaluator printed. A last line that it could not finish is left out.

    Raises:
        ValueError: a finished line is no result.
    """
    finished, _, _ = text.rpartition("\n")
    return [_read_case(line) for line in finished.split("\n") if line]


def case_table(cases: Sequence[CaseResult]) -> dict[str, Any]:
    """The results in pandas' `split` orientation: `columns` (`CASE_COLUMNS`) and `data`, a row a case."""
    return {"columns": list(CASE_COLUMNS), "data": [[getattr(case, name) for name in CASE_COLUMNS] for case in cases]}


def read_case_table(table: Any) -> list[CaseResult]:
    """What `case_table` made; columns that are not known are left out.

    Raises:
        ValueError: it is no such table.
    """
    try:
        names = table["columns"]
        rows = [dict(zip(names, row, strict=True)) for row in table["data"]]
        return [_read_case(json.dumps({k: v for k, v in row.items() if k in CASE_COLUMNS})) for row in rows]
    except (TypeError, KeyError) as problem:
        raise ValueError("no table of cases") from problem


def _read_case(line: str) -> CaseResult:
    try:
        values = json.loads(line)
        return CaseResult(**{**values, "tags": tuple(values.get("tags", ()))})
    except (json.JSONDecodeError, TypeError, AttributeError) as problem:
        raise ValueError(f"no case result: {line[:200]!r}") from problem
