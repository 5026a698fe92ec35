"""Building the demo store: register the prompts, really evaluate each state of them, record the runs on past dates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from eval_pipeline.actions.context import target_name
from eval_pipeline.core.datasets import Dataset, parse_dataset
from eval_pipeline.core.jobs import Target
from eval_pipeline.core.runs import experiment_name
from eval_pipeline.core.suites import in_order, score_cases
from eval_pipeline.demo.building import DATABASE, building
from eval_pipeline.demo.evaluating import Evaluated, evaluate, kill_evaluator
from eval_pipeline.demo.history import (
    ALIASES,
    BASE_EVAL_TYPE,
    BASE_EXPERIMENT,
    COMMIT_MESSAGES,
    FIRST_ROUND,
    ROUNDS,
    Round,
)
from eval_pipeline.demo.suite_history import SuiteHistory
from eval_pipeline.settings import FILE_NAME, Settings
from eval_pipeline.store.aliases import point_alias
from eval_pipeline.store.connection import Store
from eval_pipeline.store.recording import ensure_experiment, record_eval_run
from eval_pipeline.store.registering import register_prompt_version
from eval_pipeline.store.suite_evals import FAILURE_TAG
from eval_pipeline.store.suite_runs import suites_experiment_name
from eval_pipeline.store.tables import SUITE_TAG

HERE = Path(__file__).parent
NOTICE = "Sample history. Its assistant is a rule follower that reads only the prompt texts, not an LLM."
BETWEEN_TYPES = timedelta(seconds=40)
"""How far apart the recorded runs of a round start."""
CONTEXT = {"assistant_model": target_name(Target(kind="demo"))}

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what was just done)."""
Texts = Mapping[tuple[str, int], str]
"""The text of each prompt version."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One dataset to be evaluated in one round."""

    dataset: Dataset
    file: Path
    round: Round
    place: int
    """Its place in the round, from 0."""

    @property
    def experiment_name(self) -> str:
        """The MLflow experiment of its runs."""
        return experiment_name(BASE_EXPERIMENT, BASE_EVAL_TYPE, self.dataset.eval_type)


def build_demo_store(folder: Path, now: datetime, progress: Progress) -> None:
    """Build the demo in `folder`: `mlflow.db`, `artifacts/`, and the `eval_pipeline.toml` to open it with.

    Beside them lie its datasets and prompt texts, to be played with.

    Takes about 15 s on an idle machine. A folder with an older or unfinished demo is emptied first. `now` is aware: the
    newest evaluation lies within the day before it. Until the last step, `demo_is_built` says no, even after a kill.

    Raises:
        PipelineError: the folder can't be used, another process is building there, or an evaluation could not begin.
    """
    with building(folder, now) as home:
        uri = f"sqlite:///{home.as_posix()}/{DATABASE}"
        store = Store(uri, Settings())
        with store.reached():
            _fill(store, home, now, progress)
        _write_settings(home, uri)


def _fill(store: Store, home: Path, now: datetime, progress: Progress) -> None:
    evaluations = list(plan_evaluations())
    steps = len(evaluations) + 1
    progress(0, steps, "making the store")
    texts = _register_prompts(store)
    for name in sorted({evaluation.experiment_name for evaluation in evaluations}):
        ensure_experiment(store.client, name, (home / "artifacts" / name).as_uri())
    ensure_experiment(store.client, suites_experiment_name(store), (home / "artifacts" / "suites").as_uri())
    progress(1, steps, f"{len(texts)} prompt versions")
    suites = SuiteHistory(store)
    for done, evaluation in enumerate(evaluations, 2):
        if evaluation.place == 0:
            _begin_round(suites, evaluation, evaluations, now)
        _record(store, evaluation, _evaluate(evaluation, texts), now, suites)
        progress(done, steps, evaluation.dataset.eval_type)
    suites.end()
    for alias, versions in ALIASES.items():
        for name, version in versions.items():
            point_alias(store, name, alias, version)


