"""The cases of runs that MLflow's own evaluation made: it keeps a trace a case, and what was found in assessments."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eval_pipeline.core.suites import CaseResult
from eval_pipeline.store.connection import Store

if TYPE_CHECKING:
    from mlflow.entities import Assessment, TraceInfo

PAGE = 500
"""Traces asked for at once."""
MOST_TRACES = 20_000
"""A run with more of them is an application's, not an evaluation's."""
CASE_ID_TAG = "mlflow.test.case_id"
"""Where MLflow's plugin for pytest says which case a trace is of."""
INPUTS = "mlflow.traceInputs"
"""Metadata that holds the beginning of all inputs; the preview may be a chat's last message alone."""
SCORER_TAG = "mlflow.trace.sourceScorer"
"""On traces that a scorer left, rather than what it scored."""
SOURCE_RUN = "mlflow.assessment.sourceRunId"
"""Metadata of an assessment: the run that made it."""
ANSWERS = {"yes": True, "pass": True, "passed": True, "true": True}
ANSWERS |= {"no": False, "fail": False, "failed": False, "false": False}
"""What feedback in words means; other words are no pass and no failure."""


def read_trace_cases(store: Store, experiment_id: str, run_id: str) -> tuple[CaseResult, ...] | None:
    """The cases that the traces of a run tell of, oldest first; `None` if none of them has a pass or a failure.

    A case is known again in another run by its id in the tag `mlflow.test.case_id`, or else by its input. Inputs and
    outputs are as long as MLflow's previews of them: about 1,000 characters.

    Raises:
        StoreError: the store can't be read.
    """
    with store.reached():
        traces = list(_traces(store, experiment_id, run_id))
    if not traces or len(traces) > MOST_TRACES:
        return None
    repeats: Counter[str] = Counter()
    cases = []
    for trace in sorted(traces, key=lambda each: (each.request_time, each.trace_id)):
        case_id = _case_id(trace)
        repeats[case_id] += 1
        cases.append(_case(trace, case_id, repeats[case_id], run_id))
    return tuple(cases) if any(case.passed is not None for case in cases) else None


def _traces(store: Store, experiment_id: str, run_id: str) -> Iterator[TraceInfo]:
    token, read = None, 0
    while True:
        page = store.client.search_traces(
            locations=[experiment_id], run_id=run_id, include_spans=False, max_results=PAGE, page_token=token
        )
        yield from (trace.info for trace in page if SCORER_TAG not in trace.info.tags)
        token, read = page.token, read + len(page)
        if not token or read > MOST_TRACES:
            return


def _case_id(trace: TraceInfo) -> str:
    named = trace.tags.get(CASE_ID_TAG)
    if named:
        return str(named)
    said = json.dumps([trace.request_preview, trace.trace_metadata.get(INPUTS)])
    return f"input-{hashlib.blake2b(said.encode(), digest_size=5).hexdigest()}"


def _case(trace: TraceInfo, case_id: str, repeat: int, run_id: str) -> CaseResult:
    found = _of_run(trace.assessments, run_id)
    feedback = [each for each in found if not each.expected]
    answers = [(each, answer) for each in feedback if (answer := _answer(each.value)) is not None]
    passed = all(answer for _, answer in answers) if answers else None
    error = _error(trace, feedback, passed)
    return CaseResult(
        case_id=case_id,
        group=None,
        repeat=repeat,
        passed=None if error else passed,
        score=sum(answer for _, answer in answers) / len(answers) if answers and not error else None,
        error=error,
        input=_plain(trace.request_preview) or "",
        expected=_expected({each.name: each.value for each in found if each.expected}),
        output=_plain(trace.response_preview),
        duration_ms=float(trace.execution_duration or 0),
        reason=None if error else _reason(each for each, answer in answers if not answer),
    )


@dataclass(frozen=True, slots=True)
class _Assessed:
    """What somebody found, or expected, of a trace."""

    name: str
    value: Any
    expected: bool
    rationale: str | None
    error: str | None


def _of_run(assessments: Sequence[Assessment], run_id: str) -> list[_Assessed]:
    """Those that this run made, for one trace may be assessed by several; or else those that name no run. By name."""
    valid = [each for each in assessments if each.valid is not False]
    ours = [each for each in valid if _maker(each) == run_id] or [each for each in valid if _maker(each) is None]
    return sorted(filter(None, map(_assessed, ours)), key=lambda each: each.name)


def _maker(found: Assessment) -> str | None:
    """The run that made an assessment; its own field is empty on one that was read from a database."""
    return found.run_id or (found.metadata or {}).get(SOURCE_RUN)


def _assessed(found: Assessment) -> _Assessed | None:
    """What an assessment says; `None` for one that neither judges nor expects, as a link to an issue."""
    if found.expectation is not None:
        return _Assessed(found.name, found.expectation.value, True, found.rationale, None)
    if found.feedback is None:
        return None
    error = found.feedback.error
    said = None if error is None else error.error_message or error.error_code
    return _Assessed(found.name, found.feedback.value, False, found.rationale, said)


def _answer(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return ANSWERS.get(value.strip().lower()) if isinstance(value, str) else None


def _error(trace: TraceInfo, feedback: Sequence[_Assessed], passed: bool | None) -> str | None:
    """Why the case neither passed nor failed. A scorer that broke proves nothing, unless another found a failure."""
    if trace.state == "ERROR":
        return "the call that was evaluated raised an error: see its trace"
    broken = next((each for each in feedback if each.error is not None), None)
    if broken is not None and passed is not False:
        return f"{broken.name} could not be judged: {broken.error}"
    return "no feedback says whether it passed" if passed is None else None


def _reason(failed: Iterable[_Assessed]) -> str | None:
    return "; ".join(f"{each.name}: {each.rationale or each.value}" for each in failed) or None


def _expected(values: Mapping[str, Any]) -> str | None:
    if not values:
        return None
    return _shown(next(iter(values.values())) if len(values) == 1 else dict(values))


def _plain(preview: str | None) -> str | None:
    """What a preview in JSON holds, where that is one text; else the preview as it is."""
    if preview is None:
        return None
    try:
        value = json.loads(preview)
    except ValueError:
        return preview
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, str) else preview


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
