"""The documents are OpenAPI 3.1, name every route with its problems, and are written and compared byte for byte.

Whether the service answers as they say is tested in tests/api/test_schemathesis.py.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from merchant.core.http.route import Route
from merchant.notify.events import EventType
from merchant.programs import openapi
from merchant.programs.slices import ROUTES
from tests.cases import every_case

DOCUMENTS: dict[str, Any] = {name: msgspec.json.decode(text) for name, text in openapi.documents(ROUTES).items()}
API = DOCUMENTS["merchant.json"]
PROBLEM = jsonschema_rs.Draft202012Validator({"$ref": "#/components/schemas/Problem", "components": API["components"]})
SHOWN: list[Route] = [one.opt["route"] for one in ROUTES if isinstance(one, HTTPRouteHandler) and "route" in one.opt]
every_document = pytest.mark.parametrize("name", DOCUMENTS)
every_route = every_case("route", SHOWN, ids=lambda one: one.name)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each path with each of its operations, webhooks among them."""
    for path, methods in {**document["paths"], **document.get("webhooks", {})}.items():
        for operation in methods.values():
            yield path, operation


def parts(node: Any, name: str) -> Iterator[Any]:
    """Every value of this name, anywhere in a document."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == name)
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from parts(child, name)


def operation_of(route: Route) -> dict[str, Any]:
    """Where a route stands in the API's document."""
    found: dict[str, Any] = API["paths"][route.path][route.method.lower()]
    return found


