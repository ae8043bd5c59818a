"""Phones of customers that keep what they are sent, and desks at which codes are read out."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.compliance.slice import ROUTES
from merchant.core.service import Service
from merchant.notify import sms
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import Person, World


class Phones:
    """Where messages arrive: a sender of the tests' own."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []

    async def send(self, _message_id: str, phone: str, text: str) -> None:
        self.received.append((phone, text))

    def last_code(self) -> str:
        """The code of the newest message."""
        [code] = re.findall(r"\b[0-9]{6}\b", self.received[-1][1])
        return str(code)


class Desk:
    """A maker's desk: one application, with a customer whose phone lies on it."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World, phones: Phones) -> None:
        self.client, self.service, self.world, self.phones = client, service, world, phones
        self.id = UUID(int=0)

    async def open(self, document: dict[str, Any] | None = None, *, submitted: bool = False) -> None:
        """Take a new application."""
        made = await builders.create_application(
            self.service, self.world.maker, document or builders.seller(), submitted=submitted
        )
        self.id = made.id

    async def send(self, body: Any = None, who: Person | None = None, **headers: str) -> httpx.Response:
        """Ask for a code, and let the worker send it."""
        path = f"/api/v1/applications/{self.id}/phone-code"
        sender = (who or self.world.maker).headers
        response = await self.client.post(path, json=body or {}, headers={**sender, **headers})
        await builders.work(self.service)
        return response

    async def confirm(self, code: str, who: Person | None = None) -> httpx.Response:
        """Read a code out."""
        path = f"/api/v1/applications/{self.id}/phone-code/confirm"
        return await self.client.post(path, json={"code": code}, headers=(who or self.world.maker).headers)

    async def get(self, name: str = "", who: Person | None = None) -> Any:
        """What the API says of the application, or of a part of it."""
        path = f"/api/v1/applications/{self.id}{name}"
        return (await self.client.get(path, headers=(who or self.world.maker).headers)).json()

    async def fetch(self, sql: str) -> list[Any]:
        """Rows as the service sees them."""
        async with self.service.db.system_reads() as tx:
            return await tx.fetch(sql)


def wrong(code: str) -> str:
    """Another code than this one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


@pytest.fixture
def phones(monkeypatch: pytest.MonkeyPatch) -> Phones:
    arriving = Phones()
    monkeypatch.setattr(sms, "to_console", arriving.send)
    return arriving


@pytest.fixture
async def desk(service: Service, world: World, phones: Phones) -> AsyncIterator[Desk]:
    async with client_on(app_on(service, routes=ROUTES)) as client:
        yield Desk(client, service, world, phones)
