import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import vl_convert
from conftest import START, VEGA_LITE, event, framed, history, run
from streamlit.elements.vega_charts import _extract_selection_parameters

from eval_pipeline.core.models import RunStatus
from eval_pipeline.report import charts, frames
from eval_pipeline.report.daily import daily_frame, daily_table
from eval_pipeline.report.frames import in_zone
from eval_pipeline.report.zones import IN_UTC, Zone

HOSTILE = [
    'it\'s "quoted" [0].x',
    "<script>alert(1)</script>",
    "a.b[c]['d']",
    "datum.state",
    "view_12",
    "naïve 🙈 \\n",
    "x" * 200,
]
QUIET = frames.events_frame([])
EVENTS = frames.events_frame(
    [event(3), event(9, "promote", "tool-router", actor="ada"), event(14, "rollback", actor="linus"), event(400)]
)
CROWD = frames.events_frame([event(5, ("change", "promote", "rollback")[k % 3], f"prompt-{k}") for k in range(8)])
FIELDS = re.compile(r"^[a-z_]+$")

CASES: dict[str, tuple[pd.DataFrame, pd.DataFrame]] = {
    "a few types": (framed(*(history(name, 60) for name in ("tone", "routing", "memory"))), EVENTS),
    "no runs": (framed(), EVENTS),
    "one run": (framed([run("tone", 0, 0.9)]), EVENTS),
    "one run and an event at its moment": (framed([run("tone", 0, 0.9)]), frames.events_frame([event(0)])),
    "two runs": (framed([run("tone", 0, 0.9), run("tone", 1, 0.7)]), QUIET),
    "only errors": (framed([run("tone", k, None) for k in range(5)]), EVENTS),
    "only a running run": (framed([run("tone", 0, None, status=RunStatus.RUNNING)]), QUIET),
    "only partial runs": (framed([run("tone", k, 0.9, status=RunStatus.PARTIAL) for k in range(3)]), QUIET),
    "all at one moment": (framed(*([run(n, k, 0.9, timestamp=START) for k in range(4)] for n in "ab")), EVENTS),
    "no start times": (framed([run("tone", k, 0.9, timestamp=None) for k in range(3)]), QUIET),
    "forty types": (framed(*(history(f"type-{k}", 12) for k in range(40))), EVENTS),
    "hostile names": (
        framed(*(history(name, 9) for name in HOSTILE)),
        frames.events_frame([event(k, prompt=name, eval_types=(name,)) for k, name in enumerate(HOSTILE)]),
    ),
    "eight events at one moment": (framed(history("tone", 20)), CROWD),
    "rates of 0 and 100%": (framed([run("tone", k, float(k % 2)) for k in range(6)]), QUIET),
    "a threshold that changed": (
        framed([run("tone", k, 0.85, threshold=0.8 if k < 5 else 0.9) for k in range(10)]),
        QUIET,
    ),
}


def all_specs(runs: pd.DataFrame, events: pd.DataFrame, dark: bool) -> dict[str, charts.Spec]:
    cells = charts.cells(runs, events, dark=dark)
    return {
        "trend": charts.trend(runs, events, dark=dark),
        "heatmap": charts.heatmap(runs, dark=dark),
        **{f"cell of {name}": spec for name, spec in list(cells.items())[: len(HOSTILE)]},
    }


def rows(spec: charts.Spec, dataset: str) -> list[dict]:
    return charts.with_values(spec)["datasets"][dataset]


def names_in(part) -> set[str]:
    """Every field and expression of a spec: what must never be made of names."""
    if isinstance(part, list):
        return set().union(*(names_in(item) for item in part)) if part else set()
    if not isinstance(part, dict):
        return set()
    own = {str(part[key]) for key in ("field", "filter", "labelExpr", "calculate", "expr") if key in part}
    return own.union(*(names_in(value) for key, value in part.items() if key != "datasets"))


