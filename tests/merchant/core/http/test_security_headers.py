"""Every answer tells browsers and caches to be careful, whoever makes it and however it ends."""

import httpx
import msgspec
import pytest

from merchant.core import clock
from merchant.core.http.security_headers import fixed_headers, with_security
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.programs.app import with_doors
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET, World
from tests.sockets import answer_of, ended, head, opened, said, served

pytestmark = pytest.mark.anyio
GATE = {"x-gateway-secret": GATEWAY_SECRET}


def whole(service: Service, **changed: str) -> httpx.AsyncClient:
    """A client of the application as it is served, with some settings changed."""
    service.settings = msgspec.structs.replace(service.settings, **changed)
    transport = httpx.ASGITransport(with_doors(app_on(service)), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test.local")


async def test_every_answer_is_careful(service: Service, world: World) -> None:
    calls: list[tuple[str, str, dict[str, str]]] = [
        ("GET", "/health/live", {}),
        ("GET", "/metrics", GATE),
        ("GET", "/openapi.json", {}),
        ("GET", "/docs", {}),
        ("GET", "/q", {}),
        ("GET", "/static/nothing.css", {}),
        ("GET", "/nothing", {}),
        ("OPTIONS", "/api/v1/merchants", {}),
        ("DELETE", "/api/v1/merchants", {}),
        ("GET", "/api/v1/merchants", {}),
        ("GET", "/api/v1/merchants", world.maker.headers),
        ("POST", "/api/v1/sessions", {}),
        ("GET", "/oracle/participants/ALIAS/1", GATE),
        ("GET", "/oracle/participants/ALIAS/1", {}),
        ("GET", "/fspiop/nothing", GATE),
        ("POST", "/ussd/nobody/key", {}),
    ]
    async with whole(service) as client:
        for method, path, headers in calls:
            found = (await client.request(method, path, headers=headers)).headers
            for name in ("x-content-type-options", "referrer-policy", "server", "cache-control", "x-request-id"):
                assert len(found.get_list(name)) == 1, (path, name)
            assert found["x-content-type-options"] == "nosniff"
            assert found["server"] == "http"
            assert "strict-transport-security" not in found


@pytest.mark.parametrize(
    "path", ["/api/v1/merchants", "/api/v1/nothing", "/oracle/participants/ALIAS/1", "/health/live"]
)
async def test_what_may_be_personal_is_not_kept_by_caches(service: Service, world: World, path: str) -> None:
    async with whole(service) as client:
        for headers in (world.maker.headers, {}, GATE):
            assert (await client.get(path, headers=headers)).headers["cache-control"] == "no-store"


async def test_what_a_handler_says_of_caching_stays(service: Service) -> None:
    async with whole(service) as client:
        assert (await client.get("/openapi.json")).headers["cache-control"] == "public, max-age=300"
        assert (await client.get("/robots.txt")).headers["cache-control"] == "public, max-age=86400"


@pytest.mark.parametrize("path", ["/", "/q/unknown", "/docs", "/docs/nothing"])
async def test_pages_are_not_framed_and_ask_for_no_device(service: Service, path: str) -> None:
    async with whole(service) as client:
        found = (await client.get(path)).headers
    assert found["content-type"].startswith("text/html")
    assert found["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in found["content-security-policy"]
    assert found["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in found["permissions-policy"]


def test_a_page_that_stands_in_our_frames_keeps_its_word() -> None:
    page = [(b"content-type", b"text/html; charset=utf-8"), (b"x-frame-options", b"SAMEORIGIN")]
    found = with_security(page, (), b"one")
    assert [value for name, value in found if name == b"x-frame-options"] == [b"SAMEORIGIN"]


@pytest.mark.parametrize(
    ("url", "strict"), [("https://pay.example", True), ("http://127.0.0.1:8000", False), ("", False)]
)
def test_browsers_keep_to_https_where_the_public_address_is_https(url: str, strict: bool) -> None:
    names = {name for name, _ in fixed_headers(Settings(public_url=url))}
    assert (b"strict-transport-security" in names) is strict


async def test_over_a_socket_the_server_does_not_name_its_product(service: Service) -> None:
    async with served(service) as port:
        for call in (head("GET", "/health/live"), head("GET", "/nothing"), b"GET / HTTP/1.1\r\n\r\n"):
            _, headers, _ = await said(port, call)
            assert headers["server"] == "http"


# --- HEAD and OPTIONS ------------------------------------------------------------------------------------------------


async def test_head_is_a_get_without_a_body(service: Service, world: World) -> None:
    async with whole(service) as client:
        for path in ("/health/live", "/openapi.json", "/docs", "/q", "/q/unknown", "/api/v1/merchants", "/robots.txt"):
            got, headed = [await client.request(each, path, headers=world.maker.headers) for each in ("GET", "HEAD")]
            assert (headed.status_code, headed.content) == (got.status_code, b""), path
            for name in ("content-type", "content-length", "cache-control"):
                assert headed.headers[name] == got.headers[name], (path, name)
        assert (await client.head("/api/v1/merchants")).status_code == 401
        assert (await client.head("/api/v1/webhook-endpoints/x/test")).status_code == 405


async def test_head_of_a_door_does_nothing(service: Service) -> None:
    """A GET of the hub asks for an answer that we would then send."""
    async with whole(service) as client:
        for path in ("/fspiop/parties/MSISDN/1", "/oracle/participants/ALIAS/1"):
            assert (await client.head(path, headers=GATE)).status_code == 405


async def test_over_a_socket_head_ends_and_the_connection_goes_on(service: Service, world: World) -> None:
    signed_in = f"Authorization: {world.maker.headers['authorization']}"
    async with served(service) as port:
        reader, writer = await opened(port)
        for path in ("/docs", "/health/live", "/api/v1/events"):
            writer.write(head("HEAD", path, signed_in))
            raw = await reader.readuntil(b"\r\n\r\n")
            assert raw.startswith(b"HTTP/1.1 200"), path
        writer.write(head("GET", "/health/live"))
        assert (await answer_of(reader))[2] == b'{"status":"live"}'
        assert await ended(reader) == b""
        writer.close()


async def test_options_and_refusals_name_every_method_of_a_path(service: Service) -> None:
    expected = {
        "/api/v1/users": "GET, HEAD, OPTIONS, POST",
        "/api/v1/applications/x": "GET, HEAD, OPTIONS, PATCH",
        "/api/v1/counters/x/stickers": "GET, HEAD, OPTIONS, POST",
        "/api/v1/sessions": "DELETE, GET, HEAD, OPTIONS, POST",
        "/api/v1/webhook-endpoints/x": "DELETE, GET, HEAD, OPTIONS",
        "/api/v1/api-keys/x": "DELETE, OPTIONS",
        "/q": "GET, HEAD, OPTIONS",
    }
    async with whole(service) as client:
        for path, methods in expected.items():
            asked, refused = await client.options(path), await client.put(path)
            assert (asked.status_code, refused.status_code) == (204, 405)
            for response in (asked, refused):
                assert set(response.headers["allow"].split(", ")) == set(methods.split(", ")), path


# --- files for programs ----------------------------------------------------------------------------------------------


async def test_search_engines_are_asked_to_stay_away(service: Service) -> None:
    async with whole(service) as client:
        assert (await client.get("/robots.txt")).text == "User-agent: *\nDisallow: /\n"


async def test_whoever_found_a_weakness_learns_where_to_report_it(service: Service) -> None:
    async with whole(service) as client:
        assert (await client.get("/.well-known/security.txt")).status_code == 404
    async with whole(service, security_contact="mailto:security@pay.example", public_url="http://test.local") as client:
        found = await client.get("/.well-known/security.txt")
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    lines = dict(line.split(": ", 1) for line in found.text.splitlines())
    assert lines["Contact"] == "mailto:security@pay.example"
    assert lines["Canonical"] == "http://test.local/.well-known/security.txt"
    assert clock.rfc3339(clock.now()) < lines["Expires"]
