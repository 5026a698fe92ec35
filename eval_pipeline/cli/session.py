"""What commands share: their common options, the opened store, the progress bar, the output."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TextIO, TypeVar

import click

from eval_pipeline.errors import UsageError

if TYPE_CHECKING:
    from eval_pipeline.core.models import EvalExperiment
    from eval_pipeline.report.outlines import Outline
    from eval_pipeline.report.terminal import Style
    from eval_pipeline.report.zones import Zone
    from eval_pipeline.settings import LoadedSettings
    from eval_pipeline.store.connection import Store
    from eval_pipeline.store.mirror import Mirror
    from eval_pipeline.store.syncing import SyncProgress

P = ParamSpec("P")
T = TypeVar("T")

LARGEST_WIDTH = 100
TABLE, JSON = "table", "json"
OUTLINES = ("markdown", "junit", "github")
ALSO = (JSON, "markdown", "junit")
"""The formats that a file can take."""
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""The file that GitHub shows as the summary of a job."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the common options say."""

    tracking_uri: str | None
    config: Path | None
    format: str
    no_mirror: bool
    also: tuple[tuple[str, Path], ...] = ()
    """Further formats, each with the file that takes the answer in it."""
    _loaded: list[LoadedSettings] = field(default_factory=list, repr=False, compare=False)
    """The settings, once they were read."""

    @property
    def as_json(self) -> bool:
        """Whether stdout takes JSON and nothing else."""
        return self.format == JSON

    def load(self) -> LoadedSettings:
        """The settings in force.

        Raises:
            SettingsError: one of them can't be used.
        """
        from eval_pipeline.settings import load_settings

        self._loaded[:] = [load_settings(self.config)]
        return self._loaded[0]

    @property
    def zone(self) -> Zone:
        """In which times are written. UTC for a command that reads no settings, for those show none.

        Raises:
            SettingsError: it is to be this machine's, which has none that can be named.
        """
        from eval_pipeline.actions.clock import reading_zone
        from eval_pipeline.report.zones import IN_UTC

        return reading_zone(self._loaded[0].settings) if self._loaded else IN_UTC

    def open_store(self) -> Store:
        """The store, once it has answered; for what is read live.

        Raises:
            StoreError: it can't be reached.
        """
        from eval_pipeline.store.connection import open_store

        return open_store(self.load().settings, self.tracking_uri)

    @contextmanager
    def synced(self) -> Iterator[tuple[Mirror, list[EvalExperiment]]]:
        """The store's runs as of now: the mirror, brought up to date, and the eval types in it.

        Raises:
            StoreError: the store can't be read.
        """
        from eval_pipeline.store.mirror import open_mirror

        with open_mirror(self.open_store(), throwaway=self.no_mirror) as mirror, _progress_bar() as progress:
            experiments = mirror.sync(progress)
            yield mirror, experiments

    @property
    def alone(self) -> bool:
        """Whether stdout takes the answer and nothing else, for another program to read."""
        return self.format != TABLE

    @property
    def outlined(self) -> bool:
        """Whether the answer is written as an outline, see `report.outlines`, on stdout or to a file."""
        return any(each in OUTLINES for each in (self.format, *(name for name, _ in self.also)))

    def write(self, value: Any, text: Callable[[Style], str], outline: Callable[[], Outline] | None = None) -> None:
        """Print the answer: `value` as JSON, `outline` in another program's format, or else as text.

        Raises:
            UsageError: a file that is to take it too can't be written.
        """
        made = outline() if self.outlined and outline is not None else None
        if made is not None and self.format in OUTLINES:
            self._say_outline(made)
        elif self.as_json:
            unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
            _say(_json(value, ascii_only=not unicode))
        else:
            _say(text(_style(self.zone)))
        for name, path in self.also:
            _put(path, _json(value) if name == JSON or made is None else _outlined(name, made))

    def _say_outline(self, outline: Outline) -> None:
        _say(_outlined(self.format, outline))
        summary = os.environ.get(SUMMARY_VARIABLE)
        if self.format == "github" and summary:
            _put(Path(summary), _outlined("markdown", outline), "a")

    def tell(self, text: Callable[[Style], str]) -> None:
        """Say something while it works; next to what a program reads it goes to stderr."""
        _say(text(_style(self.zone, sys.stderr if self.alone else sys.stdout)), err=self.alone)

    def remark(self, line: str) -> None:
        """Say something beside the answer; next to what a program reads it goes to stderr."""
        from eval_pipeline.core.plain_text import printable

        _say(printable(line) + "\n", err=self.alone)


