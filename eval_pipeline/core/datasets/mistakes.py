"""The mistakes in a dataset, in words: file, line, field, what is wrong, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from eval_pipeline.core.datasets.assertions import ASSERTION_TYPES, BY_TYPE, NEGATION, Asked
from eval_pipeline.core.datasets.model import REPEATED_ID, Case, Dataset
from eval_pipeline.core.datasets.part import Place

LONGEST_WORD = 60
OBJECT = "must be an object: fields and their values"
WORDS = {
    "missing": "is missing",
    "union_tag_not_found": "is missing",
    "list_type": "must be a list",
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "finite_number": "must be a finite number",
    "string_pattern_mismatch": "must be module:function, as in checks:is_polite; code in a dataset is not run",
}
ABOUT_THE_TYPE = ("union_tag_invalid", "union_tag_not_found")


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a file, or that looks wrong."""

    file: str
    line: int | None
    """From 1; `None` where it is about the file."""
    field: str
    """`cases[3].assert[0].type`; in JSONL within the line's case; empty where it is about the whole."""
    message: str

    def __str__(self) -> str:
        """`tone.json:12: cases[3].id: is missing`."""
        return f"{self.place}: {self.said}"

    @property
    def place(self) -> str:
        """`tone.json:12`."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    @property
    def said(self) -> str:
        """The field and what is wrong with it, on one line."""
        said = f"{self.field}: {self.message}" if self.field else self.message
        return " ".join(said.split())


def describe(problem: ValidationError) -> Iterator[tuple[Place, str]]:
    """Where each mistake stands, and what it is. Ids that are used twice are left out: see `repeated_ids`."""
    for error in problem.errors(include_url=False):
        if error["type"] != REPEATED_ID:
            yield _place(error), _message(error)


def repeated_ids(data: Any) -> Iterator[tuple[Place, Place, str]]:
    """The ids that an earlier case has, and where that one is, in data that may be anything."""
    cases = data.get("cases") if isinstance(data, dict) else None
    first: dict[str, int] = {}
    for index, case in enumerate(cases if isinstance(cases, list) else []):
        name = case.get("id") if isinstance(case, dict) else None
        if isinstance(name, str) and first.setdefault(name, index) != index:
            yield ("cases", index, "id"), ("cases", first[name], "id"), name


def written(place: Place) -> str:
    """`cases[3].assert[0].type`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


@lru_cache(maxsize=1000)  # one wrong word in a file is often many
def suggest(word: str, allowed: tuple[str, ...]) -> str:
    """The nearest allowed word as a question, or all that are allowed."""
    near = difflib.get_close_matches(word[:LONGEST_WORD], allowed, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"allowed are {', '.join(allowed)}"


def shortened(word: object) -> str:
    """A value as it may stand in a message."""
    said = repr(word)
    return said if len(said) <= LONGEST_WORD else said[: LONGEST_WORD - 1] + "…"


def _place(error: ErrorDetails) -> Place:
    """Where it stands in the text; the names that the schema has for the kinds of a value aren't written there."""
    place = error["loc"]
    if place[2:3] == ("input",):
        place = place[:3] + place[4:]
    elif place[2:3] == ("assert",):
        place = place[:4] + place[5:]
    if error["type"] in ABOUT_THE_TYPE:
        return (*place, "type")
    return (*place, *error.get("ctx", {}).get("path", ()))


def _message(error: ErrorDetails) -> str:
    kind, place = error["type"], error["loc"]
    if kind == "extra_forbidden":
        part, fields = _fields_beside(place)
        return f"unknown field of {part}, {suggest(str(place[-1]), fields)}"
    if kind == "union_tag_invalid":
        tag = error["ctx"]["tag"]
        return f"{shortened(tag)} is no assertion: {_suggest_type(tag)}"
    if kind == "string_type":
        return f"must be text{_in_quotes(error['input'])}"
    return WORDS.get(kind) or error["msg"].replace("Input should be ", "must be ")


def _in_quotes(value: object) -> str:
    """What turns a plain word into text; YAML reads `no` and `1.10` as something else."""
    return ": put it in quotes" if isinstance(value, bool | int | float) else ""


@lru_cache(maxsize=1000)
def _suggest_type(word: str) -> str:
    if difflib.get_close_matches(word[:LONGEST_WORD], ASSERTION_TYPES, n=1):
        return suggest(word, ASSERTION_TYPES)
    plain = tuple(name for name in ASSERTION_TYPES if not name.startswith(NEGATION))
    return f"{suggest(word, plain)}, and each with {NEGATION} before it"


def _fields_beside(place: Place) -> tuple[str, tuple[str, ...]]:
    """What has the field at a place, and the fields that it may have."""
    name: str = "a dataset"
    part: type[BaseModel] = Dataset
    if place[2:3] == ("assert",) and len(place) > 4:
        name, part = str(place[4]), BY_TYPE.get(str(place[4]), Asked)
    elif place[:1] == ("cases",):
        name, part = "a case", Case
    return name, tuple(info.alias or field for field, info in part.model_fields.items())