def asked(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """An operation's parameters by name."""
    return {one["name"]: one for one in operation["parameters"]}


@every_document
def test_a_document_is_of_openapi_3_1(name: str) -> None:
    OPENAPI_31_VALIDATOR.validate(DOCUMENTS[name])


@every_document
def test_every_schema_is_one_and_its_patterns_are_regular_expressions_outside_python_too(name: str) -> None:
    for title in DOCUMENTS[name]["components"]["schemas"]:
        reference = {"$ref": f"#/components/schemas/{title}", "components": DOCUMENTS[name]["components"]}
        jsonschema_rs.Draft202012Validator(reference, validate_formats=True)
    assert not [text for text in parts(DOCUMENTS[name], "pattern") if re.search(r"\\[AZ]|\(\?[^:=!]", str(text))]


@every_document
def test_every_reference_leads_somewhere(name: str) -> None:
    schemas = DOCUMENTS[name]["components"]["schemas"]
    for reference in parts(DOCUMENTS[name], "$ref"):
        assert reference.removeprefix("#/components/schemas/") in schemas


@every_document
def test_operations_have_names_of_their_own_a_sentence_and_the_parameters_of_their_path(name: str) -> None:
    found = list(operations(DOCUMENTS[name]))
    names = [operation["operationId"] for _, operation in found]
    assert len(set(names)) == len(names)
    for path, operation in found:
        assert re.fullmatch(r"[A-Z].+[.?)]", operation["summary"]), operation["operationId"]
        in_path = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
        assert in_path == re.findall(r"\{(\w+)\}", path)
        assert all(one["description"] for one in operation["parameters"])


def test_what_is_no_declared_route_says_that_it_is_hidden() -> None:
    others = [one for one in ROUTES if not (isinstance(one, HTTPRouteHandler) and "route" in one.opt)]
    assert all(one.opt.get("hidden") for one in others if hasattr(one, "opt"))


def test_the_document_holds_the_shown_routes_and_nothing_else() -> None:
    assert len(list(operations(API))) == len(SHOWN)
    assert all(path.startswith(("/api/v1/", "/health/")) for path in API["paths"])


@every_route
def test_a_route_stands_in_the_document_with_who_may_call_it(route: Route) -> None:
    operation = operation_of(route)
    assert operation.get("x-permission") == (route.permission and route.permission.value)
    open_to_all = route.public and not route.streams
    assert operation["security"] == ([] if open_to_all else [{"bearer": []}, {"apiKey": []}])
    assert {"401", "403"} <= operation["responses"].keys() or route.permission is None


@every_route
def test_a_route_stands_in_the_document_with_what_it_reads(route: Route) -> None:
    operation = operation_of(route)
    statuses = operation["responses"].keys()
    sent = [route.body, route.upload, route.spooled]
    assert ("requestBody" in operation) == any(one is not None for one in sent)
    assert {"413", "415", "422"} <= statuses or route.body is None
    assert "404" in statuses or "{" not in route.path
    assert {"412", "428"} <= statuses or not route.if_match
    key = asked(operation).get("Idempotency-Key", {"required": None})["required"]
    assert key == {"required": True, "optional": False, None: None}[route.idempotency_key]
    assert ("If-Match" in asked(operation)) == route.if_match
    assert {"limit", "cursor"} <= asked(operation).keys() or not route.paged
    for one in route.filters:
        assert asked(operation)[one.name]["schema"].get("enum", []) == list(one.allowed())


@every_route
def test_a_route_says_what_it_answers(route: Route) -> None:
    good = operation_of(route)["responses"][str(route.status)]
    assert ("content" in good) == (route.status != 204)
    assert good["description"] not in ("", "Done.")


def test_ids_that_are_numbers_or_words_are_not_documented_as_uuids() -> None:
    kinds = {
        (name, parameter["schema"]["type"], parameter["schema"].get("format"))
        for operations in API["paths"].values()
        for operation in operations.values()
        for name, parameter in asked(operation).items()
        if parameter["in"] == "path" and name in ("job_id", "version", "hit_id", "merchant_id")
    }
    assert kinds == {
        ("job_id", "integer", "int64"),
        ("version", "integer", "int64"),
        ("hit_id", "string", None),
        ("merchant_id", "string", "uuid"),
    }


@every_route
def test_every_problem_is_documented_with_its_code_and_an_example_that_its_schema_takes(route: Route) -> None:
    responses = operation_of(route)["responses"]
    shown = {
        code: (int(status), example["value"])
        for status, response in responses.items()
        for code, example in response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
    }
    assert shown.keys() == {problem.code for problem in route.problems()}
    for problem in route.problems():
        status, example = shown[problem.code]
        assert (status, example["status"], example["code"]) == (problem.status, problem.status, problem.code)
        PROBLEM.validate(example)


def test_a_code_belongs_to_one_problem() -> None:
    by_code: dict[str, set[str]] = {}
    for route in SHOWN:
        for problem in route.problems():
            by_code.setdefault(problem.code, set()).add(problem.__name__)
    assert {code: names for code, names in by_code.items() if len(names) > 1} == {}


@every_document
def test_every_field_and_every_operation_says_what_it_means(name: str) -> None:
    document = DOCUMENTS[name]
    silent = [
        f"{struct}.{field}"
        for struct, schema in document["components"]["schemas"].items()
        for field, part in schema.get("properties", {}).items()
        if "description" not in part
    ]
    assert silent == [], "give these a text in merchant/programs/openapi/fields.toml"
    assert document["servers"]
    tags = {one["name"] for one in document["tags"]}
    for _, operation in operations(document):
        assert operation["summary"]
        if name == "merchant.json":
            assert operation["description"]
            assert set(operation["tags"]) <= tags


def test_no_text_of_a_field_is_left_over() -> None:
    texts = tomllib.loads(files(openapi).joinpath("fields.toml").read_text())
    fields: dict[str, set[str]] = {}
    for document in DOCUMENTS.values():
        for struct, schema in document["components"]["schemas"].items():
            fields.setdefault(struct, set()).update(schema.get("properties", {}))
    assert [name for name in texts["any"] if not any(name in names for names in fields.values())] == []
    left = [f"{struct}.{name}" for struct in texts.keys() - {"any"} for name in texts[struct].keys() - fields[struct]]
    assert left == []


def test_states_and_times_are_typed() -> None:
    for struct, schema in API["components"]["schemas"].items():
        for field, part in schema.get("properties", {}).items():
            if field.endswith("_at") or field == "at":
                assert '"date-time"' in msgspec.json.encode(part).decode(), f"{struct}.{field}"
    request = API["components"]["schemas"]["PaymentRequestView"]["properties"]["state"]
    assert request["allOf"] == [{"$ref": "#/components/schemas/RequestState"}]
    assert "in_doubt" in API["components"]["schemas"]["RequestState"]["enum"]


def test_every_event_has_a_webhook() -> None:
    hooks = DOCUMENTS["webhooks.json"]["webhooks"]
    assert hooks.keys() == {kind.value for kind in EventType}
    components = {"components": DOCUMENTS["webhooks.json"]["components"]}
    for kind, hook in hooks.items():
        content = hook["post"]["requestBody"]["content"]["application/json"]
        jsonschema_rs.Draft202012Validator({**content["schema"], **components}).validate(content["example"])
        assert content["example"]["type"] == kind


def test_what_was_written_is_not_stale_and_any_change_is(tmp_path: Path) -> None:
    assert openapi.stale(ROUTES, tmp_path) == list(DOCUMENTS)
    openapi.write(ROUTES, tmp_path)
    assert openapi.stale(ROUTES, tmp_path) == []
    changed = tmp_path / "oracle.json"
    changed.write_bytes(changed.read_bytes() + b"\n")
    assert openapi.stale(ROUTES, tmp_path) == ["oracle.json"]
    assert openapi.stale(ROUTES[1:], tmp_path) == ["merchant.json", "oracle.json"]


@pytest.mark.anyio
@pytest.mark.database
async def test_the_service_serves_the_document_of_its_api(client: httpx.AsyncClient) -> None:
    served = await client.get("/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert served.json() == API
