"""From a file's text to a dataset, or to all that is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from pydantic import ValidationError

from eval_pipeline.core.datasets.doubts import doubts_about
from eval_pipeline.core.datasets.json_text import HALF_A_CHARACTER, parse_json
from eval_pipeline.core.datasets.jsonl_text import parse_jsonl
from eval_pipeline.core.datasets.mistakes import Mistake, describe, repeated_ids, shortened, written
from eval_pipeline.core.datasets.model import Dataset
from eval_pipeline.core.datasets.parsed import Flaw, Parsed, Unreadable
from eval_pipeline.core.datasets.part import Place
from eval_pipeline.core.datasets.yaml_text import parse_yaml
from eval_pipeline.errors import DatasetError

FORMATS: Mapping[str, Callable[[str, str], Parsed | Unreadable]] = {
    ".json": lambda text, _: parse_json(text),
    ".yaml": lambda text, _: parse_yaml(text),
    ".yml": lambda text, _: parse_yaml(text),
    ".jsonl": parse_jsonl,
}
SUFFIXES = tuple(FORMATS)
"""How the name of a dataset's file ends."""
EDITORS_KEY = "$schema"
"""Tells an editor where the schema is; it says nothing about the dataset."""


@dataclass(frozen=True, slots=True)
class CheckedDataset:
    """What a file's text came to."""

    file: str
    dataset: Dataset | None
    """`None` where there are mistakes."""
    mistakes: tuple[Mistake, ...] = ()
    """In the order of the file."""
    doubts: tuple[Mistake, ...] = ()
    """What may be said but is probably not meant; only where there are no mistakes."""
    eval_type_line: int | None = None


def parse_dataset(text: str, file: str) -> Dataset:
    """Read a dataset from the text of a `.json`, `.yaml`, `.yml` or `.jsonl` file.

    Raises:
        DatasetError: it is none; names the file, the line, the field and, for a wrong word, the nearest allowed one.
    """
    _, dataset, mistakes = _read(text, file)
    if dataset is None:
        more = f" (and {len(mistakes) - 1} more: see eval-pipeline datasets check)" if len(mistakes) > 1 else ""
        raise DatasetError(f"{mistakes[0]}{more}")
    return dataset


def check_dataset(text: str, file: str) -> CheckedDataset:
    """Like `parse_dataset`, with all mistakes at once and with what is probably not meant."""
    parsed, dataset, mistakes = _read(text, file)
    if dataset is None or parsed is None:
        return CheckedDataset(file, None, tuple(mistakes))
    doubts = [_mistake(file, parsed, place, message) for place, message in doubts_about(dataset)]
    line = parsed.find_line(("eval_type",))
    return CheckedDataset(file, dataset, (), tuple(_in_order(doubts)), line)


def shared_eval_types(checked: Iterable[CheckedDataset]) -> list[Mistake]:
    """A mistake for each dataset whose eval type another one before it has: their runs could not be told apart."""
    files: dict[str, list[CheckedDataset]] = defaultdict(list)
    for each in checked:
        if each.dataset:
            files[each.dataset.eval_type].append(each)
    return [
        Mistake(again.file, again.eval_type_line, "eval_type", f"{name!r} is the type of {first.file} already")
        for name, (first, *others) in files.items()
        for again in others
    ]


def _read(text: str, file: str) -> tuple[Parsed | None, Dataset | None, list[Mistake]]:
    parsed = _parse(text, file)
    mistakes = [Mistake(file, flaw.line, "", flaw.message) for flaw in parsed.flaws]
    if isinstance(parsed, Unreadable):
        return None, None, mistakes
    data = parsed.data
    if isinstance(data, dict):
        data = {name: value for name, value in data.items() if name != EDITORS_KEY}
    dataset = None
    found = [(again, _said_before(name, parsed.find_line(first))) for again, first, name in repeated_ids(data)]
    try:
        dataset = Dataset.model_validate(data)
    except ValidationError as problem:
        found += describe(problem)
    mistakes += [_mistake(file, parsed, place, message) for place, message in found]
    return parsed, None if mistakes else dataset, _in_order(mistakes)


def _parse(text: str, file: str) -> Parsed | Unreadable:
    parse = FORMATS.get(PurePath(file).suffix.lower())
    if parse is None:
        return Unreadable((Flaw(None, f"a dataset is a {', '.join(FORMATS)} file"),))
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        line = text.count("\n", 0, problem.start) + 1
        return Unreadable((Flaw(line, HALF_A_CHARACTER),))
    return parse(text.removeprefix("\ufeff"), file)


def _mistake(file: str, parsed: Parsed, place: Place, message: str) -> Mistake:
    field = written(place[2:] if parsed.by_line and len(place) > 1 and place[0] == "cases" else place)
    if not field:
        message = f"{'the case' if place else 'the file'} {message}"
    return Mistake(file, parsed.find_line(place), field, message)


def _said_before(name: str, line: int) -> str:
    return f"{shortened(name)} is the id of the case on line {line} already"


def _in_order(mistakes: list[Mistake]) -> list[Mistake]:
    return sorted(mistakes, key=lambda mistake: mistake.line or 0)
