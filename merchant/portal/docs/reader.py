"""OpenAPI documents as values that the pages of /docs show: pure functions, no request and no template.

`read_book` takes one decoded document of openapi/ to a Book of operations, fields and problems; docs.py renders it.
It keeps to what every OpenAPI 3.1 document may hold, so that a document can grow without a change here.
"""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

METHODS: Final = ("get", "post", "put", "patch", "delete")
_RANGES: Final = (
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minimum", "maximum", ""),
)
_SIGN_IN: Final = {
    "bearer": "Authorization: Bearer $TOKEN",
    "apiKey": "x-api-key: $API_KEY",
    "gateway": "x-gateway-secret: $GATEWAY_SECRET",
}
_SAMPLES: Final = {
    "uuid": "01a203bf-ae53-7d31-ac39-1faf8acba904",
    "date-time": "2026-01-31T12:00:00.000Z",
    "date": "2026-01-31",
}
_EMPTY: Final[dict[str, Any]] = {"string": "text", "integer": 1, "number": 1, "boolean": True}

Json = dict[str, Any]


class Field(Struct, frozen=True):
    """A parameter, or a field of a body: where it stands (`owners[].phone`), its type and what it may hold."""

    path: str
    type: str
    place: str = ""  # path, query or header of a parameter
    required: bool = False
    allowed: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    default: str = ""
    about: str = ""


class Answer(Struct, frozen=True):
    """What an operation answers when it did its work: status, media types, headers, the fields of JSON, an example."""

    status: str
    about: str
    media: tuple[str, ...]
    headers: tuple[Field, ...]
    fields: tuple[Field, ...]
    example: str


class Problem(Struct, frozen=True):
    """A refusal: HTTP status, stable code ("" where the answer has none), a sentence, and an example as JSON."""

    status: str
    code: str
    about: str
    example: str


class Operation(Struct, frozen=True):
    """One call of a service, or one message that it sends (`is_sent`: a webhook)."""

    id: str
    method: str
    path: str
    tag: str
    summary: str
    about: str
    permission: str
    sign_in: tuple[str, ...]
    is_sent: bool
    parameters: tuple[Field, ...]
    media: str  # of the body, "" without one
    fields: tuple[Field, ...]
    body: str  # an example of it
    answers: tuple[Answer, ...]
    problems: tuple[Problem, ...]


class Group(Struct, frozen=True):
    """The operations of one tag."""

    tag: str
    about: str
    operations: tuple[Operation, ...]


class Book(Struct, frozen=True):
    """One document."""

    title: str
    version: str
    about: str
    mount: str  # what stands before every path, as `/oracle`
    groups: tuple[Group, ...]

    def find(self, operation_id: str) -> Operation | None:
        """The operation of this id."""
        operations = (one for group in self.groups for one in group.operations)
        return next((one for one in operations if one.id == operation_id), None)

    def problems(self) -> list[Problem]:
        """Every problem that has a code, once, by status and code."""
        every = (one for group in self.groups for operation in group.operations for one in operation.problems)
        by_code = {one.code: one for one in every if one.code}
        return sorted(by_code.values(), key=lambda one: (one.status, one.code))


def read_book(document: Json) -> Book:
    """A document as pages show it. `document` is decoded OpenAPI 3.1."""
    info = document["info"]
    calls = [(path, methods, False) for path, methods in document.get("paths", {}).items()]
    hooks = [(name, methods, True) for name, methods in document.get("webhooks", {}).items()]
    operations = [
        _operation(document, path, method, methods, is_sent=is_sent)
        for path, methods, is_sent in calls + hooks
        for method in METHODS
        if method in methods
    ]
    about = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    tags = dict.fromkeys([*about, *(one.tag for one in operations)])
    groups = [Group(tag, about.get(tag, ""), tuple(one for one in operations if one.tag == tag)) for tag in tags]
    mount = next((server["url"] for server in document.get("servers", ())), "")
    return Book(
        title=info["title"],
        version=info["version"],
        about=info.get("description", ""),
        mount=mount.rstrip("/") if mount.startswith("/") else "",
        groups=tuple(group for group in groups if group.operations),
    )


def curl_command(operation: Operation, base_url: str) -> str:
    """The operation as a command for a shell, with its example; names in capitals are the reader's to fill in."""
    path = re.sub(r"\{([^}]+)\}", lambda name: _capitals(name[1]), operation.path)
    needed = [one for one in operation.parameters if one.required and one.place != "path"]
    query = "&".join(f"{one.path}={_capitals(one.path)}" for one in needed if one.place == "query")
    lines = [shlex.quote(f"{base_url}{path}" + (f"?{query}" if query else ""))]
    if operation.method != "GET":
        lines[0] = f"-X {operation.method} {lines[0]}"
    headers = [f'"{operation.sign_in[0]}"'] if operation.sign_in else []
    headers += [shlex.quote(f"{one.path}: {_capitals(one.path)}") for one in needed if one.place == "header"]
    if operation.media:
        headers.append(shlex.quote(f"Content-Type: {operation.media}"))
    lines += [f"-H {header}" for header in headers]
    if operation.body:
        lines.append(f"--data {shlex.quote(operation.body)}")
    return "curl " + " \\\n  ".join(lines)


