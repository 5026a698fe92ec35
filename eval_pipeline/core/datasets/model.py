"""Datasets and their cases."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from eval_pipeline.core.datasets.assertions import AnyAssertion, Assertion, TextAssertion
from eval_pipeline.core.datasets.part import Name, Part, Share

REPEATED_ID = "repeated_id"
NEEDS_SOMETHING: JsonDict = {
    "anyOf": [
        {"required": ["assert"], "properties": {"assert": {"minItems": 1}}},
        {"required": ["expected"], "properties": {"expected": {"type": "string"}}},
    ]
}
"""`Case._can_fail` as JSON Schema says it."""
Input = Annotated[
    Annotated[str, Tag("text")] | Annotated[list[str], Field(min_length=1), Tag("turns")],
    Discriminator(lambda value: "turns" if isinstance(value, list) else "text"),
]


class Case(Part):
    """One input and what is asked of the output."""

    model_config = ConfigDict(json_schema_extra=NEEDS_SOMETHING)

    id: Name
    """Its name, once in the dataset; it stays when the case is reworded, so that results can be compared."""
    input: Input
    """What the user says: one turn, or several, oldest first; the answer to the last one is judged."""
    expected: str | None = None
    """What a good answer is. Without `assert`, the output must equal it."""
    vars: dict[Name, str] = Field(default_factory=dict)
    """Texts for the `{{name}}` in prompt templates."""
    group: str | None = None
    """Cases of one group are alike and not independent of each other."""
    tags: list[str] = Field(default_factory=list)
    """Words to find it by."""
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Seconds that the case may take with all its retries; by default as the settings say."""
    threshold: Share | None = None
    """The lowest weighted score of its assertions that passes, 0..1; by default all of them must hold."""
    given_assertions: list[AnyAssertion] = Field(default_factory=list, alias="assert")
    """What is asked of the output."""

    @model_validator(mode="after")
    def _can_fail(self) -> Self:
        if not self.given_assertions and self.expected is None:
            raise PydanticCustomError("can_fail", "needs assert or expected, or nothing could fail it")
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
        return (TextAssertion(type="equals", value=self.expected),)


class Dataset(Part):
    """The cases of one eval type."""

    eval_type: Name
    """What is evaluated, in a word: `tone`. Its runs are in the MLflow experiment of that type."""
    version: Name
    """Changes when the cases change: runs of different versions are not compared without a warning."""
    threshold: Share | None = None
    """The lowest pass rate that is good, 0..1; by default as the settings say."""
    repeat: Annotated[int, Field(ge=1)] = 1
    """How often each case is run."""
    prompts: list[Name] = Field(default_factory=list)
    """The registry prompts that this type uses; empty: all of the project."""
    cases: Annotated[list[Case], Field(min_length=1)]
    """What is put to the target."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        name, times = Counter(case.id for case in self.cases).most_common(1)[0]
        if times > 1:
            context: dict[str, Any] = {"name": repr(name)}
            raise PydanticCustomError(REPEATED_ID, "cases: the id {name} is used more than once", context)
        return self

    @property
    def planned_cases(self) -> int:
        """How many results a full evaluation gives."""
        return len(self.cases) * self.repeat
