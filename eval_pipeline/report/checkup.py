"""The findings of `doctor`, as text and as JSON values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from eval_pipeline.core.checkup import Setting, SignIn, TypeFinding
from eval_pipeline.core.models import RunStatus
from eval_pipeline.core.suite_runs import SuiteRun, SuiteState
from eval_pipeline.report import numbers, suite_words
from eval_pipeline.report.suites import SHOWN_ID, suite_run
from eval_pipeline.report.terminal import Style, plain, plain_table, render
from eval_pipeline.report.zones import Zone


def as_json(
    settings: Sequence[Setting],
    sign_in: SignIn,
    store: str | None,
    findings: Sequence[TypeFinding],
    lost: Sequence[SuiteRun],
    problem: str | None,
) -> dict[str, Any]:
    """All that was found; `store` is the address that answered, or null with the `problem`."""
    return {
        "settings": [{"key": each.key, "value": each.value, "origin": each.origin} for each in settings],
        "sign_in": {
            "enabled": sign_in.enabled,
            "problem": sign_in.problem,
            "matchers": {role.value: count for role, count in sign_in.matchers.items()},
        },
        "store": {"reachable": problem is None, "uri": store, "problem": problem},
        "eval_types": [_finding(each) for each in findings],
        "lost_suites": [_lost(each) for each in lost],
    }


def _lost(suite: SuiteRun) -> dict[str, Any]:
    commands = {"finish": suite_words.resume_command(suite.id), "clear": suite_words.cancel_command(suite.id)}
    return {**suite_run(suite, SuiteState.LOST.value), **commands}


def _finding(finding: TypeFinding) -> dict[str, Any]:
    return {
        "eval_type": finding.experiment.eval_type,
        "experiment_name": finding.experiment.experiment_name,
        "runs": {status.value: count for status, count in finding.runs.items()},
        "error_reasons": dict(finding.reasons),
        "unmapped_metrics": list(finding.advice.unmapped),
        "settings_to_add": list(finding.advice.lines),
    }


def text(
    settings: Sequence[Setting],
    sign_in: SignIn,
    store: str | None,
    findings: Sequence[TypeFinding],
    lost: Sequence[SuiteRun],
    style: Style,
) -> str:
    """The same for a terminal. `store` is `None` if it did not answer."""
    parts: list[RenderableType] = [Text("Settings", "bold"), _indented(_settings_table(settings)), Text("")]
    parts.append(_sign_in(sign_in))
    if store is None:
        return render([*parts, Text("Store: not reachable", "red")], style)
    parts.append(Text.assemble(("Store", "bold"), f"  {store} answers"))
    if findings:
        parts += [Text(""), Text("Eval types and their runs", "bold"), _indented(_types_table(findings))]
    else:
        parts.append(Text("No experiment of the base name: no eval runs yet."))
    return render([*parts, *_problems(findings), *_unmapped(findings), *_lost_suites(lost, style.zone)], style)


def _settings_table(settings: Sequence[Setting]) -> RenderableType:
    table = plain_table("Key", "Value", "From")
    for each in settings:
        value = each.value if isinstance(each.value, str) else json.dumps(each.value, ensure_ascii=False)
        table.add_row(plain(each.key), plain("not set" if each.value is None else value), plain(each.origin))
    return table


def _sign_in(sign_in: SignIn) -> Text:
    title = ("Sign-in", "bold")
    if not sign_in.enabled:
        return Text.assemble(title, f"  off: whoever reaches the app acts as its own user, {sign_in.role}")
    if sign_in.problem is not None:
        return Text.assemble(title, (f"  on, and nobody can: {sign_in.problem}", "red"))
    counts = ", ".join(f"{role}s {numbers.count(count)}" for role, count in sign_in.matchers.items())
    return Text.assemble(title, f"  on; entries in the lists: {counts}")


def _types_table(findings: Sequence[TypeFinding]) -> RenderableType:
    table = plain_table("Eval type", "Experiment", *(f">{status.value}" for status in RunStatus))
    for each in findings:
        counts = (Text(numbers.count(each.runs[status])) for status in RunStatus)
        table.add_row(plain(each.experiment.eval_type), plain(each.experiment.experiment_name), *counts)
    return table


def _problems(findings: Sequence[TypeFinding]) -> list[RenderableType]:
    lines = [
        plain(f"{each.experiment.eval_type}: {numbers.counted(count, 'run')}: {reason}")
        for each in findings
        for reason, count in each.reasons.items()
    ]
    return [Text(""), Text("Runs that are errors", "bold"), *map(_indented, lines)] if lines else []


def _lost_suites(lost: Sequence[SuiteRun], zone: Zone) -> list[RenderableType]:
    if not lost:
        return []
    parts: list[RenderableType] = [Text(""), Text("Suite runs that are lost: their process has stopped", "bold")]
    for each in lost:
        done = f"{each.done} of {numbers.counted(each.total, 'eval type')} done"
        begun = f"begun {zone.when(each.started)} by {each.actor}"
        parts.append(_indented(plain(f"{each.id[:SHOWN_ID]}  {each.suite}, {begun}, {done}")))
        for what, command in (
            ("finish", suite_words.resume_command(each.id)),
            ("clear", suite_words.cancel_command(each.id)),
        ):
            parts.append(Padding(plain(f"to {what + ':':7} {command}"), (0, 0, 0, 4)))
    return parts


def _unmapped(findings: Sequence[TypeFinding]) -> list[RenderableType]:
    names = [
        plain(f"{each.experiment.eval_type}: {', '.join(each.advice.unmapped)}")
        for each in findings
        if each.advice.unmapped
    ]
    lines = [plain(line) for each in findings for line in each.advice.lines]
    parts: list[RenderableType] = []
    if names:
        parts += [Text(""), Text("Metrics that no setting maps", "bold"), *map(_indented, names)]
    if lines:
        parts += [Text(""), Text("Lines to add to eval_pipeline.toml", "bold"), *map(_indented, lines)]
    return parts


def _indented(part: RenderableType) -> Padding:
    return Padding(part, (0, 0, 0, 2))
