"""`eval-pipeline demo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from eval_pipeline.cli.session import Session

STEPS_A_LINE = 20
"""Where stderr is no terminal, progress is a line every so many steps."""


@click.command(epilog="Example: eval-pipeline demo --no-browser --port 8600")
@click.option("--fresh", is_flag=True, help="Build the sample store again.")
@click.option(
    "--folder", type=click.Path(path_type=Path), metavar="DIR", help="Where it lies. Default: your data folder."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port on 127.0.0.1.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--build-only", is_flag=True, help="Build the store if need be, say where it is, and end.")
def command(fresh: bool, folder: Path | None, port: int, no_browser: bool, build_only: bool) -> int:
    """Build a sample store by really running its evals, and open the app on it.

    Nineteen eval types, four prompts, months of history, in a folder of its own: your stores and settings are not
    touched. The assistant that is evaluated is a rule follower that reads the prompt texts, not an LLM.
    """
    from datetime import UTC, datetime

    from platformdirs import user_data_path

    from eval_pipeline.app_site import Site
    from eval_pipeline.cli.serving import refuse_taken, serve
    from eval_pipeline.demo.build import build_demo_store
    from eval_pipeline.demo.building import demo_is_built

    folder = (folder or user_data_path("eval-pipeline", appauthor=False) / "demo").absolute()
    if not build_only:
        refuse_taken(Site(port=port))
    if fresh or not demo_is_built(folder):
        click.echo(f"Building the sample store in {folder}: its evals are really run, which takes about half a minute.")
        with _progress_bar() as progress:
            build_demo_store(folder, datetime.now(UTC), progress)
    else:
        click.echo(f"Opening the sample store in {folder} (--fresh builds it again).")
    config = folder / "eval_pipeline.toml"
    click.echo(f"The same history in a terminal: eval-pipeline check {_options(folder, config)}")
    if build_only:
        return 0
    session = Session(None, config, "table", no_mirror=False)
    return serve(session, Site(port=port), open_browser=not no_browser, isolated=True)


def _options(folder: Path, config: Path) -> str:
    """How other commands find the sample store, also where a variable names another one."""
    named = f" --tracking-uri sqlite:///{folder}/mlflow.db" if "MLFLOW_TRACKING_URI" in os.environ else ""
    return f"--config {config}{named}"


@contextmanager
def _progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    if not sys.stderr.isatty():
        yield _progress_line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=what)


def _progress_line(done: int, total: int, what: str) -> None:
    if done % STEPS_A_LINE == 0 or done == total:
        click.echo(f"{done}/{total} {what}", err=True)
