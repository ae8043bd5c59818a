"""The log of events on pages: what was announced, whether it arrived, and a time's events sent again."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from msgspec import Struct

from merchant.core import clock, ids
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.notify import events, replays
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import Person, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
URL = "https://shop.example/hooks"
LOG = "/webhooks/events"


class House(Struct):
    """A DFSP's merchant with its owner, and the DFSP's administrator, who has an address."""

    service: Service
    client: httpx.AsyncClient
    world: World
    merchant: Merchant
    owner: Person
    endpoint_id: str

    @property
    def admin(self) -> Person:
        return self.world["greenbankfsp"]["admin"]

    def browser(self, person: Person | None = None) -> Browser:
        return Browser(self.client, person or self.admin)

    async def add_address(self, person: Person, url: str = URL, **more: object) -> str:
        made = await self.client.post("/api/v1/webhook-endpoints", json={"url": url, **more}, headers=person.headers)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def announce(self, event_type: str = "merchant.suspended", count: int = 1) -> None:
        async with self.service.db.tenant(self.merchant.dfsp_id) as tx:
            for number in range(count):
                data = builders.suspended(self.merchant.id, number)
                await events.announce(tx, event_type, self.merchant.dfsp_id, self.merchant.id, data)

    async def states(self, endpoint_id: str) -> list[str]:
        async with self.service.db.system_reads() as tx:
            of = "SELECT state FROM webhook_delivery WHERE endpoint_id = $1 ORDER BY event_id"
            return [row["state"] for row in await tx.fetch(of, UUID(endpoint_id))]

    async def arrived(self, state: str = "delivered") -> None:
        """What waits has been sent, as the worker notes it."""
        async with self.service.db.system() as tx:
            await tx.execute("UPDATE webhook_delivery SET state = $1, attempts = 1, response_status = $2", state, 500)
            await tx.execute("DELETE FROM outbox")


@pytest.fixture
async def house(client: httpx.AsyncClient, service: Service, world: World) -> House:
    merchant, _counters = await builders.create_merchant(service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "owner@log.example", [Role.MERCHANT_OWNER], **place)
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM announced_event")
    owner = await builders.signed_in(service, "owner@log.example")
    made = House(service, client, world, merchant, owner, "")
    made.endpoint_id = await made.add_address(made.admin)
    return made


async def event_ids(house: House) -> list[str]:
    """The events of the log, oldest first."""
    read = await house.client.get("/api/v1/event-log", headers=house.admin.headers)
    return [one["id"] for one in read.json()["items"]]


async def test_events_are_listed_newest_first_with_what_became_of_them(house: House) -> None:
    await house.announce()
    await house.announce("merchant.reinstated")
    browser = house.browser()
    await browser.open("/webhooks")
    assert f'href="{LOG}"' in browser.page.text
    page = await browser.open(LOG)
    assert browser.status == 200
    assert page.text.index("merchant.reinstated</a>") < page.text.index("merchant.suspended</a>")
    for words in (house.merchant.trading_name, "Waiting", "These rows as a file"):
        assert words in browser.words
    await house.arrived("failed")
    await browser.open(LOG)
    assert "Failed" in browser.words


async def test_what_nobody_asked_for_is_listed_too_and_several_addresses_are_counted(house: House) -> None:
    await house.add_address(house.admin, "https://shop.example/b", event_types=["merchant.suspended"])
    await house.announce()
    await house.arrived()
    async with house.service.db.system() as tx:
        await tx.execute("UPDATE webhook_delivery SET state = 'failed' WHERE endpoint_id = $1", UUID(house.endpoint_id))
    browser = house.browser()
    await browser.open(LOG)
    assert "1 of 2" in browser.words
    async with house.service.db.system() as tx:
        await tx.execute("DELETE FROM webhook_delivery")
    await browser.open(LOG)
    assert "Nobody asked for it" in browser.words


async def test_the_log_is_narrowed_to_a_kind_and_to_days(house: House) -> None:
    await house.announce()
    await house.announce("merchant.reinstated")
    browser = house.browser()
    page = await browser.open(LOG, type="merchant.suspended")
    assert "merchant.suspended</a>" in page.text
    assert "merchant.reinstated</a>" not in page.text
    scheme = await house.service.scheme()
    today = clock.local_date(clock.now(), scheme.time_zone)
    page = await browser.open(LOG, **{"from": today.isoformat(), "to": today.isoformat()})
    assert "merchant.suspended</a>" in page.text
    await browser.open(LOG, to=(today - timedelta(days=1)).isoformat())
    assert "Nothing fits these filters" in browser.words
    for wrong in ({"from": "yesterday"}, {"type": "merchant.dissolved"}, {"cursor": "nonsense"}):
        await browser.open(LOG, **wrong)
        assert browser.status == 422


async def test_a_long_log_is_read_page_by_page_each_event_once(house: House) -> None:
    await house.announce(count=53)
    browser = house.browser()
    seen: list[str] = []
    page = await browser.open(LOG)
    while True:
        seen += [part.partition('"')[0] for part in page.text.split(f'href="{LOG}/')[1:]]
        if 'rel="next"' not in page.text:
            break
        following = page.text.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
        page = await browser.open(following.replace("&amp;", "&"))
    assert len(seen) == len(set(seen)) == 53
    assert seen == sorted(seen, reverse=True)


async def test_an_event_shows_what_is_sent_and_where_it_arrived(house: House) -> None:
    await house.announce()
    await house.arrived("failed")
    [event_id] = await event_ids(house)
    browser = house.browser()
    page = await browser.open(f"{LOG}/{event_id}")
    for words in (URL, "Failed", "Tries: 1", "Last answer: 500", '"state": "0"', event_id):
        assert words in browser.words
    assert f"/webhooks/{house.endpoint_id}" in page.text
    async with house.service.db.system_reads() as tx:
        delivery_id = await tx.fetchval("SELECT id FROM webhook_delivery")
    await browser.send(f"/webhooks/{house.endpoint_id}/deliveries/{delivery_id}/resend")
    assert await house.states(house.endpoint_id) == ["pending"]
    await browser.open(f"/webhooks/{house.endpoint_id}")
    await browser.send(f"/webhooks/{house.endpoint_id}/pause")
    page = await browser.open(f"{LOG}/{event_id}")
    assert "The address: Paused" in browser.words
    assert "/resend" not in page.text, "nothing is sent to an address that is paused"


async def test_an_owner_sees_the_events_of_the_shop_and_its_own_addresses_only(house: House) -> None:
    await house.announce()
    other, _counters = await builders.create_merchant(house.service, house.world)
    async with house.service.db.tenant(other.dfsp_id) as tx:
        data = builders.suspended(other.id)
        await events.announce(tx, "merchant.blocked", other.dfsp_id, other.id, data)
    browser = house.browser(house.owner)
    page = await browser.open(LOG)
    assert browser.status == 200
    assert "merchant.suspended</a>" in page.text
    assert "merchant.blocked</a>" not in page.text
    assert "Nobody asked for it" in browser.words, "the address is the DFSP's"
    assert "/keys" not in page.text
    ours, *_between, theirs = sorted(await event_ids(house))
    await browser.open(f"{LOG}/{ours}")
    assert (browser.status, URL in browser.words) == (200, False)
    await browser.open(f"{LOG}/{theirs}")
    assert browser.status == 404


async def test_the_log_is_no_page_for_others(house: House) -> None:
    await house.announce()
    [event_id] = await event_ids(house)
    for path in (LOG, f"{LOG}/{event_id}", f"/webhooks/{house.endpoint_id}/replay"):
        for person in (house.world["greenbankfsp"]["maker"], house.world.operator):
            browser = house.browser(person)
            await browser.open(path)
            assert browser.status == 403, path
    stranger = house.browser(house.world["lakemfi"]["admin"])
    for path in (f"{LOG}/{event_id}", f"/webhooks/{house.endpoint_id}/replay", f"{LOG}/{ids.uuid7()}", f"{LOG}/x"):
        await stranger.open(path)
        assert stranger.status == 404, path
    page = await stranger.open(LOG)
    assert "merchant.suspended</a>" not in page.text


# --- sending a time's events again -----------------------------------------------------------------------------------


async def test_events_of_some_days_are_sent_again_after_a_second_look(house: House) -> None:
    await house.announce(count=2)
    await house.arrived()
    younger = await house.add_address(house.admin, "https://shop.example/younger")
    path = f"/webhooks/{younger}/replay"
    browser = house.browser()
    await browser.open(f"/webhooks/{younger}")
    assert path in browser.page.text
    await browser.open(path)
    assert "before anything is" in browser.words
    today = clock.local_date(clock.now(), (await house.service.scheme()).time_zone).isoformat()
    await browser.open(path, **{"from": today, "to": ""})
    for words in (
        "oldest first, 500 at once, also those that arrived",
        "Send them again",
        "https://shop.example/younger",
    ):
        assert words in browser.words
    assert await house.states(younger) == [], "looking sends nothing"
    fields = browser.fields(path)
    await browser.send(path)
    assert "Events sent once more: 2." in browser.words
    assert browser.page.url.path == f"/webhooks/{younger}"
    assert await house.states(younger) == ["pending", "pending"]
    await house.arrived()
    await browser.send_as_it_was(path, fields)
    assert await house.states(younger) == ["delivered", "delivered"], "a form sent twice does its work once"
    assert await house.states(house.endpoint_id) == ["delivered", "delivered"]


async def test_more_events_than_fit_are_sent_by_pressing_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "REPLAYED_AT_ONCE", 2)
    await house.announce(count=3)
    await house.arrived()
    path = f"/webhooks/{house.endpoint_id}/replay"
    today = clock.local_date(clock.now(), (await house.service.scheme()).time_zone).isoformat()
    browser = house.browser()
    await browser.open(path, **{"from": today, "to": today})
    await browser.send(path)
    assert "Events sent once more: 2. There are others; press again for them." in browser.words
    assert "It goes on after the last one that was sent." in browser.words
    assert await house.states(house.endpoint_id) == ["pending", "pending", "delivered"]
    await browser.send(path)
    assert "Events sent once more: 1." in browser.words
    assert await house.states(house.endpoint_id) == ["pending"] * 3


async def test_days_without_events_and_days_that_are_none_are_told(house: House) -> None:
    await house.announce()
    path = f"/webhooks/{house.endpoint_id}/replay"
    browser = house.browser()
    for wrong in ("yesterday", "2026-13-01", "9999-12-31"):
        await browser.open(path, **{"from": wrong})
        assert browser.status == 422
        assert "This is no day; write it like 2026-11-29." in browser.words
        assert f'value="{wrong}"' in browser.page.text, "what was typed is kept"
    await browser.open(path, **{"from": "2020-01-01", "to": "2020-01-31"})
    fields = browser.fields(path)
    await browser.send(path)
    assert "There is nothing to send from those days." in browser.words
    for changed in ({"from": ""}, {"to": "soon"}, {"after": "nonsense"}):
        await browser.send_as_it_was(path, fields | {"once": "other"} | changed)
        assert browser.status in (400, 422), changed
    assert (await browser.send_as_it_was(path, fields | {"csrf": ""})).status_code == 403


async def test_nothing_is_sent_again_to_an_address_that_is_paused_or_removed(house: House) -> None:
    await house.announce()
    here = f"/webhooks/{house.endpoint_id}"
    browser = house.browser()
    await browser.open(f"{here}/replay", **{"from": "2026-01-01"})
    fields = browser.fields(f"{here}/replay")
    await browser.open(here)
    await browser.send(f"{here}/pause")
    assert f"{here}/replay" not in browser.page.text
    await browser.open(f"{here}/replay")
    assert "This address is paused. Resume it first" in browser.words
    await browser.send_as_it_was(f"{here}/replay", fields)
    assert browser.status == 409
    assert "This endpoint is paused; resume it first" in browser.words
    await house.client.delete(f"/api/v1/webhook-endpoints/{house.endpoint_id}", headers=house.admin.headers)
    await browser.open(f"{here}/replay")
    assert "This address was removed." in browser.words


async def test_a_new_secret_says_until_when_the_old_one_signs(house: House) -> None:
    here = f"/webhooks/{house.endpoint_id}"
    browser = house.browser()
    await browser.open(here)
    assert "the old one signs too" not in browser.words
    await browser.open(f"{here}/rotate")
    await browser.send(f"{here}/rotate")
    assert "whsec_" in browser.page.text
    await browser.open(here)
    assert "It has a new secret. Until" in browser.words
    assert "the old one signs too." in browser.words
