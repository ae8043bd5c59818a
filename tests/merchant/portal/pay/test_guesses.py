"""Guessing at codes on the pay page: unknown ones are limited for each source, scanned ones are never counted."""

import httpx
import msgspec
import pytest

from merchant.portal.pay import found
from tests.merchant.portal.shops import Shop

pytestmark = pytest.mark.anyio
PROXY = {"x-forwarded-for": "198.51.100.7"}


async def guess(client: httpx.AsyncClient, count: int, headers: dict[str, str] | None = None) -> list[int]:
    return [(await client.get(f"/q/4{number:07}", headers=headers)).status_code for number in range(count)]


async def test_after_sixty_unknown_codes_a_source_is_asked_to_wait_in_words(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    answers = await guess(client, 120)  # a slow machine gets back one a second
    assert answers[:60] == [404] * 60
    assert 429 in answers[60:]
    page = await client.get("/q/40000000", headers={"accept-language": "en"})
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert 1 <= int(page.headers["retry-after"]) <= 60
    assert "wait a minute" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_whoever_looks_at_known_codes_is_never_asked_to_wait(client: httpx.AsyncClient, shop: Shop) -> None:
    for _ in range(100):
        assert (await client.get(f"/q/{shop.counter.alias}")).status_code == 200
    assert await guess(client, 1) == [404]


async def test_another_source_is_not_held_up_and_a_header_makes_no_other_source(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    await guess(client, 60)
    assert await guess(client, 1, PROXY) == [429]
    shop.service.settings = msgspec.structs.replace(shop.service.settings, trusted_proxies="127.0.0.1")
    assert await guess(client, 1, PROXY) == [404]


async def test_nine_million_numbers_take_one_source_a_hundred_days() -> None:
    limit = found.guesses(None)  # type: ignore[arg-type]
    passed = sum(limit.wait_s("source") == 0 for _ in range(1_000))
    assert 60 <= passed <= 61
