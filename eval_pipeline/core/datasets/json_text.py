"""Reading JSON, and knowing the line of everything in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eval_pipeline.core.datasets.parsed import Flaw, Parsed, Unreadable, nearest
from eval_pipeline.core.datasets.part import Place

HALF_A_CHARACTER = "no text: it holds half of a character"
TOO_DEEP = "is nested too deeply"
HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of one half of a character; the other half may be beside it."""
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def parse_json(text: str) -> Parsed | Unreadable:
    """The values in JSON text. Keys that are written twice, and numbers that are none, are flaws."""
    reader = _Reader()
    try:
        data = reader.read(text)
    except json.JSONDecodeError as problem:
        return Unreadable((Flaw(problem.lineno, f"no valid JSON: {_lower(problem.msg)}"),))
    except RecursionError:
        return Unreadable((Flaw(None, f"no valid JSON: it {TOO_DEEP}"),))
    flaws = (*(_flaws(text) if reader.odd else ()), *(_halves(text) if HALF.search(text) else ()))
    if flaws:
        return Unreadable(flaws)
    find_lines = cache(lambda: _lines(text))
    return Parsed(data, lambda place: nearest(find_lines(), place))


@dataclass(slots=True)
class _Reader:
    """Reads JSON and notes whether it holds what the format has no meaning for."""

    odd: bool = field(default=False)

    def read(self, text: str) -> Any:
        return json.loads(
            text,
            object_pairs_hook=self._object,
            parse_constant=self._no_number,
            parse_int=self._whole,
            parse_float=self._number,
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        self.odd = self.odd or len(found) < len(pairs)
        return found

    def _no_number(self, _: str) -> None:
        self.odd = True

    def _whole(self, digits: str) -> int:
        return int(digits) if math.isfinite(self._number(digits)) else 0

    def _number(self, digits: str) -> float:
        number = float(digits)
        self.odd = self.odd or not math.isfinite(number)
        return number


@dataclass(frozen=True, slots=True)
class Token:
    """A value, or the beginning of one, in JSON text."""

    place: Place
    line: int
    """Of its key, where it has one."""
    text: str


def walk(text: str) -> Iterator[Token]:
    """Every value in valid JSON, in the order of the text."""
    path: list[int | str] = []
    in_object: list[bool] = []
    line, position, key = 1, 0, False
    for match in TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position, token = match.start(), match.group()
        if token in ("}", "]"):
            path.pop()
            key = False
            in_object.pop()
        elif token == ",":
            key = in_object[-1]
            path[-1] = _next(path[-1])
        elif key:
            path[-1], key, key_line = json.loads(token), False, line
        elif token != ":":
            yield Token(tuple(path), key_line if in_object and in_object[-1] else line, token)
            if token in ("{", "["):
                key = token == "{"
                in_object.append(key)
                path.append("" if key else 0)


def _next(step: int | str) -> int | str:
    return step + 1 if isinstance(step, int) else step


def _lines(text: str) -> dict[Place, int]:
    return {token.place: token.line for token in walk(text)}


def _flaws(text: str) -> Iterator[Flaw]:
    seen: set[Place] = set()
    for token in walk(text):
        if token.place in seen:
            yield Flaw(token.line, f"no valid JSON: {token.place[-1]!r} is written twice")
        seen.add(token.place)
        if token.text[0] in "NI-0123456789" and not math.isfinite(float(token.text)):
            yield Flaw(token.line, f"no valid JSON: {token.text[:20]} is no number that can be used")


def _halves(text: str) -> Iterator[Flaw]:
    """Texts that hold half of a character: they could never be written down."""
    for match in TOKEN.finditer(text):
        if match[0][0] == '"':
            try:
                json.loads(match[0]).encode()
            except UnicodeEncodeError:
                yield Flaw(text.count("\n", 0, match.start()) + 1, HALF_A_CHARACTER)


def _lower(message: str) -> str:
    return message[0].lower() + message[1:]
