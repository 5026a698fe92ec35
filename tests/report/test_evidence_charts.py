import json

import pandas as pd
import pytest
from conftest import event, framed, history, run

from eval_pipeline.core.models import RunStatus
from eval_pipeline.core.power import Setup, plan_power
from eval_pipeline.report import charts, frames
from eval_pipeline.report.charts import bands

QUIET = frames.events_frame([])
PLANS = {
    "usual": plan_power(Setup(20), 0.9, 0.1),
    "very few": plan_power(Setup(2, 1, 19), 1.0, 0.1),
    "many": plan_power(Setup(9_000, 20), 0.03, 0.01),
}


def rows(spec: charts.Spec, dataset: str) -> list[dict]:
    return charts.with_values(spec)["datasets"][dataset]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PLANS)
def test_the_power_chart_is_drawn_by_vega(name, dark, draw):
    spec = charts.power(PLANS[name], dark=dark)
    image = draw(spec, dark)
    assert image.startswith("<svg")
    assert "NaN" not in image
    assert "mark-line" in image


def test_the_power_chart_begins_with_its_own_line_and_says_what_it_shows():
    spec = charts.power(PLANS["usual"], dark=False)
    lines = list(dict.fromkeys((row["setup"], row["own"]) for row in rows(spec, "curves")))
    assert lines == [
        ("20 cases", True),
        ("20 cases × 5", False),
        ("50 cases", False),
        ("100 cases", False),
        ("200 cases", False),
        ("500 cases", False),
    ]
    at_ten = {row["setup"]: row["chance"] for row in rows(spec, "curves") if row["drop_pp"] == 10}
    assert (at_ten["20 cases"], at_ten["100 cases"], at_ten["200 cases"]) == ("16%", "63%", "88%")
    assert spec["description"].startswith("Chance to show a drop from 90%, by its size. 20 cases")


@pytest.mark.parametrize("types", [1, 3])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_bands_are_drawn_by_vega(types, dark, draw):
    runs = framed(*(history(f"t{number}", 30) for number in range(types)))
    spec = charts.trend(runs, frames.events_frame([event(3)]), dark=dark, band=True)
    plain = charts.trend(runs, frames.events_frame([event(3)]), dark=dark)
    assert "mark-area" in draw(spec, dark)
    assert "mark-area" not in draw(plain, dark)
    assert "bands" not in plain["datasets"]


def test_a_band_is_wilsons_interval_of_complete_runs_that_say_how_many_cases_they_have():
    story = [
        run("tone", 0, 0.9),
        run("tone", 1, 0.9, total_cases=200),
        run("tone", 2, 0.9, total_cases=None),
        run("tone", 3, 0.9, status=RunStatus.PARTIAL),
        run("tone", 4, None),
        run("tone", 5, 1.0),
    ]
    spec = charts.trend(framed(story), QUIET, dark=False, band=True)
    drawn = [(round(row["low"], 3), round(row["high"], 3)) for row in rows(spec, "bands")]
    assert drawn == [(0.699, 0.972), (0.851, 0.934), (0.839, 1.0)]
    said = [row["interval"] for row in rows(spec, "runs")]
    assert said == ["69.9% to 97.2%", "85.1% to 93.4%", "–", "–", "–", "83.9% to 100.0%"]


def test_the_axis_has_room_for_the_band():
    runs = framed([run("tone", number, 0.9, total_cases=5, error_cases=0) for number in range(3)])
    low = framed([run("tone", number, 0.8, total_cases=5) for number in range(3)])
    for frame in (runs, low):
        spec = charts.trend(frame, QUIET, dark=False, band=True)
        bottom = min([row["low"] for row in rows(spec, "bands")], default=1.0)
        domain = json.dumps(spec["layer"])
        assert f'"domain": [{spec_bottom(spec)}' in domain
        assert spec_bottom(spec) <= bottom


def spec_bottom(spec: charts.Spec) -> float:
    """Where the axis of rates begins."""
    layer = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line")
    return layer["encoding"]["y"]["scale"]["domain"][0]


def test_runs_that_cannot_be_drawn_have_no_interval():
    assert bands.band_rows(bands.with_intervals(framed([run("tone", 0, None)]))).empty
    assert pd.isna(bands.with_intervals(framed([run("tone", 0, 0.97)]))["low"][0])
    empty = charts.trend(framed(), QUIET, dark=False, band=True)
    assert empty["description"] == "No runs to draw"
