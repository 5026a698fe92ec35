"""Comparing runs case by case: which runs, their cases, and the texts of the prompts that changed between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eval_pipeline.actions.cases import Read, read_cases
from eval_pipeline.actions.observe import find_run
from eval_pipeline.core.bisecting import newest_of
from eval_pipeline.core.comparing import RunComparison, compare_cases, weighed
from eval_pipeline.core.models import PromptChange, PromptText, TrendPoint, Unjudged
from eval_pipeline.core.regression import FIRST_RUN, NO_DATA, get_baseline_run
from eval_pipeline.core.runs import version_number
from eval_pipeline.errors import UsageError
from eval_pipeline.settings import Settings
from eval_pipeline.store.connection import Store
from eval_pipeline.store.prompts import get_prompt_text

Histories = Mapping[str, Sequence[TrendPoint]]
"""The runs of each eval type, oldest first."""
RunPair = tuple[TrendPoint, TrendPoint]
"""A baseline and a current run of the same eval type."""


@dataclass(frozen=True, slots=True)
class ChangedText:
    """The texts of a prompt that changed; `None` where the registry has no such version, or no longer."""

    change: PromptChange
    before: PromptText | None
    after: PromptText | None


def named_pair(histories: Histories, baseline: str, current: str) -> RunPair:
    """The two runs with these ids, or the only ones whose ids begin so.

    Raises:
        UsageError: no such runs, one run twice, or runs of two eval types.
    """
    first, second = find_run(histories, baseline), find_run(histories, current)
    if first.run_id == second.run_id:
        raise UsageError(f"{baseline} and {current} are the same run: name two")
    if first.eval_type != second.eval_type:
        raise UsageError(
            f"{baseline} is a run of {first.eval_type} and {current} one of {second.eval_type}: "
            "name two runs of one eval type"
        )
    return first, second


def newest_pair(histories: Histories, eval_type: str) -> RunPair:
    """The newest complete run of a type and its baseline.

    Raises:
        UsageError: it has no two complete runs.
    """
    complete = [point for point in histories[eval_type] if point.complete]
    baseline = get_baseline_run(complete, complete[-1]) if complete else None
    if baseline is None:
        why = FIRST_RUN if complete else NO_DATA
        raise UsageError(f"{eval_type} has no two complete runs to compare ({why}): name two runs by their ids")
    return baseline, complete[-1]


def version_pairs(
    histories: Histories, prompt_name: str, baseline: int, current: int
) -> tuple[list[RunPair], list[Unjudged]]:
    """For each type that uses the prompt, the newest complete runs of two versions; and the types that lack one."""
    pairs: list[RunPair] = []
    lacking: list[Unjudged] = []
    for eval_type, points in sorted(histories.items()):
        if not any(prompt_name in point.prompt_versions for point in points):
            continue
        before, after = newest_of(prompt_name, baseline, points), newest_of(prompt_name, current, points)
        if before and after:
            pairs.append((before, after))
        else:
            missing = " and ".join(f"v{v}" for v, run in ((baseline, before), (current, after)) if run is None)
            lacking.append(Unjudged(eval_type, f"no complete run of {missing}"))
    return pairs, lacking


def compare_pairs(pairs: Sequence[RunPair], read: Read, settings: Settings) -> list[RunComparison]:
    """Compare runs case by case, each with its evidence.

    Raises:
        StoreError: the cases can't be read.
    """
    cases = read_cases([point.run_id for pair in pairs for point in pair], read)
    compared = [
        compare_cases(before, after, (cases[before.run_id], cases[after.run_id]), settings.threshold(after.eval_type))
        for before, after in pairs
    ]
    return weighed(compared, settings.quarantine)


def read_changed_texts(store: Store, changes: Iterable[PromptChange]) -> list[ChangedText]:
    """What the registry says of the prompts that changed.

    Raises:
        StoreError: it can't be read.
    """
    return [
        ChangedText(
            change,
            _text(store, change.prompt_name, change.from_version),
            _text(store, change.prompt_name, change.to_version),
        )
        for change in changes
    ]


def _text(store: Store, prompt_name: str, version: str) -> PromptText | None:
    number = version_number(version)
    return None if number is None else get_prompt_text(store, prompt_name, number)
