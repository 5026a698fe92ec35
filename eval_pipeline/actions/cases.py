"""Reading the cases of several runs at once, through whatever the caller reads one with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from eval_pipeline.core.suites import CaseResult
from eval_pipeline.errors import StoreError
from eval_pipeline.store.cases import read_run_cases
from eval_pipeline.store.connection import Store

READERS = 4
"""Runs whose cases are read at once."""

Cases = dict[str, tuple[CaseResult, ...] | None]
"""By run id; `None` where a run logged none."""
Read = Callable[[str], tuple[CaseResult, ...] | None]
"""How the cases of one run are read, by its id; it raises `StoreError`."""


def reading(store: Store, *, keep: bool = True) -> Read:
    """Reads from the store; with `keep`, cases that were read are kept on disk for the next time."""
    return partial(read_run_cases, store, keep=keep)


def read_cases(run_ids: Iterable[str], read: Read) -> Cases:
    """The cases of several runs.

    Raises:
        StoreError: those of one can't be read.
    """
    cases, problem = read_what_can_be(run_ids, read)
    if problem is not None:
        raise problem
    return cases


def read_what_can_be(run_ids: Iterable[str], read: Read) -> tuple[Cases, StoreError | None]:
    """The cases of several runs, and what went wrong first; after that no further run is asked for."""
    ids = list(dict.fromkeys(run_ids))
    problems: list[StoreError] = []

    def read_one(run_id: str) -> tuple[tuple[CaseResult, ...] | None, bool]:
        if problems:
            return None, False
        try:
            return read(run_id), True
        except StoreError as problem:
            problems.append(problem)
            return None, False

    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(ids, pool.map(read_one, ids), strict=True))
    return {run_id: cases for run_id, (cases, done) in found.items() if done}, problems[0] if problems else None
