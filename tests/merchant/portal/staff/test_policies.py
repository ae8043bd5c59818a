"""Policies on pages: proposed by one, tried, published by another; what is refused keeps its text."""

import re

import httpx
import pytest

from tests.builders import Person, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
TEXT = "grace = '29d'"


async def propose(browser: Browser, text: str = TEXT) -> str:
    """Propose a policy of the DFSP; its page."""
    await browser.open("/policies/propose")
    await browser.send("/policies/propose", layer="dfsp", text=text, note="Fewer days")
    assert "Proposed; a second person must publish it." in browser.words
    [path] = set(re.findall(r"/policies/[0-9a-f-]{36}", browser.page.text))
    return str(path)


async def state_of(client: httpx.AsyncClient, person: Person, path: str) -> str:
    return str((await client.get(f"/api/v1{path}", headers=person.headers)).json()["state"])


async def test_one_proposes_another_looks_and_publishes(client: httpx.AsyncClient, world: World) -> None:
    staff = world["greenbankfsp"]
    maker, second = Browser(client, staff["admin"]), Browser(client, staff["checker"])
    path = await propose(maker)
    await maker.open(path)
    assert "You proposed it; another person must publish it." in maker.words
    assert f"{path}/publish" not in maker.page.text
    await second.open(path)
    assert TEXT in second.words and "Fewer days" in second.words
    await second.send(f"{path}/shadow")
    assert (second.status, "nothing was changed" in second.words) == (200, True)
    assert await state_of(client, staff["admin"], path) == "proposed"
    await second.open(f"{path}/publish")
    await second.send(f"{path}/publish")
    assert "is published." in second.words
    assert await state_of(client, staff["admin"], path) == "published"


async def test_nobody_publishes_their_own(client: httpx.AsyncClient, world: World) -> None:
    staff = world["greenbankfsp"]
    browser = Browser(client, staff["admin"])
    path = await propose(browser)
    await browser.open(f"{path}/publish")
    await browser.send(f"{path}/publish")
    assert browser.status == 403
    assert await state_of(client, staff["admin"], path) == "proposed"


async def test_a_proposal_is_withdrawn(client: httpx.AsyncClient, world: World) -> None:
    staff = world["greenbankfsp"]
    browser = Browser(client, staff["admin"])
    path = await propose(browser)
    await browser.open(f"{path}/withdraw")
    await browser.send(f"{path}/withdraw")
    assert "is withdrawn." in browser.words
    assert await state_of(client, staff["admin"], path) == "withdrawn"


@pytest.mark.parametrize("text", ["grace = ", "nothing = 1", "[tiers.T3]\nrank = 'x'", ""])
async def test_a_text_that_is_no_policy_stays_in_its_field(client: httpx.AsyncClient, world: World, text: str) -> None:
    browser = Browser(client, world["greenbankfsp"]["admin"])
    await browser.open("/policies/propose")
    await browser.send("/policies/propose", layer="dfsp", text=text, note="Fewer days")
    assert (browser.status, 'id="problem"' in browser.page.text) == (422, True)
    kept = browser.fields("/policies/propose")
    assert (kept["text"].strip().splitlines(), kept["note"]) == (text.strip().splitlines(), "Fewer days")


async def test_readers_read_and_others_see_nothing(client: httpx.AsyncClient, world: World) -> None:
    path = await propose(Browser(client, world["greenbankfsp"]["admin"]))
    auditor = Browser(client, world["greenbankfsp"]["auditor"])
    await auditor.open(path)
    assert (auditor.status, f"{path}/publish" in auditor.page.text) == (200, False)
    await auditor.open("/policies/propose")
    assert auditor.status == 403
    other = Browser(client, world["lakemfi"]["admin"])
    await other.open("/policies")
    assert path not in other.page.text
    await other.open(path)
    assert other.status == 404
