"""The dataset format as JSON Schema, by which editors complete and check."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from eval_pipeline.core.datasets import assertions, model
from eval_pipeline.core.datasets.text import EDITORS_KEY

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def dataset_schema() -> dict[str, Any]:
    """The schema of `.json`, `.yaml` and `.yml` datasets, draft 2020-12. What is said of a field is its docstring."""
    schema = model.Dataset.model_json_schema(schema_generator=_WithoutTitles)
    said = {(part, field): text for module in (assertions, model) for part, field, text in _docstrings(module)}
    for part, details in (("Dataset", schema), *schema["$defs"].items()):
        for name, field in details["properties"].items():
            text = said.get((part, name)) or said.get(("Asked", name))
            field.update({"description": text} if text else {})
    address = {"type": "string", "description": "Where this schema is; for editors only."}
    schema["properties"] = {EDITORS_KEY: address, **schema["properties"]}
    del schema["$defs"]["Case"]["properties"]["assert"]["items"]["discriminator"]  # a word of OpenAPI's
    return {EDITORS_KEY: DRAFT, **schema, "title": "Eval dataset"}


class _WithoutTitles(GenerateJsonSchema):
    """Fields are called what they are called."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  as pydantic calls it
        return False


def _docstrings(module: Any) -> Iterator[tuple[str, str, str]]:
    """Class, field as datasets call it, and the docstring below it."""
    for part in ast.parse(inspect.getsource(module)).body:
        if not isinstance(part, ast.ClassDef):
            continue
        fields: dict[str, FieldInfo] = getattr(module, part.name).model_fields
        for field, below in zip(part.body, part.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
                name = field.target.id
                yield part.name, fields[name].alias or name, inspect.cleandoc(str(ast.literal_eval(below.value)))
