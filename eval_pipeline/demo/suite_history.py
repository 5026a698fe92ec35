"""The rounds of the demo as suite runs, so that the history of its suites is one of really run evals too."""

from __future__ import annotations

from datetime import datetime

from eval_pipeline.core.models import Verdict
from eval_pipeline.core.regression import decide_verdict, percentage_points
from eval_pipeline.core.suite_runs import SuiteState, Trigger, TypeProgress, TypeState, judge_type
from eval_pipeline.core.suites import EvalOutcome, status_of
from eval_pipeline.store.connection import Store
from eval_pipeline.store.suite_runs import SuiteDraft, create_suite_run, end_suite_run, write_progress

ACTOR = "the demo"


class SuiteHistory:
    """Makes the suite run of one round after the other. What a type is judged against is its last complete run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._suite_id = ""
        self._ended: datetime | None = None
        self._types: list[TypeProgress] = []
        self._last: dict[str, tuple[str, float]] = {}

    @property
    def suite_id(self) -> str:
        """The suite run of the round at hand."""
        return self._suite_id

    def begin(self, began: datetime, eval_types: list[str], prompts: dict[str, str]) -> None:
        """End the round at hand, and begin the next one."""
        self.end()
        waiting = tuple(TypeProgress(name) for name in eval_types)
        draft = SuiteDraft("full", Trigger.TERMINAL, ACTOR, prompts, None, waiting)
        self._suite_id, self._ended = create_suite_run(self._store, draft, began), began

    def add(
        self, eval_type: str, outcome: EvalOutcome, threshold: float, run_id: str, problem: str | None, ended: datetime
    ) -> None:
        """Note what a type of the round came to, and when."""
        rate, self._ended = outcome.pass_rate, ended
        state = judge_type(status_of(outcome), rate, threshold)
        verdict, delta, before = None, None, self._last.get(eval_type)
        if state.complete and rate is not None:
            if before is not None:
                verdict, delta = decide_verdict(rate, before[1], threshold), percentage_points(rate, before[1])
            self._last[eval_type] = run_id, rate
        self._types.append(
            TypeProgress(
                eval_type,
                state,
                total_cases=outcome.total_cases,
                done_cases=len(outcome.cases),
                failed_cases=outcome.failed_cases,
                error_cases=outcome.error_cases,
                pass_rate=rate,
                threshold=threshold,
                run_id=run_id,
                problem=problem,
                verdict=None if verdict is None else verdict.value,
                delta_pp=delta,
                baseline_run_id=before[0] if before and verdict else None,
            )
        )

    def end(self) -> None:
        """End the round at hand, if there is one, with its last type."""
        if not self._types or self._ended is None:
            return
        write_progress(self._store, self._suite_id, self._types, range(len(self._types)), self._ended)
        end_suite_run(self._store, self._suite_id, 1, _outcome(self._types), self._ended)
        self._types = []


def _outcome(types: list[TypeProgress]) -> SuiteState:
    if not all(each.state.complete for each in types):
        return SuiteState.INCOMPLETE
    bad = any(each.state is TypeState.FAIL or each.verdict == Verdict.REGRESSION for each in types)
    return SuiteState.FAILED if bad else SuiteState.PASSED
