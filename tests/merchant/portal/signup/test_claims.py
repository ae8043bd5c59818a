"""Claims on pages: listed for the DFSP, accepted and refused by a checker, seen by nobody else."""

import pytest

from tests import builders
from tests.builders import World
from tests.merchant.people.registration.conftest import Door
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.signup.conftest import Newcomer

pytestmark = [pytest.mark.anyio, pytest.mark.database]


@pytest.fixture
async def claim_id(njeri: Newcomer, owner: Browser) -> str:
    """The id of an open claim on a merchant of the first DFSP."""
    await owner.open("/my-application")
    [number] = [row["alias"] for row in await njeri.door.fetch("SELECT alias FROM counter LIMIT 1")]
    await njeri.ask_for_code("/register/claim", number=number)
    await njeri.send("/register/claim", code=await njeri.code(), name="Njeri Wanjiku")
    await builders.work(njeri.door.service)
    [row] = await njeri.door.fetch("SELECT id FROM merchant_claim")
    return str(row["id"])


async def test_a_checker_accepts_a_claim_on_a_page_that_names_what_follows(
    door: Door, world: World, njeri: Newcomer, claim_id: str
) -> None:
    browser = Browser(door.client, world["greenbankfsp"]["checker"])
    await browser.open("/claims")
    assert "Mama Njeri" in browser.words and "Njeri Wanjiku" in browser.words and "Waits for you" in browser.words
    await browser.open(f"/claims/{claim_id}/accept")
    assert "becomes an owner of Mama Njeri at once" in browser.words
    await browser.send(f"/claims/{claim_id}/accept", reason="Licence and identity card seen.")
    assert "The claim on Mama Njeri is accepted." in browser.words
    again = Newcomer(door)
    again.address = njeri.address
    await again.ask_for_code("/sign-in/code")
    await again.send("/register/code", code=await again.code())
    await again.open("/my-application")
    assert "Mama Njeri" in again.words


async def test_a_refusal_needs_a_reason(door: Door, world: World, claim_id: str) -> None:
    browser = Browser(door.client, world["greenbankfsp"]["checker"])
    await browser.open(f"/claims/{claim_id}/refuse")
    await browser.send(f"/claims/{claim_id}/refuse")
    assert browser.status == 422
    await browser.send(f"/claims/{claim_id}/refuse", reason="Somebody else holds the licence.")
    assert "Refused" in browser.words


async def test_makers_look_and_do_not_decide_and_others_see_nothing(door: Door, world: World, claim_id: str) -> None:
    maker = Browser(door.client, world["greenbankfsp"]["maker"])
    await maker.open("/claims")
    assert "Mama Njeri" in maker.words and f"/claims/{claim_id}/accept" not in maker.page.text
    await maker.open(f"/claims/{claim_id}/accept")
    assert maker.status == 403
    other = Browser(door.client, world["lakemfi"]["checker"])
    await other.open("/claims")
    assert "Mama Njeri" not in other.words
    await other.open(f"/claims/{claim_id}/accept")
    assert other.status == 404
    hub = Browser(door.client, world.operator)
    await hub.open("/claims")
    assert hub.status == 404
