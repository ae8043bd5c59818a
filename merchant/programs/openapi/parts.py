"""Pieces that all documents share: schemas of structs, problems, parameters.

api.py and wire.py put them together. Schemas come from msgspec, so they say what the decoder enforces.
"""

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from merchant import __version__
from merchant.core.errors import FieldError, InvalidFields, MerchantError

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
    return dict(zip(wanted, map(_in_json_terms, found), strict=True)), _described(_in_json_terms(components))


def form_schema(fields: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of a form that has these fields and a file."""
    _refs, components = schemas([fields])
    found: dict[str, Any] = components[fields.__name__]
    file = {"type": "string", "format": "binary", "description": "The file itself."}
    return found | {
        "properties": {"file": file, **found["properties"]},
        "required": ["file", *found.get("required", [])],
    }


def _in_json_terms(schema: Any) -> Any:
    """A schema as others read it.

    Patterns are of the regular expressions that JSON Schema means (ECMA-262), not Python's: there `$` is the very end
    of the text and `\\Z` does not exist. An array of anything says `items: {}` and an enumeration of texts its type,
    without which generators refuse them; that an optional field is null unless given goes without saying.
    """
    if isinstance(schema, list):
        return [_in_json_terms(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: part.replace(r"\Z", "$") if name == "pattern" and isinstance(part, str) else _in_json_terms(part)
        for name, part in schema.items()
        if not (name == "default" and part is None)
    }
    if found.get("type") == "array" and not {"items", "prefixItems"} & found.keys():
        found["items"] = {}
    if isinstance(found.get("enum"), list) and "type" not in found and all(isinstance(x, str) for x in found["enum"]):
        found["type"] = "string"
    return found


@cache
def _field_texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(files(__package__).joinpath("fields.toml").read_text("utf-8"))
    return found


def _described(components: dict[str, Any]) -> dict[str, Any]:
    """Schemas whose properties say what they mean: as fields.toml has it for the struct, else for the name."""
    texts = _field_texts()
    for struct, schema in components.items():
        for name, part in schema.get("properties", {}).items():
            text = texts.get(struct, {}).get(name) or texts["any"].get(name)
            if text and "description" not in part:
                # Beside a reference a description would be read as part of what it refers to.
                schema["properties"][name] = (
                    {"allOf": [part], "description": text} if "$ref" in part else (part | {"description": text})
                )
    return components


def document(
    title: str,
    description: str,
    paths: dict[str, Any],
    components: dict[str, Any],
    *,
    server: str = "/",
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": description,
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": server, "description": "This service."}],
        "tags": tags or [],
        "paths": paths,
        "components": components,
    }


# As `errors` names each wrong field.
_FIELD_ERROR = {"path": "name", "code": "too_long", "message": "Must be at most 128 characters."}


def example_problem(problem: type[MerchantError]) -> dict[str, Any]:
    """How an answer with a problem looks."""
    return {
        "type": f"urn:merchant:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": f"{problem.title}.",
        "code": problem.code,
        "errors": [_FIELD_ERROR] if problem is InvalidFields else [],
        "request_id": "0f3a9c1d2b4e5f60",
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
