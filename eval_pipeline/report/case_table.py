"""The cases of comparisons as tables, CSV and JSON.

`case_frame`: one row a case, in the order given

| column | dtype | what |
| --- | --- | --- |
| `eval_type`, `case_id`, `group` | str | together with `case_id` unique; `group` empty if it has none |
| `tags` | object | list of str |
| `change` | str | a key of `looks.CASES` |
| `outcome` | str | as in `passed → failed 1 of 3` |
| `score`, `duration` | str | before → after; one value if they are alike |
| `reason`, `expected` | str | why it does not pass in the newer run that has it; empty if it passes |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from eval_pipeline.core.case_pairs import CasePair, CaseSide, CaseState
from eval_pipeline.report import numbers
from eval_pipeline.report.csv_text import csv_text

TypedPair = tuple[str, CasePair]
"""An eval type and a case of it."""

_CASE = ("eval_type", "case_id", "change", "group", "tags", "edited", "quarantined", "input", "expected")
_SIDE = ("state", "passed", "repeats", "score", "output", "reason", "error", "duration_ms")
COLUMNS = (*_CASE, *(f"{side}_{name}" for side in ("baseline", "current") for name in _SIDE))


def case_frame(pairs: Sequence[TypedPair]) -> pd.DataFrame:
    """The cases for a table on a page."""
    frame = pd.DataFrame(
        {
            "eval_type": [eval_type for eval_type, _ in pairs],
            "case_id": [pair.case_id for _, pair in pairs],
            "group": [pair.case.group or "" for _, pair in pairs],
            "tags": pd.Series([list(pair.case.tags) for _, pair in pairs], dtype="object"),
            "change": [pair.change.value for _, pair in pairs],
            "outcome": [outcome(pair) for _, pair in pairs],
            "score": [_both(score(pair.baseline), score(pair.current)) for _, pair in pairs],
            "duration": [_both(duration(pair.baseline), duration(pair.current)) for _, pair in pairs],
            "reason": [why(pair.current or pair.baseline) for _, pair in pairs],
            "expected": [pair.case.expected or "" for _, pair in pairs],
        }
    )
    texts = [name for name in frame.columns if name != "tags"]
    return frame.astype(dict.fromkeys(texts, "str"))


def outcome(pair: CasePair) -> str:
    """What a case came to in both runs: `passed → failed`, with the repeats that passed where there are several."""
    return f"{side_words(pair.baseline)} → {side_words(pair.current)}"


def side_words(side: CaseSide | None) -> str:
    """What a case came to in one run: `failed`, `failed (2 of 5 passed)`, `not there`."""
    if side is None:
        return "not there"
    many = f" ({side.passed} of {len(side.results)} passed)" if len(side.results) > 1 else ""
    return f"{side.state.value}{many}"


def why(side: CaseSide | None) -> str:
    """Why a case did not pass: the error, or the assertions that failed and the judge's words; empty if it passed."""
    if side is None or side.state is CaseState.PASSED:
        return ""
    return side.shown.error or side.shown.reason or ""


def score(side: CaseSide | None) -> str:
    """The score of a case in one run."""
    return numbers.score(side.score if side else None)


def duration(side: CaseSide | None) -> str:
    """How long a case took in one run: `31 ms`, `1.2 s`."""
    if side is None:
        return numbers.MISSING
    return f"{side.duration_ms:.0f} ms" if side.duration_ms < 999.5 else f"{side.duration_ms / 1000:.1f} s"


def _both(before: str, after: str) -> str:
    return after if before == after else f"{before} → {after}"


def case_csv(pairs: Iterable[TypedPair]) -> str:
    """One row a case, in the order given. A text that a spreadsheet would take for a formula begins with `'`."""
    return csv_text(COLUMNS, (_cells(case_record(eval_type, pair)) for eval_type, pair in pairs))


def _cells(record: dict[str, Any]) -> list[Any]:
    sides = [(record[side] or {}).get(name) for side in ("baseline", "current") for name in _SIDE]
    return [*(record[name] for name in _CASE), *sides]


def case_record(eval_type: str, pair: CasePair) -> dict[str, Any]:
    """One case as JSON values. Of several repeats, the one that says most stands for the output and its reason."""
    return {
        "eval_type": eval_type,
        "case_id": pair.case_id,
        "change": pair.change.value,
        "group": pair.case.group,
        "tags": list(pair.case.tags),
        "edited": pair.edited,
        "quarantined": pair.quarantined,
        "input": pair.case.input,
        "expected": pair.case.expected,
        "baseline": _side(pair.baseline),
        "current": _side(pair.current),
    }


def _side(side: CaseSide | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "state": side.state.value,
        "passed": side.passed,
        "repeats": len(side.results),
        "score": side.score,
        "output": side.shown.output,
        "reason": side.shown.reason,
        "error": side.shown.error,
        "duration_ms": side.duration_ms,
    }
