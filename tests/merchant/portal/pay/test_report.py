"""Reports of shoppers about a code: kept for its DFSP, without asking who they are."""

import httpx
import pytest

from merchant.portal.pay import report
from merchant.registry.codes.reports import TEXT_CHARS_MAX
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.shops import Shop, assert_safe, words_of

pytestmark = pytest.mark.anyio


async def kept(shop: Shop) -> list[tuple[str, int | None]]:
    """Reasons and sticker versions of the reports."""
    async with shop.service.db.system() as tx:
        return [tuple(row) for row in await tx.fetch("SELECT reason, sticker FROM code_report ORDER BY id")]


async def send(client: httpx.AsyncClient, shop: Shop, **form: str) -> httpx.Response:
    """Send the form."""
    return await client.post(f"/q/{shop.counter.alias}/report", data={"reason": "pasted_over"} | form)


async def test_a_shopper_finds_the_form_and_sends_it(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.get(f"/q/{shop.counter.alias}")
    assert f'href="/q/{shop.counter.alias}/report"' in page.text
    browser = Browser(client)
    await browser.open(f"/q/{shop.counter.alias}/report", sticker="9")
    assert_safe(browser.page)
    await browser.send(f"/q/{shop.counter.alias}/report", reason="other_name", text="It says a bakery")
    assert (browser.status, "Thank you" in browser.words) == (200, True)
    assert await kept(shop) == [("other_name", 9)]


async def test_what_is_wrong_is_told_and_nothing_is_kept(client: httpx.AsyncClient, shop: Shop) -> None:
    for form, told in (
        ({"reason": ""}, "Choose what is wrong."),
        ({"reason": "nonsense"}, "Choose what is wrong."),
        ({"text": "x" * (TEXT_CHARS_MAX + 1)}, "At most 300 characters."),
    ):
        page = await send(client, shop, **form)
        assert (page.status_code, told in words_of(page)) == (422, True)
    assert await kept(shop) == []


@pytest.mark.parametrize("version", ["x", "0", "-1", "99999", "'"])
async def test_a_version_that_cannot_be_is_left_out(client: httpx.AsyncClient, shop: Shop, version: str) -> None:
    assert (await send(client, shop, sticker=version)).status_code == 200
    assert await kept(shop) == [("pasted_over", None)]


async def test_one_source_sends_few(client: httpx.AsyncClient, shop: Shop) -> None:
    answers = [(await send(client, shop)).status_code for _ in range(report.PER_SOURCE + 1)]
    assert answers == [200] * report.PER_SOURCE + [429]
    assert len(await kept(shop)) == report.PER_SOURCE


async def test_another_sites_page_sends_none(client: httpx.AsyncClient, shop: Shop) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    path = f"/q/{shop.counter.alias}/report"
    assert (await client.post(path, data={"reason": "other"}, headers=headers)).status_code == 403
    assert await kept(shop) == []


async def test_a_stopped_shop_can_be_reported_and_an_unknown_code_cannot(client: httpx.AsyncClient, shop: Shop) -> None:
    assert (await client.get("/q/40000002/report")).status_code == 404
    assert (await client.post("/q/40000002/report", data={"reason": "other"})).status_code == 404
    await shop.put_into("suspended")
    assert (await send(client, shop)).status_code == 200
