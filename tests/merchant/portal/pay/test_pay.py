"""The shopper's page: what it tells, what it keeps to itself, and how its code is read."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html.parser import HTMLParser

import httpx
import pytest

import qr
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.payments.states import RequestState
from merchant.portal.pay.told import STATE_TEXTS
from merchant.registry.codes.payload import dial_string
from tests import builders
from tests.builders import World
from tests.merchant.portal.shops import TEN, Shop, assert_safe, read_code, words_of

pytestmark = pytest.mark.anyio
OPEN = (RequestState.CREATED, RequestState.SENT, RequestState.AWAITING_PAYER)
ENDED = (RequestState.PAID, RequestState.REJECTED, RequestState.EXPIRED, RequestState.FAILED, RequestState.CANCELLED)


async def test_a_counters_page_tells_whom_to_pay_and_three_ways(client: httpx.AsyncClient, shop: Shop) -> None:
    alias = shop.counter.alias
    page = await client.get(f"/q/{alias}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "public, max-age=60"
    assert "Mama Njeri &amp; Sons" in page.text
    assert f"{alias[:4]} {alias[4:]}" in words_of(page)
    assert f'href="tel:*384*123*{alias}%23"' in page.text
    assert page.text.count("<h3>") == 3
    assert f'href="/q/{alias}/phone"' in page.text
    assert "refresh" not in page.text
    assert_safe(page)
    party = qr.mojaloop_party(qr.decode(read_code(page), "tolerant"))
    assert party == qr.Party("ALIAS", alias, None)


async def test_a_requests_page_tells_the_amount_and_carries_it_in_code_and_dial_string(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    code = await shop.ask(TEN)
    alias, _, reference = code.rpartition(".")
    page = await client.get(f"/q/{code}")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "10.00 USD" in page.text
    assert f'href="tel:*384*123*{alias}*10%23"' in page.text
    scanned = qr.decode(read_code(page), "tolerant")
    assert f"as note, the reference {reference}" in words_of(page)
    assert "this page stays as it is" in words_of(page)
    assert (scanned.amount, qr.mojaloop_party(scanned)) == ("10.00", qr.Party("ALIAS", alias, reference))
    assert_safe(page)


@pytest.mark.parametrize("state", OPEN)
async def test_an_open_request_asks_again_by_itself(client: httpx.AsyncClient, shop: Shop, state: RequestState) -> None:
    code = await shop.ask(state=None if state == RequestState.CREATED else state, payer="254711000001")
    page = await client.get(f"/q/{code}")
    assert "To be paid" in page.text
    assert '<meta http-equiv="refresh" content="5">' in page.text


@pytest.mark.parametrize("state", ENDED)
async def test_an_ended_request_says_so_rests_and_can_no_longer_be_paid(
    client: httpx.AsyncClient, shop: Shop, state: RequestState
) -> None:
    page = await client.get(f"/q/{await shop.ask(state=state)}")
    assert STATE_TEXTS[state].tag in words_of(page)
    assert STATE_TEXTS[state].text in words_of(page)
    assert "refresh" not in page.text
    assert 'class="code"' not in page.text
    assert "tel:" not in page.text


async def test_a_request_in_doubt_warns_against_paying_twice(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.get(f"/q/{await shop.ask(state=RequestState.IN_DOUBT)}")
    assert "Do not pay again" in page.text
    assert "refresh" in page.text
    assert 'class="code"' not in page.text


async def test_a_request_open_for_long_asks_seldom(
    client: httpx.AsyncClient, shop: Shop, move_clock: Callable[[timedelta], datetime]
) -> None:
    code = await shop.ask(expires_in_s=3600)
    move_clock(timedelta(minutes=3))
    assert '<meta http-equiv="refresh" content="30">' in (await client.get(f"/q/{code}")).text


async def test_tomorrows_end_is_shown_with_its_day(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.get(f"/q/{await shop.ask(expires_in_s=3 * 86_400)}")
    assert re.search(r"until \d+ [A-Z][a-z]+, \d\d:\d\d", words_of(page))


async def test_the_page_tells_nothing_personal(client: httpx.AsyncClient, shop: Shop) -> None:
    code = await shop.ask(payer="254711000001", reference="Invoice of Wanjiku", note="for the wedding")
    page = await client.get(f"/q/{code}")
    for secret in ("254711", "Wanjiku", "wedding", "Amina", "amina@", str(shop.merchant.id), str(shop.counter.id)):
        assert secret not in page.text


async def test_codes_that_are_nobodys_all_look_the_same_and_ask_for_another(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    alias = shop.counter.alias
    never = ["40000002", f"{alias}.ABCD2345", f"{alias}.", "...", "x" * 65, "a b", "%00", "%F0%9F%98%80", "<b>"]
    unknown = [await client.get(f"/q/{code}") for code in never]
    assert {page.status_code for page in unknown} == {404}
    assert {page.headers["cache-control"] for page in unknown} == {"no-store"}
    assert len({page.content for page in unknown}) == 1
    assert '<form action="/q" method="get">' in unknown[0].text
    assert_safe(unknown[0])


async def test_a_shop_that_takes_no_payments_is_a_red_stop_whatever_the_reason(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    alias, asked = shop.counter.alias, await shop.ask()
    stopped = []
    for state in ("suspended", "closed", "blocked"):
        await shop.put_into(state)
        stopped += [await client.get(f"/q/{code}") for code in (alias, asked)]
    await shop.put_into("active")
    async with shop.service.db.system() as tx:
        await tx.execute("UPDATE counter SET closed_at = now() WHERE id = $1", shop.counter.id)
    stopped.append(await client.get(f"/q/{alias}"))
    async with shop.service.db.system() as tx:
        await tx.execute("UPDATE counter SET closed_at = NULL WHERE id = $1", shop.counter.id)
        await tx.execute("UPDATE dfsp SET enabled = false WHERE id = $1", shop.merchant.dfsp_id)
    stopped.append(await client.get(f"/q/{alias}"))
    assert {page.status_code for page in stopped} == {404}
    assert {page.headers["cache-control"] for page in stopped} == {"no-store"}
    assert len({page.content for page in stopped}) == 1
    page = stopped[0]
    assert words_of(page).split("Skip to the content")[1].strip().startswith("Stop. Do not pay here.")
    for way in ('class="code"', "tel:", "ways to pay", "Mama Njeri", "/phone"):
        assert way not in page.text
    assert_safe(page)


async def test_what_was_paid_stays_told_when_the_shop_takes_no_more(client: httpx.AsyncClient, shop: Shop) -> None:
    code = await shop.ask(state=RequestState.PAID)
    await shop.put_into("suspended")
    page = await client.get(f"/q/{code}")
    assert page.status_code == 200
    assert "The shop has the money" in words_of(page)
    assert "Checked by" not in words_of(page)


async def test_the_mark_says_who_checked_the_shop_and_only_while_it_stands_by_it(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    async with shop.service.db.system() as tx:
        dfsp = await tx.fetchval("SELECT name FROM dfsp WHERE id = $1", shop.merchant.dfsp_id)
    assert f"Checked by {dfsp}" in words_of(await client.get(f"/q/{shop.counter.alias}"))
    await shop.put_into("restricted")
    restricted = await client.get(f"/q/{shop.counter.alias}")
    assert restricted.status_code == 200
    assert "Checked by" not in words_of(restricted)


async def test_a_request_that_went_to_a_phone_says_to_look_there_and_shows_no_code(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    page = await client.get(f"/q/{await shop.ask(payer='254711000001')}")
    assert "Look at your phone" in words_of(page)
    assert 'class="code"' not in page.text
    assert "tel:" not in page.text


async def test_another_counters_reference_does_not_open_a_request(
    client: httpx.AsyncClient, shop: Shop, service: Service, world: World
) -> None:
    reference = (await shop.ask()).rpartition(".")[2]
    _, others = await builders.create_merchant(service, world)
    assert (await client.get(f"/q/{others[0].alias}.{reference}")).status_code == 404


async def test_own_aliases_may_hold_dots(client: httpx.AsyncClient, service: Service, world: World) -> None:
    document = builders.company(trading_name="Dotted")
    document["locations"][0]["counters"] = [{"name": "Till 1", "own_alias": "duka.njeri.2"}]
    merchant, counters = await builders.create_merchant(service, world, document=document)
    page = await client.get("/q/duka.njeri.2")
    assert "Dotted" in page.text
    assert "tel:" not in page.text  # a keypad cannot write it
    assert page.text.count("<h3>") == 2
    asked = await client.get(f"/q/{await Shop(service, merchant, counters[0]).ask()}")
    assert "10.00 USD" in asked.text


async def test_a_hostile_name_is_only_text(client: httpx.AsyncClient, service: Service, world: World) -> None:
    name = "<script>alert(1)</script>\"'{{7*7}}"
    _, counters = await builders.create_merchant(service, world, document=builders.company(trading_name=name))
    page = await client.get(f"/q/{counters[0].alias}")
    assert page.status_code == 200
    assert_safe(page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "{{7*7}}" in page.text


@pytest.mark.parametrize(
    ("number", "amount", "dialled"),
    [
        ("40217756", None, "*384*123*40217756#"),
        ("40217756", Money(25000, "KES"), "*384*123*40217756*250#"),
        ("40217756", Money(250, "JPY"), "*384*123*40217756*250#"),
        ("40217756", Money(250, "USD"), "*384*123*40217756#"),  # 2.50 would be dialled as 250
        ("duka.njeri", Money(500, "USD"), None),
        ("４０２", None, None),
    ],
)
def test_what_to_dial(number: str, amount: Money | None, dialled: str | None) -> None:
    assert dial_string("*384*123#", number, amount) == dialled


def test_a_scheme_without_ussd_offers_no_dialling() -> None:
    assert dial_string("", "40217756", None) is None


def test_every_state_has_words() -> None:
    assert set(STATE_TEXTS) == set(RequestState)
    assert [state for state, words in STATE_TEXTS.items() if words.payable and not words.moving] == []


class Outline(HTMLParser):
    """Tags that must be closed, and are, in order."""

    VOID = frozenset({"meta", "link", "input", "br", "path", "circle", "line", "rect", "!doctype"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: dict[str, dict[str, str | None]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes[tag] = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


async def test_the_page_has_a_language_landmarks_and_one_heading_of_the_first_level(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    outline = Outline()
    outline.feed((await client.get(f"/q/{await shop.ask()}")).text)
    assert outline.open == []
    assert outline.attributes["html"]["lang"] == "en"
    assert {"header", "main", "footer", "title"} <= set(outline.seen)
    assert outline.seen.count("h1") == 1
    assert outline.seen.index("h1") < outline.seen.index("h2") < outline.seen.index("h3")
