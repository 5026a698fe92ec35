"""What a suite run found against what was known before."""

from __future__ import annotations

from collections.abc import Sequence

from eval_pipeline.core.models import CheckResult, EvalExperiment, RegressionReport, TrendPoint, Unjudged
from eval_pipeline.core.regression import FIRST_RUN, compare_runs
from eval_pipeline.core.suite_runs import TypeProgress
from eval_pipeline.store.connection import Store
from eval_pipeline.store.evidence import read_baseline, read_newest_of, read_point
from eval_pipeline.store.runs import get_eval_experiments

Against = tuple[str, int] | None
"""What runs are judged against: the newest ones of a prompt version (the live one); `None`: the runs before them."""


def compare_types(store: Store, types: Sequence[TypeProgress], against: Against = None) -> CheckResult:
    """Judge each type's run against its baseline, read live; a type whose run is no evidence is not judged.

    Raises:
        StoreError: the store can't be read.
    """
    experiments = {each.eval_type: each for each in get_eval_experiments(store)}
    answers: list[RegressionReport | Unjudged] = []
    for each in types:
        experiment = experiments.get(each.eval_type)
        point = read_point(store, experiment, each.run_id) if experiment and each.run_id else None
        if experiment is None or point is None:
            answers.append(Unjudged(each.eval_type, "not evaluated"))
        else:
            answers.append(_judge(store, experiment, point, against))
    return CheckResult(
        tuple(answer for answer in answers if isinstance(answer, RegressionReport)),
        tuple(answer for answer in answers if isinstance(answer, Unjudged)),
    )


def _judge(
    store: Store, experiment: EvalExperiment, current: TrendPoint, against: Against
) -> RegressionReport | Unjudged:
    if not current.complete:
        return Unjudged(experiment.eval_type, f"no evidence ({current.status_reason or current.eval_status})")
    if against is None:
        baseline, without = read_baseline(store, experiment, current), FIRST_RUN
    else:
        name, version = against
        baseline = read_newest_of(store, experiment, name, version)
        without = f"{name} v{version}, which is live, has no complete run of it"
    if baseline is None or baseline.run_id == current.run_id:
        return Unjudged(experiment.eval_type, without)
    return compare_runs(baseline, current, store.settings.threshold(experiment.eval_type))
