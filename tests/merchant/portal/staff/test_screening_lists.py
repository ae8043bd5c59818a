"""Screening lists on pages: put and confirmed by people of the hub, seen by staff; what cannot be read stays typed."""

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.lists.stage import is_listed, own_list
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
OWN = own_list("Tarik Sample").decode()


async def test_a_list_of_ones_own_counts_once_a_second_person_says_so(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    first = Browser(client, world.operator)
    await first.open("/lists/put")
    await first.send("/lists/put", form="own", content=OWN)
    assert (first.status, first.page.url.path) == (200, "/lists"), first.words
    assert not await is_listed(service, "Tarik Sample")
    listed = (await client.get("/api/v1/screening-lists", headers=world.operator.headers)).json()["items"]
    [list_id] = [one["id"] for one in listed if one["state"] == "proposed"]
    here = f"/lists/{list_id}/confirm"
    assert here in first.page.text
    await first.open(here)
    await first.send(here)
    assert (first.status, await is_listed(service, "Tarik Sample")) == (403, False)
    await builders.add_person(service, "second@hub.example", [Role.HUB_CHECKER])
    second = Browser(client, await builders.signed_in(service, "second@hub.example"))
    await second.open(here)
    await second.send(here)
    assert "The list counts from now on." in second.words
    assert await is_listed(service, "Tarik Sample")


@pytest.mark.parametrize(("form", "content"), [("own", "no, list"), ("un", "<a>"), ("eu", OWN), ("own", "")])
async def test_what_cannot_be_read_is_said_and_stays_in_its_field(
    client: httpx.AsyncClient, world: World, form: str, content: str
) -> None:
    browser = Browser(client, world.operator)
    await browser.open("/lists/put")
    await browser.send("/lists/put", form=form, content=content)
    assert (browser.status, 'id="problem"' in browser.page.text) == (422, True)
    kept = browser.fields("/lists/put")
    assert (kept["form"], kept["content"].split()) == (form, content.split())


async def test_the_longest_text_that_the_field_takes_is_taken_whatever_its_letters(
    client: httpx.AsyncClient, world: World
) -> None:
    browser = Browser(client, world.operator)
    await browser.open("/lists/put")
    assert 'maxlength="20000"' in browser.page.text
    await browser.send("/lists/put", form="own", content="ف" * 10_000)
    assert browser.status == 422, "it is no list, and not too large"


async def test_staff_of_a_dfsp_look_and_put_nothing(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    await browser.open("/lists")
    assert (browser.status, "/lists/put" in browser.page.text) == (200, False)
    await browser.open("/lists/put")
    assert browser.status == 403
