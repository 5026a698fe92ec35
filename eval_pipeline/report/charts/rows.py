"""What the layers of the charts draw, as small DataFrames: runs with the words of their tooltips, and thresholds."""

from __future__ import annotations

import altair as alt
import pandas as pd

from eval_pipeline.report import numbers
from eval_pipeline.report.charts.events import listed
from eval_pipeline.report.charts.plane import Plane
from eval_pipeline.report.charts.spec import milliseconds
from eval_pipeline.report.looks import LOUD, NOT_EVIDENCE, label

RUN_TOOLTIP = [
    alt.Tooltip("eval_type:N", title="Eval type"),
    alt.Tooltip("said:N", title="Result"),
    alt.Tooltip("rate:N", title="Pass rate"),
    alt.Tooltip("change:N", title="Change"),
    alt.Tooltip("needed:N", title="Threshold"),
    alt.Tooltip("when:N", title="Started"),
    alt.Tooltip("versions:N", title="Prompts"),
    alt.Tooltip("run_id:N", title="Run"),
]


def run_rows(runs: pd.DataFrame, plane: Plane) -> pd.DataFrame:
    """One row a run of a timed `runs_frame`: `at` and `height` in the units of the plane, `state`, `mark` and words.

    `mark` is `dot` (quiet), `loud` (what must not be missed) or `hollow` (no evidence). A partial run lies at its pass
    rate; one that failed or still runs lies on the floor, whatever it logged.
    """
    hollow = runs["state"].isin(NOT_EVIDENCE)
    usable = runs["pass_rate"].notna() & (~hollow | runs["state"].eq("PARTIAL"))
    mark = pd.Series("dot", index=runs.index, dtype="str")
    return pd.DataFrame(
        {
            "eval_type": runs["eval_type"],
            "run_id": runs["run_id"],
            "at": milliseconds(runs["started"]),
            "height": runs["pass_rate"].where(usable, plane.floor_height),
            "state": runs["state"],
            "mark": mark.mask(runs["state"].isin(LOUD), "loud").mask(hollow, "hollow"),
            **run_words(runs),
        }
    )


def threshold_rows(runs: pd.DataFrame, plane: Plane) -> pd.DataFrame:
    """One row a threshold: `height`, and `start` to `end`, the time during which runs were judged by it.

    A threshold of the first or newest run of an eval type reaches the edge of the plane. `text` is empty where it
    would be written over another one.
    """
    order = runs.sort_values("started", kind="stable").groupby("eval_type", sort=False)["threshold"]
    first, newest = set(order.first()), set(order.last())
    rows = []
    for height, judged in runs.groupby("threshold"):
        at = milliseconds(judged["started"])
        start = plane.start if height in first else int(at.min())
        end = plane.end if height in newest else int(at.max())
        text = f"min {numbers.threshold(float(str(height)))}"
        rows.append((height, start, end, text, listed(judged["eval_type"].unique().tolist())))
    frame = pd.DataFrame(rows, columns=["height", "start", "end", "text", "eval_types"])
    crowded = frame["height"].diff().lt(plane.lane * 0.8) & frame["start"].diff().eq(0)
    return frame.assign(text=frame["text"].mask(crowded, ""), needed=frame["text"])


def run_words(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """The columns of `RUN_TOOLTIP` that are written out."""
    rates = zip(runs["pass_rate"], runs["threshold"], strict=True)
    reasons = zip(runs["state"], runs["reason"], strict=True)
    return {
        "said": pd.Series([f"{label(s)}: {why}" if why else label(s) for s, why in reasons], dtype="str"),
        "rate": pd.Series([numbers.rate_against(rate, limit) for rate, limit in rates], dtype="str"),
        "change": runs["delta_pp"].map(numbers.delta_pp).astype("str"),
        "needed": runs["threshold"].map(numbers.threshold).astype("str"),
        "when": runs["started"].map(numbers.when).astype("str"),
        "versions": runs["versions"].where(runs["versions"].ne(""), numbers.MISSING).astype("str"),
    }
