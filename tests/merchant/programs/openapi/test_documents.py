"""The documents are OpenAPI 3.1, name every route with its problems, and are written and compared byte for byte.

Whether the service answers as they say is tested in tests/api/test_schemathesis.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from merchant.notify.events import EVENT_TYPES
from merchant.programs import openapi
from merchant.programs.app import ROUTES

DOCUMENTS: dict[str, Any] = {name: msgspec.json.decode(text) for name, text in openapi.documents(ROUTES).items()}
API = DOCUMENTS["merchant.json"]
SHOWN = [one for one in ROUTES if isinstance(one, HTTPRouteHandler) and not one.opt.get("hidden")]
every_document = pytest.mark.parametrize("name", DOCUMENTS)
every_route = pytest.mark.parametrize("route", SHOWN, ids=lambda one: one.handler_name)


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


def operation_of(route: HTTPRouteHandler) -> dict[str, Any]:
    """Where a route stands in the API's document."""
    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", min(route.paths))
    found: dict[str, Any] = API["paths"][path][min(route.http_methods).lower()]
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


def test_what_is_no_json_route_says_that_it_is_hidden() -> None:
    assert all(one.opt.get("hidden") for one in ROUTES if not isinstance(one, HTTPRouteHandler) and hasattr(one, "opt"))


def test_the_document_holds_the_shown_routes_and_nothing_else() -> None:
    assert len(list(operations(API))) == len(SHOWN)
    assert all(path.startswith(("/api/v1/", "/health/")) for path in API["paths"])


@every_route
def test_a_route_stands_in_the_document_with_who_may_call_it(route: HTTPRouteHandler) -> None:
    operation = operation_of(route)
    permission = route.opt.get("permission")
    assert operation.get("x-permission") == (permission and permission.value)
    open_to_all = route.opt.get("public") and not route.opt.get("streams")
    assert operation["security"] == ([] if open_to_all else [{"bearer": []}, {"apiKey": []}])
    assert {"401", "403"} <= operation["responses"].keys() or permission is None


@every_route
def test_a_route_stands_in_the_document_with_what_it_reads_and_the_problems_of_that(route: HTTPRouteHandler) -> None:
    operation, opt = operation_of(route), route.opt
    statuses = operation["responses"].keys()
    assert ("requestBody" in operation) == ("body" in opt)
    assert {"413", "415", "422"} <= statuses or "body" not in opt
    assert "404" in statuses or "{" not in min(route.paths)
    assert {"412", "428"} <= statuses or not opt.get("versioned")
    assert asked(operation).get("Idempotency-Key", {}).get("required") == opt.get("once")
    assert asked(operation).get("If-Match", {}).get("required") == opt.get("versioned")
    assert {"limit", "cursor"} <= asked(operation).keys() or "listing" not in opt
    assert set(opt.get("query", ())) <= asked(operation).keys()


@every_route
def test_a_route_says_what_it_answers(route: HTTPRouteHandler) -> None:
    good = operation_of(route)["responses"][str(route.status_code)]
    assert ("content" in good) == (route.status_code != 204)


@every_route
def test_a_problem_is_problem_json_with_an_example_that_its_schema_takes(route: HTTPRouteHandler) -> None:
    responses = operation_of(route)["responses"]
    schema = {"$ref": "#/components/schemas/Problem", "components": API["components"]}
    for status in [status for status in responses if status >= "400" and not route.opt.get("unready")]:
        problem = responses[status]["content"]["application/problem+json"]
        assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
        jsonschema_rs.Draft202012Validator(schema).validate(problem["example"])
        assert problem["example"]["status"] == int(status)


def test_every_event_has_a_webhook() -> None:
    assert DOCUMENTS["webhooks.json"]["webhooks"].keys() == EVENT_TYPES


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