def _capitals(name: str) -> str:
    return name.replace("-", "_").upper()


# --- operations ------------------------------------------------------------------------------------------------------


def _operation(document: Json, path: str, method: str, methods: Json, *, is_sent: bool) -> Operation:
    found = methods[method]
    parameters = [_resolve(document, one) for one in (*methods.get("parameters", ()), *found.get("parameters", ()))]
    body: Json = _resolve(document, found.get("requestBody", {})).get("content", {})
    media = next(iter(body), "")
    content: Json = body.get(media, {})
    responses = {status: _resolve(document, one) for status, one in found.get("responses", {}).items()}
    names = [name for one in found.get("security", document.get("security", ())) for name in one]
    return Operation(
        id=found["operationId"],
        method=method.upper(),
        path=path,
        tag=next(iter(found.get("tags", ())), ""),
        summary=found.get("summary", ""),
        about=found.get("description", ""),
        is_sent=is_sent,
        permission=found.get("x-permission", ""),
        sign_in=tuple(_sign_in(document, name) for name in names),
        parameters=tuple(_parameter(document, one) for one in parameters),
        media=media,
        fields=tuple(list_fields(document, content.get("schema", {}))),
        body=_written(_example(document, content, next(_examples(content), None))) if media else "",
        answers=tuple(_answer(document, status, one) for status, one in responses.items() if _is_good(status)),
        problems=tuple(
            problem for status, one in responses.items() if not _is_good(status) for problem in _problems(status, one)
        ),
    )


def _sign_in(document: Json, name: str) -> str:
    if name in _SIGN_IN:
        return _SIGN_IN[name]
    scheme = document["components"]["securitySchemes"][name]
    return f"{scheme.get('name', 'Authorization')}: ${_capitals(name)}"


def _is_good(status: str) -> bool:
    return status[0] in "123"


def _parameter(document: Json, found: Json) -> Field:
    field = _field(document, found["name"], found.get("schema", {}), required=found.get("required", False))
    return replace(field, place=found["in"], about=found.get("description") or field.about)


def _answer(document: Json, status: str, response: Json) -> Answer:
    content = response.get("content", {})
    headers = {name: _resolve(document, one) for name, one in response.get("headers", {}).items()}
    return Answer(
        status=status,
        about=response.get("description", ""),
        media=tuple(content),
        headers=tuple(_parameter(document, {"name": name, "in": "header", **one}) for name, one in headers.items()),
        fields=tuple(one for part in content.values() for one in list_fields(document, part.get("schema", {}))),
        example=_written(next((one for part in content.values() for one in _examples(part)), None)),
    )


def _problems(status: str, response: Json) -> Iterator[Problem]:
    about = response.get("description", "")
    examples = [one for part in response.get("content", {}).values() for one in _examples(part)]
    coded = [one for one in examples if isinstance(one, dict) and "code" in one]
    for one in coded:
        yield Problem(status, one["code"], one.get("title") or about, _written(one))
    if not coded:
        yield Problem(status, "", about, _written(examples[0] if examples else None))


# --- fields ----------------------------------------------------------------------------------------------------------


def list_fields(document: Json, schema: Json) -> list[Field]:
    """Every field that a schema's objects hold, parents before their parts, in the order of the document.

    A schema that holds itself is followed once. A field that several alternatives share stands once, with the values
    that any of them allows, and is required where all of them say so. Arrays of one schema name its fields once.
    """
    return _fields(document, schema, "", frozenset(), {})


def _fields(document: Json, schema: Json, path: str, seen: frozenset[str], listed: dict[str, str]) -> list[Field]:
    """list_fields below a path; `seen` are the schemas around it, `listed` says where an array's items were listed."""
    name = schema.get("$ref", "")
    if name in seen:
        return []
    seen |= {name} - {""}
    schema = _resolve(document, schema)
    found: list[Field] = []
    for part in _alternatives(schema):
        found += _fields(document, part, path, seen, listed)
    if "items" in schema:
        found += _fields(document, schema["items"], f"{path}[]", seen, listed)
    parts = {name: (part, name in schema.get("required", ())) for name, part in schema.get("properties", {}).items()}
    if isinstance(schema.get("additionalProperties"), dict):
        parts["{key}"] = (schema["additionalProperties"], False)
    for name, (part, required) in parts.items():
        at = f"{path}.{name}" if path else name
        field = _field(document, at, part, required=required)
        items = part.get("items", {}).get("$ref", "")
        before = listed.setdefault(items, at) if items else at
        if before != at:
            found.append(replace(field, about=f"{field.about} Its items are like those of {before}.".strip()))
            continue
        found.append(field)
        found += _fields(document, part, at, seen, listed)
    return _merged(found) if _alternatives(schema) else found


