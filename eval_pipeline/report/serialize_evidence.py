"""What the statistics say, as JSON values. Fields may be added, never renamed or removed."""

from __future__ import annotations

from typing import Any

from eval_pipeline.core.evidence import Method, Significance
from eval_pipeline.core.regression import percentage_points


def significance(found: Significance) -> dict[str, Any]:
    """Whether a difference is more than noise. Where the label is `not known`, there are no numbers."""
    interval = found.interval
    return {
        "label": found.label.value,
        "method": found.method.value if found.method else None,
        "difference_pp": None if found.difference is None else percentage_points(found.difference, 0),
        "interval_pp": [percentage_points(each, 0) for each in (interval.low, interval.high)] if interval else None,
        "p": found.p,
        "p_adjusted": found.p_adjusted,
        "cases": found.cases,
        "groups": found.units if found.method is Method.GROUPED else None,
        "worse": found.worse,
        "better": found.better,
        "quarantined": found.quarantined,
        "detectable_pp": found.detectable_pp,
        "sentence": found.sentence,
    }
