"""Two runs, case by case: as sentences, as JSON values, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from eval_pipeline.core.case_pairs import CaseChange, CasePair
from eval_pipeline.core.comparing import RunComparison, common_rates
from eval_pipeline.core.models import ContextChange, PromptText, TrendPoint
from eval_pipeline.core.plain_text import printable
from eval_pipeline.core.regression import percentage_points
from eval_pipeline.core.wording import some
from eval_pipeline.report import diff, numbers
from eval_pipeline.report.case_table import case_record, side_words, why
from eval_pipeline.report.looks import CASES, LOOKS
from eval_pipeline.report.serialize import context_change, prompt_change, timestamp
from eval_pipeline.report.serialize_evidence import significance
from eval_pipeline.report.terminal import INKS, RUN_ID, Style, plain, render
from eval_pipeline.report.zones import Zone

LONGEST_TEXT = 1_500
"""Characters of an input, an output or a reason that a terminal shows."""
SHA = 10
"""Characters of a git commit that are shown."""

QUARANTINED = "in quarantine: not counted in the evidence"

ChangedTexts = Sequence[tuple[str, PromptText | None, PromptText | None]]
"""What changed, as in `persona v3 → v4`, and both texts as far as the registry has them."""


def rates(comparison: RunComparison) -> str:
    """The pass rates and what the rules say: `100.0% → 76.0%, -24.0 pp (threshold 95%)`."""
    report = comparison.report
    if report is not None:
        before, after = report.baseline_pass_rate, report.current_pass_rate
        shown = numbers.rate_against(after, report.threshold)
        change, limit = numbers.delta_pp(report.delta_pp), numbers.threshold(report.threshold)
        return f"{numbers.rate(before)} → {shown}, {change} (threshold {limit})"
    points = (("baseline", comparison.baseline), ("current", comparison.current))
    reasons = [f"the {name} run is {point.eval_status.value}" for name, point in points if not point.complete]
    both = f"{numbers.rate(comparison.baseline.pass_rate)} → {numbers.rate(comparison.current.pass_rate)}"
    return f"{both}, no verdict: {' and '.join(reasons)}"


def counted_changes(comparison: RunComparison) -> str:
    """How many cases broke and how many were fixed, of those in both runs; or why that is not known."""
    if comparison.without_cases:
        runs = " and ".join(run_id[:RUN_ID] for run_id in comparison.without_cases)
        return f"no cases to compare: {runs} logged none that can be read"
    counts = comparison.counts
    both = len(comparison.pairs) - counts[CaseChange.ONLY_IN_ONE]
    return f"{counts[CaseChange.BROKEN]} broken, {counts[CaseChange.FIXED]} fixed of {numbers.counted(both, 'case')}"


def caveat(comparison: RunComparison) -> str | None:
    """That another dataset or judge makes the pass rates unlike, and what the common cases alone say."""
    if not comparison.decisive:
        return None
    said = ", ".join(f"{change.name} {change_words(change)}" for change in comparison.decisive)
    found = common_rates(comparison.pairs)
    if found.baseline is None or found.current is None:
        return f"not alike: {said}"
    change = numbers.delta_pp(percentage_points(found.current, found.baseline))
    common = f"{numbers.rate(found.baseline)} → {numbers.rate(found.current)}, {change}"
    return f"not alike: {said}; on the cases in both runs alone {common}"


def change_words(change: ContextChange) -> str:
    """Both values of a param; a git commit is shortened."""
    before, after = (_shortened(change.name, value) for value in (change.before, change.after))
    return f"{before} → {after}"


def _shortened(name: str, value: str | None) -> str:
    if value is None:
        return numbers.MISSING
    return value[:SHA] if "sha" in name.lower() and len(value) > SHA else value


def case_set(comparison: RunComparison) -> list[str]:
    """What differs in the cases themselves: those that one run lacks, and those that were edited."""
    before = [pair.case_id for pair in comparison.pairs if pair.current is None]
    after = [pair.case_id for pair in comparison.pairs if pair.baseline is None]
    parts = [
        (before, "only in the baseline run"),
        (after, "only in the current run"),
        (list(comparison.edited), "with the same id but another input or expected output"),
    ]
    return [f"{numbers.counted(len(ids), 'case')} {what}: {some(ids)}" for ids, what in parts if ids]


def as_json(comparison: RunComparison, texts: ChangedTexts, cases: Sequence[CasePair]) -> dict[str, Any]:
    """The answer of `diff`; `cases` are those to list."""
    report, found = comparison.report, common_rates(comparison.pairs)
    return {
        "eval_type": comparison.eval_type,
        "baseline_run_id": comparison.baseline.run_id,
        "current_run_id": comparison.current.run_id,
        "baseline_timestamp": timestamp(comparison.baseline.timestamp),
        "current_timestamp": timestamp(comparison.current.timestamp),
        "baseline_pass_rate": comparison.baseline.pass_rate,
        "current_pass_rate": comparison.current.pass_rate,
        "delta_pp": report.delta_pp if report else None,
        "threshold": report.threshold if report else None,
        "verdict": report.verdict.value if report else None,
        "evidence": significance(comparison.evidence) if comparison.evidence else None,
        "alike": not comparison.decisive,
        "common_baseline_pass_rate": found.baseline,
        "common_current_pass_rate": found.current,
        "runs_without_cases": list(comparison.without_cases),
        "counts": {change.value: count for change, count in comparison.counts.items()},
        "changed_prompts": [
            {**prompt_change(change), "diff": _text_diff(before, after)}
            for change, (_, before, after) in zip(comparison.changed_prompts, texts, strict=True)
        ],
        "context_changes": [context_change(change) for change in comparison.other_changes],
        "edited_cases": list(comparison.edited),
        "cases": [case_record(comparison.eval_type, pair) for pair in cases],
    }


def _text_diff(before: PromptText | None, after: PromptText | None) -> str | None:
    if before is None or after is None:
        return None
    return diff.in_words(diff.as_text(before.template), diff.as_text(after.template))


def text(comparison: RunComparison, texts: ChangedTexts, cases: Sequence[CasePair], hidden: int, style: Style) -> str:
    """The same for a terminal. `hidden`: how many more cases there are to list."""
    parts: list[RenderableType] = [*_heading(comparison, style.zone), *_counts(comparison)]
    parts += _section("Changed prompts", [part for each in texts for part in _changed_prompt(*each)])
    changed = [f"{change.name} {change_words(change)}" for change in comparison.other_changes]
    parts += _section("What else changed", [plain(line) for line in [*changed, *case_set(comparison)]])
    for pair in cases:
        parts += _case(pair)
    if hidden:
        parts += [Text(""), Text(f"… and {numbers.counted(hidden, 'more case', 'more cases')}: raise --limit")]
    return render(parts, style)


def _heading(comparison: RunComparison, zone: Zone) -> list[RenderableType]:
    name = Text.assemble((printable(comparison.eval_type), "bold"))
    runs = f"  {_run(comparison.current, zone)} against {_run(comparison.baseline, zone)}"
    report = comparison.report
    look = LOOKS[report.verdict.value] if report else None
    verdict = Text(
        f"{look.glyph} {report.verdict.value}  " if look and report else "", INKS[look.badge] if look else ""
    )
    warned = f"; {caveat(comparison)}" if caveat(comparison) else ""
    said = printable(f"{rates(comparison)}: {counted_changes(comparison)}{warned}")
    weighed = [plain(f"Evidence: {comparison.evidence.sentence}")] if comparison.evidence else []
    return [name.append(runs, "default"), verdict.append(said, "default"), *weighed]


def _run(point: TrendPoint, zone: Zone) -> str:
    return f"{point.run_id[:RUN_ID]} of {zone.when(point.timestamp)}"


def _counts(comparison: RunComparison) -> list[RenderableType]:
    if not comparison.pairs:
        return []
    said = [f"{CASES[c.value].glyph} {CASES[c.value].word.lower()} {n}" for c, n in comparison.counts.items()]
    return [Text(""), Text("   ".join(said))]


def _section(title: str, parts: Sequence[RenderableType]) -> list[RenderableType]:
    if not parts:
        return []
    return [Text(""), Text(title, "bold"), *(Padding(part, (0, 0, 0, 2)) for part in parts)]


def _changed_prompt(what: str, before: PromptText | None, after: PromptText | None) -> list[RenderableType]:
    found = _text_diff(before, after)
    shown = Text("the registry does not have both versions") if found is None else _difference(found)
    message = f": {after.commit_message}" if after and after.commit_message else ""
    return [plain(f"{what}{message}"), Padding(shown, (0, 0, 0, 2))]


def _difference(said: str) -> Text:
    inks = {"- ": "red", "+ ": "green"}
    return Text("\n").join(Text(printable(line), inks.get(line[:2], "")) for line in said.rstrip().split("\n"))


def _case(pair: CasePair) -> list[RenderableType]:
    look, case = CASES[pair.change.value], pair.case
    heading = Text(f"{look.glyph} {look.word.lower()}", INKS[look.badge])
    heading.append(f"  {printable(pair.case_id)}", "bold")
    named = [*([f"group {case.group}"] if case.group else []), *([f"tags {', '.join(case.tags)}"] if case.tags else [])]
    heading.append("".join(f"  {printable(each)}" for each in named), "default")
    heading.append(f"  {QUARANTINED}" if pair.quarantined else "", "yellow")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=9, no_wrap=True)
    grid.add_column(overflow="fold")
    for label, shown in _rows(pair):
        grid.add_row(Text(label, "bright_black"), shown)
    return [Text(""), heading, Padding(grid, (0, 0, 0, 2))]


def _rows(pair: CasePair) -> list[tuple[str, Text]]:
    case = pair.case
    turns = [case.input] if isinstance(case.input, str) else case.input
    rows = [("input" if len(turns) == 1 else f"turn {n}", _lines(turn)) for n, turn in enumerate(turns, 1)]
    if case.expected is not None:
        rows.append(("expected", _lines(case.expected)))
    rows.append(("outcome", Text(f"{side_words(pair.baseline)} → {side_words(pair.current)}")))
    rows += _outputs(pair)
    reasons = (("why then", why(pair.baseline)), ("why now" if why(pair.baseline) else "why", why(pair.current)))
    return [*rows, *((label, _lines(reason)) for label, reason in reasons if reason)]


def _outputs(pair: CasePair) -> list[tuple[str, Text]]:
    before, after = (side.shown.output if side else None for side in (pair.baseline, pair.current))
    if before is not None and after is not None:
        if before == after:
            return [("output", _lines(f"{after}\n(the same in both)"))]
        return [("output", _difference(_cut(diff.in_words(before, after))))]
    known = (("before", before), ("after", after))
    return [(label, _lines(said)) for label, said in known if said is not None]


def _lines(said: str) -> Text:
    return Text("\n".join(printable(line) for line in _cut(said).split("\n")))


def _cut(said: str) -> str:
    more = len(said) - LONGEST_TEXT
    return said if more <= 0 else f"{said[:LONGEST_TEXT]}\n… {numbers.counted(more, 'more character')}"
