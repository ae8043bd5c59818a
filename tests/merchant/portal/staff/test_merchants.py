"""Merchants on pages: found by what one knows, seen by those who may, suspended with a reason."""

import html
import re

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(service: Service, world: World) -> tuple[str, str]:
    """A merchant's id and number."""
    merchant, counters = await builders.create_merchant(
        service, world, document=builders.company(trading_name="Mama Njeri")
    )
    return str(merchant.id), counters[0].alias


async def test_staff_find_a_merchant_by_its_number_and_open_its_page(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open("/merchants", q=shop[1])
    assert "Mama Njeri" in browser.words
    await browser.open(f"/merchants/{shop[0]}")
    assert browser.status == 200
    assert "Active" in browser.words


async def test_a_search_that_finds_nothing_says_so(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open("/merchants", q="nobody at all")
    assert "Nothing fits these filters" in browser.words


async def test_a_filter_that_the_api_refuses_is_told_and_not_a_crash(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open("/merchants", state="nonsense")
    assert browser.status == 422
    assert "must be one of" in browser.words


async def test_another_dfsps_merchant_is_no_page(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    browser = Browser(client, world["lakemfi"]["maker"])
    await browser.open(f"/merchants/{shop[0]}")
    assert (browser.status, "Mama Njeri" in browser.words) == (404, False)
    await browser.open(f"/merchants/{shop[0]}/suspend")
    assert browser.status in (403, 404)


async def test_who_is_not_signed_in_is_asked_and_led_back(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    browser, person = Browser(client), world["greenbankfsp"]["checker"]
    await browser.open(f"/merchants/{shop[0]}")
    assert "Sign in" in browser.words
    await browser.send("/sign-in", email=person.email, password=builders.PASSWORD)
    assert "Mama Njeri" in browser.words


async def test_a_checker_suspends_with_a_reason_and_the_page_says_what_was_done(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    checker, path = world["greenbankfsp"]["checker"], f"/merchants/{shop[0]}"
    browser = Browser(client, checker)
    await browser.open(path + "/suspend")
    assert "takes no payments" in browser.words
    await browser.send(path + "/suspend", reason="Complaint of a customer")
    assert "Mama Njeri is suspended." in browser.words
    read = await client.get(f"/api/v1/merchants/{shop[0]}", headers=checker.headers)
    assert read.json()["state"] == "suspended"
    await browser.open(path)
    assert "Mama Njeri is suspended." not in browser.words  # told once


async def test_an_act_without_its_reason_shows_what_is_missing_beside_the_field(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    path = f"/merchants/{shop[0]}/suspend"
    browser = Browser(client, world["greenbankfsp"]["checker"])
    await browser.open(path)
    page = await browser.send(path, reason="")
    assert browser.status == 422
    assert "<title>Error:" in page.text
    assert 'href="#f-reason"' in page.text
    assert 'aria-invalid="true"' in page.text


@pytest.mark.parametrize("csrf", ["", "x", "A" * 43])
async def test_a_form_without_the_sessions_secret_is_refused(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str], csrf: str
) -> None:
    path = f"/merchants/{shop[0]}/suspend"
    browser = Browser(client, world["greenbankfsp"]["checker"])
    await browser.open(path)
    await browser.send(path, reason="Complaint", csrf=csrf)
    assert browser.status == 403
    assert "earlier session" in browser.words


async def test_the_secret_of_another_session_opens_nothing(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    path = f"/merchants/{shop[0]}/suspend"
    mine, theirs = (Browser(client, world["greenbankfsp"][name]) for name in ("checker", "checker2"))
    await theirs.open(path)
    await mine.open(path)
    await mine.send(path, reason="Complaint", csrf=theirs.fields(path)["csrf"])
    assert mine.status == 403


async def test_a_maker_who_may_not_suspend_is_told_so(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open(f"/merchants/{shop[0]}")
    assert "/suspend" not in browser.page.text
    await browser.open(f"/merchants/{shop[0]}/suspend")
    assert browser.status == 403


async def test_a_cookie_changes_nothing_over_the_api(
    client: httpx.AsyncClient, world: World, shop: tuple[str, str]
) -> None:
    cookie = {"cookie": f"session={world['greenbankfsp']['checker'].token}"}
    there = f"/api/v1/merchants/{shop[0]}"
    assert (await client.get(there, headers=cookie)).status_code == 200
    refused = await client.post(f"{there}/suspend", headers=cookie, json={"reason": "Complaint"})
    assert refused.status_code == 401


# --- orders ----------------------------------------------------------------------------------------------------------


async def test_the_head_of_a_column_sorts_and_says_how_the_list_stands(
    client: httpx.AsyncClient, service: Service, world: World, shop: tuple[str, str]
) -> None:
    await builders.create_merchant(service, world, document=builders.company(trading_name="Aunt Akinyi"))
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open("/merchants")
    assert 'aria-sort="descending"><a href="/merchants?sort=oldest">Since' in browser.page.text
    assert '<a href="/merchants?sort=name">Name' in browser.page.text
    assert browser.page.text.count("aria-sort") == 1
    assert browser.words.index("Aunt Akinyi") < browser.words.index("Mama Njeri")
    await browser.open("/merchants", sort="oldest")
    assert 'aria-sort="ascending"><a href="/merchants">Since' in browser.page.text
    assert browser.words.index("Mama Njeri") < browser.words.index("Aunt Akinyi")
    await browser.open("/merchants", sort="name", state="active")
    assert 'aria-sort="ascending"><a href="/merchants?state=active&amp;sort=name">Name' in browser.page.text
    assert browser.words.index("Aunt Akinyi") < browser.words.index("Mama Njeri")
    assert "/api/v1/merchants?state=active&amp;sort=name&amp;format=csv" in browser.page.text
    assert re.search(r'<select id="q-sort" name="sort">.*value="name" selected', browser.page.text)


async def test_pages_follow_in_the_order_that_was_chosen(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    admin = world["greenbankfsp"]["admin"]
    for number in range(26):
        await builders.add_person(
            service, f"{number}@x.example", ["dfsp_maker"], dfsp_id=admin.actor.dfsp_id, name=f"Zoe {number:02}"
        )
    browser = Browser(client, admin)
    await browser.open("/users", sort="name")
    assert "Zoe 25" not in browser.words
    following = re.search(r'href="(/users\?[^"]*cursor=[^"]*)"', browser.page.text)
    assert following is not None
    await browser.open(html.unescape(following[1]))
    assert "Zoe 25" in browser.words
    assert 'href="/users?sort=name"' in browser.page.text  # to the beginning
    await browser.open(html.unescape(following[1]).replace("sort=name", "sort=oldest"))
    assert (browser.status, "another sort" in browser.words) == (422, True)


async def test_what_a_search_finds_stands_best_first_until_an_order_is_chosen(
    client: httpx.AsyncClient, service: Service, world: World, shop: tuple[str, str]
) -> None:
    await builders.create_merchant(service, world, document=builders.company(trading_name="A Mama’s Kitchen"))
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open("/merchants", q="mama")
    assert "aria-sort" not in browser.page.text
    assert "Best match first" in browser.words
    await browser.open("/merchants", q="mama", sort="name")
    assert "aria-sort" in browser.page.text
    assert browser.words.index("A Mama’s Kitchen") < browser.words.index("Mama Njeri")


async def test_an_order_that_is_none_is_told_and_not_a_crash(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world["greenbankfsp"]["maker"])
    await browser.open("/merchants", sort="size")
    assert browser.status == 422
    assert "sort must be one of newest, oldest, name" in browser.words
