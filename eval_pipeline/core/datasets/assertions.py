"""What a case may ask of an output. Names and meanings as in promptfoo."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from eval_pipeline.core.datasets.json_schemas import find_schema_mistake
from eval_pipeline.core.datasets.part import Name, Part, Share

NEGATION = "not-"

TextType = Literal[
    "equals",
    "not-equals",
    "contains",
    "not-contains",
    "icontains",
    "not-icontains",
    "starts-with",
    "not-starts-with",
]
ListType = Literal[
    "contains-any",
    "not-contains-any",
    "contains-all",
    "not-contains-all",
    "icontains-any",
    "not-icontains-any",
    "icontains-all",
    "not-icontains-all",
]
RegexType = Literal["regex", "not-regex"]
JsonType = Literal["is-json", "not-is-json"]
DistanceType = Literal["levenshtein", "not-levenshtein"]
RubricType = Literal["llm-rubric", "not-llm-rubric"]
PythonType = Literal["python", "not-python"]


class Asked(Part):
    """One thing that an output must (or, as `not-...`, must not) fulfil."""

    type: str
    value: Any
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Its share in the score of the case, relative to the other assertions."""

    @property
    def negated(self) -> bool:
        """Whether it is one of the `not-` forms."""
        return self.type.startswith(NEGATION)

    @property
    def kind(self) -> str:
        """Its type without `not-`."""
        return self.type.removeprefix(NEGATION)


class TextAssertion(Asked):
    """The output is, contains or starts with a text."""

    type: TextType
    """`equals`, `contains`, `icontains` (upper and lower case are alike), `starts-with`."""
    value: str
    """The text."""


class ListAssertion(Asked):
    """The output contains any or all of some texts."""

    type: ListType
    """`contains-any`, `contains-all`, and `icontains-...` where upper and lower case are alike."""
    value: Annotated[list[str], Field(min_length=1)]
    """The texts."""


class RegexAssertion(Asked):
    """A regular expression matches somewhere in the output."""

    type: RegexType
    value: str
    """A regular expression as Python knows them."""

    @field_validator("value")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as problem:
            message = "{value} is no regular expression: {problem}"
            raise PydanticCustomError("regex", message, {"value": repr(value), "problem": str(problem)}) from problem
        return value


class JsonAssertion(Asked):
    """The whole output is JSON and, where a schema is given, fits it."""

    type: JsonType
    value: dict[str, Any] | None = None
    """A JSON Schema. It may refer to parts of itself; nothing is fetched."""

    @field_validator("value")
    @classmethod
    def _is_a_schema(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        mistake = None if value is None else find_schema_mistake(value)
        if mistake:
            path, problem = mistake
            raise PydanticCustomError("schema", "is no JSON Schema: {problem}", {"path": path, "problem": problem})
        return value


class DistanceAssertion(Asked):
    """The output is at most so many edits (Levenshtein distance) away from a text."""

    GREATEST: ClassVar[int] = 5

    type: DistanceType
    value: str
    """The text."""
    threshold: Annotated[int, Field(ge=0)] = GREATEST
    """The greatest distance that is good, in characters inserted, removed or replaced."""


class RubricAssertion(Asked):
    """A judge, which is a model, finds that the output meets a rubric."""

    type: RubricType
    value: Name
    """The rubric: what a good output is, in words."""
    threshold: Share | None = None
    """The lowest score by the judge that is good, 0..1; by default the judge's verdict alone counts."""


class PythonAssertion(Asked):
    """A function of yours finds the output good."""

    type: PythonType
    value: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
    """`module:function`, called with the output and its context; never code itself."""
    threshold: Share | None = None
    """The lowest score that is good, 0..1; by default a function that returns a number must return more than 0."""


Assertion = (
    TextAssertion
    | ListAssertion
    | RegexAssertion
    | JsonAssertion
    | DistanceAssertion
    | RubricAssertion
    | PythonAssertion
)
AnyAssertion = Annotated[Assertion, Field(discriminator="type")]

BY_TYPE: dict[str, type[Asked]] = {
    name: model
    for model, types in (
        (TextAssertion, TextType),
        (ListAssertion, ListType),
        (RegexAssertion, RegexType),
        (JsonAssertion, JsonType),
        (DistanceAssertion, DistanceType),
        (RubricAssertion, RubricType),
        (PythonAssertion, PythonType),
    )
    for name in get_args(types)
}
"""What each type of assertion may say."""
ASSERTION_TYPES = tuple(sorted(BY_TYPE, key=lambda name: name.startswith(NEGATION)))
"""Every type, the `not-` forms last."""
