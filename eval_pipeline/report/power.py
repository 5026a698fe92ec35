"""How large a drop shows, as text for a terminal, as JSON and as the rows of a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from rich.table import Table
from rich.text import Text

from eval_pipeline.core.evidence import power_words
from eval_pipeline.core.power import POWER, Plan, Setup, drop_power
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.core.wording import sized
from eval_pipeline.report import numbers
from eval_pipeline.report.terminal import Style, plain, render

DROPS_PP = (2, 5, 10, 15, 20, 25, 30, 40)
"""What the table tells of, in percentage points."""
OTHER_CASES = (50, 100, 200, 500)
OTHER_REPEATS = 5
CURVE_PP = 50
"""How far the chart reaches, in percentage points."""


def sentence(plan: Plan) -> str:
    """What the set-up can show, and what would show the drop that was asked for."""
    return power_words(
        plan.setup.cases,
        _points(plan.detectable),
        plan.drop * 100,
        plan.needed_cases,
        plan.needed_repeats,
        repeats=plan.setup.repeats,
        types=plan.setup.types,
    )


def beside(setup: Setup) -> list[Setup]:
    """The set-up itself, more repeats of its cases, and more cases, for comparison."""
    repeated = [replace(setup, repeats=OTHER_REPEATS)] if setup.repeats < OTHER_REPEATS else []
    return [setup, *repeated, *(replace(setup, cases=each) for each in OTHER_CASES if each > setup.cases)]


def named(setup: Setup, all_repeats: bool = False) -> str:
    """A set-up in words: `20 cases`, `20 cases × 5`."""
    times = f" × {numbers.count(setup.repeats)}" if setup.repeats > 1 or all_repeats else ""
    return numbers.counted(setup.cases, "case") + times


def text(plan: Plan, style: Style) -> str:
    """A table of the chance to show drops of several sizes, and the answer in a sentence."""
    drops = sorted({each / 100 for each in DROPS_PP if each / 100 <= plan.rate} | {plan.drop})
    types = f", {numbers.counted(plan.setup.types, 'eval type')} checked together" if plan.setup.types > 1 else ""
    return render(
        [
            Text(f"Chance to show a drop from a true pass rate of {numbers.threshold(plan.rate)}{types}", "bold"),
            Text(""),
            _table(plan, beside(plan.setup), drops),
            Text(""),
            plain(sentence(plan)),
            plain(
                f"Reliably: in at least {numbers.rate_short(POWER)} of checks, at 5% false alarms. Reckoned for cases "
                "that pass by chance, each run anew; cases that answer alike each time show smaller drops, and gain "
                "nothing from repeats."
            ),
        ],
        style,
    )


def _table(plan: Plan, setups: Sequence[Setup], drops: Sequence[float]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Drop", justify="right")
    for setup in setups:
        table.add_column(named(setup), justify="right")
    for drop in drops:
        chances = [numbers.chance(drop_power(setup, plan.rate, drop)) for setup in setups]
        table.add_row(numbers.delta_pp(-drop * 100), *chances, style="bold" if drop == plan.drop else "")
    return table


def as_json(plan: Plan) -> dict[str, Any]:
    """The answer of `power`; rates 0..1, sizes in percentage points, null where there is no such size or number."""
    return {
        "cases": plan.setup.cases,
        "rate": plan.rate,
        "repeats": plan.setup.repeats,
        "types": plan.setup.types,
        "drop_pp": percentage_points(plan.drop, 0),
        "power": plan.power,
        "detectable_pp": _points(plan.detectable),
        "needed_cases": plan.needed_cases,
        "needed_repeats": plan.needed_repeats,
        "sentence": sentence(plan),
        "curve": [
            {"drop_pp": drop, "power": drop_power(plan.setup, plan.rate, drop / 100)}
            for drop in DROPS_PP
            if drop / 100 <= plan.rate
        ],
    }


def power_frame(plan: Plan) -> pd.DataFrame:
    """One row a set-up and size of a drop: `setup` (words), `own` (bool), `drop_pp`, `power` (0..1), and words."""
    rows = [
        (named(setup), setup == plan.setup, drop, drop_power(setup, plan.rate, drop / 100))
        for setup in beside(plan.setup)
        for drop in (step / 2 for step in range(1, 2 * min(CURVE_PP, int(plan.rate * 100 + 1e-9)) + 1))
    ]
    frame = pd.DataFrame(rows, columns=["setup", "own", "drop_pp", "power"])
    return frame.assign(chance=frame["power"].map(numbers.chance), size=frame["drop_pp"].map(sized))


def _points(rate: float | None) -> float | None:
    return None if rate is None else round(rate * 100, 1)
