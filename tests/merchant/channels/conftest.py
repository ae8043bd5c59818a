"""A shop and telephones: steps as Africa's Talking posts them, and what the handset shows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import asyncpg
import httpx
import pytest

from merchant.channels.ussd.door import gateway_key, ussd_door
from merchant.core.service import Service
from merchant.programs.app import create_app
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.builders import World

CODE = "*384*123#"
PHONE = "+254733000001"
OWNER = "+254711777001"
FORM = {"content-type": "application/x-www-form-urlencoded"}
# GSM 03.38: what a 7-bit screen shows, and what costs two septets there.
_EXTENDED = set("^{}\\[~]|€")


def assert_fits(screen: str) -> None:
    """The text needs no more than one USSD message: 160 septets."""
    assert screen.isascii(), screen
    assert len(screen) + sum(character in _EXTENDED for character in screen) <= 160, screen


@dataclass
class Lines:
    """Telephones that reach a service through the gateway's door."""

    service: Service
    client: httpx.AsyncClient
    merchant: Merchant
    counter: Counter

    @property
    def path(self) -> str:
        """The gateway's address."""
        return f"/ussd/africastalking/{gateway_key(self.service, 'africastalking')}"

    async def post(self, form: dict[str, str] | bytes, path: str | None = None, method: str = "POST") -> httpx.Response:
        """A form, or raw bytes, at the door."""
        content = form if isinstance(form, bytes) else urlencode(form).encode()
        return await self.client.request(method, path or self.path, content=content, headers=FORM)

    async def step(self, text: str = "", session: str = "s1", phone: str = PHONE) -> str:
        """One step: `CON …` or `END …`. Every screen must fit a handset."""
        response = await self.post(step_form(text, session, phone))
        assert (response.status_code, response.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        kind, _, screen = response.text.partition(" ")
        assert kind in ("CON", "END")
        assert_fits(screen)
        return response.text

    async def walk(self, *inputs: str, session: str = "s1", phone: str = PHONE) -> str:
        """A dialogue from its first step; the last screen."""
        screen = await self.step("", session, phone)
        for count in range(1, len(inputs) + 1):
            screen = await self.step("*".join(inputs[:count]), session, phone)
        return screen

    async def pay(self, amount: str = "25", session: str = "s1", phone: str = PHONE) -> str:
        """The whole way to a request for payment."""
        return await self.walk("1", self.counter.alias, amount, "1", session=session, phone=phone)

    async def rows(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of the database."""
        async with self.service.db.system_reads() as tx:
            return await tx.fetch(sql, *values)

    async def change(self, sql: str, *values: Any) -> None:
        """Change the database behind the dialogue's back."""
        async with self.service.db.system() as tx:
            assert await tx.execute(sql, *values)

    async def requests(self) -> list[asyncpg.Record]:
        """Every request for payment, oldest first."""
        return await self.rows("SELECT * FROM payment_request ORDER BY id")

    async def jobs(self) -> list[asyncpg.Record]:
        """What waits to be sent for payments."""
        return await self.rows("SELECT topic, payload FROM outbox WHERE topic LIKE 'payments.%' ORDER BY id")


def step_form(text: str, session: str = "s1", phone: str = PHONE) -> dict[str, str]:
    """A step as Africa's Talking posts it."""
    return {
        "sessionId": session,
        "serviceCode": CODE,
        "phoneNumber": phone,
        "networkCode": "63902",
        "text": text,
    }


@asynccontextmanager
async def door_of(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The USSD door of one process."""
    transport = httpx.ASGITransport(create_app(service, [ussd_door]), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        yield client


async def open_groceries(service: Service, world: World) -> None:
    """The shop of the template."""
    await open_shop(service, world, currencies=["USD"])


async def open_shop(service: Service, world: World, **business: Any) -> None:
    """The same shop, in all currencies or otherwise."""
    names = {"trading_name": "Mama Njeri Groceries", "ussd_name": "Mama Njeri"}
    document = builders.company(number=1000, **names, **business)
    document["contact"]["phone"] = OWNER
    await builders.create_merchant(service, world, document=document)


@pytest.fixture
async def lines(service: Service, world: World) -> AsyncIterator[Lines]:
    merchant, counter = await builders.find_shop(service)
    async with door_of(service) as client:
        yield Lines(service, client, merchant, counter)
