"""How long reading history takes, beside `mlflow.search_runs` reading the same in the same run.

`uv run python -m benchmarks.reading [--runs 1000 10000 100000] [--server]`
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stores import APART_MS

TIMES = 3
CHEAP_RUNS = 1_000
"""Up to so many runs, what is slow is measured several times too."""
NEW_RUNS_ROOM_MS = 200 * APART_MS
"""The store ends so long ago, and the runs that are added later come after."""
START_SECONDS = 120
COMMAND = (sys.executable, "-m", "eval_pipeline")
SAID = {
    "search_runs": "`mlflow.search_runs`",
    "first_sync": "first sync",
    "nothing_new": "sync, nothing new",
    "new_runs": "sync of 100 new runs",
    "points": "all trend points from the mirror",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What one measurement took."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: what took how long, how that stands beside something else, and what it should be."""

    what: str
    seconds: float
    beside: str = ""
    cpu_beside: str = ""
    peak_mb: float | None = None
    aim: str = ""


def measure_store(uri: str, database: Path, folder: Path, *, server: bool, times: int) -> list[Line]:
    """Every measurement on one store; the slow ones so many times, each in a process of its own."""
    found = {what: _measure(what, uri, database, folder, times) for what in SAID}
    reference = found["search_runs"]
    aims = {"first_sync": "at most 1.00" if server else "at most 0.50, 400 MB", "nothing_new": "100 times faster"}
    lines = [
        Line(
            SAID[what],
            taken.seconds,
            _ratio(taken.seconds, reference.seconds),
            _ratio(taken.cpu_seconds, reference.cpu_seconds),
            taken.peak_mb,
            aims.get(what, ""),
        )
        for what, taken in found.items()
    ]
    variables = {"EVAL_PIPELINE_MIRROR_CACHE_DIR": str(folder / f"{times}"), "MLFLOW_TRACKING_URI": uri}
    trend, importing = _wall(*COMMAND, "trend", **variables), _wall(sys.executable, "-c", "import mlflow")
    return [*lines, Line("`eval-pipeline trend`, whole command", trend, f"{trend / importing:.1f} x `import mlflow`")]


def _ratio(seconds: float, reference: float) -> str:
    share = seconds / reference
    return f"{share:.2f}" if share >= 0.1 else f"{1 / share:,.0f} times faster"


def _measure(what: str, uri: str, database: Path, folder: Path, times: int) -> Taken:
    """The median of so many processes; the first sync fills a cache folder of its own each time, the rest use one."""
    module, wanted = "benchmarks.measuring", times if what in {"search_runs", "first_sync"} else 1
    found = []
    for number in range(times, times - wanted, -1):
        cache = folder / f"{number}"
        command = [sys.executable, "-m", module, what, uri, str(database), str(cache)]
        found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment()).stdout))
    return Taken(**{key: statistics.median(said[key] for said in found) for key in found[0]})


def build(database: Path, runs: int) -> str:
    """Build a store in a process of its own: a child's peak memory starts from what its parent takes."""
    end_ms = time.time_ns() // 1_000_000 - NEW_RUNS_ROOM_MS
    command = [sys.executable, "-m", "benchmarks.stores", str(database), str(runs), str(end_ms)]
    built = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
    return built.stdout.strip()


def _wall(*command: str, **variables: str) -> float:
    def once() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment() | variables)
        return time.perf_counter() - started

    once()
    return statistics.median(once() for _ in range(TIMES))


def environment() -> dict[str, str]:
    """Ours, with compiled modules kept, as after any first run, though not beside the sources."""
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "bench-pyc")}
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return os.environ | compiled | quiet


@contextmanager
def running_server(uri: str, log: Path) -> Iterator[str]:
    """A real `mlflow server` on loopback over a database, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with log.open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment(), cwd=log.parent)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=1).close()
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


def show(title: str, lines: list[Line]) -> None:
    """Print a table in Markdown."""
    print(f"\n{title}\n\n| what | seconds | beside `mlflow.search_runs` | in CPU time | peak MB | aim |")
    print("| --- | ---: | --- | --- | ---: | --- |")
    for line in lines:
        peak = "" if line.peak_mb is None else f"{line.peak_mb:.0f}"
        cells = (line.what, f"{line.seconds:.3f}", line.beside, line.cpu_beside, peak, line.aim)
        print(f"| {' | '.join(cells)} |", flush=True)


def measure(runs: int, *, server: bool) -> None:
    """Build a store of so many runs, measure and print."""
    times = TIMES if runs <= CHEAP_RUNS else 1
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-bench-") as made:
        folder = Path(made)
        database = folder / "mlflow.db"
        uri = build(database, runs)
        if not server:
            show(f"{runs:,} runs, SQLite", measure_store(uri, database, folder, server=False, times=times))
            return
        with running_server(uri, folder / "server.log") as address:
            lines = measure_store(address, database, folder, server=True, times=times)
            show(f"{runs:,} runs, `mlflow server` on loopback", lines)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Times reading history beside mlflow.search_runs.")
    parser.add_argument("--runs", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--server", action="store_true", help="through a real mlflow server on loopback")
    options = parser.parse_args()
    os.environ.update(environment())
    show("The command line", [Line("`eval-pipeline --help`", _wall(*COMMAND, "--help"), aim="under 0.3 s")])
    for runs in options.runs:
        measure(runs, server=options.server)


if __name__ == "__main__":
    main()
