"""What a dataset may say but probably doesn't mean."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval_pipeline.core.datasets.assertions import Assertion, DistanceAssertion, ListAssertion, TextAssertion
from eval_pipeline.core.datasets.model import Case, Dataset
from eval_pipeline.core.datasets.part import Place

USERS_TURN = "input"
PLACEHOLDER = re.compile(r"[\w.-]+")
"""What can stand between `{{` and `}}` in a template."""


def doubts_about(dataset: Dataset) -> Iterator[tuple[Place, str]]:
    """Where something looks wrong, and what it is."""
    first: dict[tuple[tuple[str, ...], frozenset[tuple[str, str]]], str] = {}
    for index, case in enumerate(dataset.cases):
        place: Place = ("cases", index)
        asked = case.turns, frozenset(case.vars.items())
        if asked in first:
            yield (*place, "input"), f"the case {first[asked]!r} has the same"
        first.setdefault(asked, case.id)
        yield from ((place + inner, doubt) for inner, doubt in _about_case(case))


def _about_case(case: Case) -> Iterator[tuple[Place, str]]:
    for name in case.vars:
        if name == USERS_TURN:
            yield ("vars", name), f"{{{{{name}}}}} in a template is what the user says, and not this"
        elif not PLACEHOLDER.fullmatch(name):
            yield ("vars", name), "no {{name}} can be written like this: letters, digits, '_', '-' and '.' make a name"
    if case.threshold == 0:
        yield ("threshold",), "0 passes whatever the output is"
    seen: list[Assertion] = []
    for index, assertion in enumerate(case.given_assertions):
        place: Place = ("assert", index)
        if assertion in seen:
            yield place, "says the same as one before it"
        seen.append(assertion)
        yield from ((place + inner, doubt) for inner, doubt in _about_assertion(assertion))


def _about_assertion(assertion: Assertion) -> Iterator[tuple[Place, str]]:
    match assertion:
        case TextAssertion(value="") if assertion.kind != "equals":
            yield (
                ("value",),
                f"is empty: every output {'starts with' if assertion.kind == 'starts-with' else 'contains'} it",
            )
        case ListAssertion() if "" in assertion.value:
            yield ("value", assertion.value.index("")), "is empty: every output contains it"
        case DistanceAssertion() if assertion.threshold >= len(assertion.value):
            allowed, length = assertion.threshold, len(assertion.value)
            yield ("value",), f"a distance of {allowed} lets an empty output pass: there are only {length} characters"
        case _:
            pass
