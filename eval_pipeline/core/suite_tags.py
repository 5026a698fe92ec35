"""How a suite run is written down: as params and tags of the MLflow run that holds it.

Params are written once: `suite`, `trigger`, `actor`, `candidate` (`persona v4`), `repeat`, `prompt.<name>`, and
`attempt.0001`, ... whoever works on it. Tags change while it works: `suite.heartbeat`, `suite.total`, `suite.done`,
`suite.now`, `suite.type.0000`, ... (JSON, an eval type each). What belongs to one attempt carries its number, so that
no attempt reads another's: `suite.cancel.0001` (who asked for it), `suite.outcome.0001`, `suite.message.0001`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from types import NoneType
from typing import Any

from eval_pipeline.core.suite_runs import SuiteRun, SuiteState, TypeProgress, TypeState

HEARTBEAT_TAG, ATTEMPT_TAG, TYPE_TAG = "suite.heartbeat", "suite.attempt", "suite.type."
CANCEL_TAG, OUTCOME_TAG, MESSAGE_TAG = "suite.cancel.", "suite.outcome.", "suite.message."
TOTAL_TAG, DONE_TAG, NOW_TAG = "suite.total", "suite.done", "suite.now"
ATTEMPT_PARAM = "attempt."
UNKNOWN = "?"
"""What a suite run says that was never made whole."""

_FIELDS = {field.name: field.default for field in fields(TypeProgress)}
"""What each field is where a tag does not say it."""
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("eval_type", "digest"), (str,)),
    **dict.fromkeys(("run_id", "problem", "verdict", "baseline_run_id", "evidence"), (str, NoneType)),
    **dict.fromkeys(("total_cases", "done_cases", "failed_cases", "error_cases"), (int,)),
    **dict.fromkeys(("pass_rate", "threshold", "delta_pp"), (float, int, NoneType)),
}


def read_suite_run(
    run_id: str, params: Mapping[str, str], tags: Mapping[str, str], prompts: Mapping[str, str], **times: Any
) -> SuiteRun:
    """A suite run from its params and tags; what a stranger wrote into them is left out.

    `times` are `started` and `ended`, aware or `None`.
    """
    attempt = _read_object(tags.get(ATTEMPT_TAG, ""))
    attempts = tuple(params[key] for key in sorted(key for key in params if key.startswith(ATTEMPT_PARAM)))
    number = attempt_number(len(attempts))
    outcome = tags.get(OUTCOME_TAG + number)
    return SuiteRun(
        id=run_id,
        suite=params.get("suite", UNKNOWN),
        trigger=params.get("trigger", UNKNOWN),
        actor=params.get("actor", UNKNOWN),
        heartbeat=_moment(tags.get(HEARTBEAT_TAG)),
        prompts=prompts,
        candidate=_read_candidate(params.get("candidate", "")),
        types=tuple(_read_types(tags)),
        attempts=attempts,
        attempt_began=_moment(attempt.get("began")),
        cases_before=_whole(attempt.get("cases_before")),
        repeat=int(params["repeat"]) if params.get("repeat", "").isdigit() else None,
        outcome=SuiteState(outcome) if outcome in set(SuiteState) else None,
        cancelled_by=tags.get(CANCEL_TAG + number),
        message=tags.get(MESSAGE_TAG + number, ""),
        **times,
    )


def attempt_number(attempts: int) -> str:
    """How the last of so many attempts is numbered; what nobody has begun yet counts as the first."""
    return f"{max(attempts, 1):04}"


def type_tags(types: Mapping[int, TypeProgress]) -> dict[str, str]:
    """The tags that hold these types, by their place in the suite."""
    return {f"{TYPE_TAG}{place:04}": _type_json(progress) for place, progress in types.items()}


def _type_json(progress: TypeProgress) -> str:
    said = {name: getattr(progress, name) for name in _FIELDS}
    return json.dumps({name: value for name, value in said.items() if value != _FIELDS[name]})


def summary_tags(types: tuple[TypeProgress, ...]) -> dict[str, str]:
    """The tags that sum a suite run up, for people who look at it in MLflow."""
    at_work = ", ".join(each.eval_type for each in types if each.state is TypeState.RUNNING)
    return {TOTAL_TAG: str(len(types)), DONE_TAG: str(sum(each.state.ended for each in types)), NOW_TAG: at_work[:500]}


def _read_types(tags: Mapping[str, str]) -> list[TypeProgress]:
    found = []
    for key in sorted(key for key in tags if key.startswith(TYPE_TAG)):
        try:
            found.append(_read_type(tags[key]))
        except ValueError:
            continue
    return found


def _read_type(text: str) -> TypeProgress:
    values = {name: value for name, value in _read_object(text).items() if name in _FIELDS}
    values["state"] = TypeState(values.get("state", TypeState.WAITING))
    strange = [name for name, kinds in _KINDS.items() if name in values and not isinstance(values[name], kinds)]
    if strange or not values.get("eval_type"):
        raise ValueError(f"no progress of an eval type: {text[:200]!r}")
    return TypeProgress(**values)


def _read_candidate(text: str) -> tuple[str, int] | None:
    name, _, version = text.rpartition(" v")
    return (name, int(version)) if name and version.isdigit() else None


def _read_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _whole(said: object) -> int:
    return said if isinstance(said, int) else 0


def _moment(said: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
