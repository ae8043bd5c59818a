"""Pieces that all documents share: schemas of structs, problems, parameters.

api.py and wire.py put them together. Schemas come from msgspec, so they say what the decoder enforces.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from merchant import __version__
from merchant.core.errors import FieldError

_REF = "#/components/schemas/{name}"


class Problem(msgspec.Struct):
    """RFC 9457 problem details; `code` is stable, `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError]
    request_id: str | None


def schemas(types: Iterable[Any]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """For each type its schema, and the components they refer to."""
    wanted = list(dict.fromkeys(types))
    found, components = msgspec.json.schema_components(wanted, ref_template=_REF)
    return dict(zip(wanted, map(_in_json_terms, found), strict=True)), _in_json_terms(components)


def _in_json_terms(schema: Any) -> Any:
    """A schema as others read it.

    Patterns are of the regular expressions that JSON Schema means (ECMA-262), not Python's: there `$` is the very end
    of the text and `\\Z` does not exist. An array of anything says `items: {}`, without which generators refuse it.
    """
    if isinstance(schema, list):
        return [_in_json_terms(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: part.replace(r"\Z", "$") if name == "pattern" and isinstance(part, str) else _in_json_terms(part)
        for name, part in schema.items()
    }
    return (
        {**found, "items": {}}
        if found.get("type") == "array" and not {"items", "prefixItems"} & found.keys()
        else found
    )


def document(title: str, description: str, paths: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": description,
            "license": {"name": "Apache-2.0"},
        },
        "paths": paths,
        "components": components,
    }


def body(schema: dict[str, Any], media_type: str = "application/json", example: Any = None) -> dict[str, Any]:
    """A `content` object."""
    media: dict[str, Any] = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {media_type: media}


def parameter(name: str, place: str, description: str, *, required: bool = False, schema: Any = None) -> dict[str, Any]:
    """A parameter."""
    return {
        "name": name,
        "in": place,
        "required": required or place == "path",
        "description": description,
        "schema": schema or {"type": "string"},
    }
