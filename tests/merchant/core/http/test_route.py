"""A route's declaration is what its handler does: body, path, filters, page, key, transaction, answer."""

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from msgspec import Meta, Struct

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.core.service import Service
from tests.apps import app_on
from tests.builders import World

pytestmark = pytest.mark.anyio


class Given(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent."""

    name: Annotated[str, Meta(min_length=1)]


class Seen(Struct, frozen=True):
    """What the handler saw."""

    text: str


@route(
    "POST",
    "/api/v1/things",
    permission=P.MERCHANTS_WRITE,
    body=Given,
    answer=Seen,
    status=201,
    idempotency_key="required",
    etag='"1"',
)
async def make(call: Call[Given]) -> Seen:
    """Make a thing."""
    await call.tx.execute("UPDATE dfsp SET name = name")
    return Seen(f"{call.body.name} for {call.actor.name}")


@route("GET", "/api/v1/things/{thing_id}/{word}", permission=P.MERCHANTS_READ, answer=Seen)
async def read(call: Call[None], thing_id: UUID, word: str) -> Answer:
    """Read a thing."""
    return Answer(Seen(f"{thing_id} {word}"), revision=3)


@route(
    "GET",
    "/api/v1/things",
    permission=P.MERCHANTS_READ,
    items=Seen,
    paged=True,
    filters=(Filter("colour", "Its colour.", choices=("red", "green")), Filter("of", "Whose.", kind="uuid")),
)
async def list_things(call: Call[None]) -> Listed:
    """List things."""
    seen = [Seen(f"{call.filters['colour']} {call.filter_id('of')} {call.page.limit}")] * 3
    return Listed(seen, [UUID(int=number) for number in (3, 2, 1)])


@route("DELETE", "/api/v1/things/{thing_id}", permission=P.MERCHANTS_WRITE, status=204)
async def remove(call: Call[None], thing_id: UUID) -> None:
    """Remove a thing."""


@route("POST", "/api/v1/things/fail", permission=P.MERCHANTS_WRITE, answer=Seen, raises=(errors.WrongState,))
async def fail(call: Call[None]) -> Seen:
    """Change something, then fail."""
    await call.tx.execute("UPDATE merchant SET trading_name = 'changed'")
    raise errors.WrongState


ROUTES = [make, read, list_things, remove, fail]
THING = "01a203bf-ae53-7d31-ac39-1faf8acba904"


@pytest.fixture
async def things(service: Service, world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_on(service, ROUTES), raise_app_exceptions=False)
    headers = world.maker.headers
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local", headers=headers) as client:
        yield client


async def test_the_body_is_decoded_and_the_answer_has_the_declared_status_and_tag(things: httpx.AsyncClient) -> None:
    made = await things.post("/api/v1/things", json={"name": "Till"}, headers={"idempotency-key": "1"})
    assert (made.status_code, made.json(), made.headers["etag"]) == (201, {"text": "Till for maker"}, '"1"')
    again = await things.post("/api/v1/things", json={"name": "Till"}, headers={"idempotency-key": "1"})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    missing = await things.post("/api/v1/things", json={"name": "Till"})
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")


async def test_all_faults_of_a_body_come_at_once(things: httpx.AsyncClient) -> None:
    refused = await things.post("/api/v1/things", json={"name": "", "more": 1}, headers={"idempotency-key": "1"})
    assert refused.status_code == 422
    assert {error["path"] for error in refused.json()["errors"]} == {"name", "more"}


async def test_names_in_the_path_are_ids_or_text_as_the_function_says(things: httpx.AsyncClient) -> None:
    found = await things.get(f"/api/v1/things/{THING}/blue")
    assert (found.json(), found.headers["etag"]) == ({"text": f"{THING} blue"}, '"3"')
    assert (await things.get("/api/v1/things/no-id/blue")).status_code == 404


async def test_filters_and_pages_are_checked_and_handed_over(things: httpx.AsyncClient) -> None:
    page = (await things.get(f"/api/v1/things?colour=red&of={THING}&limit=2")).json()
    assert page["items"] == [{"text": f"red {THING} 2"}] * 2
    assert page["next_cursor"]
    for query, code in (
        ("colour=blue", "invalid_filter"),
        ("of=me", "invalid_filter"),
        ("size=1", "unknown_filter"),
        ("limit=0", "invalid_page"),
        ("cursor=x", "invalid_page"),
    ):
        refused = await things.get(f"/api/v1/things?{query}")
        assert (refused.status_code, refused.json()["code"]) == (400, code), query
    assert "red, green" in (await things.get("/api/v1/things?colour=blue")).json()["detail"]
    assert "colour, of, limit, cursor" in (await things.get("/api/v1/things?size=1")).json()["detail"]


async def test_nothing_is_a_204_without_a_body(things: httpx.AsyncClient) -> None:
    gone = await things.delete(f"/api/v1/things/{THING}")
    assert (gone.status_code, gone.content) == (204, b"")


async def test_what_fails_changes_nothing(things: httpx.AsyncClient, service: Service) -> None:
    assert (await things.post("/api/v1/things/fail")).status_code == 409
    async with service.db.system() as tx:
        assert not await tx.fetchval("SELECT count(*) FROM merchant WHERE trading_name = 'changed'")


async def test_who_lacks_the_permission_is_refused_before_anything_is_read(
    things: httpx.AsyncClient, world: World
) -> None:
    checker = world.checker.headers
    refused = await things.post("/api/v1/things", content=b"{", headers=checker)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_a_misspelt_option_stops_the_import() -> None:
    with pytest.raises(TypeError, match="permision"):
        route("GET", "/api/v1/x", permision=None)(read.fn)  # type: ignore[call-overload]


def test_a_declaration_names_every_problem_that_follows_from_it() -> None:
    codes = {problem.code for problem in make.opt["route"].problems()}
    assert {"not_signed_in", "not_allowed", "malformed_json", "invalid_fields", "idempotency_key_missing"} <= codes
    assert "stale_version" not in codes


def test_a_route_that_does_not_say_who_may_call_it_is_no_route() -> None:
    async def forgotten(call: Call[None]) -> Seen:
        return Seen(call.declared.path)

    with pytest.raises(TypeError, match="GET /api/v1/forgotten: say permission="):
        route("GET", "/api/v1/forgotten", answer=Seen)(forgotten)
    with pytest.raises(TypeError, match="say permission="):
        route("GET", "/api/v1/forgotten", answer=Seen, public=False)(forgotten)
