"""What a check-up of settings and store finds, and which of a team's metric names look like the numbers we read.

The latter is advice only: nothing is mapped without settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eval_pipeline.core.models import EvalExperiment, RunStatus
from eval_pipeline.core.people import Role

QUANTITIES = ("pass_rate", "average_score", "total_cases", "error_cases")
OURS = frozenset({*QUANTITIES, "passed_cases", "failed_cases"})
HINTS = {
    "pass_rate": ("pass_rate", "passrate", "accuracy", "success_rate", "pass"),
    "average_score": ("average_score", "avg_score", "mean_score", "score", "mean"),
    "total_cases": ("total_cases", "num_cases", "n_cases", "case_count", "total", "examples"),
    "error_cases": ("error_cases", "errors", "errored", "error"),
}
"""Words by which a name is taken for a quantity, best first."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force."""

    key: str
    value: Any
    """As JSON would have it."""
    origin: str
    """The file, variable or option that set it, or `default`."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What was found in the runs of one eval type and is not read."""

    eval_type: str
    unmapped: tuple[str, ...]
    """Metrics that no setting maps, by name."""
    lines: tuple[str, ...]
    """Lines of settings that would map what is missing."""


@dataclass(frozen=True, slots=True)
class TypeFinding:
    """What the store has of one eval type."""

    experiment: EvalExperiment
    runs: Mapping[RunStatus, int]
    reasons: Mapping[str, int]
    """Why runs are errors, with how many."""
    advice: Advice


@dataclass(frozen=True, slots=True)
class SignIn:
    """How people sign in to the app."""

    enabled: bool
    problem: str | None
    """Why nobody can, where they should."""
    role: Role
    """Of whoever has a terminal, and of whoever opens the app where nobody signs in."""
    matchers: Mapping[Role, int]
    """How many entries the list of each role has."""


def advise(eval_type: str, metrics: Iterable[str], params: Iterable[str], sources: Mapping[str, str]) -> Advice:
    """Compare the names found with `sources` (quantity to metric name, or `params:NAME`)."""
    found_metrics, found_params = sorted(metrics), sorted(params)
    mapped = {*sources.values(), *OURS}
    unmapped = tuple(name for name in found_metrics if name not in mapped)
    present = {*found_metrics, *(f"params:{name}" for name in found_params)}
    candidates = [*unmapped, *(f"params:{name}" for name in found_params if f"params:{name}" not in mapped)]
    lines = [
        f'{quantity} = "{name}"'
        for quantity in QUANTITIES
        if sources[quantity] not in present and (name := _best(quantity, candidates))
    ]
    table = [f'[metrics."{eval_type}"]' if not eval_type.replace("-", "").isalnum() else f"[metrics.{eval_type}]"]
    return Advice(eval_type, unmapped, tuple(table + lines) if lines else ())


def _best(quantity: str, candidates: Iterable[str]) -> str | None:
    named = [(name.removeprefix("params:").lower(), name) for name in candidates]
    return next((name for hint in HINTS[quantity] for low, name in named if hint in low), None)
