"""What a suite run is going to do: which datasets, against which versions of the prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_pipeline.actions.candidates import resolve_prompts
from eval_pipeline.actions.observe import nearest
from eval_pipeline.actions.own_command import refuse_unusable_command
from eval_pipeline.actions.promote import FROM_ALIAS
from eval_pipeline.core.datasets import SUFFIXES, Dataset, parse_dataset
from eval_pipeline.core.models import PromptText
from eval_pipeline.core.runs import version_number
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.errors import DatasetError, SettingsError, UsageError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.prompts import get_prompt_text

CORE, FULL, CHOSEN = "core", "full", "chosen"
USUAL_CORE = ("quality", "security", "tone", "routing", "greeting")
"""The core suite where the settings name none; of the types that there are, or else the first five."""


@dataclass(frozen=True, slots=True)
class PlannedType:
    """One eval type of a suite."""

    eval_type: str
    file: Path
    digest: str
    """Of the dataset's text: results of another text are never mixed in."""
    dataset: Dataset | None
    """`None` if it is a file of a team's own runner, in a format of its own."""

    def is_unchanged(self) -> bool:
        """Whether the file still holds what was planned."""
        try:
            return _digest(self.file.read_bytes()) == self.digest
        except OSError:
            return False

    def planned_cases(self, repeat: int | None) -> int:
        """How many results it gives; 0 if that is not known."""
        return 0 if self.dataset is None else len(self.dataset.cases) * (repeat or self.dataset.repeat)


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """A suite run before it begins: its datasets and its one snapshot of the prompts."""

    suite: str
    types: tuple[PlannedType, ...]
    prompts: Mapping[str, PromptText]
    candidate: tuple[str, int] | None = None
    repeat: int | None = None

    def prompts_of(self, planned: PlannedType) -> dict[str, PromptText]:
        """The prompts that one type uses."""
        named = planned.dataset.prompts if planned.dataset else []
        return {name: text for name, text in self.prompts.items() if not named or name in named}

    def threshold(self, planned: PlannedType, settings: Settings) -> float:
        """The lowest pass rate that is good, 0..1: as the settings say for this type, the dataset, or for all."""
        own = settings.thresholds.get(planned.eval_type)
        said = planned.dataset.threshold if planned.dataset else None
        return next(rate for rate in (own, said, settings.default_threshold) if rate is not None)


def find_datasets(settings: Settings) -> dict[str, PlannedType]:
    """The datasets of the settings, by eval type.

    Raises:
        SettingsError: a folder or file that is named is not there, or two files are of one eval type.
        DatasetError: one of them can't be used.
    """
    found: dict[str, PlannedType] = {}
    for file in _files(settings):
        planned = _read(file, own_format=settings.runner.command is not None)
        if planned.eval_type in found:
            other = found[planned.eval_type].file
            raise SettingsError(f"{other} and {file} both are of the eval type {planned.eval_type}: rename one")
        found[planned.eval_type] = planned
    return dict(sorted(found.items()))


def _files(settings: Settings) -> Iterator[Path]:
    for named in settings.datasets:
        path = Path(named)
        if path.is_dir():
            yield from sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
        elif path.exists():
            yield path
        else:
            raise SettingsError(
                f"datasets = {named!r}: there is no such file or folder; set datasets to where they are"
            )


def _read(file: Path, *, own_format: bool) -> PlannedType:
    try:
        content = file.read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise DatasetError(f"{file} can't be read: {problem}") from problem
    try:
        dataset = parse_dataset(text, str(file))
    except DatasetError:
        if not own_format:
            raise
        dataset = None
    eval_type = file.stem if dataset is None else dataset.eval_type
    return PlannedType(eval_type, file, _digest(content), dataset)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def plan_suite(
    store: Store,
    suite: str | None = None,
    eval_types: Sequence[str] = (),
    versions: Mapping[str, int] | None = None,
    repeat: int | None = None,
    prefer: Sequence[str] = (FROM_ALIAS,),
) -> SuitePlan:
    """Read the datasets and resolve every prompt once.

    `versions` are candidates; every other prompt is taken at the first alias of `prefer` that it has, else at its
    newest version. Without `suite` and `eval_types` it is the core suite.

    Raises:
        UsageError: no such suite, eval type, prompt or version; or nothing says what is to be evaluated.
        SettingsError, DatasetError: the datasets can't be used.
        StoreError: the registry can't be read.
    """
    chosen = plan_types(store.settings, suite, eval_types)
    prompts = resolve_prompts(store, versions or {}, prefer)
    _refuse_unknown_prompts(chosen, prompts)
    candidate = next(iter((versions or {}).items()), None) if len(versions or {}) == 1 else None
    name = CHOSEN if eval_types else suite or CORE
    return SuitePlan(name, tuple(chosen), prompts, candidate, repeat)


