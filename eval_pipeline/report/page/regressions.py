"""What regressed or dropped, with its evidence and the cases behind it."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from eval_pipeline.core.case_pairs import CaseChange, CasePair
from eval_pipeline.core.comparing import RunComparison
from eval_pipeline.core.models import RegressionReport, TrendPoint
from eval_pipeline.core.wording import some
from eval_pipeline.report import compare, links, numbers
from eval_pipeline.report.case_table import outcome, why
from eval_pipeline.report.looks import CASES, LOOKS
from eval_pipeline.report.page import drawing
from eval_pipeline.report.page.facts import MOST_TOLD, State
from eval_pipeline.report.page.text import cut, joined, outputs, tag
from eval_pipeline.report.terminal import RUN_ID

MOST_CASES = 6
"""Cases that are shown of each eval type."""
MOST_TURNS = 6
SHOWN = (CaseChange.BROKEN, CaseChange.STILL_FAILING, CaseChange.ERRORED)
"""What is worth showing, first what broke."""


def regressions(state: State, cells: Mapping[str, Markup]) -> Markup:
    """The section, if anything regressed or dropped; `cells` are the small charts, for narrow screens."""
    if not state.loud:
        return Markup("")
    told = [_told(state, report, cells.get(report.eval_type, Markup(""))) for report in state.loud[:MOST_TOLD]]
    more = [report.eval_type for report in state.loud[MOST_TOLD:]]
    rest = Markup('<p class="mute out">And {} more: {}.</p>').format(len(more), some(more)) if more else ""
    return Markup("<section><h2>What needs a look</h2>{}{}</section>").format(joined(told), rest)


def _told(state: State, report: RegressionReport, cell: Markup) -> Markup:
    name, comparison = report.eval_type, state.facts.comparisons[report.eval_type]
    key = f"type-{state.place(name)}"
    runs = state.runs[state.runs["eval_type"] == name]
    chart = drawing.trend(runs, state.drawn_events, key)
    heading = Markup('<h3>{}<span class="out">{}</span></h3>').format(tag(LOOKS[report.verdict.value]), name)
    return Markup('<article class="card" id="{}">{}{}{}{}{}</article>').format(
        key,
        heading,
        _verdict(state, report, comparison),
        Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(chart, _again(cell, key)),
        _changes(comparison),
        _cases(comparison),
    )


def _again(cell: Markup, key: str) -> Markup:
    """A small chart that is in the page already, with names of its own for its parts."""
    return Markup(str(cell).replace('id="c', f'id="{key}-c').replace("url(#c", f"url(#{key}-c"))  # noqa: S704 - as is


def _verdict(state: State, report: RegressionReport, comparison: RunComparison) -> Markup:
    evidence = report.evidence
    lines = [
        Markup("<p>{}</p>").format(compare.rates(comparison)),
        Markup('<p class="out"><b>{}</b> · {}</p>').format(numbers.evidence(evidence), evidence.sentence)
        if evidence
        else "",
        _warned(comparison),
        Markup('<p class="mute small">{} against {}</p>').format(
            _run(state, comparison.current), _run(state, comparison.baseline)
        ),
    ]
    return Markup("").join(lines)


def _warned(comparison: RunComparison) -> Markup:
    said, line = compare.caveat(comparison), Markup('<p class="out"><b>Not alike</b> · {}</p>')
    return line.format(said.removeprefix("not alike: ")) if said else Markup("")


def _run(state: State, point: TrendPoint) -> Markup:
    """A run by the beginning of its id, with a link where people open MLflow, and its time."""
    home, short = state.facts.mlflow_home, Markup("<code>{}</code>").format(point.run_id[:RUN_ID])
    if home and home.startswith(("https://", "http://")):
        address = links.run_url(home, point.experiment_id, point.run_id)
        short = Markup('<a href="{}" rel="noreferrer">{}</a>').format(address, short)
    return Markup("run {} of {}").format(short, state.facts.zone.when(point.timestamp))


def _changes(comparison: RunComparison) -> Markup:
    """Which prompts differ, and what else."""
    prompts = [
        numbers.prompt_change(each.prompt_name, each.from_version, each.to_version)
        for each in comparison.changed_prompts
    ]
    others = [f"{each.name} {compare.change_words(each)}" for each in comparison.other_changes]
    rows = (("Prompts changed", prompts), ("What else changed", [*others, *compare.case_set(comparison)]))
    line = Markup('<p><span class="mute">{}:</span> <span class="out">{}</span></p>')
    return joined([line.format(name, cut("; ".join(each))) for name, each in rows if each])


def _cases(comparison: RunComparison) -> Markup:
    """The cases behind the drop: a few of those that broke, failed or errored, and how many more there are."""
    wanted = [pair for change in SHOWN for pair in comparison.pairs if pair.change is change]
    shown, hidden = wanted[:MOST_CASES], len(wanted) - MOST_CASES
    counts = [f"{CASES[change.value].word.lower()} {count}" for change, count in comparison.counts.items() if count]
    heading = Markup('<h4>Cases</h4><p class="mute small">{}</p>').format(
        " · ".join(counts) if comparison.pairs else compare.counted_changes(comparison)
    )
    runs = f"{comparison.baseline.run_id[:RUN_ID]} {comparison.current.run_id[:RUN_ID]}"
    command = f"eval-pipeline diff {runs} --show {','.join(change.value for change in SHOWN)}"
    more = Markup('<p class="mute small">and {}: <code class="out">{}</code></p>').format(
        numbers.counted(hidden, "more case", "more cases"), command
    )
    listed = Markup('<div class="cases">{}</div>').format(joined([_case(pair) for pair in shown]))
    return Markup("{}{}{}").format(heading, listed if shown else "", more if hidden > 0 else "")


def _case(pair: CasePair) -> Markup:
    look, case = CASES[pair.change.value], pair.case
    turns = [case.input] if isinstance(case.input, str) else list(case.input)
    rows: list[tuple[str, str | Markup | None]] = [
        *(("Input" if len(turns) == 1 else f"Turn {n}", cut(turn)) for n, turn in enumerate(turns[:MOST_TURNS], 1)),
        ("", f"… {len(turns) - MOST_TURNS} more turns" if len(turns) > MOST_TURNS else None),
        ("Expected", case.expected and cut(case.expected)),
        *_outputs(pair),
        ("Why", cut(why(pair.current or pair.baseline))),
    ]
    listed = (Markup("<dt>{}</dt><dd>{}</dd>").format(name, said) for name, said in rows if said)
    named = f"{case.group or ''} {' '.join(f'#{each}' for each in case.tags)}".strip()
    return Markup(
        '<div class="case">{} <b class="out">{}</b> <span class="mute small out">{}</span><dl>{}</dl></div>'
    ).format(
        tag(look), cut(pair.case_id, 120), cut(f"{named} · {outcome(pair)}".lstrip(" ·"), 200), joined(list(listed))
    )


def _outputs(pair: CasePair) -> list[tuple[str, str | Markup | None]]:
    before, after = (side.shown.output if side else None for side in (pair.baseline, pair.current))
    if before is None or after is None or before == after:
        return [("Before", before and cut(before)), ("Now", after and cut(after))]
    old, new = outputs(before, after)
    return [("Before", old), ("Now", new)]
