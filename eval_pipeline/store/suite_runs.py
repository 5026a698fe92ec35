"""Suite runs in MLflow: a run in `{base}.suites` each, that everybody on the store can watch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from eval_pipeline.core import suite_tags as tags
from eval_pipeline.core.runs import PROMPT_PARAM, read_prompt_versions
from eval_pipeline.core.suite_runs import SuiteRun, SuiteState, TypeProgress
from eval_pipeline.errors import UsageError
from eval_pipeline.store.connection import Store
from eval_pipeline.store.once import write_once
from eval_pipeline.store.recording import ensure_experiment, json_text
from eval_pipeline.store.runs import ENDED, NOT_ENDED
from eval_pipeline.store.suite_evals import reached_with_artifacts

if TYPE_CHECKING:
    from mlflow.entities import Run

T = TypeVar("T")

REPORT_FILE = "report.json"
SHORTEST_ID = 6
"""A suite run may be named by as few first characters of its id, if no other begins so."""
SHOWN_ID, LONGEST_ID = 8, 32
MOST_AT_ONCE = 100
"""Tags or params that MLflow takes in one call."""
END_STATUS = {SuiteState.CANCELLED: "KILLED"}


def suites_experiment_name(store: Store) -> str:
    """The experiment that holds the suite runs."""
    return f"{store.settings.base_experiment}.suites"


@dataclass(frozen=True, slots=True)
class SuiteDraft:
    """A suite run that is about to be made."""

    suite: str
    trigger: str
    actor: str
    prompts: Mapping[str, str]
    """Prompt name to version, as in `{"persona": "v3"}`."""
    candidate: tuple[str, int] | None
    types: tuple[TypeProgress, ...]
    repeat: int | None = None


def create_suite_run(store: Store, draft: SuiteDraft, now: datetime) -> str:
    """Make a suite run that nobody works on yet; its id.

    Raises:
        StoreError: the store did not take it.
    """
    from mlflow.entities import Param

    about = "" if draft.candidate is None else f" {draft.candidate[0]} v{draft.candidate[1]}"
    params = {
        "suite": draft.suite,
        "trigger": draft.trigger,
        "actor": draft.actor,
        "candidate": about.strip(),
        "repeat": "" if draft.repeat is None else str(draft.repeat),
        **{PROMPT_PARAM + name: version for name, version in draft.prompts.items()},
    }
    named = {tags.HEARTBEAT_TAG: now.isoformat(), **tags.summary_tags(draft.types)}
    named |= tags.type_tags(dict(enumerate(draft.types)))
    with store.reached():
        experiment_id = ensure_experiment(store.client, suites_experiment_name(store))
        run = store.client.create_run(
            experiment_id, start_time=_milliseconds(now), run_name=f"{draft.suite}{about}", tags=named
        )
        for some in batched([Param(key, value) for key, value in params.items() if value]):
            store.client.log_batch(run.info.run_id, params=some)
    return str(run.info.run_id)


def batched(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values, as many at once as MLflow takes."""
    return (values[start : start + MOST_AT_ONCE] for start in range(0, len(values), MOST_AT_ONCE))


def list_suite_runs(store: Store, limit: int = 50) -> list[SuiteRun]:
    """The newest suite runs, newest first; none where the store has none.

    Raises:
        StoreError: they can't be read.
    """
    return [_suite_run(run) for run in _search(store, limit)]


def list_open_suite_runs(store: Store) -> list[SuiteRun]:
    """The suite runs that have not ended, newest first.

    Raises:
        StoreError: they can't be read.
    """
    return [_suite_run(run) for run in _search(store, 1_000, NOT_ENDED)]


def find_suite_run(store: Store, named: str) -> SuiteRun:
    """The suite run with this id, or with the only id that begins so.

    Raises:
        UsageError: there is none, or several are meant.
        StoreError: they can't be read.
    """
    if len(named) >= SHORTEST_ID:
        exactly = f"attributes.run_id = '{named}'" if len(named) == LONGEST_ID and named.isalnum() else ""
        found = [run for run in _search(store, 1_000, exactly) if run.info.run_id.startswith(named)]
        if len(found) == 1:
            return _suite_run(found[0])
        if found:
            raise UsageError(f"{len(found)} suite runs begin with {named!r}: give more of the id")
    known = [run.info.run_id[:SHOWN_ID] for run in _search(store, 3)]
    hint = f"the newest are {', '.join(known)}" if known else "it has none"
    raise UsageError(f"there is no suite run {named!r} in {suites_experiment_name(store)}: {hint}")


