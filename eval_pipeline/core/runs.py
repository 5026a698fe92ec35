"""What a run in the store means: its status, its numbers, its prompts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eval_pipeline.core.models import EvalExperiment, RunStatus

FINISHED, ENDED_BADLY = "FINISHED", frozenset({"FAILED", "KILLED"})
INFINITE = 1e308
"""MLflow's database stores hand an infinite metric back as the largest float."""
RESERVED_SEPARATOR = "-"
PROMPT_PARAM = "prompt."

_VERSION = re.compile(r"v?0*([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Number:
    """A number read from a run: its value, or why there is none."""

    value: float | None
    problem: str | None = None


MISSING = Number(None)


def read_number(raw: float | str | None, name: str) -> Number:
    """A finite number from a metric or a param's text. NaN, infinite and unreadable values become a problem."""
    if raw is None:
        return MISSING
    try:
        value = float(raw)
    except ValueError:
        return Number(None, f"{name} is {raw!r}, no number")
    if math.isnan(value):
        return Number(None, f"{name} is NaN")
    if abs(value) >= INFINITE:
        return Number(None, f"{name} is infinite")
    return Number(value)


def read_rate(raw: float | str | None, name: str) -> Number:
    """A rate 0..1; what lies outside is a problem, never clipped."""
    number = read_number(raw, name)
    if number.value is None or 0 <= number.value <= 1:
        return number
    return Number(None, f"{name} is {_shown(number.value)}, outside 0..1")


def read_count(raw: float | str | None, name: str) -> Number:
    """A count of cases, a whole number from 0."""
    number = read_number(raw, name)
    if number.value is None or (number.value >= 0 and number.value.is_integer()):
        return number
    return Number(None, f"{name} is {_shown(number.value)}, no count")


def _shown(value: float) -> str:
    """In full, for 1.0000000000000002 lies outside 0..1."""
    return repr(value).removesuffix(".0")


def classify_run(
    store_status: str, pass_rate: Number, errors: Number, total: float | None
) -> tuple[RunStatus, str | None]:
    """The status of a run and, unless it is complete, why. An unreadable count of errors is as bad as no pass rate."""
    if store_status in ENDED_BADLY:
        return RunStatus.ERROR, f"the run ended as {store_status}"
    if store_status != FINISHED:
        return RunStatus.RUNNING, "not ended"
    if pass_rate.value is None:
        return RunStatus.ERROR, pass_rate.problem or "no pass rate was logged"
    if errors.problem:
        return RunStatus.ERROR, errors.problem
    if errors.value:
        of = f" of {total:g}" if total else ""
        return RunStatus.PARTIAL, f"{errors.value:g}{of} cases errored"
    return RunStatus.COMPLETE, None


def read_version(raw: str) -> str:
    """A prompt version as it is always shown, `v3` for `3` and `v3`; other text stays as it is."""
    match = _VERSION.fullmatch(raw.strip())
    return f"v{match[1]}" if match else raw


def version_number(shown: str) -> int | None:
    """The number in `v3`; `None` for text that is no version."""
    match = _VERSION.fullmatch(shown.strip())
    return int(match[1]) if match else None


def read_prompt_versions(params: Mapping[str, str]) -> dict[str, str]:
    """The prompts that a run names, from its `prompt.<name>` params."""
    named = ((key.removeprefix(PROMPT_PARAM), value) for key, value in params.items() if key.startswith(PROMPT_PARAM))
    return {name: read_version(value) for name, value in named if name}


def experiment_name(base: str, base_eval_type: str, eval_type: str) -> str:
    """The experiment that holds the runs of an eval type."""
    return base if eval_type == base_eval_type else f"{base}{RESERVED_SEPARATOR}{eval_type}"


def find_eval_experiments(
    named: Iterable[tuple[str, str, int]], base: str, base_eval_type: str
) -> list[EvalExperiment]:
    """The eval types among a store's experiments: `{base}-{type}`, and `{base}` itself.

    Experiments are given as (id, name, creation time in ms). A name that merely begins like the base is another
    project's. By eval type. Two experiments of one type, as `{base}` and `{base}-{base_eval_type}` would be, both come
    back: the caller says what to do.
    """
    prefix = base + RESERVED_SEPARATOR
    found = [
        EvalExperiment(base_eval_type if name == base else name.removeprefix(prefix), experiment_id, name, created)
        for experiment_id, name, created in named
        if name == base or (name.startswith(prefix) and name != prefix)
    ]
    return sorted(found, key=lambda experiment: (experiment.eval_type, experiment.experiment_name))
