"""Webhooks on pages: what pausing does, and how what was missed is sent again."""

import httpx
import pytest

from merchant.core.service import Service
from merchant.notify import events
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
URL = "https://shop.example/hooks"


@pytest.fixture
async def merchant(service: Service, world: World) -> Merchant:
    return (await builders.create_merchant(service, world))[0]


@pytest.fixture
async def browser(client: httpx.AsyncClient, world: World, merchant: Merchant) -> Browser:
    """The administrator of a DFSP, on the page of an address."""
    admin = world["greenbankfsp"]["admin"]
    made = await client.post("/api/v1/webhook-endpoints", json={"url": URL}, headers=admin.headers)
    assert made.status_code == 201, made.text
    browser = Browser(client, admin)
    await browser.open(f"/webhooks/{made.json()['id']}")
    assert browser.status == 200
    return browser


async def missed(service: Service, merchant: Merchant, count: int = 2) -> None:
    """Some events that did not arrive, as the worker notes it."""
    async with service.db.tenant(merchant.dfsp_id) as tx:
        for number in range(count):
            data = builders.suspended(merchant.id, number)
            await events.announce(tx, "merchant.suspended", merchant.dfsp_id, merchant.id, data)
    async with service.db.system() as tx:
        await tx.execute("UPDATE webhook_delivery SET state = 'failed'")
        await tx.execute("DELETE FROM outbox")


async def states(service: Service) -> list[str]:
    async with service.db.system_reads() as tx:
        return [row["state"] for row in await tx.fetch("SELECT state FROM webhook_delivery ORDER BY created_at, id")]


async def test_pausing_promises_what_happens(browser: Browser, service: Service, merchant: Merchant) -> None:
    path = browser.page.url.path
    await browser.send(f"{path}/pause")
    assert "What happens meanwhile is listed as failed; once you resume, you can send it again." in browser.words
    assert "kept" not in browser.words
    await missed(service, merchant)
    page = await browser.open(path)
    assert "/resend" not in page.text, "nothing is sent to an address that is paused"
    await browser.send(f"{path}/resume")
    assert "from the next event on. What it missed is below" in browser.words
    assert "Not delivered in the last thirty days: 2." in browser.words
    assert await states(service) == ["failed", "failed"], "resuming sends nothing by itself"


async def test_everything_that_failed_is_sent_again_by_one_press(
    browser: Browser, service: Service, merchant: Merchant
) -> None:
    path = browser.page.url.path
    await missed(service, merchant)
    await browser.open(path)
    await browser.send(f"{path}/resend-failed")
    assert "Events sent once more: 2." in browser.words
    assert set(await states(service)) <= {"pending"}
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", events.WEBHOOK_TOPIC) == 2
    assert "Send again everything that failed" not in browser.words


async def test_one_that_failed_is_sent_again_beside_it(browser: Browser, service: Service, merchant: Merchant) -> None:
    path = browser.page.url.path
    await missed(service, merchant, 1)
    await browser.open(path)
    async with service.db.system_reads() as tx:
        delivery_id = await tx.fetchval("SELECT id FROM webhook_delivery")
    await browser.send(f"{path}/deliveries/{delivery_id}/resend")
    assert "It is sent once more." in browser.words
    assert await states(service) == ["pending"]
    assert "everything that failed" not in browser.words


async def test_a_press_that_comes_late_is_refused_in_words(
    client: httpx.AsyncClient, browser: Browser, service: Service, world: World, merchant: Merchant
) -> None:
    path = browser.page.url.path
    await missed(service, merchant)
    await browser.open(path)
    form = browser.fields(f"{path}/resend-failed")
    await browser.send(f"{path}/pause")
    cookie = {"cookie": f"session={world['greenbankfsp']['admin'].token}"}
    late = await client.post(f"{path}/resend-failed", data=form, headers=cookie)
    assert late.status_code == 409
    assert "This endpoint is paused" in late.text
    assert (await client.post(f"{path}/resend-failed", data={"x": "1"}, headers=cookie)).status_code == 403
    theirs = {"cookie": f"session={world['lakemfi']['admin'].token}"}
    assert (await client.post(f"{path}/resend-failed", data=form, headers=theirs)).status_code in (403, 404)
    assert await states(service) == ["failed", "failed"]


@pytest.mark.parametrize(
    ("paused", "reason", "failing", "told"),
    [
        ("now()", "'answered_410'", "NULL", "It answered that it wants no more (410 Gone), so we paused it."),
        ("now()", "'failing'", "now()", "so we paused it."),
        ("NULL", "NULL", "now()", "After three days we pause it."),
        ("now()", "'asked'", "now()", None),
        ("NULL", "NULL", "NULL", None),
    ],
)
async def test_why_nothing_arrives_is_said(
    browser: Browser, service: Service, paused: str, reason: str, failing: str, told: str | None
) -> None:
    async with service.db.system() as tx:
        change = f"paused_at = {paused}, pause_reason = {reason}, failing_since = {failing}"
        await tx.execute(f"UPDATE webhook_endpoint SET {change}")
    await browser.open(browser.page.url.path)
    said = [text for text in ("so we paused it.", "After three days we pause it.") if text in browser.words]
    assert bool(said) == (told is not None)
    assert told is None or told in browser.words