def read_suite_run(store: Store, run_id: str) -> SuiteRun:
    """A suite run as it is now.

    Raises:
        StoreError: it can't be read, or it was deleted.
    """
    with store.reached():
        return _suite_run(store.client.get_run(run_id))


def claim_attempt(store: Store, suite: SuiteRun, who: str, now: datetime) -> bool:
    """Take the next attempt at a suite run; whether nobody else had (`who` is of this process and moment alone)."""
    if not write_once(store, suite.id, tags.ATTEMPT_PARAM + tags.attempt_number(len(suite.attempts) + 1), who):
        return False
    write_tags(store, suite.id, {tags.HEARTBEAT_TAG: now.isoformat()})
    return True


def begin_attempt(store: Store, suite: SuiteRun, now: datetime) -> None:
    """Say that the suite run is running (again)."""
    write_tags(store, suite.id, {tags.HEARTBEAT_TAG: now.isoformat()})
    if suite.ended is not None:
        with store.reached():
            store.client.update_run(suite.id, status="RUNNING")


def note_attempt(store: Store, suite_id: str, now: datetime, cases_before: int) -> None:
    """Say when the attempt began to evaluate, and how many results there were by then."""
    attempt = json.dumps({"began": now.isoformat(), "cases_before": cases_before})
    write_tags(store, suite_id, {tags.ATTEMPT_TAG: attempt, tags.HEARTBEAT_TAG: now.isoformat()})


def write_tags(store: Store, run_id: str, values: Mapping[str, str]) -> None:
    """Set tags of a run."""
    from mlflow.entities import RunTag

    with store.reached():
        for some in batched([RunTag(key, value) for key, value in values.items()]):
            store.client.log_batch(run_id, tags=some)


def write_progress(
    store: Store, suite_id: str, types: Sequence[TypeProgress], changed: Iterable[int], now: datetime
) -> None:
    """Say how far a suite run is; `changed` are the places of the types that are not as they were."""
    some = tags.type_tags({place: types[place] for place in changed})
    write_tags(store, suite_id, {tags.HEARTBEAT_TAG: now.isoformat(), **tags.summary_tags(tuple(types)), **some})


def end_suite_run(
    store: Store, suite_id: str, attempt: int, outcome: SuiteState, now: datetime, message: str = ""
) -> None:
    """Say what an attempt at a suite run ended as; attempts count from 1."""
    number = tags.attempt_number(attempt)
    said = {tags.OUTCOME_TAG + number: outcome.value, tags.NOW_TAG: "", tags.HEARTBEAT_TAG: now.isoformat()}
    write_tags(store, suite_id, {**said, **({tags.MESSAGE_TAG + number: message[:2_000]} if message else {})})
    with store.reached():
        store.client.set_terminated(suite_id, END_STATUS.get(outcome, "FINISHED"), _milliseconds(now))


def request_cancel(store: Store, suite_id: str, attempt: int, actor: str) -> None:
    """Ask whoever works on this attempt at a suite run, or is about to, to stop."""
    write_tags(store, suite_id, {tags.CANCEL_TAG + tags.attempt_number(attempt): actor})


def log_report(store: Store, suite_id: str, report: Mapping[str, Any]) -> None:
    """Keep the whole answer as `report.json` of the suite run."""
    with reached_with_artifacts(store):
        store.client.log_text(suite_id, json_text(report, indent=2), REPORT_FILE)


def _search(store: Store, limit: int, condition: str = "") -> list[Run]:
    if store.absent:
        return []
    with store.reached():
        experiment = store.client.get_experiment_by_name(suites_experiment_name(store))
        if experiment is None:
            return []
        return list(
            store.client.search_runs(
                [experiment.experiment_id], condition, max_results=limit, order_by=["attributes.start_time DESC"]
            )
        )


def _suite_run(run: Run) -> SuiteRun:
    params = dict(run.data.params)
    return tags.read_suite_run(
        run.info.run_id,
        params,
        dict(run.data.tags),
        read_prompt_versions(params),
        started=_moment(run.info.start_time),
        ended=_moment(run.info.end_time) if run.info.status in ENDED else None,
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
