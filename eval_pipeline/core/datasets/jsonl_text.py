"""Reading JSONL: a case a line, after an optional line with the fields of the dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from eval_pipeline.core.datasets.json_text import parse_json
from eval_pipeline.core.datasets.parsed import Flaw, Parsed, Unreadable
from eval_pipeline.core.datasets.part import Place

CASE_FIELDS = ("id", "input")
"""A first line that has none of them is about the dataset."""
VERSION_LENGTH = 12


def parse_jsonl(text: str, file: str) -> Parsed | Unreadable:
    """The dataset in JSONL text. Where its first line does not say them, `eval_type` is the file's stem and `version`
    the first 12 hex digits of the text's SHA-256."""
    head: dict[str, Any] = {}
    head_line = 1
    cases: list[Any] = []
    lines: list[int] = []
    flaws: list[Flaw] = []
    for line, found in _values(text):
        if isinstance(found, Flaw):
            flaws.append(found)
        elif not cases and not head and isinstance(found, dict) and not any(name in found for name in CASE_FIELDS):
            head, head_line = found, line
        else:
            cases.append(found)
            lines.append(line)
    if "cases" in head:
        flaws.append(Flaw(head_line, "cases: unknown field: in JSONL each further line is a case"))
    if flaws and not cases:
        return Unreadable(tuple(flaws))
    data = {"eval_type": PurePath(file).stem, "version": version_of(text), **head, "cases": cases}

    def find_line(place: Place) -> int:
        is_case = place[:1] == ("cases",) and len(place) > 1 and isinstance(place[1], int)
        return lines[int(place[1])] if is_case else head_line

    return Parsed(data, find_line, tuple(flaws), by_line=True)


def version_of(text: str) -> str:
    """A version that changes with the text and with nothing else."""
    return hashlib.sha256(text.encode()).hexdigest()[:VERSION_LENGTH]


def _values(text: str) -> Iterator[tuple[int, Any]]:
    """Each line's number and its value, or its flaw; empty lines are nothing."""
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        parsed = parse_json(content)
        if isinstance(parsed, Parsed):
            yield line, parsed.data
        else:
            yield from ((line, Flaw(line, flaw.message)) for flaw in parsed.flaws)
