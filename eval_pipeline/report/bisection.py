"""Where a drop first shows between two versions of a prompt: as a sentence, as JSON values, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from eval_pipeline.core.bisecting import Bisection, NextTry, TypeBisection, VersionRun
from eval_pipeline.core.models import PromptChange
from eval_pipeline.core.plain_text import printable
from eval_pipeline.core.wording import some
from eval_pipeline.report import numbers, shell
from eval_pipeline.report.looks import LOOKS
from eval_pipeline.report.serialize import prompt_change
from eval_pipeline.report.terminal import Style, plain, plain_table, render

NOT_EVALUATED = "not evaluated"


def sentence(found: Bisection) -> str:
    """What is known, in one sentence."""
    name = found.prompt_name
    if not found.types:
        return f"No eval type has a complete run that names {name}."
    first = found.first_drop
    if first is None:
        asked = some([each.eval_type for each in found.types if each.next_version is not None])
        seen = f"No drop is known between v{found.good} and v{found.bad} of {name}"
        return f"{seen}; not all is evaluated yet: {asked}." if asked else f"{seen}, in any eval type."
    types = [each for each in found.types if each.first_drop == first]
    unknown = sorted({version for each in types for version in each.unknown})
    where = f"The drop first shows in {name} v{first} ({some([each.eval_type for each in types])})"
    if unknown:
        return f"{where}; {numbers.versions(unknown)} before it {'is' if len(unknown) == 1 else 'are'} not evaluated."
    also = sorted({_change(change) for each in types for change in each.also_changed})
    if also:
        return f"{where}, or came with what changed along: {some(also)}."
    return f"{where}, and the version before it is fine: v{first} brought it."


def _change(change: PromptChange) -> str:
    return numbers.prompt_change(change.prompt_name, change.from_version, change.to_version)


def command(found: Bisection, next_try: NextTry) -> str:
    """The command that makes the unknown smaller."""
    return shell.run_evals(next_try.eval_types, found.prompt_name, next_try.version, next_try.others)


def cell(run: VersionRun) -> str:
    """What one type knows of one version: `✕ 76.0%`, `96.0%`, or that it was not evaluated."""
    if run.run is None:
        return NOT_EVALUATED
    glyph = f"{LOOKS[run.report.verdict.value].glyph} " if run.report and run.dropped else ""
    limit = run.report.threshold if run.report else run.run.threshold
    rate = numbers.rate(run.run.pass_rate) if limit is None else numbers.rate_against(run.run.pass_rate, limit)
    return f"{glyph}{rate}"


def remark(each: TypeBisection) -> str:
    """Where the drop of one type first shows, or what is missing."""
    if each.first_drop is not None:
        also = [_change(change) for change in each.also_changed]
        with_it = f", with {some(also)}" if also else ""
        return f"drops in v{each.first_drop}{with_it}"
    return "no drop" if each.next_version is None else f"v{each.next_version} not evaluated"


def in_order(found: Bisection) -> list[TypeBisection]:
    """The types: those that drop first, the earliest drop first."""
    return sorted(found.types, key=lambda each: (each.first_drop is None, each.first_drop or 0, each.eval_type))


def as_json(found: Bisection) -> dict[str, Any]:
    """The answer of `bisect`. Versions are integers."""
    return {
        "prompt_name": found.prompt_name,
        "good": found.good,
        "bad": found.bad,
        "versions": list(found.versions),
        "first_drop": found.first_drop,
        "said": sentence(found),
        "types": [_type(each) for each in in_order(found)],
        "next": [
            {
                "version": each.version,
                "eval_types": list(each.eval_types),
                "other_prompts": dict(each.others),
                "command": command(found, each),
            }
            for each in found.next_tries
        ],
    }


def _type(each: TypeBisection) -> dict[str, Any]:
    return {
        "eval_type": each.eval_type,
        "first_drop": each.first_drop,
        "last_good": each.last_good,
        "unknown": list(each.unknown),
        "also_changed": [prompt_change(change) for change in each.also_changed],
        "runs": [_run(run) for run in each.runs],
    }


def _run(run: VersionRun) -> dict[str, Any]:
    return {
        "version": run.version,
        "run_id": run.run.run_id if run.run else None,
        "pass_rate": run.run.pass_rate if run.run else None,
        "verdict": run.report.verdict.value if run.report else None,
        "dropped": run.dropped,
    }


def text(found: Bisection, style: Style) -> str:
    """The same for a terminal."""
    parts: list[RenderableType] = []
    if found.types:
        table = plain_table("Eval type", *(f">v{version}" for version in found.versions), "")
        for each in in_order(found):
            inks: Mapping[bool, str] = {True: "red", False: ""}
            cells = [Text(_short(cell(run)), inks[run.dropped]) for run in each.runs]
            table.add_row(plain(each.eval_type), *cells, plain(remark(each)))
        parts += [table, Text("")]
    parts.append(plain(sentence(found)))
    for next_try in found.next_tries:
        parts += [Text(""), Text("Evaluate next:", "bold"), _unbroken(command(found, next_try))]
    return render(parts, style)


def _unbroken(said: str) -> Text:
    """A line that can be copied into a shell: it is wider than the terminal rather than broken."""
    return Text(f"  {printable(said)}", no_wrap=True, overflow="ignore")


def _short(said: str) -> str:
    return numbers.MISSING if said == NOT_EVALUATED else said
