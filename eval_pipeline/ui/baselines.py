"""Which prompt version the types of a suite run were compared with."""

from __future__ import annotations

import streamlit as st

from eval_pipeline.core.models import EvalExperiment
from eval_pipeline.core.suite_runs import SuiteRun, TypeProgress
from eval_pipeline.store.connection import Store
from eval_pipeline.store.evidence import read_point
from eval_pipeline.store.runs import get_eval_experiments


class Baselines:
    """Looks baselines up. What a run evaluated never changes, so each is asked for once a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._experiments: dict[str, EvalExperiment] | None = None

    def experiment(self, eval_type: str) -> EvalExperiment | None:
        """The experiment of an eval type.

        Raises:
            StoreError: the store can't be read.
        """
        if self._experiments is None:
            self._experiments = {each.eval_type: each for each in get_eval_experiments(self._store)}
        return self._experiments.get(eval_type)

    def version(self, suite: SuiteRun, each: TypeProgress) -> str | None:
        """The version of the candidate's prompt in the run that a type was compared with, as in `v3`.

        Raises:
            StoreError: the store can't be read.
        """
        experiment = self.experiment(each.eval_type) if suite.candidate and each.baseline_run_id else None
        if experiment is None or suite.candidate is None or each.baseline_run_id is None:
            return None
        found = _prompt_versions(self._store, self._store.uri, experiment, each.baseline_run_id)
        return found.get(suite.candidate[0])


@st.cache_data(show_spinner=False, max_entries=2_000)
def _prompt_versions(_store: Store, uri: str, _experiment: EvalExperiment, run_id: str) -> dict[str, str]:  # noqa: ARG001 - the key
    point = read_point(_store, _experiment, run_id)
    return {} if point is None else dict(point.prompt_versions)
