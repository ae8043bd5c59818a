"""Shops to pay, requests in any state, and pages measured as they cross the wire."""

import asyncio
import socket
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from merchant.access import Actor
from merchant.money import Money
from merchant.payments.request import NewRequest, create_request
from merchant.payments.states import RequestState, lock_request, move
from merchant.registry.models import Counter, Merchant
from merchant.service import Service
from tests import builders
from tests.builders import World

TEN = Money(1000, "USD")


class Shop(msgspec.Struct):
    """A merchant of the tests, its counter and the service that knows them."""

    service: Service
    merchant: Merchant
    counter: Counter

    async def ask(self, amount: Money = TEN, state: RequestState | None = None, **more: Any) -> str:
        """Ask for money; the code of the request's page."""
        dfsp_id = self.merchant.dfsp_id
        actor = Actor(kind="service", id=UUID(int=0), name="test", dfsp_id=dfsp_id)
        new = NewRequest(counter_id=self.counter.id, amount=amount, **more)
        async with self.service.db.tenant(dfsp_id) as tx:
            made, till = await create_request(tx, self.service, actor, new)
        async with self.service.db.system() as tx:
            request = await lock_request(tx, request_id=made.id)
            assert request is not None
            assert state in (None, request.state) or await move(tx, request, RequestState(state), "test")
        return f"{till.alias}.{made.short_ref}"

    async def put_into(self, state: str) -> None:
        """Bring the merchant into a state."""
        async with self.service.db.system() as tx:
            await tx.execute("UPDATE merchant SET state = $2 WHERE id = $1", self.merchant.id, state)


@pytest.fixture
async def shop(service: Service, world: World) -> Shop:
    document = builders.company(trading_name="Mama Njeri & Sons")
    merchant, counters = await builders.create_merchant(service, world, document=document)
    return Shop(service, merchant, counters[0])


async def wire_bytes(host: str, port: int, path: str, *, gzip: bool = True) -> tuple[int, bytes]:
    """GET a path over a bare socket: the bytes of the whole answer, status line and headers among them."""
    reader, writer = await asyncio.open_connection(host, port)
    accept = "accept-encoding: gzip\r\n" if gzip else ""
    writer.write(f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\n{accept}connection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return len(answer), answer


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def assert_safe(page: httpx.Response, ancestors: str = "'none'") -> None:
    """A page of ours: its headers forbid what we do not use, and it names no other host."""
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == ancestors
    assert set(policy.values()) <= {"'none'", "'self'"}
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "<script" not in page.text
    assert " style=" not in page.text
    assert "://" not in page.text.replace('xmlns="http://www.w3.org/2000/svg"', "")