def plan_types(settings: Settings, suite: str | None = None, eval_types: Sequence[str] = ()) -> list[PlannedType]:
    """The datasets of a suite, whatever the prompts.

    Raises:
        UsageError: no such suite or eval type, there are no datasets, or nothing says what is to be evaluated.
        SettingsError, DatasetError: the datasets can't be used.
    """
    refuse_without_target(settings)
    datasets = find_datasets(settings)
    if not datasets:
        raise UsageError(f"there are no datasets in {', '.join(settings.datasets)}: put one there, or set datasets")
    return choose_types(datasets, settings, suite, eval_types)


def plan_again(store: Store, suite: SuiteRun) -> SuitePlan:
    """The plan of a suite run that was made before: its types as they are on this machine now, its own versions.

    Raises:
        UsageError: a dataset or a prompt version of it is gone, or nothing says what is to be evaluated.
        SettingsError, DatasetError: the datasets can't be used.
        StoreError: the registry can't be read.
    """
    refuse_without_target(store.settings)
    named = [each.eval_type for each in suite.types]
    types = choose_types(find_datasets(store.settings), store.settings, None, named)
    prompts = {}
    for name, version in suite.prompts.items():
        number = version_number(version)
        text = None if number is None else get_prompt_text(store, name, number)
        if text is None:
            raise UsageError(f"the registry has no {name} {version} any more: suite run {suite.id} can't go on")
        prompts[name] = text
    return SuitePlan(suite.suite, tuple(types), prompts, suite.candidate, suite.repeat)


def refuse_without_target(settings: Settings) -> None:
    """Raise UsageError if nothing says what is to be evaluated, SettingsError if the own runner can't be started."""
    if settings.runner.command is not None:
        refuse_unusable_command(settings)
    elif settings.target.kind is None:
        raise UsageError(
            'nothing says what is to be evaluated: set [target] kind = "openai", "python" or "command", '
            "or your own [runner] command"
        )


def choose_types(
    datasets: Mapping[str, PlannedType], settings: Settings, suite: str | None, eval_types: Sequence[str]
) -> list[PlannedType]:
    """The types of a suite, or those that are named.

    Raises:
        UsageError: no such suite or eval type.
    """
    names = list(dict.fromkeys(eval_types)) or suite_types(datasets, settings, suite or CORE)
    for name in names:
        if name not in datasets:
            hint = nearest(name, list(datasets), "there are no datasets")
            raise UsageError(f"there is no dataset of the eval type {name!r}: {hint}")
    return [datasets[name] for name in names]


def suite_types(datasets: Mapping[str, PlannedType], settings: Settings, suite: str) -> list[str]:
    """The eval types of a suite.

    Raises:
        UsageError: there is no such suite.
    """
    if suite in settings.suites:
        return list(dict.fromkeys(settings.suites[suite]))
    if suite == FULL:
        return list(datasets)
    if suite == CORE:
        return [name for name in USUAL_CORE if name in datasets] or list(datasets)[: len(USUAL_CORE)]
    known = suite_names(settings)
    raise UsageError(f"there is no suite {suite!r}: {nearest(suite, known, '')}")


def suite_names(settings: Settings) -> list[str]:
    """The suites that there are."""
    return list(dict.fromkeys([CORE, FULL, *settings.suites]))


def _refuse_unknown_prompts(types: Sequence[PlannedType], prompts: Mapping[str, PromptText]) -> None:
    for planned in types:
        for name in planned.dataset.prompts if planned.dataset else []:
            if name not in prompts:
                hint = nearest(name, list(prompts), "the registry has none")
                raise UsageError(f"{planned.file}: prompts names {name!r}, which is no prompt of this project: {hint}")
