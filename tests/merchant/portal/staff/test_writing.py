"""Applications written on pages: section by section, nothing typed is lost, nothing masked is sent back."""

import re
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import Person, World
from tests.merchant.compliance.documents import samples
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.staff.pressing import Pressing

pytestmark = pytest.mark.anyio
API = "/api/v1/applications"
NUMBER = "NID-77-998877"


@pytest.fixture
def maker(world: World) -> Person:
    """The maker of the first DFSP."""
    return world.maker


@pytest.fixture
def browser(client: httpx.AsyncClient, maker: Person) -> Browser:
    """The maker's browser."""
    return Pressing(client, maker)


@pytest.fixture
async def draft(service: Service, maker: Person) -> str:
    """The page of a complete draft of a company, whose owner's number is masked."""
    document = builders.company(trading_name="Mama Njeri", tax_id="TAX-99-888")
    document["owners"][0]["id_number"] = NUMBER
    document["owners"].append({"given_name": "Otieno", "family_name": "Were", "ownership_percent": 0})
    return f"/applications/{(await builders.create_application(service, maker, document)).id}"


async def read(client: httpx.AsyncClient, person: Person, page: str) -> dict[str, Any]:
    """The application behind a page, over the API."""
    found: dict[str, Any] = (await client.get(f"/api/v1{page}", headers=person.headers)).json()
    return found


async def clear(client: httpx.AsyncClient, person: Person, page: str, path: str) -> str | None:
    """A masked answer in clear."""
    told = await client.post(f"/api/v1{page}/reveal", headers=person.headers, json={"path": path, "reason": "review"})
    return told.json().get("value")


async def test_an_application_is_begun_and_written_to_its_end_without_a_script(
    client: httpx.AsyncClient, browser: Browser, maker: Person, service: Service
) -> None:
    await browser.open("/applications/new")
    await browser.send("/applications/new", business__trading_name="Njeri Fruits", business__kind="individual")
    edit = browser.page.url.path
    assert edit.endswith("/edit")
    page = edit.removesuffix("/edit")
    assert "Choose the category of the trade" in browser.words
    await browser.open(f"{edit}/business")
    fields = {"business__mcc": "5499", "business.currencies.KES": "yes", "deed": "on"}
    await browser.send(f"{edit}/business", **fields)
    assert "Given name" in browser.words  # on to the first owner
    named = {"given_name": "Njeri", "family_name": "Wanjiku", "id_type": "national_id", "id_number": NUMBER}
    await browser.send(f"{edit}/owners/0", **{f"owners[0].{name}": text for name, text in named.items()}, deed="on")
    assert browser.page.url.path == f"{edit}/contact"
    await browser.send(f"{edit}/contact", **{"contact.owner_index": "0", "contact.phone": "+254722000111"}, deed="on")
    place = {"locations[0].city": "Nakuru", "locations[0].counters[0].name": "Stall"}
    await browser.send(f"{edit}/locations/0", **place, deed="on")
    assert browser.page.url.path == f"{edit}/account"
    await browser.open(f"{edit}/review")
    assert "Nothing is missing" in browser.words
    assert NUMBER not in browser.page.text
    await browser.open(f"{page}/submit")
    assert "compared with the sanctions lists" in browser.words
    await browser.send(f"{page}/submit")
    assert "Njeri Fruits is handed in." in browser.words
    found = await read(client, maker, page)
    assert (found["state"], found["locations"][0]["counters"]) == ("submitted", [{"name": "Stall"}])
    assert await clear(client, maker, page, "owners[0].id_number") == NUMBER


async def test_a_form_sent_twice_opens_one_application(
    client: httpx.AsyncClient, browser: Browser, maker: Person
) -> None:
    await browser.open("/applications/new")
    once = browser.fields("/applications/new")["once"]
    for _ in range(2):
        await browser.open("/applications/new")
        typed = {"business__trading_name": "Twice", "business__kind": "individual", "once": once}
        await browser.send("/applications/new", **typed)
        assert browser.status == 200
    listed = await client.get(API, params={"q": "Twice"}, headers=maker.headers)
    assert len(listed.json()["items"]) == 1


