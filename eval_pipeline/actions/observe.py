"""Looking at history: the trends and the regression check that every face shows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

from eval_pipeline.core.models import (
    CheckResult,
    EvalExperiment,
    PromptEvent,
    RegressionReport,
    TrendPoint,
    TrendSummary,
)
from eval_pipeline.core.regression import check_all_regressions, check_regression
from eval_pipeline.core.trends import build_trend_summary
from eval_pipeline.core.wording import some
from eval_pipeline.errors import UsageError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.mirror import Mirror, get_trend_points
from eval_pipeline.store.runs import get_eval_experiments, list_experiments

SHORTEST_RUN_ID = 6
"""A run may be named by as few first characters of its id, if no other run begins so."""


def choose_eval_types(experiments: Sequence[EvalExperiment], eval_type: str | None) -> list[EvalExperiment]:
    """The experiments of one eval type, or all of them.

    Raises:
        UsageError: there is no such eval type.
    """
    if eval_type is None:
        return list(experiments)
    chosen = [each for each in experiments if each.eval_type == eval_type]
    if not chosen:
        known = [each.eval_type for each in experiments]
        raise UsageError(f"there is no eval type {eval_type!r}: {nearest(eval_type, known, 'the store has none')}")
    return chosen


def nearest(word: str, known: Sequence[str], without: str) -> str:
    """What to try instead of `word`: the known word most like it, or what is known."""
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(known)}" if known else without


def read_trends(
    mirror: Mirror,
    experiments: Iterable[EvalExperiment],
    limit: int | None = None,
    events: Sequence[PromptEvent] = (),
) -> list[TrendSummary]:
    """The history of each eval type as of the last sync: its newest `limit` points, and of the events those that
    concern a prompt which any of its runs names.
    """
    return [_read_trend(mirror, each, limit, events) for each in experiments]


def _read_trend(
    mirror: Mirror, experiment: EvalExperiment, limit: int | None, events: Sequence[PromptEvent]
) -> TrendSummary:
    points = get_trend_points(mirror, experiment)
    prompts = {name for point in points for name in point.prompt_versions}
    concerned = [event for event in events if event.prompt_name in prompts]
    name, folder = experiment.eval_type, experiment.experiment_name
    return build_trend_summary(name, folder, points, limit=limit, events=concerned)


def check(
    mirror: Mirror, experiments: Sequence[EvalExperiment], eval_type: str | None = None, run_id: str | None = None
) -> CheckResult:
    """Judge the newest complete run of each chosen type, or the one run that is named.

    Raises:
        UsageError: no such eval type or run, or the run is not complete.
    """
    chosen = choose_eval_types(experiments, eval_type)
    histories = {each.eval_type: get_trend_points(mirror, each) for each in chosen}
    settings = mirror.store.settings
    if run_id is None:
        return check_all_regressions(histories, {name: settings.threshold(name) for name in histories})
    current = find_run(histories, run_id)
    points = histories[current.eval_type]
    answer = check_regression(current.eval_type, points, settings.threshold(current.eval_type), current)
    return CheckResult((answer,), ()) if isinstance(answer, RegressionReport) else CheckResult((), (answer,))


def find_run(histories: Mapping[str, Sequence[TrendPoint]], run_id: str) -> TrendPoint:
    """The run with this id, or with the only id that begins so.

    Raises:
        UsageError: no run or several runs are meant.
    """
    long_enough = len(run_id) >= SHORTEST_RUN_ID
    points = [point for history in histories.values() for point in history]
    exact = [point for point in points if point.run_id == run_id]
    found = exact or [point for point in points if long_enough and point.run_id.startswith(run_id)]
    if len(found) == 1:
        return found[0]
    where = f"the eval type {next(iter(histories))}" if len(histories) == 1 else "any eval type"
    if found:
        raise UsageError(f"{len(found)} runs begin with {run_id!r}: give more of the id")
    raise UsageError(f"{where} has no run {run_id!r}: see the ids in `eval-pipeline trend --format json`")


def explain_empty(store: Store) -> list[str]:
    """What to say when the store has no eval run: that, which experiments it does have, how to make the first run."""
    base = store.settings.base_experiment
    ours = {"Default", *(each.experiment_name for each in get_eval_experiments(store))}
    others = sorted(
        name for _, name, _ in list_experiments(store) if name not in ours and not name.startswith(f"{base}.")
    )
    lines = [f"No eval runs found in {store.shown_uri}, in experiments named {base} or {base}-TYPE."]
    if others:
        lines.append(f"The store has other experiments: {some(others)}. If they are yours, set base_experiment.")
    return [
        *lines,
        f"To make the first: log an MLflow run with the metric pass_rate (0..1) in the experiment {base}-TYPE.",
        "To look around on sample history: eval-pipeline demo",
    ]
