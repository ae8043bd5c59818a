"""Messages on the staff's pages, and what staff choose to be mailed."""

import httpx
import pytest

from merchant.core.money import Money
from merchant.core.service import Service
from merchant.notify import sms
from tests import builders
from tests.builders import World
from tests.merchant.notify.stalls import open_stall
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
MINE = "/account/notifications"


async def test_staff_read_the_messages_of_their_merchants(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    stall = await open_stall(client, service, world)
    async with service.db.system() as tx:
        await sms.notify_paid(tx, service, stall.merchant_id, Money(1000, "KES"), None, "7Z3K-90QW-5D2XH")
    await builders.work(service)
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open("/messages", kind="paid")
    assert "10.00 KES received at" in browser.words
    assert "+2547" in browser.words
    assert "711555001" not in browser.page.text
    await browser.open("/messages", state="lost")
    assert browser.status == 422
    other = Browser(client, world["lakemfi"]["maker"])
    await other.open("/messages", kind="paid")
    assert "Paid:" not in other.words
    assert "Nothing fits these filters" in other.words


async def test_one_of_the_staff_chooses_mails_about_the_work(client: httpx.AsyncClient, world: World) -> None:
    maker = world["greenbankfsp"]["maker"]
    browser = Browser(client, maker)
    await browser.open("/account")
    assert MINE in browser.page.text
    await browser.open(MINE)
    await browser.send(MINE, email__application_returned="yes")
    assert "Kept." in browser.words
    kept = await client.get("/api/v1/users/me/notification-choices", headers=maker.headers)
    assert kept.json() == {"email": ["application_returned"]}
    assert browser.fields(MINE)["email.application_returned"] == "yes"


async def test_hub_staff_have_no_such_page(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.operator)
    await browser.open(MINE)
    assert browser.status == 404
    await browser.open("/account")
    assert MINE not in browser.page.text
    await browser.open("/messages")
    assert browser.status == 200
