"""One Host a request, and where a public address is set one of ours."""

import httpx
import msgspec
import pytest

from merchant.core import errors
from merchant.core.http.hosts import check_host, known_hosts
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.programs.app import with_doors
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET
from tests.sockets import head, said, served

pytestmark = pytest.mark.anyio
PUBLIC = Settings(public_url="https://pay.example", hosts="merchant.internal:8000, 10.1.2.3", port=8000)


@pytest.mark.parametrize(
    "host",
    [
        "pay.example",
        "PAY.example",
        "pay.example:443",
        "127.0.0.1:8000",
        "localhost:8000",
        "[::1]:8000",
        "localhost",
        "merchant.internal:8000",
        "10.1.2.3",
    ],
)
def test_our_own_names_are_taken(host: str) -> None:
    check_host([host.encode()], known_hosts(PUBLIC), "/api/v1/merchants", "1.1")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "pay.example.evil.example",
        "xpay.example",
        "pay.example:8443",
        "pay.example.",
        "localhost:9",
        "10.1.2.3:8000",
        "user@pay.example",
        "pay.example, evil.example",
        "pay.example/",
        "*",
    ],
)
def test_every_other_name_is_refused(host: str) -> None:
    for path in ("/", "/api/v1/merchants", "/health", "/healthy/", "/q/1", "/docs"):
        with pytest.raises(errors.WrongHost):
            check_host([host.encode()], known_hosts(PUBLIC), path, "1.1")


@pytest.mark.parametrize(
    "path", ["/health/live", "/oracle/participants/ALIAS/1", "/fspiop/quotes", "/ussd/a/b", "/metrics"]
)
def test_health_and_the_doors_are_reached_by_any_address(path: str) -> None:
    check_host([b"172.17.0.2:8000"], known_hosts(PUBLIC), path, "1.1")


@pytest.mark.parametrize(
    "given", [[], [b""], [b"pay.example", b"pay.example"], [b"pay.example", b"evil.example"], [b"", b""]]
)
def test_no_host_or_several_cannot_be_understood(given: list[bytes]) -> None:
    for known in (None, known_hosts(PUBLIC)):
        with pytest.raises(errors.InvalidHost):
            check_host(given, known, "/health/live", "1.1")


def test_http_1_0_has_no_host() -> None:
    for none in ([], [b""]):
        check_host(none, None, "/", "1.0")
        check_host(none, known_hosts(PUBLIC), "/health/live", "1")
        with pytest.raises(errors.WrongHost):
            check_host(none, known_hosts(PUBLIC), "/", "1")


def test_without_a_public_address_nobody_knows_which_names_are_right() -> None:
    check_host([b"anything.example"], known_hosts(Settings()), "/", "1.1")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://pay.example:8080/", "pay.example:8080"),
        ("http://[2001:db8::1]:8080", "[2001:db8::1]:8080"),
        ("http://[2001:db8::1]", "[2001:db8::1]:80"),
        ("https://pay.example:443", "pay.example"),
        ("https://pay.example/base/path", "pay.example"),
    ],
)
def test_ports_and_addresses_of_the_public_url_count(url: str, host: str) -> None:
    known = known_hosts(Settings(public_url=url))
    check_host([host.encode()], known, "/", "1.1")


async def test_a_wrong_host_is_told_as_a_problem_before_anything_is_done(service: Service) -> None:
    service.settings = msgspec.structs.replace(service.settings, public_url="https://pay.example")
    transport = httpx.ASGITransport(with_doors(app_on(service)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://evil.example") as client:
        refused = await client.post("/api/v1/sessions", json={}, headers={"x-request-id": "one"})
        assert (refused.status_code, refused.headers["content-type"]) == (421, "application/problem+json")
        assert (refused.json()["code"], refused.json()["request_id"]) == ("wrong_host", "one")
        gate = {"x-gateway-secret": GATEWAY_SECRET}
        assert (await client.get("/oracle/participants/ALIAS/1", headers=gate)).status_code == 200
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/q", headers={"host": "pay.example"})).status_code == 200


async def test_over_a_socket_two_hosts_or_none_are_refused(service: Service) -> None:
    async with served(service) as port:
        for call in (head("GET", "/health/live", "Host: b"), b"GET /health/live HTTP/1.1\r\n\r\n"):
            status, _, body = await said(port, call)
            assert (status, b'"invalid_host"' in body) == (400, True)
        assert (await said(port, b"GET /health/live HTTP/1.0\r\n\r\n"))[0] == 200
