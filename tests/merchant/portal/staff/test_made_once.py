"""Keys and webhooks on pages: a form sent twice makes one, and shows that one again."""

import re
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
KEYS, HOOKS = "/api/v1/api-keys", "/api/v1/webhook-endpoints"


def secret_of(browser: Browser) -> str:
    """What the page that is open shows this once."""
    assert browser.status == 200, browser.words
    [shown] = re.findall(r'class="mono" value="([^"]+)" readonly', browser.page.text)
    return str(shown)


async def send_twice(browser: Browser, path: str, **typed: Any) -> tuple[str, str]:
    """Fill a form in and send it, then once more as a reload does: what each showed."""
    await browser.open(path)
    form = browser.fields(path) | typed
    shown = []
    for _time in range(2):
        await browser.send_as_it_was(path, form)
        shown.append(secret_of(browser))
    return shown[0], shown[1]


@pytest.fixture
def admin(client: httpx.AsyncClient, world: World) -> Browser:
    return Browser(client, world["greenbankfsp"]["admin"])


async def listed(client: httpx.AsyncClient, world: World, path: str) -> list[dict[str, Any]]:
    told = await client.get(path, headers=world["greenbankfsp"]["admin"].headers)
    return list(told.json()["items"])


async def test_a_reload_of_the_page_with_a_new_key_makes_no_second_one(
    client: httpx.AsyncClient, service: Service, world: World, admin: Browser
) -> None:
    first, again = await send_twice(admin, "/keys/issue", name="core banking", **{"scopes.merchants:read": "yes"})
    assert first == again
    [key] = await listed(client, world, KEYS)
    assert (await client.get("/api/v1/merchants", headers={"x-api-key": first})).status_code == 200
    first, again = await send_twice(admin, f"/keys/{key['id']}/rotate")
    assert first == again
    assert len(await listed(client, world, KEYS)) == 2
    async with service.db.system_reads() as tx:
        kept = await tx.fetch("SELECT body_sealed FROM idempotency_key")
    assert len(kept) == 2
    assert not any(first.encode() in row["body_sealed"] for row in kept)


async def test_a_form_changed_and_sent_again_is_refused_and_makes_no_second_key(
    client: httpx.AsyncClient, world: World, admin: Browser
) -> None:
    await admin.open("/keys/issue")
    form = admin.fields("/keys/issue") | {"name": "till", "scopes.merchants:read": "yes"}
    await admin.send_as_it_was("/keys/issue", form)
    await admin.send_as_it_was("/keys/issue", form | {"scopes.payments:read": "yes"})
    assert admin.status == 409
    assert "mono" not in admin.page.text
    assert len(await listed(client, world, KEYS)) == 1


async def test_a_reload_adds_no_second_address_and_keeps_the_old_secrets_day(
    client: httpx.AsyncClient, service: Service, world: World, admin: Browser
) -> None:
    first, again = await send_twice(admin, "/webhooks/add", url="https://example.com/hook")
    assert first == again
    [hook] = await listed(client, world, HOOKS)
    new, again = await send_twice(admin, f"/webhooks/{hook['id']}/rotate")
    assert new == again != first
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT id, old_secret_sealed FROM webhook_endpoint")
    assert row is not None
    assert service.vault.open(row["old_secret_sealed"], f"webhook:{row['id']}") == first.encode()


@pytest.mark.parametrize("path", [KEYS, HOOKS])
async def test_another_person_with_the_same_idempotency_key_is_not_told_the_secret(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    """Of another DFSP, who guesses it; and without a key two calls make two."""
    body: dict[str, Any] = (
        {"name": "a", "scopes": ["merchants:read"]} if path == KEYS else {"url": "https://example.com"}
    )
    told = []
    for fsp_id in ("greenbankfsp", "lakemfi"):
        who = {**world[fsp_id]["admin"].headers, "idempotency-key": "k"}
        made = await client.post(path, json=body, headers=who)
        assert made.status_code == 201, made.text
        told.append(made.json().get("key") or made.json()["secret"])
    assert told[0] != told[1]
    who = world["greenbankfsp"]["maker"].headers | {"idempotency-key": "k"}
    assert (await client.post(path, json=body, headers=who)).status_code == 403
