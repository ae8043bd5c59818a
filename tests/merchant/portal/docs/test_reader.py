"""Documents become pages' values: fields of nested and recursive schemas, limits, problems, commands to copy."""

import json
import shlex
from typing import Any

import pytest

from merchant.portal.docs.reader import Book, Field, Operation, curl_command, list_fields, read_book

AMOUNT = {
    "type": "object",
    "description": "Decimal text and a currency.",
    "properties": {
        "amount": {"type": "string", "maxLength": 18},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    },
    "required": ["amount", "currency"],
}
NODE = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
    },
}
COMPONENTS = {"schemas": {"Amount": AMOUNT, "Node": NODE}}


def document(operation: dict[str, Any], method: str = "post", path: str = "/things/{thing_id}", **more: Any) -> Any:
    """A document of one operation."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "components": COMPONENTS,
        "paths": {path: {method: {"operationId": "do", "responses": {}, **operation}}},
        **more,
    }


def read(operation: dict[str, Any], **more: Any) -> Operation:
    """The one operation of such a document."""
    found = read_book(document(operation, **more)).find("do")
    assert found is not None
    return found


def only(schema: dict[str, Any]) -> Field:
    """The one field of an object that has this schema."""
    [field] = list_fields({"components": COMPONENTS}, {"properties": {"it": schema}})
    return field


def paths(schema: dict[str, Any]) -> list[str]:
    return [field.path for field in list_fields({"components": COMPONENTS}, schema)]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "uuid"}, "string (uuid)"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "integer or null"),
        ({"oneOf": [{"type": "null"}, {"type": "string", "format": "date"}]}, "string (date) or null"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "array", "items": {"type": "string"}}, "array of string"),
        ({"type": "array"}, "array of any"),
        ({"type": "array", "items": {}}, "array of any"),
        ({"enum": ["a", "b"]}, "string"),
        ({"const": "a"}, "string"),
        ({"enum": [1, 2]}, "any"),
        ({}, "any"),
    ],
)
def test_a_type_is_told_in_the_words_of_json(schema: dict[str, Any], kind: str) -> None:
    assert only(schema).type == kind


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 35}, ("1 to 35 characters",)),
        ({"type": "string", "maxLength": 35}, ("at most 35 characters",)),
        ({"type": "integer", "minimum": 0}, ("at least 0",)),
        ({"type": "array", "items": {"maxLength": 2}, "minItems": 3}, ("at least 3 items", "at most 2 characters")),
        ({"anyOf": [{"type": "string", "pattern": "^a$"}, {"type": "null"}]}, ("pattern ^a$",)),
        ({"type": "string"}, ()),
    ],
)
def test_limits_are_told_wherever_they_stand(schema: dict[str, Any], limits: tuple[str, ...]) -> None:
    assert only(schema).limits == limits


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["a", "b"]},
        {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
        {"type": "array", "items": {"enum": ["a", "b"]}},
        {"anyOf": [{"const": "a"}, {"const": "b"}]},
        {"enum": ["a", "b", None]},
    ],
)
def test_allowed_values_are_told_wherever_they_stand(schema: dict[str, Any]) -> None:
    assert only(schema).allowed == ("a", "b")


@pytest.mark.parametrize(
    ("schema", "default"),
    [
        ({"default": 25}, "25"),
        ({"default": "x"}, '"x"'),
        ({"default": False}, "false"),
        ({"default": 0}, "0"),
        ({"default": None}, ""),
        ({"default": []}, ""),
        ({}, ""),
    ],
)
def test_a_default_that_says_nothing_is_left_out(schema: dict[str, Any], default: str) -> None:
    assert only(schema).default == default


def test_fields_of_parts_follow_their_parent() -> None:
    schema = {"properties": {"sums": {"type": "array", "items": {"$ref": "#/components/schemas/Amount"}}, "id": {}}}
    assert paths(schema) == ["sums", "sums[].amount", "sums[].currency", "id"]
    by_path = {field.path: field for field in list_fields({"components": COMPONENTS}, schema)}
    assert by_path["sums[].amount"].required
    assert not by_path["sums"].required


def test_a_schema_that_holds_itself_is_followed_once() -> None:
    assert paths({"$ref": "#/components/schemas/Node"}) == ["id", "children"]


def test_a_map_has_any_key() -> None:
    assert paths({"type": "object", "additionalProperties": {"type": "string"}}) == ["{key}"]
    assert paths({"type": "object", "additionalProperties": False}) == []


def test_a_field_of_several_alternatives_stands_once() -> None:
    one = {"properties": {"type": {"const": "a"}, "only_a": {}}, "required": ["type", "only_a"]}
    other = {"properties": {"type": {"const": "b"}, "only_b": {}}, "required": ["type"]}
    third = {"properties": {"only_a": {}}}
    found = list_fields({}, {"anyOf": [one, other, third]})
    assert [(field.path, field.required) for field in found] == [("type", True), ("only_a", False), ("only_b", False)]
    assert found[0].allowed == ("a", "b")


def test_what_stands_beside_a_reference_comes_first() -> None:
    field = list_fields({"components": COMPONENTS}, {"properties": {"it": {"$ref": "#/components/schemas/Amount"}}})[0]
    assert field.about == "Decimal text and a currency."
    beside = {"properties": {"it": {"$ref": "#/components/schemas/Amount", "description": "The price."}}}
    assert list_fields({"components": COMPONENTS}, beside)[0].about == "The price."


def test_a_reference_that_leads_nowhere_is_no_page() -> None:
    with pytest.raises(KeyError):
        list_fields({"components": COMPONENTS}, {"$ref": "#/components/schemas/Nothing"})


def test_problems_are_those_of_every_example() -> None:
    content = {
        "application/problem+json": {
            "examples": {
                "one": {"value": {"code": "busy", "title": "Busy", "status": 503}},
                "other": {"value": {"code": "closed", "title": "Closed", "status": 503}},
            }
        }
    }
    found = read(
        {"responses": {"503": {"description": "Later.", "content": content}, "4XX": {"description": "Refused."}}}
    )
    assert [(one.status, one.code, one.about) for one in found.problems] == [
        ("503", "busy", "Busy"),
        ("503", "closed", "Closed"),
        ("4XX", "", "Refused."),
    ]
    assert json.loads(found.problems[0].example)["code"] == "busy"
    assert found.answers == ()


def test_an_answer_tells_its_headers_its_fields_and_its_example() -> None:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Amount"}, "example": {"amount": "1"}}}
    headers = {"ETag": {"description": "The revision.", "schema": {"type": "string"}}}
    [answer] = read({"responses": {"200": {"description": "Done.", "content": content, "headers": headers}}}).answers
    assert (answer.status, answer.about, answer.media) == ("200", "Done.", ("application/json",))
    assert [(one.path, one.type, one.about) for one in answer.headers] == [("ETag", "string", "The revision.")]
    assert [one.path for one in answer.fields] == ["amount", "currency"]
    assert json.loads(answer.example) == {"amount": "1"}


def test_a_book_names_each_code_once_and_no_problem_without_one() -> None:
    bad = {"description": "Bad.", "content": {"application/problem+json": {"example": {"code": "bad", "title": "Bad"}}}}
    operation = {"operationId": "do", "responses": {"400": bad, "500": {"description": "Broken."}}}
    book = read_book(
        document(operation) | {"paths": {"/a": {"get": operation, "post": operation | {"operationId": "2"}}}}
    )
    assert [one.code for one in book.problems()] == ["bad"]


def test_operations_are_grouped_by_tag_in_the_order_of_the_document() -> None:
    paths = {f"/{tag}": {"get": {"operationId": tag, "tags": [tag], "responses": {}}} for tag in ("b", "a", "c")}
    tags = [{"name": "a", "description": "First."}, {"name": "unused"}]
    book: Book = read_book({"info": {"title": "", "version": ""}, "paths": paths, "tags": tags})
    assert [(group.tag, group.about) for group in book.groups] == [("a", "First."), ("b", ""), ("c", "")]
    assert book.find("unused") is None


def test_a_command_fills_in_what_is_needed_and_names_what_is_the_readers() -> None:
    parameters = [
        {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "If-Match", "in": "header", "schema": {"type": "string"}},
        {"name": "day", "in": "query", "required": True, "schema": {"type": "string"}},
    ]
    body = {"content": {"application/json": {"example": {"note": "it's"}}}}
    found = read({"parameters": parameters, "requestBody": body, "security": [{"bearer": []}, {"apiKey": []}]})
    words = shlex.split(curl_command(found, "https://pay.example").replace("\\\n", ""))
    assert words == [
        "curl",
        "-X",
        "POST",
        "https://pay.example/things/THING_ID?day=DAY",
        "-H",
        "Authorization: Bearer $TOKEN",
        "-H",
        "Idempotency-Key: IDEMPOTENCY_KEY",
        "-H",
        "Content-Type: application/json",
        "--data",
        '{\n  "note": "it\'s"\n}',
    ]


def test_a_command_without_credentials_or_body_is_short() -> None:
    found = read({}, method="get", path="/health")
    assert curl_command(found, "https://pay.example") == "curl https://pay.example/health"


def test_a_body_without_an_example_is_made_up_from_what_is_required() -> None:
    schema = {
        "properties": {
            "amount": {"$ref": "#/components/schemas/Amount"},
            "id": {"type": "string", "format": "uuid"},
            "kind": {"enum": ["a", "b"]},
            "more": {"$ref": "#/components/schemas/Node"},
            "lines": {"type": "array"},
        },
        "required": ["amount", "id", "kind", "lines"],
    }
    made = json.loads(read({"requestBody": {"content": {"application/json": {"schema": schema}}}}).body)
    assert made["amount"] == {"amount": "text", "currency": "text"}
    assert (made["kind"], made["lines"], set(made)) == ("a", [{}], {"amount", "id", "kind", "lines"})


def test_parameters_and_answers_may_be_references_and_stand_at_the_path() -> None:
    shared = {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Which."}
    made = document({"responses": {"200": {"$ref": "#/components/responses/Good"}}})
    made["components"] = {"parameters": {"thing": shared}, "responses": {"Good": {"description": "Good."}}}
    made["paths"]["/things/{thing_id}"]["parameters"] = [{"$ref": "#/components/parameters/thing"}]
    found = read_book(made).find("do")
    assert found is not None
    assert [(one.path, one.place, one.about) for one in found.parameters] == [("thing_id", "path", "Which.")]
    assert [(one.status, one.about) for one in found.answers] == [("200", "Good.")]
