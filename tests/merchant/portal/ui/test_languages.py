"""Pages in the visitor's language: chosen by a link, else asked for by the browser, and kept on the way."""

import html
import re

import httpx
import pytest

from merchant.core import texts
from merchant.payments.states import RequestState
from merchant.portal.pay.told import STATE_TEXTS, STICKER_TEXTS
from tests.merchant.portal.shops import Shop, assert_safe, words_of

pytestmark = pytest.mark.anyio
FRENCH = {"accept-language": "fr-CI, fr;q=0.9"}
# First load of a shopper's page, packed, with its style sheet.
PAGE_BYTES_MAX = 12_000


@pytest.mark.parametrize(("language", "ways"), [("fr", "Trois façons de payer"), ("sw", "Njia tatu za kulipa")])
async def test_a_page_speaks_the_language_that_the_browser_asks_for(
    client: httpx.AsyncClient, shop: Shop, language: str, ways: str
) -> None:
    page = await client.get(f"/q/{shop.counter.alias}", headers={"accept-language": language})
    assert f'<html lang="{language}" dir="ltr">' in page.text
    assert page.headers["content-language"] == language
    assert ways in words_of(page)
    assert_safe(page)


@pytest.mark.parametrize("lang", ["sw", "de", "", "fr-CI", "<script>"])
async def test_a_link_overrules_the_browser_if_it_names_a_language_offered(
    client: httpx.AsyncClient, shop: Shop, lang: str
) -> None:
    page = await client.get(f"/q/{shop.counter.alias}", params={"lang": lang}, headers=FRENCH)
    assert page.headers["content-language"] == (lang if lang in texts.OFFERED else "fr")
    assert_safe(page)


async def test_links_at_the_foot_lead_to_the_same_page_in_the_other_languages(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    page = await client.get(f"/q/{shop.counter.alias}?sticker=1&x=%22%3E", headers=FRENCH)
    links = re.findall(r'<a href="([^"]+)" lang="(\w+)" hreflang', page.text)
    assert [language for _, language in links] == ["en", "sw", "rw", "my", "ar"]
    for href, language in links:
        there = await client.get(f"/q/{shop.counter.alias}{href.replace('&amp;', '&')}", headers=FRENCH)
        assert there.status_code == 200
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in there.text
        assert "sticker=1" in there.text


async def test_whoever_chose_a_language_keeps_it_on_the_way(client: httpx.AsyncClient, shop: Shop) -> None:
    landing = await client.get("/?lang=sw")
    assert 'href="/q?lang=sw"' in landing.text
    form = await client.get("/q?lang=sw")
    assert '<input type="hidden" name="lang" value="sw">' in form.text
    sent = await client.get("/q", params={"lang": "sw", "payload": shop.counter.alias})
    assert sent.headers["location"] == f"/q/{shop.counter.alias}?lang=sw"
    code = (await client.get(f"/q/{shop.counter.alias}")).text
    payload = re.search(r'class="payload" value="([^"]+)"', code)
    assert payload
    scanned = await client.get("/q", params={"lang": "sw", "payload": html.unescape(payload[1])})
    assert scanned.headers["location"] == f"/q/{shop.counter.alias}?sticker=1&lang=sw"


async def test_whoever_chose_none_is_carried_none(client: httpx.AsyncClient, shop: Shop) -> None:
    sent = await client.get("/q", params={"payload": shop.counter.alias}, headers=FRENCH)
    assert sent.headers["location"] == f"/q/{shop.counter.alias}"
    assert "lang=fr" not in (await client.get("/", headers=FRENCH)).text


async def test_amounts_days_and_countries_are_written_as_the_language_does(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    code = await shop.ask(expires_in_s=3 * 86_400)
    english = words_of(await client.get(f"/q/{code}"))
    french = words_of(await client.get(f"/q/{code}", headers=FRENCH))
    assert "10.00 USD" in english
    assert "10,00 USD" in french
    assert re.search(r"jusqu’au \d+ \w+ à \d\d:\d\d", french)
    assert " Kenya " in english


@pytest.mark.parametrize("language", ["fr", "sw"])
async def test_every_state_and_every_warning_is_told(client: httpx.AsyncClient, shop: Shop, language: str) -> None:
    for words in [*STATE_TEXTS.values(), *STICKER_TEXTS.values()]:
        assert texts.translate(words.tag, language) != words.tag
        assert texts.translate(words.text, language) != words.text
    page = await client.get(f"/q/{await shop.ask(state=RequestState.PAID)}", params={"lang": language})
    assert texts.translate("Paid", language) in words_of(page)


async def test_problems_are_told_in_the_language_too(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/q/nothing", headers=FRENCH)
    assert (unknown.status_code, unknown.headers["content-language"]) == (404, "fr")
    assert "Ce code n’est pas utilisé" in words_of(unknown)
    missing = await client.get("/static/nothing.css", headers=FRENCH)
    assert missing.status_code == 404


async def test_a_cache_between_gives_nobody_the_page_in_anothers_language(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    """The shop's page is public for a minute, and speaks the language of the cookie."""
    path = f"/q/{shop.counter.alias}"
    page = await client.get(path, headers={"cookie": "lang=fr"})
    assert page.headers["content-language"] == "fr"
    assert page.headers["cache-control"].startswith("public")
    assert "cookie" in page.headers["vary"].split(", ")
    named = await client.get(path, params={"lang": "fr"})
    assert (named.headers["content-language"], named.headers["vary"]) == ("fr", "accept-encoding")


async def test_pages_in_english_only_say_so_and_offer_no_other(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs", headers=FRENCH)
    assert '<html lang="en" dir="ltr">' in page.text
    assert 'class="languages"' not in page.text
    assert (page.headers["content-language"], page.headers["vary"]) == ("en", "accept-encoding")


@pytest.mark.parametrize("language", list(texts.OFFERED))
async def test_a_first_load_stays_small_in_every_language(client: httpx.AsyncClient, shop: Shop, language: str) -> None:
    total = 0
    page = f"/q/{await shop.ask()}?lang={language}"
    style = re.search(r'href="(/static/style[^"]+)"', (await client.get(page)).text)
    assert style
    for path in (page, style[1]):
        async with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
            total += len(b"".join([part async for part in answer.aiter_raw()]))
    assert total <= PAGE_BYTES_MAX
