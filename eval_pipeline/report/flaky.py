"""Flaky cases as text for a terminal, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from eval_pipeline.core.flakiness import CaseNoise, TypeNoise
from eval_pipeline.core.wording import sized, some
from eval_pipeline.report import numbers
from eval_pipeline.report.terminal import Style, plain, plain_table, render

QUARANTINED = "quarantined, not counted"
UNKNOWN = "no case was run twice under the same conditions: run-evals --repeat 3, or run a version again"


def text(found: Sequence[TypeNoise], style: Style) -> str:
    """The flaky cases, flakiest first, and the noise floor of each type."""
    flaky = sorted((case for each in found for case in each.flaky), key=lambda case: -case.flip_rate)
    parts: list[RenderableType] = []
    if flaky:
        table = plain_table("Eval type", "Case", ">Flip rate", ">Passed", "", whole=("Flip rate", "Passed"))
        for case in flaky:
            table.add_row(
                plain(case.eval_type), plain(case.case_id), numbers.rate_short(case.flip_rate), passed(case), note(case)
            )
        parts += [table, Text("")]
    alike: dict[str, list[str]] = {}
    for each in found:
        alike.setdefault(floor(each), []).append(each.eval_type)
    parts += [plain(f"{some(names)}: {said}") for said, names in alike.items()]
    return render(parts, style)


def passed(case: CaseNoise) -> str:
    """In how many of its runs a case passed."""
    return f"{numbers.count(case.passed)} of {numbers.count(case.runs)}"


def note(case: CaseNoise) -> str:
    """What is to be known about a case."""
    return QUARANTINED if case.quarantined else ""


def floor(found: TypeNoise) -> str:
    """The noise floor of a type in words."""
    if not found.cases:
        return UNKNOWN
    away = sum(case.quarantined for case in found.cases)
    besides = f"; {numbers.counted(away, 'case')} {QUARANTINED}" if away else ""
    if found.floor_pp is None:
        return f"all cases {QUARANTINED}"
    if not found.floor_pp:
        return f"steady, no case that is counted disagrees with itself{besides}"
    return f"two runs of one version differ by up to {sized(found.floor_pp)} by chance{besides}"


def as_json(found: TypeNoise) -> dict[str, Any]:
    """One eval type of `flaky`; rates 0..1."""
    return {
        "eval_type": found.eval_type,
        "noise_floor_pp": found.floor_pp,
        "cases_compared": len(found.cases),
        "cases_unknown": found.unknown,
        "flaky": [
            {
                "case_id": case.case_id,
                "flip_rate": case.flip_rate,
                "runs": case.runs,
                "passed": case.passed,
                "flips": case.flips,
                "pairs": case.pairs,
                "quarantined": case.quarantined,
            }
            for case in found.flaky
        ],
    }


def flaky_frame(found: Sequence[TypeNoise]) -> pd.DataFrame:
    """One row a flaky case, flakiest first, headed as people read it; flip rates in percent."""
    cases = sorted((case for each in found for case in each.flaky), key=lambda case: -case.flip_rate)
    return pd.DataFrame(
        {
            "Eval type": [case.eval_type for case in cases],
            "Case": [case.case_id for case in cases],
            "Flip rate": [case.flip_rate * 100 for case in cases],
            "Passed": [passed(case) for case in cases],
            "Note": [note(case) for case in cases],
        }
    )
