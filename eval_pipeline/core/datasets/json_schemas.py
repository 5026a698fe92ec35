"""JSON Schemas inside of datasets: whether one is a schema, and validating by it. Nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing import Resource

REFERENCES = ("$ref", "$dynamicRef")


def find_schema_mistake(schema: dict[str, Any]) -> tuple[list[int | str], str] | None:
    """Where in the schema the first mistake stands, and what it is; `None` where it is a good schema."""
    from jsonschema import SchemaError

    try:
        _draft_of(schema).check_schema(schema)
        unknown = next(_broken_references(schema), None)
    except SchemaError as problem:
        return list(problem.absolute_path), problem.message
    except RecursionError:
        return [], "it is nested too deeply"
    except (ValueError, TypeError, LookupError) as problem:  # from addresses that are none, as "$id": "http://["
        return [], f"it can't be read ({type(problem).__name__}: {problem})"
    return ([], f"{unknown!r} is not in it, and nothing is fetched") if unknown is not None else None


def make_validator(schema: dict[str, Any]) -> Validator:
    """Validates by the draft that the schema names, by default 2020-12, formats such as `date` included.

    Raises:
        ValueError: the schema names a draft that is not known.
    """
    from referencing import Registry

    draft = _draft_of(schema)
    return draft(schema, registry=Registry(), format_checker=draft.FORMAT_CHECKER)


def _draft_of(schema: dict[str, Any]) -> type[Validator]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    name = schema.get("$schema", Draft202012Validator.META_SCHEMA["$schema"])
    draft = validator_for({"$schema": name}, default=None) if isinstance(name, str) else None  # type: ignore[arg-type]
    if draft is None:
        raise ValueError(f"$schema names the draft {name!r}, which is not known")
    return draft


def _broken_references(schema: dict[str, Any]) -> Iterator[str]:
    """The references that lead nowhere within the schema."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    resource: Resource[Any] = DRAFT202012.detect(schema).create_resource(schema)
    empty: Registry[Any] = Registry()
    yield from _broken_in(resource, empty.resolver_with_root(resource))


def _broken_in(resource: Resource[Any], resolver: Any) -> Iterator[str]:
    from referencing.exceptions import Unresolvable

    if isinstance(resource.contents, Mapping):
        for word in REFERENCES:
            reference = resource.contents.get(word)
            if not isinstance(reference, str):
                continue
            try:
                resolver.lookup(reference)
            except Unresolvable:
                yield reference
    for inner in resource.subresources():
        yield from _broken_in(inner, resolver.in_subresource(inner))
