"""What charts say to those who don't see them."""

from __future__ import annotations

from conftest import event, framed, run

from eval_pipeline.core.models import RunStatus
from eval_pipeline.core.power import Setup, plan_power
from eval_pipeline.report import charts, frames, numbers
from eval_pipeline.report.daily import daily_frame, daily_table

RUNS = framed(
    [
        run("tone", 0, 0.84, total_cases=25),
        run("tone", 1, 0.96, total_cases=25),
        run("tone", 2, 0.72, total_cases=25),
        run("tone", 3, 0.9, status=RunStatus.PARTIAL),
    ],
    [run("routing", 2, 0.9)],
    [run("greeting", 1, None)],
)
EVENTS = frames.events_frame([event(1), event(2, "promote", "tool-router", actor="ada")])


def test_the_focus_chart_tells_each_course_and_the_prompt_events() -> None:
    assert charts.trend(RUNS, EVENTS, dark=False)["description"] == (
        "Pass rate over time of tone, routing, greeting: 6 runs, 01 Aug 2026 to 04 Aug 2026. "
        "tone: 84.0% to 72.0% over 3 complete runs, threshold 80%, degrading, newest: regression. "
        "routing: 90.0% in one complete run, threshold 80%, first run. greeting: no complete run of 1. "
        "By result: 1 improved, 1 regression, 2 first run, 1 partial run, 1 error. "
        "Prompt events: 2 (promotion tool-router v2→v3 on 03 Aug 2026, persona v2→v3 on 02 Aug 2026)."
    )


def test_the_heatmap_tells_the_worst_and_the_regressions() -> None:
    assert charts.heatmap(RUNS, dark=False)["description"] == (
        "Margin to the threshold of 3 eval types over 4 days, 01 Aug 2026 to 04 Aug 2026. Worst now: tone. "
        "Below the threshold at the end: 1. Regressions in tone."
    )


def test_the_table_of_runs_has_what_the_chart_draws_newest_first() -> None:
    table = charts.run_table(RUNS[RUNS["eval_type"].eq("tone")], band=True)
    assert table[["Result", "Pass rate", "95% interval", "Change", "Threshold"]].to_numpy().tolist() == [
        ["□ Partial run: the run ended as FAILED", "90.0%", numbers.MISSING, numbers.MISSING, "80%"],
        ["✕ Regression", "72.0%", "52.4% to 85.7%", "-24.0 pp", "80%"],
        ["▲ Improved", "96.0%", "80.5% to 99.3%", "+12.0 pp", "80%"],
        ["► First run", "84.0%", "65.3% to 93.6%", numbers.MISSING, "80%"],
    ]
    assert [f"{each:%d %H:%M}" for each in table["Started"]] == ["04 06:03", "03 06:03", "02 06:03", "01 06:03"]


def test_the_table_of_a_heatmap_has_its_cells_newest_first() -> None:
    assert charts.heatmap_table(RUNS).set_index("Eval type").T.to_dict() == {
        "greeting": {"04 Aug 2026": "", "03 Aug 2026": "", "02 Aug 2026": "⊘ Error", "01 Aug 2026": ""},
        "routing": {"04 Aug 2026": "", "03 Aug 2026": "► +10.0 pp", "02 Aug 2026": "", "01 Aug 2026": ""},
        "tone": {
            "04 Aug 2026": "□ Partial run",
            "03 Aug 2026": "✕ -8.0 pp",
            "02 Aug 2026": "▲ +16.0 pp",
            "01 Aug 2026": "► +4.0 pp",
        },
    }


def test_events_days_and_chances_are_tables_too() -> None:
    assert charts.event_table(EVENTS).to_numpy().tolist() == [
        ["03 Aug 2026 06:03 UTC", "Promotion", "tool-router", "v2→v3", "ada", "all eval types"],
        ["02 Aug 2026 06:03 UTC", "Prompt change", "persona", "v2→v3", numbers.MISSING, "all eval types"],
    ]
    assert daily_table(daily_frame(RUNS)).to_numpy().tolist()[0] == ["03 Aug 2026", "1", "2", "81.0%"]
    chances = charts.power_table(plan_power(Setup(cases=20, repeats=1, types=1), 0.9, 0.1))
    row = chances[chances["Drop, points"].eq(10)].iloc[0]
    assert (row["20 cases"], row["100 cases"]) == ("16%", "63%")
