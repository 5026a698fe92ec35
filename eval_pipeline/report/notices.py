"""What a team is told of, as the JSON that is posted: a text as Slack shows it, and the facts for other programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_pipeline.core.audit import Finding
from eval_pipeline.core.models import RegressionReport
from eval_pipeline.core.moves import Action, AuditRecord
from eval_pipeline.core.notices import Event
from eval_pipeline.core.plain_text import one_line
from eval_pipeline.core.requests import SHOWN_ID, PromotionRequest
from eval_pipeline.core.suite_runs import SuiteRun
from eval_pipeline.report import numbers, request_words, requests, serialize, shell, suite_words

LONGEST_TEXT = 2_900
"""Slack shows 3,000 characters of a section."""
LONGEST_NAME, LONGEST_WORDS, LONGEST_FACT = 120, 400, 2_000
MOST_NAMED, MOST_FACTS = 10, 50

EVENTS = {Action.PROMOTE: Event.PROMOTION, Action.ROLLBACK: Event.ROLLBACK}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened."""

    event: Event
    project: str
    """The base experiment."""
    lines: tuple[str, ...]
    """In Slack's markup; what comes from outside is escaped."""
    facts: Mapping[str, Any]
    """As JSON values."""

    @property
    def payload(self) -> dict[str, Any]:
        """What is posted. Lines that would make the text too long are left out, and it ends with `…`."""
        text = ""
        for line in self.lines:
            if len(text) + len(line) > LONGEST_TEXT:
                text += "…\n"
                break
            text += line + "\n"
        known = {"event": self.event.value, "base_experiment": self.project}
        return {"text": text.rstrip("\n"), "eval_pipeline": {**known, **self.facts}}


def of_move(project: str, record: AuditRecord, url: str | None = None) -> Notice:
    """A promotion or a rollback. `url`: the page of its audit record."""
    done = "Rolled back" if record.action is Action.ROLLBACK else "Promoted"
    done += " against the gate" if record.forced else ""
    where = f"{_name(record.prompt_name)}@{_name(record.alias)}"
    change = numbers.version_change(record.from_version, record.to_version)
    runs = len(record.justifying_run_ids)
    lines = [
        f"*{done}*: {where} {change} · {_name(project)}",
        f"By {_name(record.actor)}" + (f": {_words(record.reason)}" if record.reason else ""),
        *_listed([f"overrides {_words(each)}" for each in record.overridden]),
        f"Evidence: {numbers.counted(runs, 'eval run')}" if runs else "",
        _linked(url, f"Audit record {record.sequence}"),
    ]
    facts = serialize.audit_record(record)
    facts["reason"] = numbers.shortened(record.reason, LONGEST_FACT)
    facts["overridden"] = [numbers.shortened(each, LONGEST_FACT) for each in record.overridden[:MOST_FACTS]]
    return Notice(EVENTS[record.action], project, tuple(filter(None, lines)), {**facts, "url": url})


def of_request(project: str, request: PromotionRequest, url: str | None = None) -> Notice:
    """Somebody wants a promotion to be approved. `url`: the page of the request."""
    asked = request.asked
    against = " against the gate" if asked.forced else ""
    left = request_words.time_left(asked.expires, asked.requested)
    lines = (
        f"*Approval wanted*{against}: {_name(asked.prompt_name)}@{_name(asked.alias)} "
        f"{numbers.version_change(asked.from_version, asked.version)} · {_name(project)}",
        f"Asked for by {_name(asked.requester)}: {_words(asked.reason)}",
        f"Waits for {numbers.counted(asked.needed, 'approval')} by others, at most {left}",
        f"On the page Promote, or `{shell.approve(request.id[:SHOWN_ID])}`",
        _linked(url, f"Request {request.id[:SHOWN_ID]}"),
    )
    facts = requests.fields(request)
    facts["reason"] = numbers.shortened(asked.reason, LONGEST_FACT)
    return Notice(Event.REQUEST, project, lines, {**facts, "url": url})


def of_regressions(
    project: str,
    regressed: Sequence[RegressionReport],
    judged: int,
    suite: SuiteRun | None,
    urls: Mapping[str, str] | None = None,
) -> Notice:
    """Eval types that regressed, of so many that were judged. `suite`: the suite run that found them, `None`: a check.

    `urls` are the pages of runs, by run id.
    """
    urls = urls or {}
    changes = {
        numbers.prompt_change(each.prompt_name, each.from_version, each.to_version)
        for report in regressed
        for each in report.changed_prompts
    }
    lines = [
        f"*REGRESSION* in {len(regressed)} of {numbers.counted(judged, 'eval type')} · {_name(project)}",
        "Found by `eval-pipeline check`" if suite is None else _suite(suite),
        *_listed([_regression(each, urls.get(each.current_run_id)) for each in regressed]),
        f"Changed: {_words(', '.join(sorted(changes)))}" if changes else "",
    ]
    facts: dict[str, Any] = {
        "regressed": [report.eval_type for report in regressed[:MOST_FACTS]],
        "reports": [serialize.regression_report(report) for report in regressed[:MOST_FACTS]],
        "suite_run_id": suite.id if suite else None,
        "suite": suite.suite if suite else None,
        "trigger": suite.trigger if suite else None,
        "actor": suite.actor if suite else None,
    }
    return Notice(Event.REGRESSION, project, tuple(filter(None, lines)), facts)


def _suite(suite: SuiteRun) -> str:
    about = "" if suite.candidate is None else f", {suite_words.candidate(suite)}"
    return _words(f"Suite {suite.suite}{about}, {suite_words.started_by(suite)}, suite run {suite.id[:8]}")


def _regression(report: RegressionReport, url: str | None) -> str:
    said = [
        numbers.rate_against(report.current_pass_rate, report.threshold),
        f"threshold {numbers.threshold(report.threshold)}",
        numbers.delta_pp(report.delta_pp),
        *([numbers.evidence(report.evidence)] if report.evidence else []),
    ]
    return f"{_linked(url, _name(report.eval_type))}: {_words(', '.join(said))}"


def of_findings(project: str, findings: Sequence[Finding]) -> Notice:
    """What `audit verify` found: aliases that were moved outside the tool, and a log that is not whole."""
    drift = all(each.kind == "drift" for each in findings)
    title = "Drift" if drift else "The audit log and the aliases do not agree"
    lines = (
        f"*{title}*: {numbers.counted(len(findings), 'finding')} · {_name(project)}",
        *_listed([_words(each.text) for each in findings]),
        "See `eval-pipeline audit verify`",
    )
    facts = {"findings": [serialize.finding(each) for each in findings[:MOST_FACTS]]}
    return Notice(Event.DRIFT, project, lines, facts)


def _listed(entries: Sequence[str]) -> list[str]:
    more = [f"and {len(entries) - MOST_NAMED} more"] if len(entries) > MOST_NAMED else []
    return [*(f"• {each}" for each in entries[:MOST_NAMED]), *more]


def _linked(url: str | None, words: str) -> str:
    if url is None:
        return words
    target = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{target}|{words}>"


def _name(text: str) -> str:
    return _plain(text, LONGEST_NAME)


def _words(text: str) -> str:
    return _plain(text, LONGEST_WORDS)


def _plain(text: str, longest: int) -> str:
    """Text on one line that can't link, and can't call anybody: neither by `<!here>` nor, in other chats, by `@all`."""
    shown = numbers.shortened(one_line(text), longest).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(?<!\w)@", "@\u200b", shown)
