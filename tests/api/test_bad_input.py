"""Bad input on every route that reads a body: a typed problem with a code and a sentence, 4xx, nothing written."""

import json
from typing import Any

import httpx
import pytest

from merchant.core.access import Permission
from merchant.core.http.json import MAX_BODY_BYTES
from merchant.core.service import Service
from merchant.migrations import schema
from tests import builders
from tests.api.everything import Route, Things, call, headers_for, routes_with_a_body, walled_routes
from tests.builders import World

pytestmark = pytest.mark.anyio
JSON = {"content-type": "application/json"}

# Not JSON of any shape we know, whatever the route: body, status, code.
MALFORMED: list[tuple[bytes, int, str]] = [
    (b"", 400, "malformed_json"),
    (b" ", 400, "malformed_json"),
    (b"{", 400, "malformed_json"),
    (b"{'a': 1}", 400, "malformed_json"),
    (b"{} {}", 400, "malformed_json"),
    (b"\xff\xfe\x00", 400, "malformed_json"),
    (b'{"a": "\xc3\x28"}', 400, "malformed_json"),
    (b'{"a": "\xed\xa0\x80"}', 400, "malformed_json"),
    (b"\xef\xbb\xbf{}", 400, "malformed_json"),
    ("{}".encode("utf-16"), 400, "malformed_json"),
    (b'{"a": "\x01"}', 400, "malformed_json"),
    (b'{"a": NaN}', 400, "malformed_json"),
    (b'{"a": 1, "a": 1}', 400, "malformed_json"),
    (b'{"a": {"b": 1, "b": 2}}', 400, "malformed_json"),
    (b'{"a": ' + b"9" * 5000 + b"}", 400, "malformed_json"),
    (b'{"a": "\\u0000"}', 400, "nul_character"),
    (b'{"a\\u0000": 1}', 400, "nul_character"),
    (b"[" * 50_000, 400, "json_too_deep"),
    (b"[" * 50_000 + b"]" * 50_000, 400, "json_too_deep"),
    (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, "json_too_deep"),
    (b"null", 422, "invalid_fields"),
    (b"true", 422, "invalid_fields"),
    (b"7", 422, "invalid_fields"),
    (b'"text"', 422, "invalid_fields"),
    (b"[]", 422, "invalid_fields"),
    (b"[null]", 422, "invalid_fields"),
    (b'{"no_such_field": 1}', 422, "invalid_fields"),
    (b'"' + b"x" * (MAX_BODY_BYTES + 1) + b'"', 413, "too_large"),
]
CONTENT_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/json",
    "application/jsonx",
    "application/problem+json",
    "",
]


async def fingerprint(service: Service) -> str:
    """Changes when any row of any table changes."""
    parts = " || ".join(
        f"(SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t)"
        for table in sorted(schema.metadata.tables)
        if table != "user_session"  # says when it was used last
    )
    async with service.db.system() as tx:
        found: str = await tx.fetchval(f"SELECT {parts}")
        return found


async def caller(service: Service, world: World, route: Route) -> dict[str, str]:
    """Someone who may call the route."""
    staff = world["greenbankfsp"]
    people = [staff["maker"], staff["checker"], staff["admin"], world.operator]
    for person in people:
        if route.permission is None or route.permission in person.actor.permissions:
            return person.headers
    if route.permission == Permission.OWN_APPLICATION_WRITE:
        return (await builders.applicant(service, world)).headers
    return await builders.issue_key(service, staff["admin"], [route.permission])


def check_problem(response: httpx.Response, *where: object) -> dict[str, Any]:
    """Every problem has a type, a code and a sentence for people."""
    assert 400 <= response.status_code < 500, (*where, response.status_code, response.text[:500])
    assert response.headers["content-type"] == "application/problem+json", where
    problem: dict[str, Any] = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}, where
    assert problem["request_id"] == response.headers["x-request-id"], where
    assert problem["status"] == response.status_code
    assert problem["type"].endswith(problem["code"])
    assert problem["detail"]
    assert all(set(error) == {"path", "code", "message"} for error in problem["errors"])
    return problem