DRAWN = [*((case, False) for case in CASES), ("a few types", True), ("eight events at one moment", True)]
"""Dark differs in colours only."""


@pytest.mark.parametrize(("case", "dark"), DRAWN)
def test_every_chart_is_drawn_by_vega(case, dark, draw):
    runs, events = CASES[case]
    for name, spec in all_specs(runs, events, dark).items():
        image = draw(spec, dark, width=230 if name.startswith("cell") else 960)
        assert image.startswith("<svg"), name
        assert "NaN" not in image, name
        assert spec["description"], name


@pytest.mark.parametrize("case", CASES)
def test_a_page_can_listen_to_the_selected_run_of_every_large_chart(case):
    runs, events = CASES[case]
    for spec in (charts.trend(runs, events, dark=False), charts.heatmap(runs, dark=False)):
        assert "run" in _extract_selection_parameters(spec)
        picked = next(param for param in spec["params"] if param["name"] == "run")
        assert picked["select"]["fields"] == ["eval_type", "run_id"]
        marks = pd.DataFrame(rows(spec, "cells" if "cells" in spec["datasets"] else "runs"))
        assert marks.empty or {"eval_type", "run_id"} <= set(marks)


def test_names_are_data_and_never_fields_or_expressions():
    runs, events = CASES["hostile names"]
    for spec in all_specs(runs, events, dark=False).values():
        assert not [text for text in names_in(spec) for name in HOSTILE if name in text and name != "datum.state"]
        assert json.loads(json.dumps({**spec, "datasets": {}}))


def test_long_names_are_cut_in_labels_and_whole_in_tooltips():
    runs, events = CASES["hostile names"]
    spec = charts.trend(runs, events, dark=False)
    assert {row["eval_type"] for row in rows(spec, "runs")} == set(HOSTILE)
    assert "x" * 200 in {row["prompt"] for row in rows(spec, "events")}
    assert max(len(row["text"]) for row in rows(spec, "events")) < 60


def test_the_same_runs_give_the_same_spec():
    runs, events = CASES["a few types"]
    assert charts.trend(runs, events, dark=False) == charts.trend(runs, events, dark=False)
    assert charts.cells(runs, events, dark=True) == charts.cells(runs, events, dark=True)
    assert charts.heatmap(runs, dark=True) == charts.heatmap(runs, dark=True)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_the_time_axis_is_utc_in_every_zone(zone, tmp_path):
    runs = framed(
        [run("tone", k, 0.9, timestamp=START.replace(hour=0, minute=0) + timedelta(hours=6 * k)) for k in range(9)]
    )
    specs = {"trend": charts.trend(runs, QUIET, dark=False), "heatmap": charts.heatmap(runs, dark=False)}
    (tmp_path / "specs.json").write_text(json.dumps({name: charts.with_values(spec) for name, spec in specs.items()}))
    code = (
        "import json, re, sys, vl_convert\n"
        "for spec in json.load(open(sys.argv[1])).values():\n"
        "    svg = vl_convert.vegalite_to_svg(spec | {'width': 900})\n"
        "    print(re.findall(r'>(\\d\\d Aug[ 0-9:]*)<', svg))\n"
    )
    drawn = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "specs.json")],
        env={**os.environ, "TZ": zone}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    trend, heatmap = drawn.stdout.splitlines()
    assert trend.startswith("['01 Aug 00:00', '01 Aug 12:00', '02 Aug 00:00'")
    assert heatmap == "['01 Aug', '02 Aug', '03 Aug']"


def test_tooltips_name_the_zone_of_their_times():
    assert rows(charts.trend(*CASES["one run"], dark=False), "runs")[0]["when"] == "01 Aug 2026 06:03 UTC"
    there = [in_zone(frame, Zone("America/New_York")) for frame in CASES["one run"]]
    assert rows(charts.trend(*there, dark=False), "runs")[0]["when"] == "01 Aug 2026 02:03 EDT"


