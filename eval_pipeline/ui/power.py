"""How large a drop so many cases can show, at the foot of the Regressions page."""

from __future__ import annotations

from statistics import median

import streamlit as st

from eval_pipeline.core.models import RegressionReport
from eval_pipeline.core.power import Plan, Setup, plan_power
from eval_pipeline.core.regression import WARNING_DROP_PP
from eval_pipeline.report.charts import Spec, power, power_table
from eval_pipeline.report.power import sentence
from eval_pipeline.ui import charts
from eval_pipeline.ui.charts import Alternative
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.regressions import Comparison

MOST_CASES = 10_000
USUAL_CASES, USUAL_RATE = 20, 0.9
"""What is reckoned with while no run says how many cases it has."""


def section(comparison: Comparison) -> None:
    """The controls, the answer in a sentence, and the chart, once opened; they begin with what is on the page."""
    opened = st.expander(":material/query_stats: How many cases would show it?", key="power.opened", on_change="rerun")
    if not opened.open:
        return
    with opened:
        plan = _choose(comparison.reports)
        st.markdown(f"**{escape(sentence(plan))}**")
        spec = _spec(plan, st.context.theme.type == "dark")
        charts.show(spec, "power")
        st.caption(
            "Shown means: found by the paired test, at 5% false alarms over all types that are checked together; "
            "reliably means in at least 80% of checks. Reckoned for cases that pass by chance, each run anew. Cases "
            "that answer alike each time show smaller drops, and gain nothing from repeats."
        )
        charts.as_table("power", lambda: Alternative(spec["description"], {"Chance to show a drop": power_table(plan)}))


def _choose(reports: list[RegressionReport]) -> Plan:
    """What to reckon with; another comparison on the page begins anew."""
    totals = [each.baseline_counts.total for each in reports if each.baseline_counts]
    cases = min(MOST_CASES, int(median(totals))) if totals else USUAL_CASES
    rate = median(each.baseline_pass_rate for each in reports) if reports else USUAL_RATE
    scope = ":".join([*(each.current_run_id for each in reports[:1]), str(len(reports))])
    first, second, third, fourth = st.columns(4)
    chosen = Setup(
        cases=int(first.number_input("Cases", 1, MOST_CASES, cases, key=f"power-cases:{scope}")),
        repeats=int(third.number_input("Runs of each case", 1, 1_000, 1, key=f"power-repeats:{scope}")),
        types=int(
            fourth.number_input("Types checked together", 1, 1_000, max(1, len(reports)), key=f"power-types:{scope}")
        ),
    )
    percent = second.number_input(
        "Pass rate before, %", 1.0, 100.0, min(100.0, max(1.0, round(rate * 100, 1))), 0.5, key=f"power-rate:{scope}"
    )
    return plan_power(chosen, percent / 100, min(WARNING_DROP_PP, percent) / 100)


@st.cache_data(show_spinner=False, max_entries=64)
def _spec(plan: Plan, dark: bool) -> Spec:
    return power(plan, dark=dark)