async def test_malformed_bodies_are_typed_problems_on_every_route_and_write_nothing(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    routes = list(routes_with_a_body(service))
    callers = [headers_for(route, await caller(service, world, route)) for route in routes]
    before = await fingerprint(service)
    for route, headers in zip(routes, callers, strict=True):
        for body, status, code in MALFORMED:
            response = await client.request(route.method, things.path(route), content=body, headers={**headers, **JSON})
            problem = check_problem(response, str(route), body[:60])
            assert (response.status_code, problem["code"]) == (status, code), (str(route), body[:60])
    assert await fingerprint(service) == before


async def test_another_content_type_is_refused_on_every_route(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    routes = list(routes_with_a_body(service))
    callers = [headers_for(route, await caller(service, world, route)) for route in routes]
    before = await fingerprint(service)
    for route, headers in zip(routes, callers, strict=True):
        for content_type in CONTENT_TYPES:
            response = await client.request(
                route.method,
                things.path(route),
                content=json.dumps(things.body(route)),
                headers={**headers, "content-type": content_type},
            )
            problem = check_problem(response, str(route), content_type)
            assert (response.status_code, problem["code"]) == (415, "unsupported_media_type")
    assert await fingerprint(service) == before


WRONG_KINDS: list[Any] = [
    None,
    True,
    7,
    -1,
    1.5,
    10**30,
    "",
    " ",
    "x" * 100_000,
    [],
    [None],
    [[]],
    {},
    {"a": 1},
    "\ud7ff",
    "\u202e",
    "00000000-0000-0000-0000-000000000000",
    "<script>",
    "' OR 1=1 --",
]


async def test_a_field_of_a_wrong_kind_never_crashes_a_route(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    for route in routes_with_a_body(service):
        headers = headers_for(route, await caller(service, world, route))
        good = things.body(route)
        assert good is not None
        for name in good:
            before, taken = await fingerprint(service), 0
            for number, value in enumerate(WRONG_KINDS):
                keyed = (
                    {**headers, "idempotency-key": f"{name}-{number}"}
                    if route.declared.idempotency_key == "required"
                    else headers
                )
                body = {**good, name: value}
                response = await client.request(route.method, things.path(route), json=body, headers=keyed)
                if response.status_code < 400:
                    taken += 1
                else:
                    check_problem(response, str(route), name, value)
            # Wrong passwords and codes are counted, all else that was refused left no trace.
            if not taken and not route.path.startswith(("/api/v1/sessions", "/api/v1/users/me")):
                assert await fingerprint(service) == before, (str(route), name)


async def test_a_missing_field_is_named(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    required = {
        "/api/v1/sessions": "email",
        "/api/v1/dfsps": "fsp_id",
        "/api/v1/users": "email",
        "/api/v1/api-keys": "name",
        "/api/v1/applications/{application_id}/approve": "version_hash",
        "/api/v1/applications/{application_id}/reject": "reason",
        "/api/v1/applications/{application_id}/return": "items",
        "/api/v1/applications/{application_id}/hits/{hit_id}": "decision",
        "/api/v1/merchants/{merchant_id}/counters": "location_id",
        "/api/v1/merchants/{merchant_id}/suspend": "reason",
        "/api/v1/qr/decode": "payload",
        "/api/v1/counters/{counter_id}/qr": "logo",
        "/api/v1/payment-requests/{request_id}/qr": "logo",
        "/api/v1/payment-requests": "amount",
        "/api/v1/webhook-endpoints": "url",
        "/api/v1/qr/dynamic": "payload",
        "/api/v1/counters/{counter_id}/stickers": "reason",
        "/api/v1/poster-batches": "page",
    }
    for route in routes_with_a_body(service):
        if route.method == "POST" and route.path in required:
            headers = headers_for(route, await caller(service, world, route))
            response = await client.post(things.path(route), json={}, headers=headers)
            problem = check_problem(response, str(route))
            assert response.status_code == 422
            assert required.pop(route.path) in problem["errors"][0]["message"], str(route)
    assert not required


async def test_ids_that_name_nothing_are_not_found_on_every_route(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    hostile = [
        "x",
        "0",
        "%00",
        "%2e%2e",
        "..%2F..%2Fetc",
        "A" * 5000,
        "%F0%9F%99%82",
        "%FF",
        "null",
        "'%20OR%201=1",
        "00000000-0000-0000-0000-000000000000",
    ]
    routes = [route for route in walled_routes(service) if route.names]
    callers = [await caller(service, world, route) for route in routes]
    before = await fingerprint(service)
    for route, who in zip(routes, callers, strict=True):
        for name in route.names:
            for value in hostile:
                response = await call(client, route, things, who, path=things.path(route, **{name: value}))
                check_problem(response, str(route), value)
                # An encoded slash makes another path, which may be another route's.
                expected = (404, 405) if "%2F" in value else (404,)
                assert response.status_code in expected, (str(route), value, response.text)
    assert await fingerprint(service) == before


async def test_unknown_paths_and_methods_are_typed_problems_too(client: httpx.AsyncClient, world: World) -> None:
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v2/merchants", 404),
        ("POST", "/nowhere", 404),
        ("GET", "/api/v1/" + "a" * 10_000, 404),
        ("DELETE", "/api/v1/merchants", 405),
        ("PUT", "/api/v1/sessions", 405),
        ("TRACE", "/api/v1/merchants", 405),
    ):
        response = await client.request(method, path, headers=world.maker.headers)
        assert response.status_code == status, (method, path)
        check_problem(response, method, path)


BAD_ANSWERS: list[tuple[str, Any]] = [
    ("business.mcc", "0000"),
    ("business.mcc", "54111"),
    ("business.kind", "shop"),
    ("business.lei", "5493001KJTIIGC8Y1R13"),
    ("business.currencies", ["K3S"]),
    ("business.currencies", ["XXX"]),
    ("business.currencies", ["KES", "KES"]),
    ("business.monthly_turnover_minor", -1),
    ("business.monthly_turnover_minor", 10**18),
    ("business.employees_band", "7"),
    ("business.trading_name", "x" * 129),
    ("business.trading_name", "a\nb"),
    ("business.ussd_name", "ร้าน"),
    ("owners.0.birth_date", "2999-01-01"),
    ("owners.0.birth_date", "1980-02-30"),
    ("owners.0.birth_date", "03.02.1980"),
    ("owners.0.nationality", "KEN"),
    ("owners.0.phone", "12"),
    ("owners.0.email", "a@b"),
    ("owners.0.ownership_percent", 100.5),
    ("owners.0.id_type", "pass"),
    ("contact.phone", "+2547110000000000"),
    ("contact.owner_index", 7),
    ("contact.owner_index", -1),
    ("locations.0.country", "XX"),
    ("locations.0.kind", "boat"),
    ("locations.0.subdivision", "US-CA"),
    ("locations.0.latitude", 91),
    ("locations.0.website", "javascript:alert(1)"),
    ("locations.0.counters.0.own_alias", "a/b"),
    ("locations.0.counters.0.own_alias", "quotes"),
    ("locations.0.counters.0.own_alias", ".."),
    ("settlement_account.currency", "ABC"),
    ("external_ref", "x" * 65),
]


async def test_a_wrong_answer_of_an_application_is_named_by_its_path_and_nothing_is_written(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    before = await fingerprint(service)
    for path, value in BAD_ANSWERS:
        document = builders.company()
        put(document, path, value)
        headers = {**world.maker.headers, "idempotency-key": "k"}
        response = await client.post("/api/v1/applications", json=document, headers=headers)
        problem = check_problem(response, path, value)
        assert response.status_code == 422, (path, value)
        named = {error["path"].replace("[", ".").replace("]", "") for error in problem["errors"]}
        # Half a position is the location's fault, a repeated currency the list's.
        assert any(path.startswith(place) or place.startswith(path) for place in named), (path, named)
    assert await fingerprint(service) == before


BAD_AMOUNTS: list[Any] = [
    ("0", "KES"),
    ("0.00", "KES"),
    ("-1", "KES"),
    ("1.005", "KES"),
    ("1.5", "JPY"),
    ("1,00", "KES"),
    ("1e3", "KES"),
    ("", "KES"),
    (" 1", "KES"),
    ("+1", "KES"),
    ("1.", "KES"),
    (".5", "KES"),
    ("12345678901234", "KES"),
    ("1.00000", "KES"),
    ("٣", "KES"),
    ("NaN", "KES"),
    ("0x10", "KES"),
    ("1" * 5000, "KES"),
    ("1", "XXX"),
    ("1", "kes"),
    ("1", ""),
    ("1", "KESX"),
    ("1", "EUR"),
    (1, "KES"),
    (1.5, "KES"),
    (None, "KES"),
    ("1", None),
    ("1\n", "KES"),
    ("9999999999999", "KES"),
]


async def test_a_bad_amount_or_currency_asks_nobody_for_money(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request"])
    before = await fingerprint(service)
    for amount, currency in BAD_AMOUNTS:
        body = {"counter_id": things.ids["counter_id"], "amount": {"amount": amount, "currency": currency}}
        headers = {**key, "idempotency-key": "k"}
        response = await client.post("/api/v1/payment-requests", json=body, headers=headers)
        problem = check_problem(response, amount, currency)
        assert response.status_code == 422, (amount, currency)
        assert problem["errors"][0]["path"].startswith("amount"), (amount, currency, problem)
    assert await fingerprint(service) == before


def put(document: dict[str, Any], path: str, value: object) -> None:
    """Set an answer by its path: `owners.0.phone`."""
    *way, last = path.split(".")
    place: Any = document
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
