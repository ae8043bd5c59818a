"""The merchant is told: by webhook, by text message and on an open screen, each thing once and in order."""

import asyncio
import base64
import hashlib
import hmac
from typing import Any

import aiohttp
import msgspec
import pytest

from merchant.notify.live import ROUTES as LIVE_ROUTES
from merchant.notify.routes import ROUTES as WEBHOOK_ROUTES
from tests import builders
from tests.merchant.notify.conftest import Ear, Heard, listening
from tests.stories.town import PATIENCE_S, Town, until

pytestmark = pytest.mark.anyio
AGREES, LATE, TWICE = "254711000001", "254711000004", "254711000005"


@pytest.fixture
def more_routes() -> list[Any]:
    return [*WEBHOOK_ROUTES, *LIVE_ROUTES]


async def listeners_key(town: Town) -> dict[str, str]:
    """A key of the DFSP that may listen."""
    admin = (await builders.load_world(town.service))["greenbankfsp"]["admin"]
    return await builders.issue_key(town.service, admin, ["webhooks:write", "events:read"])


async def listen(town: Town, ear: Ear, key: dict[str, str]) -> str:
    """The shop's server asks to be told; the secret that events are signed with."""
    url = f"{town.service.settings.base_url}/api/v1/webhook-endpoints"
    async with town.http.post(url, json={"url": ear.url}, headers=key) as response:
        assert response.status == 201, await response.text()
        return str((await response.json())["secret"])


def opened(heard: Heard, secret: str) -> dict[str, Any]:
    """A webhook's event, after the check that the Standard Webhooks specification asks of a receiver."""
    signed = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    mac = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    assert heard.headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    event = dict(msgspec.json.decode(heard.body))
    assert event["id"] == heard.headers["webhook-id"]
    return event


async def all_told(town: Town) -> None:
    """Wait until nothing is left to be told."""

    async def empty() -> bool | None:
        async with town.service.db.system_reads() as tx:
            return await tx.fetchval("SELECT count(*) = 0 FROM outbox") or None

    await until(empty, "the outbox is empty")


async def messages(town: Town) -> list[tuple[str, str]]:
    """The text messages to the merchant: state and words."""
    async with town.service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT state, text FROM sms_message ORDER BY id")
    return [(row["state"], row["text"]) for row in rows]


async def next_event(screen: aiohttp.ClientResponse) -> str:
    """The type of the next event on a screen."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for line in (await screen.content.readuntil(b"\n\n")).decode().splitlines():
                if line.startswith("event: "):
                    return line.removeprefix("event: ")


@pytest.mark.parametrize("payer", [AGREES, TWICE])
async def test_a_paid_request_is_told_once_everywhere(town: Town, payer: str) -> None:
    key = await listeners_key(town)
    async with (
        listening() as ear,
        town.http.get(f"{town.service.settings.base_url}/api/v1/events", headers=key) as screen,
    ):
        secret = await listen(town, ear, key)
        asked = await town.ask(payer, "7.50")
        assert await next_event(screen) == "payment_request.paid"
        await town.ends(asked, "paid")
        await all_told(town)
        [heard] = ear.heard
    event = opened(heard, secret)
    assert event["type"] == "payment_request.paid"
    assert event["data"]["payment_request_id"] == asked["id"]
    assert event["data"]["amount"] == {"amount": "7.5", "currency": "USD"}
    assert payer not in heard.body.decode()
    [(state, text)] = await messages(town)
    assert state == "sent"
    assert f": 7.50 USD received from 2547*****{payer[-3:]} at " in text
    await town.books_agree()


async def test_an_end_and_the_money_that_came_after_it_are_told_in_that_order(town: Town) -> None:
    async with listening() as ear:
        secret = await listen(town, ear, await listeners_key(town))
        await town.ends(await town.ask(LATE, expires_in_s=1), "paid")
        await all_told(town)
        events = [opened(heard, secret) for heard in ear.heard]
    assert [(one["type"], one["data"]["late"]) for one in events] == [
        ("payment_request.expired", False),
        ("payment_request.paid", True),
    ]
    assert len(await messages(town)) == 1


async def test_money_that_nobody_asked_for_is_told_too(town: Town) -> None:
    async with listening() as ear:
        secret = await listen(town, ear, await listeners_key(town))
        await town.payment_of(await town.scan(AGREES, alias=town.counter.alias, amount="3", currency="USD"))
        await all_told(town)
        [event] = [opened(heard, secret) for heard in ear.heard]
    assert (event["type"], event["data"]["payer"]) == ("payment.received", "2547*****001")
    assert len(await messages(town)) == 1


async def test_a_server_that_was_away_hears_it_later_and_the_shop_is_paid_all_the_same(town: Town) -> None:
    async with listening() as ear:
        secret = await listen(town, ear, await listeners_key(town))
        ear.answers["/"] = [503]
        asked = await town.ask(AGREES)
        await town.ends(asked, "paid")
        await all_told(town)
        first, second = (opened(heard, secret) for heard in ear.heard)
    assert first == second
    assert first["data"]["payment_request_id"] == asked["id"]
