"""Registering on pages: an address, its code, a name and a DFSP; signing in by a code; claims."""

import pytest

from tests.builders import World
from tests.merchant.people.registration.conftest import Door, wrong
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.signup.conftest import Newcomer

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_a_person_registers_by_phone_and_lands_at_their_application(njeri: Newcomer) -> None:
    await njeri.open("/register")
    assert "I sell something and want to be paid" in njeri.words
    await njeri.ask_for_code()
    assert "+254" in njeri.words or njeri.address["phone"] in njeri.words
    await njeri.send("/register/code", code=await njeri.code())
    assert "Greenbankfsp" in njeri.words
    await njeri.send("/register", name="Njeri Wanjiku", dfsp_id=njeri.door.dfsp_id)
    assert njeri.page.url.path == "/my-application"
    assert "You write your details" in njeri.words


async def test_an_address_is_in_no_page_address_and_only_sealed_in_forms(njeri: Newcomer) -> None:
    await njeri.ask_for_code()
    assert not njeri.page.url.query
    assert njeri.address["phone"] not in njeri.fields("/register/code")["kept"]


async def test_who_is_registered_signs_in_by_a_code_and_goes_on(njeri: Newcomer) -> None:
    await njeri.register()
    again = Newcomer(njeri.door)
    again.address = njeri.address
    await again.ask_for_code("/sign-in/code")
    await again.send("/register/code", code=await again.code())
    assert again.page.url.path == "/my-application"
    third = Newcomer(njeri.door)
    third.address = njeri.address
    await third.ask_for_code()  # whoever registers anew with the same address finds the same application
    await third.send("/register/code", code=await third.code())
    assert third.page.url.path == "/my-application"
    assert len(await njeri.door.fetch("SELECT 1 FROM application WHERE applicant_id IS NOT NULL")) == 1


async def test_who_looks_for_an_application_and_has_none_may_register_with_the_same_code(njeri: Newcomer) -> None:
    await njeri.ask_for_code("/sign-in/code")
    await njeri.send("/register/code", code=await njeri.code())
    assert "Nobody is registered with this address yet" in njeri.words
    await njeri.send("/register", name="Njeri Wanjiku", dfsp_id=njeri.door.dfsp_id)
    assert njeri.page.url.path == "/my-application"


async def test_a_wrong_code_tells_the_tries_that_are_left_and_then_until_when_it_is_locked(njeri: Newcomer) -> None:
    await njeri.ask_for_code()
    code = await njeri.code()
    for left in (4, 3, 2, 1):
        await njeri.send("/register/code", code=wrong(code))
        assert (njeri.status, f"Tries left: {left}." in njeri.words) == (401, True)
    await njeri.send("/register/code", code=wrong(code))
    await njeri.send("/register/code", code=code)
    assert (njeri.status, "Nobody can use this address until" in njeri.words) == (429, True)


@pytest.mark.parametrize("typed", [{"phone": "12"}, {"phone": ""}, {"phone": "x" * 33}])
async def test_what_is_no_phone_number_is_told_beside_the_field_and_kept(
    njeri: Newcomer, typed: dict[str, str]
) -> None:
    await njeri.open("/register/address")
    await njeri.send("/register/address", **typed)
    assert njeri.status == 422
    assert 'id="w-phone"' in njeri.page.text
    assert njeri.fields("/register/address")["phone"] == typed["phone"]


async def test_a_name_without_a_dfsp_is_asked_again(njeri: Newcomer) -> None:
    await njeri.ask_for_code()
    await njeri.send("/register/code", code=await njeri.code())
    await njeri.send("/register", name="Njeri Wanjiku")
    assert (njeri.status, "Choose one." in njeri.words) == (422, True)
    assert njeri.fields("/register")["name"] == "Njeri Wanjiku"


async def test_a_code_is_not_sent_twice_at_once(njeri: Newcomer) -> None:
    await njeri.ask_for_code()
    kept = njeri.fields("/register/code")["kept"]
    await njeri._go("POST", "/register/address", data={"kept": kept})
    assert (njeri.status, "only just now" in njeri.words) == (409, True)


@pytest.mark.parametrize("path", ["/register/code", "/register", "/register/claim", "/register/address"])
@pytest.mark.parametrize("kept", ["", "AAAA", "no base64 at all!"])
async def test_a_form_that_was_not_ours_begins_anew(door: Door, path: str, kept: str) -> None:
    browser = Browser(door.client)
    await browser._go("POST", path, data={"kept": kept, "code": "123456", "name": "Mallory"})
    assert "Begin again" in browser.words


async def test_a_form_from_another_site_is_refused(door: Door) -> None:
    sent = await door.client.post(
        "/register/address", data={"phone": "+254700000001"}, headers={"origin": "https://x.example"}
    )
    assert sent.status_code == 403


async def test_staff_are_answered_as_for_a_wrong_code(door: Door, world: World) -> None:
    browser = Newcomer(door)
    browser.address = {"email": world["greenbankfsp"]["maker"].email}
    await browser.ask_for_code("/sign-in/code?by=email")
    code = (await door.code(browser.address)) if not await door.messages(browser.address) else await browser.code()
    await browser.send("/register/code", code=code)
    assert browser.status == 401
    assert "session" not in browser.cookies


async def test_a_claim_is_answered_the_same_whether_there_is_such_a_number(njeri: Newcomer, owner: Browser) -> None:
    await owner.open("/my-application")
    [number] = [row["alias"] for row in await njeri.door.fetch("SELECT alias FROM counter LIMIT 1")]
    said = set()
    for claimed in (number, "99999999"):
        claimant = Newcomer(njeri.door)
        await claimant.ask_for_code("/register/claim", number=claimed)
        await claimant.send("/register/claim", code=await claimant.code(), name="Njeri Wanjiku")
        assert claimant.status == 200
        said.add(claimant.words)
    assert len(said) == 1 and "We have your claim" in said.pop()