def plan_evaluations() -> Iterator[Evaluation]:
    """Every evaluation of the story, oldest first."""
    files = sorted((HERE / "datasets").glob("*.json"))
    datasets = [(file, parse_dataset(file.read_text(encoding="utf-8"), str(file))) for file in files]
    for index, state in enumerate(ROUNDS):
        there = [pair for pair in datasets if FIRST_ROUND.get(pair[1].eval_type, 0) <= index]
        for place, (file, dataset) in enumerate(there):
            yield Evaluation(dataset, file, state, place)


def read_prompt(name: str, version: int) -> str:
    """The text of a version of one of the demo's prompts."""
    return (HERE / "prompts" / name / f"v{version}.md").read_text(encoding="utf-8")


def _register_prompts(store: Store) -> dict[tuple[str, int], str]:
    """Register all versions, in the order of the story; gives their texts."""
    texts: dict[tuple[str, int], str] = {}
    for state in ROUNDS:
        for name, version in state.versions.items():
            if (name, version) not in texts:
                texts[name, version] = text = read_prompt(name, version)
                register_prompt_version(store.client, name, text, COMMIT_MESSAGES[name][version - 1])
    return texts


def _evaluate(evaluation: Evaluation, texts: Texts) -> Evaluated:
    prompts = {name: texts[name, version] for name, version in evaluation.round.versions.items()}
    if evaluation.round.killed == evaluation.dataset.eval_type:
        return kill_evaluator(evaluation.file, prompts)
    return evaluate(evaluation.dataset, prompts)


def _begin_round(suites: SuiteHistory, first: Evaluation, evaluations: Sequence[Evaluation], now: datetime) -> None:
    eval_types = [each.dataset.eval_type for each in evaluations if each.round is first.round]
    suites.begin(now - first.round.ago, eval_types, _shown(first.round))


def _shown(state: Round) -> dict[str, str]:
    return {name: f"v{version}" for name, version in state.versions.items()}


def _record(store: Store, evaluation: Evaluation, found: Evaluated, now: datetime, suites: SuiteHistory) -> None:
    dataset = evaluation.dataset
    started = now - evaluation.round.ago + evaluation.place * BETWEEN_TYPES
    threshold = Settings().default_threshold if dataset.threshold is None else dataset.threshold
    outcome = score_cases(in_order(found.cases, [case.id for case in dataset.cases]), dataset.planned_cases)
    problem = f"the evaluator ended with exit code {found.exit_code}" if found.exit_code else None
    run_id = record_eval_run(
        store.client,
        evaluation.experiment_name,
        outcome,
        prompts=_shown(evaluation.round),
        threshold=threshold,
        dataset_version=dataset.version,
        context=CONTEXT,
        started=started,
        ended=started + found.took,
        status="FINISHED" if found.cases else "FAILED",
        tags={SUITE_TAG: suites.suite_id, **({FAILURE_TAG: problem} if problem else {})},
    )
    suites.add(dataset.eval_type, outcome, threshold, run_id, problem, started + found.took)


def _write_settings(home: Path, uri: str) -> None:
    for folder in ("datasets", "prompts"):
        shutil.copytree(HERE / folder, home / folder)
    thresholds = {e.dataset.eval_type: e.dataset.threshold for e in plan_evaluations()}
    usual = Settings().default_threshold
    lines = [
        "# Settings of the demo store.",
        f"tracking_uri = {json.dumps(uri)}",
        f"base_experiment = {json.dumps(BASE_EXPERIMENT)}",
        f"base_eval_type = {json.dumps(BASE_EVAL_TYPE)}",
        f"default_threshold = {usual}",
        f"notice = {json.dumps(NOTICE)}",
        'datasets = ["datasets"]',
        "",
        "[target]",
        'kind = "demo"',
        "",
        "[thresholds]",
        *(f"{name} = {rate}" for name, rate in sorted(thresholds.items()) if rate not in {None, usual}),
    ]
    (home / FILE_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
