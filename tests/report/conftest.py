"""Made-up histories, and charts drawn by Vega itself as the page would theme them."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest
import vl_convert

from eval_pipeline.core.models import PromptEvent, RunStatus, TrendPoint
from eval_pipeline.core.regression import judge_history
from eval_pipeline.report import frames
from eval_pipeline.report.charts import Spec, with_values

START = datetime(2026, 8, 1, 6, 3, tzinfo=UTC)
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]


def run(name: str, number: int, rate: float | None, **fields: Any) -> TrendPoint:
    """Run `number` of an eval type, one a day."""
    status = fields.pop("status", RunStatus.COMPLETE if rate is not None else RunStatus.ERROR)
    reason = None if status is RunStatus.COMPLETE else fields.pop("reason", "the run ended as FAILED")
    return TrendPoint(
        run_id=fields.pop("run_id", f"{name}-{number}"),
        timestamp=fields.pop("timestamp", START + timedelta(days=number)),
        experiment_name=f"base-{name}",
        eval_type=name,
        pass_rate=rate,
        average_score=None,
        total_cases=fields.pop("total_cases", 20),
        error_cases=fields.pop("error_cases", 0),
        prompt_versions=fields.pop("prompt_versions", {"persona": "v3", "memory": "v2"}),
        eval_status=status,
        status_reason=reason,
        **fields,
    )


def history(name: str, runs: int, **fields: Any) -> list[TrendPoint]:
    """A history with every state in it, the same each time."""
    dice = random.Random(name)
    rates = [None if dice.random() < 0.04 else round(dice.uniform(0.7, 1), 3) for _ in range(runs)]
    statuses = [RunStatus.PARTIAL if rate is not None and dice.random() < 0.05 else None for rate in rates]
    return [
        run(name, k, rate, **({"status": status} if status else {}), **fields)
        for k, (rate, status) in enumerate(zip(rates, statuses, strict=True))
    ]


def framed(*histories: list[TrendPoint], default: float = 0.8) -> pd.DataFrame:
    return frames.all_runs([frames.runs_frame(points, judge_history(points, default), default) for points in histories])


def event(day: float, action: str = "change", prompt: str = "persona", **fields: Any) -> PromptEvent:
    return PromptEvent(START + timedelta(days=day), action, prompt, "v2", "v3", **fields)


@pytest.fixture
def draw() -> Callable[..., str]:
    """Compiles and renders a spec as SVG with the colours of the page's theme; fails where Vega does."""

    def render(spec: Spec, dark: bool = False, width: int = 960) -> str:
        theme = THEME["dark" if dark else "light"]
        palette = {"category": theme["chartCategoricalColors"], "diverging": theme["chartDivergingColors"]}
        themed = {
            **with_values(spec),
            "width": width,
            "autosize": {"type": "fit", "contains": "padding"},
            "config": {**spec["config"], "background": theme["backgroundColor"], "range": palette},
        }
        return str(vl_convert.vegalite_to_svg(themed, vl_version=VEGA_LITE))

    return render
