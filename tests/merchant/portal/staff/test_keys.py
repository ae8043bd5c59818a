"""Keys and webhooks on pages: a secret is shown once, what is revoked or removed works no more, others see nothing."""

import re

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
HOOKS = "/api/v1/webhook-endpoints"


@pytest.fixture
def browser(client: httpx.AsyncClient, world: World) -> Browser:
    """The administrator's browser."""
    return Browser(client, world["greenbankfsp"]["admin"])


def revealed(browser: Browser) -> str:
    """What the page shows once."""
    [shown] = re.findall(r'id="s-1"[^>]*value="([^"]+)"', browser.page.text)
    return str(shown)


async def works(client: httpx.AsyncClient, key: str) -> bool:
    answer = await client.get("/api/v1/merchants", headers={"x-api-key": key})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


class TestKeys:
    async def test_a_key_is_shown_once_replaced_and_revoked(self, client: httpx.AsyncClient, browser: Browser) -> None:
        await browser.open("/keys/issue")
        await browser.send("/keys/issue", name="Core banking", **{"scopes.merchants:read": "yes"})
        key = revealed(browser)
        assert await works(client, key)
        await browser.open("/keys")
        assert "Core banking" in browser.words and key not in browser.page.text
        [key_id] = re.findall(r"/keys/([^/]+)/rotate", browser.page.text)
        await browser.open(f"/keys/{key_id}/rotate")
        await browser.send(f"/keys/{key_id}/rotate")
        newer = revealed(browser)
        assert newer != key and await works(client, key) and await works(client, newer), "the old one for a day more"
        await browser.open(f"/keys/{key_id}/revoke")
        await browser.send(f"/keys/{key_id}/revoke")
        assert "The key is revoked." in browser.words
        assert not await works(client, key)

    async def test_a_refused_form_keeps_what_was_typed(self, browser: Browser) -> None:
        await browser.open("/keys/issue")
        typed = {"name": "Core banking", "expires_in_days": "abc"}
        await browser.send("/keys/issue", **typed, **{"scopes.merchants:read": "yes"})
        assert (browser.status, 'id="problem"' in browser.page.text) == (422, True)
        kept = browser.fields("/keys/issue")
        assert {name: kept[name] for name in typed} == typed
        assert kept["scopes.merchants:read"] == "yes"
        await browser.open("/keys")
        assert "Core banking" not in browser.words

    async def test_a_key_can_do_no_more_than_its_form_offers(self, browser: Browser) -> None:
        await browser.open("/keys/issue")
        assert "scopes.merchants:read" in browser.page.text
        for never in ("applications:decide", "users:write", "personal-data:read"):
            assert never not in browser.page.text

    @pytest.mark.parametrize("who", ["maker", "checker", "auditor"])
    async def test_only_administrators_have_the_page(self, client: httpx.AsyncClient, world: World, who: str) -> None:
        other = Browser(client, world["greenbankfsp"][who])
        for path in ("/keys", "/keys/issue", "/webhooks", "/webhooks/add"):
            await other.open(path)
            assert other.status == 403

    async def test_another_dfsps_key_is_neither_listed_nor_revoked(
        self, client: httpx.AsyncClient, service: Service, world: World, browser: Browser
    ) -> None:
        made = await builders.issue_key(service, world["lakemfi"]["admin"], ["merchants:read"])
        listed = await client.get("/api/v1/api-keys", headers=world["lakemfi"]["admin"].headers)
        [theirs] = [one["id"] for one in listed.json()["items"]]
        await browser.open("/keys")
        assert theirs not in browser.page.text
        await browser.open(f"/keys/{theirs}/revoke")
        await browser.send(f"/keys/{theirs}/revoke")
        assert browser.status == 404
        assert await works(client, made["x-api-key"])


class TestWebhooks:
    async def add(self, browser: Browser, url: str = "https://shop.example/hooks") -> str:
        """Add an address; its id."""
        await browser.open("/webhooks/add")
        await browser.send("/webhooks/add", url=url)
        assert revealed(browser).startswith("whsec_")
        await browser.open("/webhooks")
        [endpoint_id] = set(re.findall(r"/webhooks/([0-9a-f-]{36})", browser.page.text))
        return str(endpoint_id)

    async def test_an_address_is_added_paused_resumed_tried_and_removed(
        self, client: httpx.AsyncClient, world: World, browser: Browser
    ) -> None:
        here = f"/webhooks/{await self.add(browser)}"
        headers = world["greenbankfsp"]["admin"].headers

        async def paused() -> bool:
            [found] = (await client.get(HOOKS, headers=headers)).json()["items"]
            return bool(found["paused"])

        for act, after in (("pause", True), ("resume", False)):
            await browser.open(here)
            assert "https://shop.example/hooks" in browser.words
            await browser.send(f"{here}/{act}")
            assert (browser.status, await paused()) == (200, after)
        await browser.send(f"{here}/test")
        assert "A test event is on its way" in browser.words and "test.ping" in browser.words
        [again] = re.findall(rf'action="({here}/deliveries/[^"]+/resend)"', browser.page.text)
        await browser.send(again)
        assert "It is sent once more." in browser.words
        await browser.open(f"{here}/rotate")
        await browser.send(f"{here}/rotate")
        assert revealed(browser).startswith("whsec_")
        await browser.open(f"{here}/remove")
        await browser.send(f"{here}/remove")
        assert "The address is removed." in browser.words
        [found] = (await client.get(HOOKS, headers=headers)).json()["items"]
        assert (found["enabled"], "Removed" in browser.words) == (False, True)
        await browser.open(here)
        assert "Removed" in browser.words and 'method="post" action="/webhooks/' not in browser.page.text

    @pytest.mark.parametrize("url", ["http://shop.example/", "shop", "https://user:secret@shop.example/"])
    async def test_an_address_that_is_refused_stays_in_its_field(self, browser: Browser, url: str) -> None:
        await browser.open("/webhooks/add")
        await browser.send("/webhooks/add", url=url)
        assert (browser.status, 'id="w-url"' in browser.page.text) == (422, True)
        assert browser.fields("/webhooks/add")["url"] == url

    async def test_another_dfsps_address_is_not_found(
        self, client: httpx.AsyncClient, world: World, browser: Browser
    ) -> None:
        endpoint_id = await self.add(browser)
        other = Browser(client, world["lakemfi"]["admin"])
        await other.open("/webhooks")
        assert endpoint_id not in other.page.text
        await other.open(f"/webhooks/{endpoint_id}")
        assert (other.status, "shop.example" in other.page.text) == (404, False)
