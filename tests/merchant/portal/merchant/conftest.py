"""A shop with two counters and its people, each with a browser."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from sqlmodel import col, select

from merchant.core import clock, ids
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.payments.states import RequestState
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.builders import Person, World
from tests.merchant.portal.browsing import Browser

NAME = "Mama Njeri & Sons"


def id_at(instant: datetime) -> UUID:
    """An id as one is made at that time: lists go by it."""
    return ids.uuid7(round(instant.timestamp() * 1_000_000) * 1_000)


class Stall(msgspec.Struct):
    """A shop of the tests."""

    service: Service
    client: httpx.AsyncClient
    merchant: Merchant
    counters: list[Counter]
    owner: Person
    cashier: Person
    bound: Person  # a cashier of the first counter

    def browser(self, person: Person | None = None) -> Browser:
        """The owner's browser, or someone else's."""
        return Browser(self.client, person or self.owner)

    async def pay(self, minor: int, currency: str = "KES", counter: int = 0, *, days_ago: int = 0) -> str:
        """Money that arrived; its payment's id, which holds the time."""
        at = clock.now() - timedelta(days=days_ago)
        payment_id = id_at(at)
        async with self.service.db.system() as tx:
            await tx.execute(
                "INSERT INTO payment (id, dfsp_id, merchant_id, counter_id, payer_fsp_id, transfer_id, transaction_id,"
                " amount_minor, currency, payer_masked, received_at)"
                " VALUES ($1, $2, $3, $4, 'payerfsp', $5, $5, $6, $7, '2547*****001', $8)",
                payment_id,
                self.merchant.dfsp_id,
                self.merchant.id,
                self.counters[counter].id,
                str(uuid4()),
                minor,
                currency,
                at,
            )
        return str(payment_id)

    async def ask(self, state: RequestState | None = None, person: Person | None = None, **more: object) -> str:
        """A request for 250 KES in a state; its id."""
        body = {"counter_id": str(self.counters[0].id), "amount": {"amount": "250", "currency": "KES"}} | more
        headers = (person or self.owner).headers | {"idempotency-key": str(uuid4())}
        made = await self.client.post("/api/v1/payment-requests", json=body, headers=headers)
        assert made.status_code == 201, made.text
        if state is not None:
            assert await builders.move_request(self.service, made.json()["id"], state)
        return str(made.json()["id"])

    async def asked(self) -> list[dict[str, object]]:
        """The requests of the shop, as the API lists them."""
        listed = await self.client.get("/api/v1/payment-requests", headers=self.owner.headers)
        found: list[dict[str, object]] = listed.json()["items"]
        return found

    async def put_into(self, state: str) -> None:
        """Bring the shop into a state."""
        async with self.service.db.system() as tx:
            await tx.execute("UPDATE merchant SET state = $2 WHERE id = $1", self.merchant.id, state)


async def open_stall(service: Service, world: World) -> None:
    """The shop and its people, in the template."""
    document = builders.company(number=1000, trading_name=NAME)
    document["locations"][0]["counters"] = [{"name": "Till 1"}, {"name": "Terrace"}]
    merchant, counters = await builders.create_merchant(service, world, document=document)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    for name, role in (
        ("owner", Role.MERCHANT_OWNER),
        ("cash", Role.MERCHANT_CASHIER),
        ("bound", Role.MERCHANT_CASHIER),
    ):
        await builders.add_person(service, f"{name}@stall.example", [role], name=f"Person {name}", **place)
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET counter_id = $1 WHERE email = 'bound@stall.example'", counters[0].id)


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("stall", open_stall)


@pytest.fixture
async def stall(client: httpx.AsyncClient, service: Service, world: World) -> AsyncIterator[Stall]:
    async with service.db.tenant(None) as tx:
        [merchant] = (await tx.session.exec(select(Merchant))).all()
        counters = list((await tx.session.exec(select(Counter).order_by(col(Counter.id)))).all())
    people = [await builders.signed_in(service, f"{one}@stall.example") for one in ("owner", "cash", "bound")]
    yield Stall(service, client, merchant, counters, *people)
