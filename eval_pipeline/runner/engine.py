"""Running the cases of a dataset: which, how many at once, and where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from eval_pipeline.core.datasets import Case, Dataset, RubricAssertion
from eval_pipeline.core.jobs import Job
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.errors import UsageError
from eval_pipeline.runner.evaluation import Evaluator

Planned = tuple[Case, int]
"""A case, and which of its runs (from 1)."""
Emit = Callable[[CaseResult], None]


def plan_cases(dataset: Dataset, job: Job) -> list[Planned]:
    """The runs that are due: all repeats of all cases, without those that are done."""
    done = set(job.done)
    repeats = range(1, (job.repeat or dataset.repeat) + 1)
    return [(case, repeat) for case in dataset.cases for repeat in repeats if (case.id, repeat) not in done]


def run_job(dataset: Dataset, job: Job, emit: Emit) -> bool:
    """Run what is due and emit each result as soon as it is there; gives whether foreign code was left behind.

    Raises:
        UsageError: the job lacks something, or names what is not there; nothing was run then.
    """
    planned = plan_cases(dataset, job)
    judged = any(isinstance(each, RubricAssertion) for case, _ in planned for each in case.assertions)
    if job.executor == "dask":
        if job.limits.max_calls is not None:
            raise UsageError("calls can't be counted over many machines: unset max_calls, or executor = dask")
        try:
            from eval_pipeline.runner.dask import run_on_cluster
        except ImportError as problem:
            raise UsageError(
                f"executor = dask needs the extra: pip install 'eval-pipeline[dask]' ({problem})"
            ) from problem
        run_on_cluster(planned, job, emit, judged=judged)
        return False
    evaluator = Evaluator(job, judged=judged)
    asyncio.run(_run_here(planned, evaluator, job.limits.concurrency, emit))
    return evaluator.left_behind


async def _run_here(planned: Sequence[Planned], evaluator: Evaluator, concurrency: int, emit: Emit) -> None:
    waiting = iter(planned)

    async def work() -> None:
        for case, repeat in waiting:
            emit(await evaluator.evaluate(case, repeat))

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(concurrency, len(planned))):
                workers.create_task(work())
    finally:
        await evaluator.close()
