"""Writing an eval run to the store, as every reader expects it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from eval_pipeline.core.runs import PROMPT_PARAM, version_number
from eval_pipeline.core.suites import EvalOutcome, case_table
from eval_pipeline.store.registering import ALREADY_THERE

if TYPE_CHECKING:
    from mlflow import MlflowClient

CASES_FILE = "cases.json"
TABLES_TAG = "mlflow.loggedArtifacts"
"""Where `mlflow.load_table` and MLflow's own pages look for the tables of a run."""
LINKED_TAG = "mlflow.linkedPrompts"
"""Where MLflow keeps which prompt versions a run used."""


def record_eval_run(
    client: MlflowClient,
    experiment_name: str,
    outcome: EvalOutcome,
    *,
    prompts: Mapping[str, str],
    threshold: float,
    dataset_version: str,
    context: Mapping[str, str],
    started: datetime,
    ended: datetime,
    status: Literal["FINISHED", "FAILED", "KILLED"] = "FINISHED",
    tags: Mapping[str, str] | None = None,
    run_name: str | None = None,
) -> str:
    """Log what an evaluation came to as one ended run of an experiment, made if it is missing; gives the run's id.

    `prompts` are versions (`{"persona": "v3"}`), `threshold` is 0..1, `context` are further params, and the times are
    aware. A pass rate or score that does not exist is not logged. The cases become the table `cases.json`.

    Raises:
        MlflowException: the store did not take it; what was written so far is a run that has not ended.
    """
    begin, end = _milliseconds(started), _milliseconds(ended)
    named = {**_own_tags(outcome, prompts), **(tags or {})}
    from mlflow.entities import Metric, Param

    experiment_id = ensure_experiment(client, experiment_name)
    run = client.create_run(experiment_id, start_time=begin, tags=named, run_name=run_name)
    params = {
        **{PROMPT_PARAM + name: version for name, version in prompts.items()},
        "pass_rate_threshold": str(threshold),
        "dataset_version": dataset_version,
        **context,
    }
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(name, value, end, 0) for name, value in _numbers(outcome).items()],
        params=[Param(name, value) for name, value in params.items()],
    )
    if outcome.cases:
        client.log_text(run.info.run_id, json_text(case_table(outcome.cases)), CASES_FILE)
    client.set_terminated(run.info.run_id, status, end)
    return str(run.info.run_id)


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON that can be written as UTF-8, whatever a model said: half a character is escaped, as JSON does it too."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _own_tags(outcome: EvalOutcome, prompts: Mapping[str, str]) -> dict[str, str]:
    """What MLflow's own pages read: which prompt versions a run is linked to, and the tables that it has.

    MLflow's own call for a link resolves the store that the environment names, and reads and writes once a prompt.
    """
    versions = ((name, version_number(version)) for name, version in prompts.items())
    linked = [{"name": name, "version": str(number)} for name, number in versions if number is not None]
    own = {LINKED_TAG: json.dumps(linked)} if linked else {}
    return {**own, TABLES_TAG: json.dumps([{"path": CASES_FILE, "type": "table"}])} if outcome.cases else own


def ensure_experiment(client: MlflowClient, name: str, artifact_location: str | None = None) -> str:
    """The id of an experiment, made if it is missing: its artifacts at the given URI, or where the store puts them."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location))
    except MlflowException as problem:
        quicker = client.get_experiment_by_name(name) if problem.error_code == ALREADY_THERE else None
        if quicker is None:
            raise
        return str(quicker.experiment_id)


def _numbers(outcome: EvalOutcome) -> dict[str, float]:
    numbers: dict[str, float | None] = {
        "pass_rate": outcome.pass_rate,
        "average_score": outcome.average_score,
        "total_cases": outcome.total_cases,
        "passed_cases": outcome.passed_cases,
        "failed_cases": outcome.failed_cases,
        "error_cases": outcome.error_cases,
    }
    return {name: float(value) for name, value in numbers.items() if value is not None}


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
