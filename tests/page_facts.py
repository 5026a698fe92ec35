"""What the report page is made of, made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from eval_pipeline.core.comparing import compare_cases
from eval_pipeline.core.models import PromptText, RunStatus, TrendPoint
from eval_pipeline.core.moves import Action, AuditRecord, RecordStatus
from eval_pipeline.core.regression import check_all_regressions
from eval_pipeline.core.significance import with_evidence
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.core.trends import build_trend_summary
from eval_pipeline.report.page import Facts, told_with_cases

MOMENT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202etxt\x00\x1b[31m\ud800 & </style>"
"""Markup, an attribute's end, text turned round, a null byte, a terminal's colours, half a character."""
HOSTILE_NAME = HOSTILE.replace("\ud800", "")
"""As a database would keep it."""
SHOWN = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\ufffdtxt\ufffd\ufffd[31m\ufffd & </style>"
"""How a reader may see it."""


def run(name: str, day: int, rate: float | None, version: str = "v1", **fields: Any) -> TrendPoint:
    """The run of a day; without a rate it failed."""
    return TrendPoint(
        run_id=fields.pop("run_id", f"{day:03}{name}"),
        timestamp=MOMENT + timedelta(days=day - 90),
        experiment_name=f"base-{name}",
        experiment_id="7",
        eval_type=name,
        pass_rate=rate,
        average_score=None,
        total_cases=fields.pop("total_cases", 20),
        error_cases=0,
        prompt_versions=fields.pop("prompt_versions", {"persona": version}),
        eval_status=fields.pop("status", RunStatus.COMPLETE if rate is not None else RunStatus.ERROR),
        status_reason=None if rate is not None else "the run ended as FAILED",
        **fields,
    )


def case(case_id: str, passed: bool | None, **fields: Any) -> CaseResult:
    """A case of a run."""
    said = {"input": f"input of {case_id}", "expected": "hello", "output": "hello" if passed else "go away", **fields}
    why = None if passed else "icontains: does not contain 'hello'"
    return CaseResult(
        case_id, said.pop("group", None), 1, passed, None, None, duration_ms=9.0, **{"reason": why, **said}
    )


def move(action: Action = Action.PROMOTE, **fields: Any) -> AuditRecord:
    """A record of the audit log."""
    said = {"prompt_name": "persona", "alias": "production", "actor": "ada", "reason": "kinder", **fields}
    ends = {"forced": False, "justifying_run_ids": (), "status": RecordStatus.FINISHED}
    return AuditRecord("a1", action, from_version=1, to_version=2, timestamp=MOMENT, **{**ends, **said})


def facts(
    histories: Mapping[str, Sequence[TrendPoint]],
    cases: Mapping[str, Sequence[CaseResult]] | None = None,
    texts: Mapping[tuple[str, str], str] | None = None,
    **fields: Any,
) -> Facts:
    """Facts as the command gathers them; `cases` are by run id, `texts` by name and version of a prompt."""
    known = {run_id: tuple(each) for run_id, each in (cases or {}).items()}
    limits = dict.fromkeys(histories, 0.8)
    check = with_evidence(check_all_regressions(histories, limits), known)
    points = {point.run_id: point for history in histories.values() for point in history}
    told = [(points[each.baseline_run_id], points[each.current_run_id]) for each in told_with_cases(check)]
    return Facts(
        base_experiment=fields.pop("base_experiment", "my-assistant-eval"),
        store=fields.pop("store", "sqlite:///mlflow.db"),
        made_at=MOMENT,
        version="1.2.3",
        histories={name: build_trend_summary(name, f"base-{name}", each) for name, each in histories.items()},
        thresholds=limits,
        check=check,
        comparisons={
            after.eval_type: compare_cases(before, after, (known.get(before.run_id), known.get(after.run_id)), 0.8)
            for before, after in told
        },
        texts={
            key: PromptText(key[0], int(key[1][1:]), text, fields.get("message"), None)
            for key, text in (texts or {}).items()
        },
        moves=fields.pop("moves", ()),
        events=fields.pop("events", ()),
        **{name: value for name, value in fields.items() if name != "message"},
    )


def story(name: str = "tone", prompt: str = "persona", text: str = "be kind", **fields: Any) -> Facts:
    """Three eval types: `name` regressed and `text` is in all that is told of it, one got better, one never ran."""
    before = run(name, 1, 1.0, prompt_versions={prompt: "v1"})
    after = run(name, 2, 0.55, prompt_versions={prompt: "v2"}, context={"judge_model": text})
    told = {"input": text, "output": text, "expected": text, "reason": text, "group": text, "tags": (text,)}
    passed = [case(f"case-{k}", True) for k in range(20)]
    failed = [case(text, False, **told), *(case(f"case-{k}", k > 8) for k in range(1, 20))]
    return facts(
        {name: [before, after], "routing": [run("routing", 1, 0.8), run("routing", 2, 0.95)], "weather": []},
        {before.run_id: [case(text, True, **{**told, "output": f"old {text}"}), *passed[1:]], after.run_id: failed},
        {(prompt, "v1"): f"Refuse.\n{text}", (prompt, "v2"): f"Refuse.\nnew {text}"},
        message=text,
        moves=[move(prompt_name=prompt, actor=text, reason=text, alias=text)],
        **fields,
    )
