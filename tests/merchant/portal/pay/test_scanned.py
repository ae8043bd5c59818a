"""A code that somebody scanned: whose it is, and whether that sticker still holds."""

import httpx
import pytest

import qr
from merchant.portal.ui.assets import read_static
from merchant.registry.codes.stickers import Standing, replace_sticker
from tests.builders import World
from tests.merchant.portal.shops import Shop, assert_safe, read_code, words_of

pytestmark = pytest.mark.anyio
DOMAIN = "pay.test.example"


def sticker_of(shop: Shop, version: int | None = None, domain: str = DOMAIN, sub_id: str | None = None) -> str:
    """The payload of one of the shop's stickers."""
    return qr.encode(
        qr.mojaloop_code(
            domain=domain,
            identifier=shop.counter.alias,
            name="Mama Njeri",
            city="Nairobi",
            country="KE",
            currency="USD",
            mcc="5411",
            sticker_version=version,
            sub_id=sub_id,
        )
    )


async def scan(client: httpx.AsyncClient, text: str) -> httpx.Response:
    """Scan a text and be led to its page."""
    return await client.get("/q", params={"payload": text}, follow_redirects=True)


async def replace(shop: Shop, world: World, ended_as: Standing) -> None:
    """Give the shop another sticker."""
    maker = world.maker.actor
    async with shop.service.db.tenant(maker.dfsp_id) as tx:
        await replace_sticker(tx, maker, shop.counter.id, "The glass broke.", ended_as)


async def test_the_present_sticker_leads_to_the_shop_and_says_nothing_of_stickers(
    client: httpx.AsyncClient, shop: Shop, world: World
) -> None:
    for version in (None, 2):
        page = await scan(client, sticker_of(shop, version))
        assert page.status_code == 200
        assert "Mama Njeri" in page.text
        assert "ways to pay" in page.text
        assert "sticker" not in words_of(page)
        assert_safe(page)
        await replace(shop, world, Standing.REPLACED)


async def test_a_replaced_sticker_is_told_and_still_pays_the_shop(
    client: httpx.AsyncClient, shop: Shop, world: World
) -> None:
    await replace(shop, world, Standing.REPLACED)
    page = await scan(client, sticker_of(shop))
    assert "Old sticker" in words_of(page)
    assert "ways to pay" in page.text


@pytest.mark.parametrize(("version", "word"), [(None, "Withdrawn sticker"), (9, "False sticker")])
async def test_a_revoked_or_invented_sticker_warns_and_shows_no_way_to_pay(
    client: httpx.AsyncClient, shop: Shop, world: World, version: int | None, word: str
) -> None:
    await replace(shop, world, Standing.REVOKED)
    page = await scan(client, sticker_of(shop, version))
    assert word in words_of(page)
    assert "ways to pay" not in page.text
    assert 'class="code"' not in page.text
    assert "tel:" not in page.text
    assert words_of(page).split("Skip to the content")[1].strip().startswith("Stop. Do not pay here.")
    assert f"/q/{shop.counter.alias}/report?sticker=" in page.text
    assert "The glass broke" not in page.text, "the reason is for staff"
    assert_safe(page)


async def test_the_page_itself_always_shows_the_present_sticker(
    client: httpx.AsyncClient, shop: Shop, world: World
) -> None:
    await replace(shop, world, Standing.REVOKED)
    page = await client.get(f"/q/{shop.counter.alias}")
    assert "sticker" not in words_of(page)
    assert "ways to pay" in page.text
    assert qr.sticker_version(qr.decode(read_code(page), profile="mojaloop"), DOMAIN) == 2


async def test_a_requests_code_leads_to_the_request(client: httpx.AsyncClient, shop: Shop) -> None:
    code = await shop.ask()
    page = await client.get(f"/q/{code}")
    again = await scan(client, read_code(page))
    assert again.status_code == 200
    assert str(again.url).endswith(f"/q/{code}")


async def test_a_number_leads_to_the_shop_however_it_is_grouped(client: httpx.AsyncClient, shop: Shop) -> None:
    alias = shop.counter.alias
    for text in (alias, f" {alias[:4]} {alias[4:]} "):
        assert "Mama Njeri" in (await scan(client, text)).text


@pytest.mark.parametrize(
    "text", ["hello", "00020101", "https://example.org/", "x" * 5000, "%00", "40000002", "<b>", "9" * 300]
)
async def test_what_is_no_code_of_ours_is_not_in_use(client: httpx.AsyncClient, shop: Shop, text: str) -> None:
    page = await scan(client, text)
    assert page.status_code == 404
    assert "not in use" in page.text
    assert_safe(page)


async def test_another_schemes_code_is_not_ours(client: httpx.AsyncClient, shop: Shop) -> None:
    for payload in (sticker_of(shop, domain="other.example"), qr.find_profile("vietqr").golden[0].payload):
        assert (await scan(client, payload)).status_code == 404


@pytest.mark.parametrize("sub_id", ["漢字", "a b/../x", "../../docs", "a?b=c", "a#b", "café"])
async def test_a_code_with_a_reference_that_is_no_address_is_not_in_use(
    client: httpx.AsyncClient, shop: Shop, sub_id: str
) -> None:
    page = await scan(client, sticker_of(shop, sub_id=sub_id))
    assert page.status_code == 404
    assert "not in use" in page.text


async def test_without_a_code_the_page_asks_for_one(client: httpx.AsyncClient, shop: Shop) -> None:
    for address in ("/q", "/q?payload=", "/q?payload=%20"):
        page = await client.get(address)
        assert page.status_code == 200
        assert '<form action="/q" method="get">' in page.text
        assert page.headers["permissions-policy"].startswith("camera=(self),")
        assert '<div id="scan" hidden' in page.text, "nothing of the camera without its script"
        assert_safe(page, scripts=True)


async def test_the_link_of_a_page_leads_to_it(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await scan(client, f"{shop.service.settings.base_url}/q/{shop.counter.alias}")
    assert "Mama Njeri" in page.text
    assert (await scan(client, f"https://other.example/q/{shop.counter.alias}")).status_code == 404


def test_the_script_of_the_camera_is_small() -> None:
    assert len(read_static("scan.js").encode()) <= 3_000


@pytest.mark.parametrize("version", ["0", "-1", "99999", "x", "1 ", "1&sticker=2"])
async def test_a_version_that_cannot_be_is_overlooked(client: httpx.AsyncClient, shop: Shop, version: str) -> None:
    page = await client.get(f"/q/{shop.counter.alias}?sticker={version}")
    assert page.status_code == 200
    assert "sticker" not in words_of(page).lower() or version.startswith("1&")