def test_times_lie_where_the_clocks_of_their_zone_show_them():
    runs, events = CASES["a few types"]
    zone = Zone("Asia/Kolkata")
    here, there = (charts.trend(in_zone(runs, z), in_zone(events, z), dark=False) for z in (IN_UTC, zone))
    ahead = 5.5 * 3_600_000
    for name, column in (("runs", "at"), ("events", "at"), ("ends", "at"), ("thresholds", "start")):
        places = [(a[column], b[column]) for a, b in zip(rows(here, name), rows(there, name), strict=True)]
        assert places
        assert all(b - a == ahead for a, b in places)
    first = here["layer"][1]["encoding"]["x"]["scale"]["domain"][0]["expr"]
    assert int(there["layer"][1]["encoding"]["x"]["scale"]["domain"][0]["expr"]) - int(first) == ahead


def test_the_heatmap_and_the_days_end_at_midnight_in_the_zone():
    late = datetime(2026, 8, 1, 22, 30, tzinfo=UTC)
    runs = framed([run("tone", k, 0.9, timestamp=late + timedelta(days=k)) for k in range(3)])
    berlin = in_zone(runs, Zone("Europe/Berlin"))
    said = [[row["span"] for row in rows(charts.heatmap(each, dark=False), "cells")] for each in (runs, berlin)]
    assert said == [
        ["01 Aug 2026", "02 Aug 2026", "03 Aug 2026"],
        ["02 Aug 2026", "03 Aug 2026", "04 Aug 2026"],
    ]
    assert daily_table(daily_frame(berlin))["Day"].tolist() == said[1][::-1]


def test_where_clocks_are_put_forward_or_back_no_run_is_lost():
    begin = datetime(2026, 10, 24, 20, tzinfo=UTC)  # the night on which Europe's clocks are put back
    runs = framed([run("tone", k, 0.9, timestamp=begin + timedelta(minutes=20 * k)) for k in range(40)])
    spring = framed([run("tone", k, 0.9, timestamp=datetime(2026, 3, 28, 20, 10 * k, tzinfo=UTC)) for k in range(6)])
    for each in (runs, spring):
        there = in_zone(each, Zone("Europe/Berlin"))
        assert len(rows(charts.trend(there, CASES["one run"][1].head(0), dark=False), "runs")) == len(each)
        assert sum(int(r["held"].split()[0]) for r in rows(charts.heatmap(there, dark=False), "cells")) == len(each)
    midnight = in_zone(spring, Zone("Africa/Cairo"))  # where a midnight is left out
    assert daily_frame(midnight)["judged"].tolist() == [1]


def test_runs_without_evidence_are_drawn_hollow_and_no_line_joins_them():
    story = [
        run("tone", 0, 0.9),
        run("tone", 1, 0.95, status=RunStatus.PARTIAL),
        run("tone", 2, None),
        run("tone", 3, 0.99, status=RunStatus.ERROR),
        run("tone", 4, 0.7),
        run("tone", 5, 0.92),
    ]
    spec = charts.trend(framed(story), QUIET, dark=False)
    drawn = [(row["state"], row["mark"]) for row in rows(spec, "runs")]
    assert drawn == [
        ("FIRST", "dot"),
        ("PARTIAL", "hollow"),
        ("ERROR", "hollow"),
        ("ERROR", "hollow"),
        ("REGRESSION", "loud"),
        ("IMPROVED", "dot"),
    ]
    heights = [row["height"] for row in rows(spec, "runs")]
    assert heights[1] == 0.95
    assert heights[2] == heights[3] < min(0.7, 0.8)
    line = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line")
    assert line["transform"] == [{"filter": "datum.mark !== 'hollow'"}]


def test_a_threshold_that_changed_holds_only_for_the_runs_judged_by_it():
    spec = charts.trend(*CASES["a threshold that changed"], dark=False)
    old, new = rows(spec, "thresholds")
    assert (old["text"], new["text"]) == ("min 80%", "min 90%")
    assert old["end"] < new["start"]


