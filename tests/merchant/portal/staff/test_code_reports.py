"""Reports of codes on a page: staff of the shop's DFSP read them and say that they looked."""

from typing import Any

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.shops import Shop

pytestmark = pytest.mark.anyio
HERE = "/merchants/reports-of-codes"


@pytest.fixture
async def report_id(client: httpx.AsyncClient, shop: Shop) -> str:
    """A shopper's report of the shop's code."""
    form = {"reason": "pasted_over", "text": "Under it is another of a bakery"}
    assert (await client.post(f"/q/{shop.counter.alias}/report", data=form)).status_code == 200
    async with shop.service.db.system() as tx:
        return str(await tx.fetchval("SELECT id FROM code_report"))


async def browser_of(client: httpx.AsyncClient, service: Service, role: Role, **place: Any) -> Browser:
    """The browser of someone with a role."""
    email = f"{role}@people.example"
    await builders.add_person(service, email, [role], **place)
    return Browser(client, await builders.signed_in(service, email))


async def test_staff_read_reports_and_say_that_they_looked(
    client: httpx.AsyncClient, world: World, report_id: str
) -> None:
    browser = Browser(client, world.checker)
    await browser.open("/merchants")
    assert f'href="{HERE}"' in browser.page.text
    await browser.open(HERE)
    assert "Mama Njeri & Sons" in browser.words
    assert "Pasted over or changed" in browser.words
    assert "Under it is another of a bakery" in browser.words
    await browser.send(f"{HERE}/{report_id}/seen")
    assert browser.status == 200
    await browser.open(HERE, state="open")
    assert "Nothing fits these filters" in browser.words
    await browser.open(HERE, state="seen")
    assert "Pasted over or changed" in browser.words
    assert f"{HERE}/{report_id}/seen" not in browser.page.text


async def test_another_dfsps_staff_see_none(client: httpx.AsyncClient, world: World, report_id: str) -> None:
    browser = Browser(client, world["lakemfi"]["maker"])
    await browser.open(HERE)
    assert "No reports" in browser.words


async def test_a_press_without_the_sessions_secret_is_refused(
    client: httpx.AsyncClient, world: World, report_id: str
) -> None:
    cookie = {"cookie": f"session={world.checker.token}"}
    answer = await client.post(f"{HERE}/{report_id}/seen", data={"x": "y"}, headers=cookie)
    assert answer.status_code >= 400
    browser = Browser(client, world.maker)
    await browser.open(HERE, state="open")
    assert "Pasted over or changed" in browser.words


async def test_an_auditor_reads_without_a_press(
    client: httpx.AsyncClient, service: Service, shop: Shop, report_id: str
) -> None:
    browser = await browser_of(client, service, Role.DFSP_AUDITOR, dfsp_id=shop.merchant.dfsp_id)
    await browser.open(HERE)
    assert "Pasted over or changed" in browser.words
    assert f"{HERE}/{report_id}/seen" not in browser.page.text


async def test_a_shops_owner_has_no_such_page(
    client: httpx.AsyncClient, service: Service, shop: Shop, report_id: str
) -> None:
    place = {"dfsp_id": shop.merchant.dfsp_id, "merchant_id": shop.merchant.id}
    browser = await browser_of(client, service, Role.MERCHANT_OWNER, **place)
    await browser.open(HERE)
    assert browser.status == 404
