"""How long the scripts of Overview and Trends take on a synced store, through the app's own entrypoint.

`uv run python -m benchmarks.pages [--runs 1000 10000 100000]`. Aim: under 0.3 s a rerun.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.reading import build, environment

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

PAGES = ("overview", "trends")
RERUNS = 5
SYNC_SECONDS = 600
APP = Path(__file__).parent.parent / "streamlit_app.py"


def time_page(page: str) -> tuple[float, float]:
    """Seconds of the first run of a page in a new process, and the median of its reruns."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(APP), default_timeout=SYNC_SECONDS)
    first = _run(app.switch_page(f"pages/{page}.py"))
    return first, statistics.median(_run(app) for _ in range(RERUNS))


def _run(app: AppTest) -> float:
    started = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - started
    if app.exception or app.error or not app.title:
        raise RuntimeError(f"the page shows {[*app.exception, *app.error] or 'nothing'}")
    return seconds


def measure(runs: int) -> None:
    """Build a store of so many runs, sync it, and time each page in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-bench-") as folder:
        uri = build(Path(folder) / "mlflow.db", runs)
        here = {"MLFLOW_TRACKING_URI": uri, "EVAL_PIPELINE_MIRROR_CACHE_DIR": folder, "STREAMLIT_LOGGER_LEVEL": "error"}
        sync = [sys.executable, "-m", "eval_pipeline", "trend", "--limit", "1"]
        subprocess.run(sync, check=True, stdout=subprocess.DEVNULL, env=environment() | here)
        for page in PAGES:
            command = [sys.executable, "-m", "benchmarks.pages", "--page", page]
            timed = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment() | here).stdout
            first, rerun = json.loads(timed)
            print(f"| {runs:,} | {page} | {first:.3f} | {rerun:.3f} | under 0.3 s a rerun |", flush=True)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Times the scripts of the app's pages on a synced store.")
    parser.add_argument("--runs", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--page", choices=PAGES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.page:
        print(json.dumps(time_page(options.page)))
        return
    os.environ.update(environment())
    print("| runs | page | first run, s | rerun, s | aim |\n| ---: | --- | ---: | ---: | --- |")
    for runs in options.runs:
        measure(runs)


if __name__ == "__main__":
    main()