def test_up_to_five_lines_are_labelled_at_their_end():
    few, many = framed(*(history(f"t{k}", 9) for k in range(5))), framed(*(history(f"t{k}", 9) for k in range(6)))
    assert len(rows(charts.trend(few, QUIET, dark=False), "ends")) == 5
    assert rows(charts.trend(many, QUIET, dark=False), "ends") == []


def test_events_of_other_types_and_far_away_are_not_drawn():
    runs = framed([run("tone", k, 0.9) for k in range(20)])
    told = frames.events_frame(
        [event(1, eval_types=("tone",)), event(2, eval_types=("routing",)), event(3), event(900)]
    )
    assert len(rows(charts.trend(runs, told, dark=False), "events")) == 2


def test_a_promotion_after_the_last_run_is_still_on_the_chart():
    runs = framed([run("tone", k, 0.9) for k in range(20)])
    assert len(rows(charts.trend(runs, frames.events_frame([event(19.5, "promote")]), dark=False), "events")) == 1


def test_small_multiples_share_their_axes_and_show_data_below_half():
    low = framed(history("high", 10), [run("low", k, 0.1 + k / 100) for k in range(5)])
    cells = charts.cells(low, EVENTS, dark=False)
    assert list(cells) == ["high", "low"]
    high, low_cell = ({**spec, "datasets": 0, "description": 0} for spec in cells.values())
    assert high == low_cell
    assert "0.5" in json.dumps(charts.cells(framed(history("high", 10)), QUIET, dark=False)["high"]["layer"][0])
    assert cells["low"]["description"] == (
        "Pass rate of low: 10.0% to 14.0% over 5 complete runs, threshold 80%, improving, newest: regression, "
        "01 Aug 2026 to 05 Aug 2026."
    )


def test_a_heatmap_cell_is_the_worst_run_of_its_day_and_marks_a_hidden_regression():
    day = [START.replace(hour=hour) + timedelta(days=d) for d in range(4) for hour in (1, 2, 3)]
    rates = [0.9, 0.85, 0.95, 0.9, 0.7, 0.95, 0.9, None, 0.9, None, None, None]
    spec = charts.heatmap(framed([run("tone", k, rate, timestamp=day[k]) for k, rate in enumerate(rates)]), dark=False)
    cells = [(row["run_id"], row["margin"], row["sign"], row["held"]) for row in rows(spec, "cells")]
    assert cells == [
        ("tone-1", 5.0, "", "3 runs"),
        ("tone-4", -10.0, "REGRESSION", "3 runs"),
        ("tone-8", 10.0, "", "3 runs"),
        ("tone-11", None, "ERROR", "3 runs"),
    ]


def test_the_description_says_what_is_not_drawn():
    runs = framed([run("tone", 0, 0.9, timestamp=None), run("tone", 1, 0.9), run("tone", 2, 0.7)])
    assert charts.trend(runs, QUIET, dark=False)["description"] == (
        "Pass rate over time of tone: 3 runs, 02 Aug 2026 to 03 Aug 2026. 1 run without a start time not drawn. "
        "tone: 90.0% to 70.0% over 2 complete runs, threshold 80%, degrading, newest: regression. "
        "By result: 1 pass, 1 regression. Prompt events: 0."
    )


@pytest.mark.parametrize("chart", ["trend", "cell of tone"])
def test_all_layers_agree_on_one_domain_of_time(chart):
    spec = all_specs(*CASES["a few types"], dark=False)[chart]
    compiled = vl_convert.vegalite_to_vega(charts.with_values(spec), vl_version=VEGA_LITE)
    scale = next(scale for scale in compiled["scales"] if scale["name"] == "x")
    assert scale["type"] == "utc"
    ends = scale["domain"]["fields"]
    assert len(ends) == 2
    assert "datetime(" not in json.dumps(ends), (
        "Streamlit's expression interpreter reads datetime(milliseconds) as a year"
    )
