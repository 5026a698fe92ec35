"""What an eval dataset holds, and how its text becomes one. Data only: nothing in a dataset is ever run."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eval_pipeline.errors import DatasetError

if TYPE_CHECKING:
    import yaml

NEGATION = "not-"
TEXT_ASSERTIONS = ("equals", "contains", "icontains", "regex", "starts-with")
LIST_ASSERTIONS = ("contains-any", "contains-all")
ASSERTION_TYPES = tuple(sign + name for sign in ("", NEGATION) for name in (*TEXT_ASSERTIONS, *LIST_ASSERTIONS))

Place = tuple[int | str, ...]
"""Where something stands in a dataset: `("cases", 3, "assert", 0, "type")`."""
Name = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """A part of a dataset; unknown fields and values of another kind are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class Assertion(Part):
    """One thing that an output must (or, as `not-...`, must not) fulfil."""

    type: str
    value: str | list[str]
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Its share in the score of the case, relative to the other assertions."""

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type not in ASSERTION_TYPES:
            raise ValueError(f"type {self.type!r} is no assertion: {suggest(self.type, ASSERTION_TYPES)}")
        kind = self.type.removeprefix(NEGATION)
        if (kind in LIST_ASSERTIONS) is isinstance(self.value, str):
            raise ValueError(f"value of {self.type} must be {'a list of texts' if kind in LIST_ASSERTIONS else 'text'}")
        if kind == "regex" and isinstance(self.value, str):
            try:
                re.compile(self.value)
            except re.error as problem:
                raise ValueError(f"value {self.value!r} is no regular expression: {problem}") from problem
        return self


class Case(Part):
    """One input and what is asked of the output."""

    id: Name
    input: str | Annotated[list[str], Field(min_length=1)]
    """What the user says: one turn, or several, oldest first; the answer to the last one is judged."""
    expected: str | None = None
    """What a good answer is. Without `assert`, the output must equal it."""
    group: str | None = None
    """Cases of one group are alike and not independent of each other."""
    tags: list[str] = []
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Seconds that the case may take. Part of the format; not enforced yet."""
    given_assertions: Annotated[list[Assertion], Field(alias="assert")] = []

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if not self.given_assertions and self.expected is None:
            raise ValueError("needs assert or expected, or nothing could fail it")
        return self

    @property
    def turns(self) -> tuple[str, ...]:
        """The user's turns, oldest first; never empty."""
        return (self.input,) if isinstance(self.input, str) else tuple(self.input)

    @property
    def assertions(self) -> tuple[Assertion, ...]:
        """What is asked of the output; never empty."""
        if self.given_assertions or self.expected is None:
            return tuple(self.given_assertions)
        return (Assertion(type="equals", value=self.expected),)


class Dataset(Part):
    """The cases of one eval type."""

    eval_type: Name
    version: Name
    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    """The lowest pass rate that is good, 0..1; `None`: the settings decide."""
    repeat: Annotated[int, Field(ge=1)] = 1
    """How often each case is run."""
    prompts: list[Name] = []
    """The registry prompts that this type uses; empty: all of the project."""
    cases: Annotated[list[Case], Field(min_length=1)]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [case.id for case in self.cases]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"cases: the id {twice!r} is used more than once")
        return self

    @property
    def planned_cases(self) -> int:
        """How many results a full evaluation gives."""
        return len(self.cases) * self.repeat


def parse_dataset(text: str, file: str) -> Dataset:
    """Read a dataset from the text of a `.json`, `.yaml` or `.yml` file.

    Raises:
        DatasetError: it is none; names the file, the line, the field and, for a wrong word, the nearest allowed one.
    """
    load = _PARSERS.get(PurePath(file).suffix.lower())
    if load is None:
        raise DatasetError(f"{file}: a dataset is a {', '.join(_PARSERS)} file")
    data = load(text, file)
    try:
        return Dataset.model_validate(data)
    except ValidationError as problem:
        place, message = _first_mistake(problem)
        raise DatasetError(f"{file}:{_find_line(text, place)}: {message}") from problem


def suggest(word: str, allowed: Sequence[str]) -> str:
    """The nearest allowed word as a question, or all that are allowed."""
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"allowed are {', '.join(allowed)}"


def _parse_json(text: str, file: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        raise DatasetError(f"{file}:{problem.lineno}: no valid JSON: {problem.msg}") from problem


def _parse_yaml(text: str, file: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise DatasetError(f"{file}{line}: no valid YAML: {getattr(problem, 'problem', problem)}") from problem


_PARSERS: dict[str, Callable[[str, str], Any]] = {".json": _parse_json, ".yaml": _parse_yaml, ".yml": _parse_yaml}


def _first_mistake(problem: ValidationError) -> tuple[Place, str]:
    """Where the first mistake stands, and what it is in words that begin with the field."""
    first = problem.errors()[0]
    place = tuple(part for part in first["loc"] if part not in {"str", "list[constrained-str]", "list[str]"})
    field = _written(place)
    if first["type"] == "extra_forbidden":
        return place, f"{field}: unknown field, {suggest(str(place[-1]), _fields_beside(place))}"
    if first["type"] == "value_error":
        message = first["msg"].removeprefix("Value error, ")
        return place, f"{field}: {message}" if field else message
    message = first["msg"][0].lower() + first["msg"][1:]
    return place, f"{field or 'the file'}: {message}"


def _written(place: Place) -> str:
    """`cases[3].assert[0].type`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def _fields_beside(place: Place) -> list[str]:
    part = Assertion if "assert" in place[:-1] else Case if "cases" in place[:-1] else Dataset
    return [info.alias or name for name, info in part.model_fields.items()]


def _find_line(text: str, place: Place) -> int:
    """The line (from 1) of a place in JSON or YAML text; where the place is not written, that of what should hold it.

    Every JSON text is YAML too, but for tabs.
    """
    import yaml

    node = yaml.compose(text.replace("\t", " "), Loader=yaml.SafeLoader)
    line = node.start_mark.line if node else 0
    for part in place:
        found = _step(node, part)
        if found is None:
            break
        line, node = found
    return line + 1


def _step(node: yaml.Node | None, part: int | str) -> tuple[int, yaml.Node] | None:
    import yaml

    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part].start_mark.line, node.value[part]
    if isinstance(node, yaml.MappingNode):
        pairs: Iterable[tuple[yaml.Node, yaml.Node]] = node.value
        return next(((key.start_mark.line, value) for key, value in pairs if key.value == part), None)
    return None
