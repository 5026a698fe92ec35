"""The top of the page: what a reader in a hurry takes along."""

from __future__ import annotations

import math

from markupsafe import Markup

from eval_pipeline.core.models import CheckResult, RegressionReport
from eval_pipeline.core.wording import some
from eval_pipeline.report import numbers
from eval_pipeline.report.daily import daily_frame
from eval_pipeline.report.looks import LOOKS
from eval_pipeline.report.page.drawing import sparkline
from eval_pipeline.report.page.facts import MOST_TOLD, State, changed_prompts
from eval_pipeline.report.page.text import joined, tag

DAYS = 30
"""So many days with runs are drawn beside the figures."""
WIDE = 220


def sentence(state: State) -> str:
    """The page in one line: `18 of 19 eval types meet their threshold`."""
    judged, meeting = len(state.judged), state.meeting
    if not judged:
        return "No eval type has a complete run yet"
    types = numbers.counted(judged, "eval type")
    if judged == 1:
        return f"The eval type with runs {'meets' if meeting else 'is below'} its threshold"
    return f"All {types} meet their threshold" if meeting == judged else f"{meeting} of {types} meet their threshold"


def headline(state: State) -> Markup:
    """The sentence, four figures, and each regression and warning with its evidence."""
    facts = state.facts
    newest = state.runs["started"].max()
    return Markup(
        '<header><p class="eyebrow">Eval report · <span class="out">{}</span></p><h1>{}</h1>'
        '<p class="about">Newest run {} · made {}</p>{}</header>{}{}'
    ).format(
        facts.base_experiment,
        sentence(state),
        facts.zone.when(newest),
        facts.zone.when(facts.made_at),
        Markup('<p class="notice out">{}</p>').format(facts.notice) if facts.notice else "",
        _figures(state),
        _brief(state),
    )


def _figures(state: State) -> Markup:
    days = daily_frame(state.runs).tail(DAYS)
    judged, medians = len(state.judged), [float(each) for each in days["median"]]
    meeting = [float(each) for each in days["meeting"]]
    lowest = math.floor(min(medians, default=0.0) * 20 - 1) / 20
    median = float(state.judged["pass_rate"].median()) if judged else None
    unjudged = len(state.standing) - judged
    below = len(state.named("REGRESSION", "BELOW"))
    return Markup('<ul class="figures">{}</ul>').format(
        joined(
            [
                _figure(
                    "Meet their threshold",
                    f"{state.meeting} / {judged}",
                    f"{unjudged} without a complete run" if unjudged else f"{below} below" if below else "none below",
                    sparkline(meeting, min(meeting, default=0.0) - 1, highest=max(meeting, default=1.0), width=WIDE),
                ),
                _figure("Regressions", str(len(state.named("REGRESSION"))), _real(state)),
                _figure("Warnings", str(len(state.named("WARNING"))), "10 points lower or more"),
                _figure("Median pass rate", numbers.rate(median), "", sparkline(medians, lowest, width=WIDE)),
            ]
        )
    )


def _figure(name: str, value: str, said: str, spark: Markup | None = None) -> Markup:
    return Markup('<li><span class="mute small">{}</span><b>{}</b><span class="mute small">{}</span>{}</li>').format(
        name, value, said, spark or ""
    )


def _real(state: State) -> str:
    """How many of the drops are more than noise."""
    loud = state.loud
    significant = sum(each.evidence is not None and each.evidence.fell for each in loud)
    return f"{significant} of {numbers.counted(len(loud), 'drop')} significant" if loud else "below threshold now"


def _brief(state: State) -> Markup:
    """What a reader must not miss, each with its evidence."""
    lines = [_report_line(state, report) for report in state.loud[:MOST_TOLD]]
    if more := [report.eval_type for report in state.loud[MOST_TOLD:]]:
        lines.append(Markup('<li>and {} more: <span class="out">{}</span></li>').format(len(more), some(more)))
    if first := state.named("BELOW"):
        said = Markup('{} <span class="out">{}</span> <p>in the first run, so there is nothing to compare with</p>')
        lines.append(_line("BELOW", said.format(LOOKS["BELOW"].word.lower(), some(first))))
    if not lines:
        lines = [_line("PASS", Markup("No eval type fell below its threshold, or by 10 points or more."))]
    worst = state.loud[0].verdict.value if state.loud else "BELOW" if first else "PASS"
    return Markup('<ul class="brief {}">{}{}</ul>').format(LOOKS[worst].badge, joined(lines), _suspects(state))


def _suspects(state: State) -> Markup:
    """Which prompts changed between what is compared."""
    changed = changed_prompts(CheckResult(tuple(state.loud), ()))
    said = [numbers.prompt_change(each.name, each.before, each.after) for each in changed]
    line = Markup('<li>In between, these prompts changed: <a class="out" href="#prompts">{}</a></li>')
    return line.format(some(said)) if said else Markup("")


def _report_line(state: State, report: RegressionReport) -> Markup:
    said = Markup(
        '<a class="out" href="#type-{}"><b>{}</b></a> {} → {}, {} (threshold {})<p class="out">{}</p>'
    ).format(
        state.place(report.eval_type),
        report.eval_type,
        numbers.rate(report.baseline_pass_rate),
        numbers.rate_against(report.current_pass_rate, report.threshold),
        numbers.delta_pp(report.delta_pp),
        numbers.threshold(report.threshold),
        Markup("<b>{}</b> · {}").format(numbers.evidence(report.evidence), report.evidence.sentence)
        if report.evidence
        else "",
    )
    return _line(report.verdict.value, said)


def _line(state: str, said: Markup) -> Markup:
    return Markup("<li>{} {}</li>").format(tag(LOOKS[state]), said)
