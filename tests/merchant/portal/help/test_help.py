"""Help: each kind of person reads answers of their own, and nobody who is not signed in."""

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from merchant.portal.help import QUESTIONS
from merchant.portal.ui.layout import Kind
from tests import builders
from tests.builders import Person, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
async def people(service: Service, world: World) -> dict[Kind, Person]:
    """One person of each kind."""
    merchant, _ = await builders.create_merchant(service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "owner@shop.example", [Role.MERCHANT_OWNER], **place)
    return {
        Kind.HUB: world.operator,
        Kind.DFSP: world.maker,
        Kind.SHOP: await builders.signed_in(service, "owner@shop.example"),
        Kind.APPLICANT: await builders.applicant(service, world),
    }


async def test_each_kind_of_person_reads_their_own_questions_and_no_others(
    client: httpx.AsyncClient, people: dict[Kind, Person]
) -> None:
    for kind, person in people.items():
        browser = Browser(client, person)
        await browser.open("/help")
        assert browser.status == 200
        for whose, questions in QUESTIONS.items():
            for question, answer in questions:
                assert (question in browser.words, answer in browser.words) == (whose is kind, whose is kind)


async def test_help_is_offered_on_every_page(client: httpx.AsyncClient, people: dict[Kind, Person]) -> None:
    for person in people.values():
        browser = Browser(client, person)
        await browser.open("/account")
        assert 'href="/help"' in browser.page.text


async def test_a_stranger_is_led_to_the_sign_in(client: httpx.AsyncClient) -> None:
    browser = Browser(client)
    await browser.open("/help")
    assert browser.page.url.path == "/sign-in"
