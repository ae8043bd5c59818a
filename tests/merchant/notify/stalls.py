"""A merchant with its people, for tests of what they choose to be told; and a clock on the wall for quiet hours."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from merchant.core import clock
from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import Person, World


class Stall(msgspec.Struct):
    """A merchant of one DFSP, its people, and the browser with which they choose."""

    client: httpx.AsyncClient
    service: Service
    merchant_id: UUID
    dfsp_id: UUID
    owner: Person
    cashier: Person

    @property
    def path(self) -> str:
        """Where its choices are."""
        return f"/api/v1/merchants/{self.merchant_id}/notification-choices"

    async def choose(self, *switched: tuple[str, str, bool], **quiet: str) -> httpx.Response:
        """What the owner sends: kind, channel and whether; quiet hours by their names."""
        choices = [{"kind": kind, "channel": channel, "sent": sent} for kind, channel, sent in switched]
        return await self.client.put(self.path, json={"choices": choices, **quiet}, headers=self.owner.headers)

    async def rows(self, table: str = "sms_message") -> list[Any]:
        """What is kept of the messages of one channel, oldest first."""
        async with self.service.db.system_reads() as tx:
            return await tx.fetch(f"SELECT * FROM {table} WHERE kind <> 'account' ORDER BY created_at, id")

    async def states(self, table: str = "sms_message") -> list[str]:
        """Their states."""
        return [row["state"] for row in await self.rows(table)]


async def open_stall(client: httpx.AsyncClient, service: Service, world: World, name: str = "stall") -> Stall:
    """A merchant of greenbankfsp with a phone, an owner and a cashier."""
    document = builders.company()
    document["contact"]["phone"] = "+254711555001"
    merchant, _ = await builders.create_merchant(service, world, document=document)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, f"owner@{name}.example", [Role.MERCHANT_OWNER], **place)
    await builders.add_person(service, f"cashier@{name}.example", [Role.MERCHANT_CASHIER], **place)
    owner, cashier = [await builders.signed_in(service, f"{one}@{name}.example") for one in ("owner", "cashier")]
    return Stall(client, service, merchant.id, merchant.dfsp_id, owner, cashier)


def show_time(monkeypatch: pytest.MonkeyPatch, day: int, hour: int, minute: int = 0) -> datetime:
    """Set the clock to a time of March 2031 in UTC: long after the sessions began would end them, so tests call the
    operations and not the API once it is set.
    """
    now = datetime(2031, 3, day, hour, minute, tzinfo=UTC)
    monkeypatch.setattr(clock, "source", lambda: now)
    return now
