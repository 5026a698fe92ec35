"""A team's own runner: a command per dataset that logs its own MLflow run; its exit code is its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from eval_pipeline.actions.children import Child, ChildEnd, ended_on
from eval_pipeline.actions.evaluating import LONGEST_PROBLEM, Work
from eval_pipeline.actions.own_command import fill_command
from eval_pipeline.actions.planning import PlannedType
from eval_pipeline.actions.promote import stated
from eval_pipeline.core.models import TrendPoint
from eval_pipeline.core.runs import experiment_name
from eval_pipeline.core.suite_runs import TypeProgress, TypeState
from eval_pipeline.errors import PipelineError, SettingsError
from eval_pipeline.store.evidence import read_point
from eval_pipeline.store.probing import sqlite_path
from eval_pipeline.store.runs import get_eval_experiments
from eval_pipeline.store.suite_evals import abandon_open, adopt_runs, runs_since
from eval_pipeline.store.tables import SUITE_TAG

CLOCKS_APART = timedelta(seconds=5)
"""How far the clocks of this machine and the store may differ when its run is looked for."""


def run_own_command(work: Work, place: int) -> TypeProgress:
    """Run the command for one dataset, and link the run that it logged.

    Raises:
        SettingsError: the command can't be used.
        StoreError: the store could not be asked for its run.
    """
    planned = work.plan.types[place]
    work.board.change(place, state=TypeState.RUNNING)
    before = OwnRuns(work, planned)
    end, last_line = _run(work, planned)
    point = before.find_newer()
    if work.board.stop.is_set() and end.exit_code:
        return work.board.change(place, state=TypeState.WAITING)
    problem = _problem(end, last_line, point)
    if point is None:
        state = TypeState.ERROR if end.exit_code else TypeState.PASS
        return work.board.change(place, state=state, problem=problem)
    return work.board.change(
        place,
        state=judge_own(end.exit_code, point),
        pass_rate=point.pass_rate,
        threshold=work.plan.threshold(planned, work.settings) if point.threshold is None else point.threshold,
        run_id=point.run_id,
        problem=problem,
        total_cases=point.total_cases or 0,
        done_cases=point.total_cases or 0,
        error_cases=point.error_cases or 0,
    )


def judge_own(exit_code: int, point: TrendPoint) -> TypeState:
    """What an exit code says together with the run that was logged, which neither passes nor fails if incomplete."""
    if not point.complete:
        return TypeState.ERROR if point.pass_rate is None or exit_code else TypeState.PARTIAL
    return TypeState.FAIL if exit_code else TypeState.PASS


def _run(work: Work, planned: PlannedType) -> tuple[ChildEnd, str]:
    """Run the command to its end; with the last line of its stdout."""
    last_line = ""

    def take(line: str) -> None:
        nonlocal last_line
        last_line = line.strip() or last_line
        work.word(planned.eval_type, line)

    values = {"dataset": planned.file.absolute(), "eval_type": planned.eval_type, "suite_run_id": work.suite_id}
    command = fill_command(work.settings, {name: str(value) for name, value in values.items()})
    try:
        child = Child(
            command,
            folder=work.settings.runner.folder,
            variables=variables_for(work, planned),
            on_line=take,
            on_word=lambda line: work.word(planned.eval_type, line),
        )
    except PipelineError as problem:
        raise SettingsError(f"runner.command: {problem}") from problem
    with ended_on(work.board.stop, child):
        return child.wait(), last_line


def _problem(end: ChildEnd, last_line: str, point: TrendPoint | None) -> str | None:
    if end.exit_code:
        said = next((line.strip() for line in reversed(end.last_words) if line.strip()), last_line)
        how = f"ended with exit code {end.exit_code}" if end.exit_code > 0 else f"was ended by {end.signal_name}"
        return f"the runner {how}" + (f": {stated(said)[:LONGEST_PROBLEM]}" if said else "")
    if point is None:
        return "the runner logged no MLflow run that could be found"
    return None if point.complete else point.status_reason


def variables_for(work: Work, planned: PlannedType) -> Mapping[str, str]:
    """What the command finds in its environment: the store, the experiment, the prompts, and a tag for its run."""
    settings = work.settings
    prompts = {name: f"v{text.version}" for name, text in work.plan.prompts_of(planned).items()}
    return {
        "MLFLOW_TRACKING_URI": _absolute(work.store.uri),
        "MLFLOW_EXPERIMENT_NAME": experiment_name(settings.base_experiment, settings.base_eval_type, planned.eval_type),
        "MLFLOW_RUN_CONTEXT": json.dumps({SUITE_TAG: work.suite_id}),
        "EVAL_SUITE_RUN_ID": work.suite_id,
        "EVAL_PROMPTS": json.dumps(prompts),
    }


def _absolute(uri: str) -> str:
    """The store's address as it is right from any folder."""
    path = sqlite_path(uri)
    return uri if path is None or path.is_absolute() else uri.replace(f"///{path}", f"///{Path.cwd() / path}", 1)


class OwnRuns:
    """The runs of an eval type that are there before the command begins, so that its own can be told from them."""

    def __init__(self, work: Work, planned: PlannedType) -> None:
        settings = work.settings
        self._work, self._since = work, work.clock() - CLOCKS_APART
        self._name = experiment_name(settings.base_experiment, settings.base_eval_type, planned.eval_type)
        self._known = {run.info.run_id for run in runs_since(work.store, self._name, self._since)}

    def find_newer(self) -> TrendPoint | None:
        """The newest run that the command logged, linked to the suite run. None of its own is left running.

        Raises:
            StoreError: the store could not be asked.
        """
        store = self._work.store
        newer = [run for run in runs_since(store, self._name, self._since) if run.info.run_id not in self._known]
        found = adopt_runs(store, newer, self._work.suite_id)
        abandon_open(store, found)
        experiment = next((each for each in get_eval_experiments(store) if each.experiment_name == self._name), None)
        return read_point(store, experiment, found[0].info.run_id) if found and experiment else None
