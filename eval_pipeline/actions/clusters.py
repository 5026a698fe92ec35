"""A Dask cluster for the cases of a suite run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import Settings


@contextmanager
def dask_cluster(settings: Settings) -> Iterator[str | None]:
    """The address of the scheduler that children submit to; `None` where cases are run in the children themselves.

    Without an address in the settings, a cluster on this machine is started, and ends with the block.

    Raises:
        SettingsError: Dask is asked for and not installed.
    """
    if settings.runner.executor != "dask" or settings.runner.dask_address or settings.runner.command:
        yield settings.runner.dask_address
        return
    try:
        from distributed import LocalCluster
    except ImportError as problem:
        raise SettingsError("runner.executor = 'dask' needs the extra: pip install 'eval-pipeline[dask]'") from problem
    workers = os.cpu_count() or 1
    options = {
        "n_workers": workers,
        "threads_per_worker": -(-settings.runner.concurrency // workers),
        "processes": True,
        "dashboard_address": None,
    }
    folder = settings.runner.folder or Path.cwd()
    with _importable(folder), LocalCluster(**options) as cluster:  # type: ignore[no-untyped-call]
        yield str(cluster.scheduler_address)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Have workers look for a team's modules in a folder too: processes that Python spawns take our search path."""
    named = str(folder.absolute())
    sys.path.append(named)
    try:
        yield
    finally:
        sys.path.remove(named)
