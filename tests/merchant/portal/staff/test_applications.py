"""Applications, cases and what waits: shown to those who may see them, with what they may do."""

import html
import re
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.providers.conftest import Phones, phones
from tests.merchant.compliance.providers.conftest import wrong as another
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.staff.pressing import Pressing

pytestmark = pytest.mark.anyio
__all__ = ["phones"]


@pytest.fixture
def browser(client: httpx.AsyncClient, world: World) -> Browser:
    """The maker's browser."""
    return Pressing(client, world.maker)


async def give_back(client: httpx.AsyncClient, world: World, application_id: Any) -> None:
    """What a checker does with something wrong."""
    items = [{"path": "contact.phone", "reason": "Nobody answers there"}]
    sent = await client.post(
        f"/api/v1/applications/{application_id}/return", json={"items": items}, headers=world.checker.headers
    )
    assert sent.status_code == 200, sent.text


async def test_my_work_begins_with_what_was_given_back_and_its_reasons(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    document = builders.company(trading_name="Given Back Ltd")
    back = await builders.create_application(service, world.maker, document, submitted=True)
    await give_back(client, world, back.id)
    await builders.create_application(service, world.maker, {"business": {"trading_name": "A Draft"}})
    await builders.create_application(service, world.maker, builders.company(trading_name="Waits"), submitted=True)
    await browser.open("/work")
    for told in ("Given Back Ltd", "Nobody answers there", "A Draft", "Waits"):
        assert told in browser.words
    assert f"/applications/{back.id}/edit" in browser.page.text
    assert "/applications/queue" not in browser.page.text
    checker = Browser(client, world.checker)
    await checker.open("/work")
    assert "/applications/queue" in checker.page.text
    elsewhere = Browser(client, world["lakemfi"]["maker"])
    await elsewhere.open("/work")
    assert "Given Back Ltd" not in elsewhere.words
    assert "Nothing was given back." in elsewhere.words


async def test_piles_begin_with_the_oldest_and_figures_lead_to_what_they_count(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    for number in range(7):
        await builders.create_application(service, world.maker, {"business": {"trading_name": f"Draft {number}"}})
    handed_in = await builders.create_application(service, world.maker, {"business": {"trading_name": "By itself"}})
    async with service.db.system() as tx:
        await tx.execute("UPDATE application SET handed_in_at = created_at WHERE id = $1", handed_in.id)
    for _waiting in range(2):
        await builders.create_application(service, world.maker, submitted=True)
    await browser.open("/work")
    assert re.findall(r"Draft \d", browser.words) == [f"Draft {number}" for number in range(5)]

    async def counted(who: Browser, label: str) -> tuple[int, int]:
        """A figure, and how many rows the list has that it leads to."""
        await who.open("/work")
        figure = rf'<p class="over">{label}</p><p class="value"><a href="([^"]+)">(\d+)<'
        [(href, count)] = re.findall(figure, who.page.text)
        await who.open(html.unescape(href))
        assert who.status == 200
        return int(count), len(re.findall(r'<a href="/(?:applications|cases)/[0-9a-f-]{36}', who.page.text))

    assert await counted(browser, "Drafts") == (7, 7)
    assert await counted(browser, "Handed in by merchants") == (1, 1)
    assert await counted(browser, "Waiting for a checker") == (2, 2)
    assert await counted(Browser(client, world.checker), "Waiting for a checker") == (2, 2)


async def test_the_hub_a_shop_and_an_applicant_have_no_such_work(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "owner@shop.example", ["merchant_owner"], **place)
    shop = await builders.signed_in(service, "owner@shop.example")
    # A shop's people and applicants lack the permission besides.
    for person, status in ((world.operator, 404), (shop, 403), (await builders.applicant(service, world), 403)):
        browser = Browser(client, person)
        await browser.open("/work")
        assert browser.status == status


async def test_what_was_given_back_stands_beside_its_section_and_is_answered_there(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    found = await builders.create_application(service, world.maker, submitted=True)
    await give_back(client, world, found.id)
    page = f"/applications/{found.id}"
    await browser.open(page)
    assert "What a checker gave back" in browser.words
    assert "1 thing was given back" in browser.words
    await browser.open(f"{page}/edit/contact")
    assert "Nobody answers there" in browser.words
    await browser.send(f"{page}/edit/contact", **{"contact.phone": "+254711999888"})
    await browser.open(page)
    assert "changed since" in browser.words
    await browser.open(f"{page}/submit")
    await browser.send(f"{page}/submit")
    assert "is handed in." in browser.words


async def test_applications_are_found_by_words_and_by_who_wrote_them(
    service: Service, world: World, browser: Browser
) -> None:
    other = world["greenbankfsp"]["maker2"]
    await builders.create_application(service, other, {"business": {"trading_name": "Kiosk of Otieno"}})
    await builders.create_application(service, world.maker, {"business": {"trading_name": "Njeri Fruits"}})
    await browser.open("/applications", q="otieno kiosk")
    assert "Kiosk of Otieno" in browser.words
    assert "Njeri Fruits" not in browser.words
    await browser.open("/applications", made_by=str(world.maker.actor.id))
    assert "Njeri Fruits" in browser.words
    assert "Kiosk of Otieno" not in browser.words


async def test_days_are_those_of_the_scheme_and_a_wrong_one_is_told(
    service: Service, world: World, browser: Browser
) -> None:
    await builders.create_application(service, world.maker, {"business": {"trading_name": "Njeri Fruits"}})
    await browser.open("/applications", **{"from": "2020-01-01", "to": "2020-12-31"})
    assert "Nothing fits these filters" in browser.words
    await browser.open("/applications", **{"from": "2020-01-01"})
    assert "Njeri Fruits" in browser.words
    assert "from=2019-12-31T21%3A00%3A00" in browser.page.text  # the file has the same rows
    for wrong in ("yesterday", "9999-12-31"):
        await browser.open("/applications", to=wrong)
        assert browser.status == 422
        assert "is no day" in browser.words


async def test_an_incomplete_application_is_not_handed_in_and_what_is_missing_is_told(
    service: Service, world: World, browser: Browser
) -> None:
    found = await builders.create_application(service, world.maker, {"business": {"trading_name": "Half"}})
    there = f"/applications/{found.id}/submit"
    await browser.open(there)
    await browser.send(there)
    assert browser.status == 422
    assert "is not complete yet" in browser.words


async def test_a_maker_withdraws_and_a_rejection_is_appealed_once(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    draft = await builders.create_application(service, world.maker)
    await browser.open(f"/applications/{draft.id}/withdraw")
    await browser.send(f"/applications/{draft.id}/withdraw")
    assert "is withdrawn." in browser.words
    refused = await builders.create_application(service, world.maker, submitted=True)
    await client.post(
        f"/api/v1/applications/{refused.id}/reject", json={"reason": "Not ours"}, headers=world.checker.headers
    )
    page = f"/applications/{refused.id}"
    await browser.open(page)
    assert "Not ours" in browser.words
    await browser.open(f"{page}/appeal")
    await browser.send(f"{page}/appeal", reason="It is ours")
    assert browser.status == 403  # who wrote it may not appeal
    other = Pressing(client, world["greenbankfsp"]["maker2"])
    await other.open(f"{page}/appeal")
    await other.send(f"{page}/appeal", reason="It is ours")
    assert "The appeal is on its way" in other.words
    assert f"{page}/appeal" not in other.page.text


async def test_a_check_is_written_down_and_stands_on_the_page(service: Service, world: World, browser: Browser) -> None:
    found = await builders.create_application(service, world.maker)
    there = f"/applications/{found.id}/verify"
    typed = {"attribute": "site", "subject": "locations[0]", "method": "agent_visit", "outcome": "verified"}
    await browser.open(there)
    await browser.send(there, **typed)
    assert 'id="w-latitude"' in browser.page.text
    typed |= {"latitude": "-1.2921", "longitude": "36.8219"}
    await browser.send(there, **typed)
    assert "The check is written down." in browser.words
    assert "By a visit" in browser.words
    await browser.open(there)
    await browser.send(there, **typed | {"subject": "merchant"})
    assert browser.status == 422


async def test_a_code_that_the_customer_reads_out_verifies_the_phone_and_a_wrong_one_does_not(
    service: Service, world: World, phones: Phones, browser: Browser
) -> None:
    found = await builders.create_application(service, world.maker)
    there = f"/applications/{found.id}/phone-code"
    await browser.open(there)
    await browser.send(there)
    await builders.work(service)
    code = phones.last_code()
    assert (browser.status, code in browser.page.text) == (200, False)
    await browser.send(f"{there}/confirm", code=another(code))
    assert (browser.status, "Verify the phone" in browser.words) == (422, True)
    assert 'id="problem"' in browser.page.text
    await browser.send(f"{there}/confirm", code=code)
    assert "The phone number is verified." in browser.words


async def test_a_checker_holds_and_sees_the_way_to_the_review(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    found = await builders.create_application(service, world.maker, submitted=True)
    page = f"/applications/{found.id}"
    checker = Browser(client, world.checker)
    await checker.open(page)
    assert f"{page}/review" in checker.page.text
    await checker.open(f"{page}/hold")
    await checker.send(f"{page}/hold", reason="Asked by a court")
    assert "will be erased" in checker.words
    await browser.open(page)
    assert f"{page}/review" not in browser.page.text
    await browser.open(f"{page}/hold")
    assert browser.status == 403


async def test_pages_name_things_and_never_say_their_ids(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    found = await builders.create_application(service, world.maker, submitted=True)
    await give_back(client, world, found.id)
    merchant, _counters = await builders.create_merchant(service, world)
    page = f"/applications/{found.id}"
    sections = ("", "/business", "/owners", "/contact", "/locations", "/account", "/documents", "/review")
    pages = ["/work", "/applications", "/cases", "/imports", page, f"{page}/verify", f"{page}/withdraw"]
    pages += [f"/merchants/{merchant.id}/cases/new", *(f"{page}/edit{one}" for one in sections)]
    for one in pages:
        await browser.open(one)
        assert (one, browser.status) == (one, 200)
        assert (one, re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-", browser.words)) == (one, [])


# --- cases -----------------------------------------------------------------------------------------------------------


async def test_a_change_of_a_merchant_is_opened_written_and_shown_as_a_difference(
    client: httpx.AsyncClient, service: Service, world: World, browser: Browser
) -> None:
    merchant, _counters = await builders.create_merchant(service, world)
    new = f"/merchants/{merchant.id}/cases/new"
    await browser.open(new)
    await browser.send(new, kind="change")
    edit = browser.page.url.path
    page = edit.removesuffix("/edit")
    assert page.startswith("/cases/")
    await browser.open(page)
    assert "Nothing yet: the answers are those in force." in browser.words
    await browser.open(f"{edit}/contact")
    await browser.send(f"{edit}/contact", **{"contact.name": "Somebody New"})
    await browser.open(f"{edit}/locations/0")
    await browser.send(f"{edit}/locations/0", **{"locations[0].city": "Kisumu"})
    await browser.open(page)
    assert '<del class="old"><bdi>Amina Odhiambo</bdi></del>' in browser.page.text
    assert '<ins class="new"><bdi>Somebody New</bdi></ins>' in browser.page.text
    case = (await client.get(f"/api/v1{page}", headers=world.maker.headers)).json()
    assert case["locations"][0]["id"]  # its places stay those that they are
    assert case["locations"][0]["counters"][0]["id"]
    await browser.open(f"{page}/submit")
    await browser.send(f"{page}/submit")
    assert "is handed in." in browser.words
    await browser.open("/cases", kind="change")
    assert "Waiting for a checker" in browser.words


@pytest.mark.parametrize("typed", [{"kind": ""}, {"kind": "closure"}, {"kind": "upgrade", "target_tier": "T0"}])
async def test_a_case_that_cannot_be_is_told_beside_its_field(
    service: Service, world: World, browser: Browser, typed: dict[str, str]
) -> None:
    merchant, _counters = await builders.create_merchant(service, world)
    new = f"/merchants/{merchant.id}/cases/new"
    await browser.open(new)
    page = await browser.send(new, **typed)
    assert browser.status == 422
    assert 'aria-invalid="true"' in page.text


async def test_a_second_case_of_a_kind_is_refused_in_words(service: Service, world: World, browser: Browser) -> None:
    merchant, _counters = await builders.create_merchant(service, world)
    new = f"/merchants/{merchant.id}/cases/new"
    for _ in range(2):
        await browser.open(new)
        await browser.send(new, kind="closure", reason="It moved away")
    assert browser.status == 409
    assert "go on with that one" in browser.words


async def test_a_case_of_another_dfsps_merchant_is_no_page(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _counters = await builders.create_merchant(service, world)
    other = Browser(client, world["lakemfi"]["maker"])
    await other.open(f"/merchants/{merchant.id}/cases/new")
    assert other.status == 404
    checker = Browser(client, world.checker)
    await checker.open(f"/merchants/{merchant.id}/cases/new")
    assert checker.status == 403
