"""Points and histories to judge, by hand and by Hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from eval_pipeline.core.models import RunStatus, TrendPoint

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
OTHER_STATUSES = (RunStatus.PARTIAL, RunStatus.ERROR, RunStatus.RUNNING)


def moment(number: int) -> datetime:
    """When the run of this number started: one a day."""
    return START + timedelta(days=number)


def point(
    number: int, pass_rate: float | None = 0.9, prompts: Mapping[str, str] | None = None, **other: Any
) -> TrendPoint:
    """The complete run `run-NN` of the type `tone`."""
    said: dict[str, Any] = {
        "run_id": f"run-{number:02}",
        "timestamp": moment(number),
        "experiment_name": "my-assistant-eval-tone",
        "eval_type": "tone",
        "pass_rate": pass_rate,
        "average_score": None,
        "total_cases": 20,
        "error_cases": 0,
        "prompt_versions": dict(prompts or {}),
        "eval_status": RunStatus.COMPLETE,
    }
    return TrendPoint(**{**said, **other})


def history(*rates: float) -> list[TrendPoint]:
    """Complete runs with these pass rates, oldest first."""
    return [point(number, rate) for number, rate in enumerate(rates)]


def not_complete(number: int, status: RunStatus, pass_rate: float | None = 0.1) -> TrendPoint:
    """A run that no verdict may rest on, though it may have a rate."""
    return replace(point(number, pass_rate), eval_status=status, status_reason="for a reason", threshold=0.99)


RATES = st.floats(0, 1) | st.integers(0, 200).map(lambda passed: passed / 200)
VERSIONS = st.dictionaries(st.sampled_from(["persona", "routing"]), st.sampled_from(["v1", "v2", "v3"]))
STATUSES = st.sampled_from(list(RunStatus))


@st.composite
def histories(draw: st.DrawFn, max_size: int = 8) -> list[TrendPoint]:
    """Runs of every status, oldest first."""
    drawn = draw(st.lists(st.tuples(RATES, VERSIONS, STATUSES), max_size=max_size))
    return [point(number, rate, versions, eval_status=status) for number, (rate, versions, status) in enumerate(drawn)]