async def test_what_is_missing_stands_beside_the_section_and_leads_to_its_field(
    browser: Browser, service: Service, maker: Person
) -> None:
    found = await builders.create_application(service, maker, {"business": {"trading_name": "X1"}})
    await browser.open(f"/applications/{found.id}/edit/contact")
    assert f'href="/applications/{found.id}/edit/business#f-business.mcc"' in browser.page.text
    assert "Choose the category of the trade" in browser.words


async def test_a_masked_answer_is_kept_when_its_owner_is_changed(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    there = f"{draft}/edit/owners/0"
    await browser.open(there)
    assert browser.fields(there)["owners[0].id_number"] == ""
    assert "Leave this empty to keep it" in browser.words
    await browser.send(there, **{"owners[0].given_name": "Aminah"})
    assert browser.status == 200, browser.words
    found = await read(client, maker, draft)
    assert found["owners"][0]["given_name"] == "Aminah"
    assert await clear(client, maker, draft, "owners[0].id_number") == NUMBER
    assert await clear(client, maker, draft, "owners[0].birth_date") == "1980-02-03"
    assert await clear(client, maker, draft, "business.tax_id") == "TAX-99-888"


async def test_the_other_owner_keeps_what_is_masked_too_and_a_number_can_be_taken_away(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    await browser.open(f"{draft}/edit/owners/1")
    await browser.send(
        f"{draft}/edit/owners/1", **{"owners[1].id_number": "PASS-1234", "owners[1].id_type": "passport"}
    )
    assert await clear(client, maker, draft, "owners[0].id_number") == NUMBER
    assert await clear(client, maker, draft, "owners[1].id_number") == "PASS-1234"
    await browser.open(f"{draft}/edit/business")
    await browser.send(f"{draft}/edit/business", **{"remove.business.tax_id": "yes"})
    assert "tax_id" not in (await read(client, maker, draft))["business"]


async def test_an_owner_is_taken_away_and_the_others_keep_their_own_numbers(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    await browser.open(f"{draft}/edit/owners/1")
    await browser.send(
        f"{draft}/edit/owners/1", **{"owners[1].id_number": "PASS-1234", "owners[1].id_type": "passport"}
    )
    await browser.open(f"{draft}/edit/contact")
    await browser.send(f"{draft}/edit/contact", **{"contact.owner_index": "1"})
    await browser.open(f"{draft}/edit/owners")
    await browser.send(f"{draft}/edit/owners/0/remove")
    assert "Taken away." in browser.words
    found = await read(client, maker, draft)
    assert [one["given_name"] for one in found["owners"]] == ["Otieno"]
    assert found["contact"]["owner_index"] == 0
    assert await clear(client, maker, draft, "owners[0].id_number") == "PASS-1234"
    assert await clear(client, maker, draft, "owners[0].birth_date") is None


async def test_an_owner_with_documents_stays_until_they_are_withdrawn(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    sent = {"purpose": "identity", "path": "owners[1]"}
    added = await client.post(
        f"/api/v1{draft}/documents",
        data=sent,
        files={"file": ("id.png", samples.picture("PNG"))},
        headers=maker.headers,
    )
    assert added.status_code == 201, added.text
    await browser.open(f"{draft}/edit/owners")
    await browser.send(f"{draft}/edit/owners/0/remove")
    assert "withdraw them first" in browser.words
    assert len((await read(client, maker, draft))["owners"]) == 2


async def test_a_wrong_answer_is_told_beside_its_field_and_what_was_typed_stays(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    there = f"{draft}/edit/owners/0"
    await browser.open(there)
    page = await browser.send(there, **{"owners[0].birth_date": "yesterday", "owners[0].given_name": "Changed"})
    assert browser.status == 422
    assert 'id="w-owners[0].birth_date"' in page.text
    assert browser.fields(there)["owners[0].birth_date"] == "yesterday"
    assert browser.fields(there)["owners[0].given_name"] == "Changed"
    assert (await read(client, maker, draft))["owners"][0]["given_name"] == "Amina"


async def test_the_mask_itself_is_refused_as_an_answer(browser: Browser, draft: str) -> None:
    there = f"{draft}/edit/owners/0"
    await browser.open(there)
    page = await browser.send(there, **{"owners[0].id_number": "****877"})
    assert browser.status == 422
    assert 'id="w-owners[0].id_number"' in page.text


async def test_a_wrong_item_of_a_list_is_told_beside_the_list(browser: Browser, draft: str) -> None:
    there = f"{draft}/edit/locations/0"
    await browser.open(there)
    page = await browser.send(there, **{"locations[0].address_lines": "ok\n" + "x" * 71})
    assert 'id="w-locations[0].address_lines"' in page.text


async def test_a_page_that_somebody_overtook_keeps_what_was_typed_and_saves_the_second_time(
    client: httpx.AsyncClient, world: World, browser: Browser, maker: Person, draft: str
) -> None:
    there = f"{draft}/edit/contact"
    await browser.open(there)
    other = Pressing(client, world["greenbankfsp"]["maker2"])
    await other.open(there)
    await other.send(there, **{"contact.name": "Theirs"})
    await browser.send(there, **{"contact.name": "Mine"})
    assert browser.status == 412
    assert "Somebody else saved this meanwhile" in browser.words
    assert browser.fields(there)["contact.name"] == "Mine"
    assert (await read(client, maker, draft))["contact"]["name"] == "Theirs"
    await browser.send(there)
    assert (await read(client, maker, draft))["contact"]["name"] == "Mine"


async def test_nobody_gets_the_number_of_somebody_else_when_owners_moved_up(
    client: httpx.AsyncClient, world: World, browser: Browser, service: Service, maker: Person
) -> None:
    document = builders.company()
    document["owners"] = [
        {"given_name": name, "id_type": "passport", "id_number": f"PASS-{at}{at}{at}{at}"}
        for at, name in enumerate(("Amina", "Otieno", "Zawadi"))
    ]
    page = f"/applications/{(await builders.create_application(service, maker, document)).id}"
    there = f"{page}/edit/owners/1"
    await browser.open(there)
    other = Pressing(client, world["greenbankfsp"]["maker2"])
    await other.open(f"{page}/edit/owners")
    await other.send(f"{page}/edit/owners/0/remove")
    await browser.send(there, **{"owners[1].family_name": "Were"})
    assert browser.status == 412
    assert "Leave this empty to keep it" not in browser.words
    await browser.send(there)
    assert browser.status == 422  # the document's number is asked for again
    await browser.send(there, **{"owners[1].id_number": "NEW-9999"})
    assert browser.status == 200, browser.words
    assert await clear(client, maker, page, "owners[0].id_number") == "PASS-1111"
    assert await clear(client, maker, page, "owners[1].id_number") == "NEW-9999"


async def test_a_page_saves_by_itself_and_says_so_in_its_status(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    there = f"{draft}/edit/contact"
    await browser.open(there)
    fields = browser.fields(there) | {"contact.name": "By itself"}
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"cookie": cookies, "x-autosave": "1"}
    saved = await client.post(there, data=fields, headers=headers)
    assert (saved.status_code, saved.content) == (204, b"")
    assert int(saved.headers["x-revision"]) == int(fields["revision"]) + 1
    stale = await client.post(there, data=fields, headers=headers)
    assert stale.status_code == 412
    fields |= {"revision": saved.headers["x-revision"], "contact.phone": "nonsense"}
    refused = await client.post(there, data=fields, headers=headers)
    assert (refused.status_code, refused.content) == (422, b"")
    assert (await read(client, maker, draft))["contact"]["name"] == "By itself"


async def test_counters_are_added_renamed_and_taken_away(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    there = f"{draft}/edit/locations/0"
    await browser.open(there)
    await browser.send(there, add_counter="1")
    await browser.send(there, **{"locations[0].counters[1].name": "Till 2", "locations[0].counters[0].name": "First"})
    counters = (await read(client, maker, draft))["locations"][0]["counters"]
    assert counters == [{"name": "First"}, {"name": "Till 2"}]
    await browser.open(there)
    await browser.send(there, remove_counter="0")
    assert (await read(client, maker, draft))["locations"][0]["counters"] == [{"name": "Till 2"}]


async def test_counters_that_a_page_does_not_show_stay(
    client: httpx.AsyncClient, browser: Browser, service: Service, maker: Person
) -> None:
    document = builders.company()
    document["locations"][0]["counters"] = [{"name": f"Till {at}"} for at in range(60)]
    page = f"/applications/{(await builders.create_application(service, maker, document)).id}"
    there = f"{page}/edit/locations/0"
    await browser.open(there)
    await browser.send(there, **{"locations[0].city": "Kisumu"})
    await browser.open(there, counters_from="40")
    await browser.send(there, **{"locations[0].counters[59].name": "Last"})
    found = (await read(client, maker, page))["locations"][0]
    assert (found["city"], len(found["counters"]), found["counters"][59]["name"]) == ("Kisumu", 60, "Last")
    assert found["counters"][39]["name"] == "Till 39"


async def test_takings_are_entered_as_people_write_money(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    there = f"{draft}/edit/business"
    await browser.open(there)
    await browser.send(there, **{"business.monthly_turnover_minor": "1,250.50"})
    assert (await read(client, maker, draft))["business"]["monthly_turnover_minor"] == 125050
    await browser.open(there)
    assert browser.fields(there)["business.monthly_turnover_minor"] == "1250.5"
    await browser.send(there, **{"business.monthly_turnover_minor": "much"})
    assert browser.status == 422
    assert 'id="w-business.monthly_turnover_minor"' in browser.page.text


async def test_a_document_is_added_shown_and_taken_back(
    client: httpx.AsyncClient, browser: Browser, maker: Person, draft: str
) -> None:
    there = f"{draft}/edit/documents"
    await browser.open(there)
    fields = browser.fields(there) | {"purpose": "identity", "path": "owners[0]"}
    fields.pop("file")  # a browser sends the file itself
    cookies = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    sent = await client.post(there, data=fields, files={"file": ("Njeri.png", samples.picture("PNG"))}, headers=cookies)
    assert sent.status_code == 303, sent.text
    await browser.open(there)
    assert "Identity document" in browser.words
    assert "Amina Odhiambo" in browser.words
    action = re.search(r'action="([^"]*/withdraw)"', browser.page.text)
    assert action is not None
    await browser.send(action[1])
    assert "The document is taken back." in browser.words
    nothing = await client.post(there, data=fields, files={"file": ("", b"")}, headers=cookies)
    assert (nothing.status_code, 'href="#f-file"' in nothing.text) == (422, True)
    other = fields | {"once": "another"}
    wrong = await client.post(there, data=other, files={"file": ("x.exe", b"MZ")}, headers=cookies)
    assert (wrong.status_code, 'id="w-file"' in wrong.text) == (422, True)


@pytest.mark.parametrize("who", ["checker", "auditor", "admin"])
async def test_who_may_not_write_sees_no_form(client: httpx.AsyncClient, world: World, draft: str, who: str) -> None:
    browser = Browser(client, world["greenbankfsp"][who])
    await browser.open(draft)
    assert browser.status == 200
    assert f"{draft}/edit" not in browser.page.text
    for page in ("", "/business", "/owners/0", "/review"):
        await browser.open(f"{draft}/edit{page}")
        assert browser.status == 403


async def test_another_dfsps_application_is_no_page(client: httpx.AsyncClient, world: World, draft: str) -> None:
    browser = Browser(client, world["lakemfi"]["maker"])
    for page in ("", "/edit", "/edit/business", "/edit/owners/0", "/edit/documents", "/submit", "/verify"):
        await browser.open(draft + page)
        assert (browser.status, "Mama Njeri" in browser.words) == (404, False)


async def test_the_hub_writes_nothing_and_sees_no_people(client: httpx.AsyncClient, world: World, draft: str) -> None:
    browser = Browser(client, world.operator)
    await browser.open(f"{draft}/edit")
    assert browser.status in (403, 404)
    await browser.open(draft)
    assert (browser.status, "Otieno" in browser.words) == (200, False)


@pytest.mark.parametrize("index", [3, 50, 999])
async def test_an_owner_beyond_the_next_one_is_no_page(browser: Browser, draft: str, index: int) -> None:
    await browser.open(f"{draft}/edit/owners/{index}")
    assert browser.status == 404


async def test_a_submitted_application_is_written_no_more(browser: Browser, service: Service, maker: Person) -> None:
    found = await builders.create_application(service, maker, submitted=True)
    await browser.open(f"/applications/{found.id}/edit/business")
    assert browser.status == 409
    assert "cannot be edited" in browser.words


@pytest.mark.parametrize("page", ["edit/business", "edit/owners/0", "edit/contact", "edit/locations/0"])
async def test_a_section_without_the_sessions_secret_is_refused(browser: Browser, draft: str, page: str) -> None:
    await browser.open(f"{draft}/{page}")
    await browser.send(f"{draft}/{page}", csrf="")
    assert browser.status == 403
