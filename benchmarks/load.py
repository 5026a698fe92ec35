"""How the app holds up under many sessions: they open websockets on loopback, and each acts every 5 seconds.

`uv run python -m benchmarks.load [--sessions 25 50 100 200] [--runs 10000] [--seconds 30]`, in under 5 minutes. Aim:
p95 of a rerun under 0.5 s at 100 sessions on 2 cores. Linux only, for it reads `/proc`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load_session import AppSession
from benchmarks.reading import build, environment

HOST = "127.0.0.1"
"""The only host that is ever asked."""
MOST_SESSIONS, MOST_SECONDS = 500, 120
THINK_SECONDS = 5.0
START_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running app."""

    pid: int
    port: int

    @property
    def cpu_seconds(self) -> float:
        """CPU time that its process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def memory_mb(self) -> float:
        """Memory that its process holds now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(slots=True)
class Found:
    """What so many sessions met."""

    sessions: int
    first_paints: list[float] = field(default_factory=list)
    """Seconds from opening a websocket to the whole page, while others act."""
    reruns: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds of each rerun, by page."""
    cpu_seconds: float = 0
    memory_mb: float = 0
    memory_mb_before: float = 0

    def line(self) -> str:
        """A row of the table."""
        seconds = [each for page in self.reruns.values() for each in page]
        cells = (
            f"{self.sessions}",
            f"{len(seconds)}",
            f"{statistics.median(seconds):.3f}",
            f"{percentile(seconds, 95):.3f}",
            f"{1000 * self.cpu_seconds / len(seconds):.0f}",
            f"{statistics.median(self.first_paints):.3f}",
            f"{self.memory_mb:.0f}",
            f"{(self.memory_mb - self.memory_mb_before) / self.sessions:.1f}",
        )
        return f"| {' | '.join(cells)} |"


HEAD = """
| sessions | reruns | p50, s | p95, s | CPU ms a rerun | first paint, s | memory, MB | MB a session |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""


def percentile(values: Sequence[float], share: int) -> float:
    """The value that `share` percent are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


async def load(server: Server, sessions: int, seconds: float) -> Found:
    """Open the sessions one after another within 5 seconds, let each act every 5 seconds, and close them."""
    found = Found(sessions)
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(AppSession.open(server.port, random.Random(0)))]
        found.memory_mb_before = server.memory_mb
        async with asyncio.TaskGroup() as group:
            for number in range(1, sessions):
                group.create_task(_open(stack, server.port, number, THINK_SECONDS * number / sessions, opened))
        found.first_paints = [each.first_paint for each in opened]
        cpu, end = server.cpu_seconds, time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for number, session in enumerate(opened):
                group.create_task(_act(session, THINK_SECONDS * number / sessions, end, found))
        found.cpu_seconds, found.memory_mb = server.cpu_seconds - cpu, server.memory_mb
    return found


async def _open(stack: AsyncExitStack, port: int, number: int, delay: float, opened: list[AppSession]) -> None:
    await asyncio.sleep(delay)
    opened.append(await stack.enter_async_context(AppSession.open(port, random.Random(number))))


async def _act(session: AppSession, delay: float, end: float, found: Found) -> None:
    await asyncio.sleep(delay)
    while time.monotonic() < end:
        acted = time.monotonic()
        page = await session.act()
        taken = time.monotonic() - acted
        found.reruns[page].append(taken)
        await asyncio.sleep(max(0.0, THINK_SECONDS - taken))


@contextmanager
def app(uri: str, cache: Path) -> Iterator[Server]:
    """`eval-pipeline ui` on a store."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "eval_pipeline", "ui", "--port", str(port), "--no-browser"]
    variables = {"MLFLOW_TRACKING_URI": uri, "EVAL_PIPELINE_MIRROR_CACHE_DIR": str(cache)}
    process = subprocess.Popen(command, env=environment() | variables, stdout=subprocess.DEVNULL, cwd=cache)
    try:
        _wait_for(f"http://{HOST}:{port}/_stcore/health", process)
        yield Server(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the app did not start")


async def first_paint(server: Server) -> float:
    """Seconds until the first visitor of an app sees the whole Overview."""
    async with AppSession.open(server.port, random.Random(0)) as session:
        return session.first_paint


def measure(uri: str, cache: Path, counts: Sequence[int], seconds: float) -> None:
    """Print the first paints and the table; each count of sessions meets an app that was just started."""
    with app(uri, cache) as server:
        print(f"First paint with an empty mirror: {asyncio.run(first_paint(server)):.2f} s")
    with app(uri, cache) as server:
        print(f"First paint after a start: {asyncio.run(first_paint(server)):.2f} s")
    print(HEAD, flush=True)
    by_page: dict[str, list[float]] = defaultdict(list)
    for count in counts:
        with app(uri, cache) as server:
            found = asyncio.run(load(server, count, seconds))
        print(found.line(), flush=True)
        for page, taken in found.reruns.items():
            by_page[page] += taken
    said = (f"{page} {statistics.median(taken):.3f}" for page, taken in sorted(by_page.items()))
    print(f"\nMedian seconds of a rerun, by page: {', '.join(said)}.")


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Opens many sessions of the app on loopback.")
    parser.add_argument("--sessions", type=int, nargs="+", default=[25, 50, 100, 200])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="that each count of sessions acts")
    options = parser.parse_args()
    if max(options.sessions) > MOST_SESSIONS or not 0 < options.seconds <= MOST_SECONDS:
        parser.error(f"at most {MOST_SESSIONS} sessions and {MOST_SECONDS} seconds")
    with tempfile.TemporaryDirectory(prefix="eval-pipeline-bench-") as made:
        folder = Path(made)
        (folder / "cache").mkdir()
        measure(build(folder / "mlflow.db", options.runs), folder / "cache", options.sessions, options.seconds)


if __name__ == "__main__":
    main()