def common_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options of every command; the command gets them as its `session`."""
    return _with_options(command, (TABLE, JSON))


def outlined_options(command: Callable[..., T]) -> Callable[..., T]:
    """The same for a command whose answer other programs take too, as an outline."""

    @click.option(
        "--also",
        metavar="FORMAT=FILE",
        multiple=True,
        callback=_read_also,
        help=f"Write the answer to a file as well, as {', '.join(ALSO[:-1])} or {ALSO[-1]}; may be repeated.",
    )
    @wraps(command)
    def with_files(*args: Any, session: Session, also: tuple[tuple[str, Path], ...], **kwargs: Any) -> T:
        return command(*args, session=replace(session, also=also), **kwargs)

    return _with_options(with_files, (TABLE, JSON, *OUTLINES))


def _read_also(context: click.Context, option: click.Parameter, said: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """What each `--also` says; that a file can't be written is known before the work begins."""
    found = []
    for each in said:
        name, _, path = each.partition("=")
        if name not in ALSO or not path:
            raise click.BadParameter(f"{each!r} is not FORMAT=FILE, as in junit=evals.xml", context, option)
        if not os.access(Path(path).parent, os.W_OK) or Path(path).is_dir():
            raise click.BadParameter(f"{path!r} can't be written", context, option)
        found.append((name, Path(path)))
    return tuple(found)


def _with_options(command: Callable[..., T], formats: Sequence[str]) -> Callable[..., T]:
    @click.option("--tracking-uri", metavar="URI", help="MLflow store. Default: $MLFLOW_TRACKING_URI, settings.")
    @click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Settings. Default: $EVAL_PIPELINE_CONFIG, eval_pipeline.toml.",
    )
    @click.option("--format", type=click.Choice(formats), default=TABLE, help="What to print on stdout.")
    @click.option("--no-mirror", is_flag=True, help="Read every run from the store; keep no local copy.")
    @wraps(command)
    def with_session(
        *args: Any, tracking_uri: str | None, config: Path | None, format: str, no_mirror: bool, **kwargs: Any
    ) -> T:
        return command(*args, session=Session(tracking_uri, config, format, no_mirror), **kwargs)

    return with_session


def _json(value: Any, *, ascii_only: bool = False) -> str:
    return json.dumps(value, indent=2, ensure_ascii=ascii_only, allow_nan=False) + "\n"


def _outlined(name: str, outline: Outline) -> str:
    from eval_pipeline.report.outlines import WRITERS

    return WRITERS[name](outline)


def _put(path: Path, text: str, mode: Literal["a", "w"] = "w") -> None:
    try:
        with path.open(mode, encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as problem:
        raise UsageError(f"{path} can't be written: {problem.strerror}") from problem


def _say(text: str, *, err: bool = False) -> None:
    """Print it. A reader who has seen enough, as in `| head`, changes nothing about the answer and its exit code."""
    try:
        click.echo(text, nl=False, err=err)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())


def _style(zone: Zone, stream: TextIO | None = None) -> Style:
    from eval_pipeline.report.terminal import Style

    terminal = (stream or sys.stdout).isatty()
    width = shutil.get_terminal_size().columns if terminal else LARGEST_WIDTH
    colour = terminal and "NO_COLOR" not in os.environ
    return Style(width=max(40, min(width, LARGEST_WIDTH)), colour=colour, zone=zone)


@contextmanager
def _progress_bar() -> Iterator[Callable[[SyncProgress], None] | None]:
    """A bar on stderr for a long sync; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("Reading runs"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, said="", visible=False)

        def show(progress: SyncProgress) -> None:
            said = f"{progress.experiments_done}/{progress.experiments} eval types, {progress.runs:,} runs"
            bar.update(
                task,
                total=progress.experiments or None,
                completed=progress.experiments_done,
                said=said,
                visible=progress.experiments > 0,
            )

        yield show
