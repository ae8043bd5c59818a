"""The one way in and out of the JSON API: decoding, tags, problems, and a start that forgets no permission."""

import json

import asyncpg
import httpx
import msgspec
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import get

from merchant.core import errors
from merchant.core.http import json as web
from merchant.core.service import Service
from merchant.programs.app import create_app
from tests.builders import World

pytestmark = pytest.mark.anyio


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    numbers: list[int] = []
    inner: "Shape | None" = None


def problem_of(raw: bytes) -> errors.MerchantError:
    with pytest.raises(errors.MerchantError) as refused:
        web.decode(raw, Shape)
    return refused.value


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(TEXT, st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5))
def test_what_is_encoded_decodes_to_the_same(name: str, numbers: list[int]) -> None:
    assert web.decode(web.encode(Shape(name, numbers)), Shape) == Shape(name, numbers)


@given(st.binary(max_size=200))
def test_any_bytes_are_the_shape_or_a_typed_problem(raw: bytes) -> None:
    try:
        web.decode(raw, Shape)
    except errors.MerchantError as error:
        assert error.status in (400, 422)
        assert error.detail


SCALARS = st.none() | st.booleans() | st.floats() | st.text()
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@settings(max_examples=40)
@given(DOCUMENTS)
def test_any_json_is_the_shape_or_a_typed_problem(document: object) -> None:
    try:
        web.decode(json.dumps(document).encode(), Shape)
    except errors.MerchantError as error:
        assert error.status in (400, 422)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b'{"name": 7}', "name"),
        (b'{"name": "x", "numbers": [1, "2"]}', "numbers[1]"),
        (b'{"name": "x", "inner": {"name": null}}', "inner.name"),
        (b"[]", "$"),
        (b"{}", "name"),
        (b'{"name": "x", "inner": {}}', "inner.name"),
        (b'{"name": "x", "inner": {"x": 1}}', "inner.x"),
        (b'{"name": "x", "numbers": [1e400]}', "numbers[0]"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(raw: bytes, path: str) -> None:
    problem = problem_of(raw)
    assert (problem.status, problem.errors[0].path) == (422, path)


@pytest.mark.parametrize(
    ("raw", "nul"),
    [
        (rb'"\u0000"', True),
        (rb'"a\u0000b"', True),
        (rb'"\\\u0000"', True),
        (rb'"\\u0000"', False),
        (rb'"\\\\u0000"', False),
        (rb'"\u00000"', True),
        (rb'"\u0001"', False),
        (b'"u0000"', False),
    ],
)
def test_the_character_that_no_column_holds_is_seen_only_where_it_is(raw: bytes, nul: bool) -> None:
    assert web.has_nul(raw) is nul
    assert ("\0" in msgspec.json.decode(raw)) is nul


@given(st.text())
def test_any_text_is_searched_for_it_rightly(text: str) -> None:
    raw = msgspec.json.encode(text.encode("utf-8", "replace").decode())
    assert web.has_nul(raw) == ("\0" in text)


@pytest.mark.parametrize(
    "raw", [b'{"x": 1, "name": "\\ud800"}', b'{"x": 1, "name": "\xff"}', b'{"x": 1, "name": }', b'{"x": 1, "name": 01}']
)
def test_what_is_no_json_behind_a_wrong_field_is_malformed(raw: bytes) -> None:
    assert problem_of(raw).code == "malformed_json"


@pytest.mark.parametrize("unit", ["1", '""', "{}", "[]", "[[[]]]", '{"a": 1}'])
def test_more_values_than_any_form_has_are_refused_unread(unit: str) -> None:
    raw = b'{"name": "x", "numbers": [%s]}' % b",".join([unit.encode()] * web.MAX_VALUES)
    assert [(one.path, one.code) for one in problem_of(raw).errors] == [("$", "too_many")]


def test_more_values_that_are_no_json_are_malformed_or_too_deep() -> None:
    assert problem_of(b"[" * 100_000).code == "json_too_deep"
    assert problem_of(b"{}," * 100_000).code == "malformed_json"


def test_as_many_values_as_are_allowed_are_read() -> None:
    many = web.MAX_VALUES - 3
    assert len(web.decode(b'{"name": "x", "numbers": [%s]}' % b",".join([b"1"] * many), Shape).numbers) == many


def test_depth_is_no_crash() -> None:
    assert problem_of(b'{"name": "x", "inner": ' * 100_000).code == "json_too_deep"


@pytest.mark.parametrize("value", ["", "x", "1", "00000000-0000-0000-0000-00000000000g", "a" * 10_000])
def test_what_is_no_id_is_not_found(value: str) -> None:
    with pytest.raises(errors.NotFound):
        web.path_id(value)


@pytest.mark.parametrize("value", ["", "x", "-1", "1.0", "²", "٧", "1" * 19, "00000000-0000-0000-0000-000000000000"])
def test_what_is_no_number_is_not_found(value: str) -> None:
    with pytest.raises(errors.NotFound):
        web.path_number(value)


def test_a_number_of_a_path_may_be_the_largest_of_18_digits() -> None:
    assert web.path_number("9" * 18) == 10**18 - 1


async def test_a_route_that_names_no_permission_stops_the_start(service: Service) -> None:
    @get("/api/v1/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(RuntimeError, match="/api/v1/forgotten is neither declared"):
        create_app(service, [forgotten])


async def test_a_crash_of_ours_is_told_without_its_detail_and_logged_with_it(service: Service) -> None:
    @get("/api/v1/broken", opt={"public": True})
    async def broken() -> None:
        raise RuntimeError("secret detail")

    transport = httpx.ASGITransport(create_app(service, [broken]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        with structlog.testing.capture_logs() as logged:
            response = await client.get("/api/v1/broken")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert [entry["event"] for entry in logged] == ["request_failed"]


async def test_another_transaction_in_the_way_is_told_as_busy_and_not_as_a_fault(service: Service) -> None:
    @get("/api/v1/held", opt={"public": True})
    async def held() -> None:
        raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout")

    transport = httpx.ASGITransport(create_app(service, [held]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        with structlog.testing.capture_logs() as logged:
            response = await client.get("/api/v1/held")
    assert (response.status_code, response.json()["code"], response.headers["retry-after"]) == (503, "busy", "1")
    assert logged == []


async def test_health_tells_the_process_from_its_database(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    assert (await client.get("/health/live")).json() == {"status": "live"}
    unready = await client.get("/health/ready")  # no worker runs (tests/merchant/programs/test_health.py)
    assert (unready.status_code, unready.json()["status"]) == (503, "not_ready")


async def test_metrics_name_no_ids(client: httpx.AsyncClient, world: World) -> None:
    await client.get("/api/v1/merchants/01a203b3-61c0-745a-bfc8-eadafcb29da8", headers=world.maker.headers)
    told = (await client.get("/metrics")).text
    assert "merchant_requests_total" in told
    assert "01a203b3" not in told
