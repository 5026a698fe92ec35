"""`eval-pipeline datasets`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eval_pipeline.cli.session import Session

if TYPE_CHECKING:
    from eval_pipeline.core.datasets import CheckedDataset, Dataset, Mistake


@click.group()
def command() -> None:
    """Whether eval datasets can be used, and the format for editors."""


@command.command(epilog="Example: eval-pipeline datasets check evals")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--format", type=click.Choice(["table", "json"]), default="table", help="What to print on stdout.")
def check(files: tuple[Path, ...], format: str) -> None:
    """Whether each dataset can be used; a folder stands for the datasets in it.

    Names every mistake by file, line and field, and what is allowed there; also two datasets of one eval type, and
    what is allowed but probably not meant. Nothing is run. Exits with 2 if a dataset can't be used.
    """
    from eval_pipeline.core.datasets import shared_eval_types
    from eval_pipeline.errors import DatasetError

    checked = [_check(file) for file in dict.fromkeys(_files(files))]
    shared = shared_eval_types(checked)
    mistakes = [(each, [*each.mistakes, *(one for one in shared if one.file == each.file)]) for each in checked]
    answer = [_as_json(each, found) for each, found in mistakes]
    Session(None, None, format, no_mirror=True).write(answer, lambda _: _as_text(mistakes))
    bad = sum(bool(found) for _, found in mistakes)
    if bad:
        raise DatasetError(f"{bad} of {len(checked)} datasets can't be used: mend the lines above")


@command.command(epilog="Example: eval-pipeline datasets schema > dataset.schema.json")
def schema() -> None:
    """The dataset format as JSON Schema: editors complete, explain and check datasets by it.

    Name it in a dataset as "$schema", or in the settings of the editor.
    """
    from eval_pipeline.core.datasets.editors import dataset_schema

    Session(None, None, "json", no_mirror=True).write(dataset_schema(), str)


def _files(named: Sequence[Path]) -> Iterator[Path]:
    from eval_pipeline.core.datasets import SUFFIXES
    from eval_pipeline.errors import UsageError

    for path in named:
        if not path.is_dir():
            yield path
            continue
        found = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
        if not found:
            raise UsageError(f"{path} has no datasets: they are {', '.join(SUFFIXES)} files directly in it")
        yield from found


def _check(file: Path) -> CheckedDataset:
    from eval_pipeline.core.datasets import CheckedDataset, Mistake, check_dataset

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        said = problem.strerror if isinstance(problem, OSError) else "it is no UTF-8 text"
        return CheckedDataset(str(file), None, (Mistake(str(file), None, "", f"can't be read: {said}"),))
    return check_dataset(text, str(file))


def _as_text(checked: Sequence[tuple[CheckedDataset, Sequence[Mistake]]]) -> str:
    from eval_pipeline.core.plain_text import printable

    lines: list[str] = []
    for each, mistakes in checked:
        lines += [f"{mistake}" for mistake in mistakes]
        if each.dataset and not mistakes:
            lines.append(f"{each.file}: ok, {_counted(each.dataset)}")
        lines += [f"{doubt.place}: warning: {doubt.said}" for doubt in each.doubts]
    return "".join(f"{printable(line)}\n" for line in lines)


def _counted(dataset: Dataset) -> str:
    from eval_pipeline.report.numbers import counted

    cases, assertions = counted(len(dataset.cases), "case"), counted(_assertions(dataset), "assertion")
    return f"{dataset.eval_type}, {cases}, {assertions}"


def _assertions(dataset: Dataset) -> int:
    return sum(len(case.assertions) for case in dataset.cases)


def _as_json(checked: CheckedDataset, mistakes: Sequence[Mistake]) -> dict[str, Any]:
    dataset = checked.dataset
    return {
        "file": checked.file,
        "ok": not mistakes,
        "eval_type": dataset.eval_type if dataset else None,
        "version": dataset.version if dataset else None,
        "cases": len(dataset.cases) if dataset else None,
        "assertions": _assertions(dataset) if dataset else None,
        "mistakes": [_mistake(each) for each in mistakes],
        "warnings": [_mistake(each) for each in checked.doubts],
    }


def _mistake(mistake: Mistake) -> dict[str, Any]:
    return {"line": mistake.line, "field": mistake.field, "message": mistake.message}
