"""Fewer runs that draw the same picture."""

from __future__ import annotations

import numpy as np
import pandas as pd

from eval_pipeline.report.looks import NOT_EVIDENCE

FLAGGED = ("REGRESSION", "ERROR", "WARNING", "PARTIAL", "RUNNING", "BELOW")
"""What is kept before anything else, most important first."""


def downsample(runs: pd.DataFrame, most: int = 1_200) -> pd.DataFrame:
    """At most about `most` runs of a `runs_frame`, in its order: the lowest and highest of each stretch of time.

    Time is cut into equal stretches, the same for all eval types. Of each type and stretch the complete runs with the
    lowest and the highest pass rate stay, and of each type the first and the last run. Flagged runs (regressions,
    warnings, runs that are not complete) stay up to a third of `most`, worst kind first; a kind that does not fit is
    thinned evenly, so that none seems to begin late. Runs without a start time can't be placed and are left out. A
    frame of up to `most` runs comes back whole.
    """
    runs = runs[runs["started"].notna()]
    if len(runs) <= most:
        return runs.reset_index(drop=True)
    runs = runs.reset_index(drop=True)
    ends = runs.groupby("eval_type", sort=False)["started"].agg(["idxmin", "idxmax"]).to_numpy().ravel()
    flagged = _flagged(runs, most // 3)
    stretches = max(1, (most - most // 3 - len(ends)) // len(ends))
    kept = np.unique(np.concatenate([ends, flagged, _extremes(runs, stretches)]))
    return runs.iloc[kept].reset_index(drop=True)


def _flagged(runs: pd.DataFrame, most: int) -> np.ndarray:
    kept: list[int] = []
    for state in FLAGGED:
        found = np.flatnonzero(runs["state"].eq(state))
        fitting = min(len(found), most - len(kept))
        kept += found[np.linspace(0, len(found) - 1, fitting).round().astype("int64")].tolist()
    return np.array(kept, dtype="int64")


def _extremes(runs: pd.DataFrame, stretches: int) -> np.ndarray:
    rated = runs[~runs["state"].isin(NOT_EVIDENCE) & runs["pass_rate"].notna()]
    if rated.empty:
        return np.array([], dtype="int64")
    age = (rated["started"] - rated["started"].min()).dt.total_seconds()
    stretch = (age / max(age.max(), 1) * stretches).astype("int64").clip(upper=stretches - 1)
    rates = rated.groupby([rated["eval_type"], stretch], sort=False)["pass_rate"]
    return np.concatenate([rates.idxmin().to_numpy(), rates.idxmax().to_numpy()])