def _merged(fields: list[Field]) -> list[Field]:
    by_path: dict[str, Field] = {}
    for one in fields:
        before = by_path.get(one.path, one)
        allowed = tuple(dict.fromkeys((*before.allowed, *one.allowed)))
        by_path[one.path] = replace(before, allowed=allowed, required=before.required and one.required)
    return list(by_path.values())


def _field(document: Json, path: str, schema: Json, *, required: bool) -> Field:
    parts = list(_leaves(document, schema))
    allowed = [
        value for part in parts for value in (*part.get("enum", ()), *([part["const"]] if "const" in part else ()))
    ]
    limits = [limit for part in parts for limit in _limits(part)]
    default = next((part["default"] for part in parts if part.get("default") not in (None, [], {})), None)
    return Field(
        path=path,
        type=_type(document, schema),
        required=required,
        allowed=tuple(str(value) for value in dict.fromkeys(allowed) if value is not None),
        limits=tuple(dict.fromkeys(limits)),
        default="" if default is None else json.dumps(default),
        about=next((part["description"] for part in parts if part.get("description")), ""),
    )


def _limits(schema: Json) -> Iterator[str]:
    for low, high, unit in _RANGES:
        if low in schema and high in schema:
            yield f"{schema[low]} to {schema[high]}{unit}"
        elif low in schema:
            yield f"at least {schema[low]}{unit}"
        elif high in schema:
            yield f"at most {schema[high]}{unit}"
    if "pattern" in schema:
        yield f"pattern {schema['pattern']}"


def _leaves(document: Json, schema: Json) -> Iterator[Json]:
    """The schema, and those that stand in its place: alternatives and items, not the fields of objects."""
    schema = _resolve(document, schema)
    yield schema
    for part in (*_alternatives(schema), *([schema["items"]] if "items" in schema else ())):
        if "properties" not in _resolve(document, part):
            yield from _leaves(document, part)


def _type(document: Json, schema: Json) -> str:
    """What kind of JSON it is: `string (uuid)`, `array of object`, `integer or null`."""
    schema = _resolve(document, schema)
    if parts := _alternatives(schema):
        names = dict.fromkeys(_type(document, part) for part in parts)
        return " or ".join([name for name in names if name != "null"] + ["null"] * ("null" in names))
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    kinds = schema.get("type") or ("string" if values and all(isinstance(one, str) for one in values) else "any")
    texts = []
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind == "array":
            kind = f"array of {_type(document, schema.get('items', {}))}"
        texts.append(f"{kind} ({schema['format']})" if kind == "string" and "format" in schema else kind)
    return " or ".join(texts)


def _alternatives(schema: Json) -> list[Json]:
    return [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, ())]


def _resolve(document: Json, node: Json) -> Json:
    """What a `$ref` points to, with what stands beside it on top."""
    while "$ref" in node:
        found: Any = document
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key.replace("~1", "/").replace("~0", "~")]
        node = {**found, **{name: part for name, part in node.items() if name != "$ref"}}
    return node


# --- examples --------------------------------------------------------------------------------------------------------


def _examples(content: Json) -> Iterator[Any]:
    """The examples of a media type, as the document gives them."""
    if "example" in content:
        yield content["example"]
    for one in content.get("examples", {}).values():
        yield one.get("value")


def _example(document: Json, content: Json, given: Any) -> Any:
    return _sample(document, content.get("schema", {})) if given is None else given


def _sample(document: Json, schema: Json, seen: frozenset[str] = frozenset()) -> Any:
    """A value of a schema that gives none itself; only what is required."""
    name = schema.get("$ref", "")
    schema = _resolve(document, schema)
    for given in (*schema.get("examples", ()), *schema.get("enum", ()), schema.get("const"), schema.get("default")):
        if given not in (None, [], {}):
            return given
    if name in seen:
        return None
    seen |= {name} - {""}
    if parts := _alternatives(schema):
        return _sample(document, parts[0], seen)
    if "properties" in schema:
        wanted = [one for one in schema["properties"] if one in schema.get("required", ())]
        return {one: _sample(document, schema["properties"][one], seen) for one in wanted}
    if schema.get("type") == "array":
        return [_sample(document, schema.get("items", {}), seen)]
    return _SAMPLES.get(schema.get("format", ""), _EMPTY.get(schema.get("type", ""), {}))


def _written(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
