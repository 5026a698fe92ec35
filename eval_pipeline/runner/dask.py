"""Running cases over many machines, as tasks of a Dask cluster."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast
from uuid import uuid4

from distributed import Client, Future, KilledWorker, LocalCluster, Worker, WorkerPlugin, as_completed, get_worker
from distributed.client import FutureCancelledError

from eval_pipeline.core.datasets import Case
from eval_pipeline.core.jobs import Job
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.errors import UsageError
from eval_pipeline.runner.engine import Emit, Planned
from eval_pipeline.runner.evaluation import Evaluator

CONNECT_S = 5
WORKER_S = 30
"""How long a cluster may take until it has a worker."""


def run_on_cluster(planned: Sequence[Planned], job: Job, emit: Emit, *, judged: bool) -> None:
    """Run each case as a task; one that is lost with its worker is run again, and counts once.

    A worker runs as many cases at once as it has threads. It needs this package, and whatever the target needs.

    Raises:
        UsageError: there is no scheduler at the address, or a worker can't evaluate this job.
    """
    name = f"eval-{uuid4().hex}"
    with _connected(job) as client:
        try:
            client.wait_for_workers(1, timeout=WORKER_S)
            client.register_plugin(Evaluating(job.model_dump_json(), judged=judged), name=name)
            problems = client.run(find_problem, name)
        except TimeoutError as problem:
            raise UsageError(f"the Dask cluster had no worker within {WORKER_S} s") from problem
        except ImportError as problem:  # from unpickling on a worker
            raise UsageError(f"a worker of the cluster can't evaluate: {_in_a_line(problem)}") from problem
        try:
            for worker, said in problems.items():
                if said is not None:
                    raise UsageError(f"the worker {worker} can't evaluate: {said}")
            _gather(client, name, planned, emit)
        finally:
            with suppress(OSError):  # no scheduler any more, no plugin either
                client.unregister_worker_plugin(name)  # type: ignore[no-untyped-call]


class Evaluating(WorkerPlugin):
    """Holds an evaluator on each worker, for as long as the job takes."""

    def __init__(self, job: str, *, judged: bool) -> None:
        self._job, self._judged = job, judged
        self.evaluator: Evaluator | None = None
        self.problem: str | None = None
        """Why there is no evaluator."""

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        """Called on each worker, also on those that come later."""
        try:
            self.evaluator = Evaluator(Job.model_validate_json(self._job), judged=self._judged)
        except UsageError as problem:  # raised from here, its traceback would be logged by each worker
            self.problem = str(problem)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """Called when the job is done, or the worker closes."""
        if self.evaluator:
            await self.evaluator.close()


def find_problem(name: str, dask_worker: Worker) -> str | None:
    """On a worker: why it can't evaluate the job of this name."""
    return cast("Evaluating", dask_worker.plugins[name]).problem


async def evaluate_on_worker(name: str, case: Case, repeat: int) -> CaseResult:
    """On a worker: one task."""
    plugin = cast("Evaluating", get_worker().plugins[name])
    if plugin.evaluator is None:
        raise UsageError(plugin.problem or "this worker was not set up")
    return await plugin.evaluator.evaluate(case, repeat)


def _gather(client: Client, name: str, planned: Sequence[Planned], emit: Emit) -> None:
    futures: dict[Future[Any], Planned] = {}
    for index, (case, repeat) in enumerate(planned):
        futures[client.submit(evaluate_on_worker, name, case, repeat, key=f"{name}-{index}")] = case, repeat
    for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
        case, repeat = futures.pop(future)
        emit(_result(future, case, repeat))
        future.release()  # or it would be run again if its worker died later


def _result(future: Future[Any], case: Case, repeat: int) -> CaseResult:
    try:
        result: CaseResult = future.result()
    except FutureCancelledError:
        return _errored(case, repeat, "not run: the connection to the Dask scheduler is lost")
    except KilledWorker as problem:
        return _errored(case, repeat, f"{problem.allowed_failures + 1} workers died while they ran this case")
    except Exception as problem:  # noqa: BLE001  whatever a worker says instead of a result
        return _errored(case, repeat, f"{type(problem).__name__}: {_in_a_line(problem)}")
    return result


def _errored(case: Case, repeat: int, said: str) -> CaseResult:
    """The result of a case that no worker came to an end with."""
    return CaseResult(
        case_id=case.id,
        group=case.group,
        repeat=repeat,
        passed=None,
        score=None,
        error=said,
        input=case.input,
        expected=case.expected,
        output=None,
        duration_ms=0.0,
        tags=tuple(case.tags),
    )


@contextmanager
def _connected(job: Job) -> Iterator[Client]:
    if job.dask_address is not None:
        try:
            client = Client(job.dask_address, timeout=CONNECT_S)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as problem:
            raise UsageError(f"no Dask scheduler at {job.dask_address}: {_in_a_line(problem)}") from problem
        with client:
            yield client
        return
    with LocalCluster(**_shape(job.limits.concurrency)) as cluster, Client(cluster) as client:  # type: ignore[no-untyped-call]
        yield client


def _shape(concurrency: int) -> dict[str, Any]:
    """A process per core, and together about as many threads as cases may run at once."""
    processes = min(os.cpu_count() or 1, concurrency)
    threads = math.ceil(concurrency / processes)
    return {"n_workers": processes, "threads_per_worker": threads, "processes": True, "dashboard_address": None}


def _in_a_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())
