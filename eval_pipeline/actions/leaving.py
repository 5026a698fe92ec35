"""What earlier attempts at a suite run left in the store."""

from __future__ import annotations

from dataclasses import replace

from eval_pipeline.actions.planning import SuitePlan
from eval_pipeline.core.models import EvalExperiment
from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress, state_of
from eval_pipeline.store.connection import Store
from eval_pipeline.store.evidence import read_point
from eval_pipeline.store.runs import get_eval_experiments
from eval_pipeline.store.suite_evals import DIGEST_TAG, abandon_open, eval_runs_of_suite


def find_left_over(store: Store, suite: SuiteRun, plan: SuitePlan) -> tuple[TypeProgress, ...]:
    """The types as an earlier attempt left them: complete ones stay, and runs that nobody is going to end are ended."""
    experiments = {each.eval_type: each for each in get_eval_experiments(store)}
    found = []
    for planned, known in zip(plan.types, suite.types, strict=True):
        fresh = TypeProgress(
            known.eval_type,
            total_cases=planned.planned_cases(plan.repeat),
            threshold=plan.threshold(planned, store.settings),
            digest=planned.digest,
        )
        if known.digest == planned.digest and known.state.complete:
            fresh = known
        elif (experiment := experiments.get(known.eval_type)) is not None:
            fresh = _as_logged(store, suite, experiment, fresh)
        found.append(fresh)
    return tuple(found)


def _as_logged(store: Store, suite: SuiteRun, experiment: EvalExperiment, fresh: TypeProgress) -> TypeProgress:
    """A type by what was logged of it, which its suite run may not know."""
    logged = eval_runs_of_suite(store, experiment.experiment_name, suite.id)
    abandon_open(store, logged)
    fitting = [run for run in logged if run.data.tags.get(DIGEST_TAG) == fresh.digest and run.info.status == "FINISHED"]
    point = read_point(store, experiment, fitting[0].info.run_id) if fitting else None
    if point is None:
        return fresh
    if not point.complete or point.pass_rate is None:
        return replace(fresh, run_id=point.run_id)
    return replace(
        fresh,
        run_id=point.run_id,
        state=state_of(point, fresh.threshold or 0.0),
        pass_rate=point.pass_rate,
        done_cases=point.total_cases or 0,
    )
