"""One's own application on pages: written question by question, handed in, given back, decided; nobody else's."""

from typing import Any

import pytest

from tests import builders
from tests.builders import World
from tests.merchant.compliance.documents import samples
from tests.merchant.people.registration.conftest import staff
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.signup.conftest import Newcomer

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def read(person: Newcomer) -> dict[str, Any]:
    """Their application, over the API."""
    headers = {"authorization": f"Bearer {person.cookies['session']}"}
    return dict((await person.door.client.get("/api/v1/my-application", headers=headers)).json())


async def hand_in(person: Newcomer) -> str:
    """Hand it in; its id."""
    await person.open("/my-application/hand-in")
    await person.send("/my-application/hand-in")
    assert "completes it" in person.words
    return str((await read(person))["id"])


async def submit(person: Newcomer, application_id: str) -> str:
    """Let a maker submit it; the hash that a checker decides on."""
    await staff(person.door, "maker", f"applications/{application_id}/submit")
    await builders.work(person.door.service)
    return str((await staff(person.door, "checker", f"applications/{application_id}", method="GET"))["version_hash"])


async def test_every_question_leads_to_the_next_and_what_was_answered_stays(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.open("/my-application/name")
    await njeri.send("/my-application/name", business__trading_name="Mama Njeri", deed="on")
    assert njeri.page.url.path == "/my-application/trade"
    await njeri.send("/my-application/trade", business__mcc="5499", deed="stop")
    assert njeri.page.url.path == "/my-application"
    assert "Saved. You can go on at any time." in njeri.words
    found = (await read(njeri))["business"]
    assert (found["trading_name"], found["mcc"], found["currencies"]) == ("Mama Njeri", "5499", ["KES"])
    await njeri.open("/my-application/name")
    assert njeri.fields("/my-application/name")["business.trading_name"] == "Mama Njeri"


async def test_the_review_shows_all_answers_and_names_what_is_missing(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.open("/my-application/review")
    assert "Still missing:" in njeri.words
    await njeri.fill_in()
    await njeri.open("/my-application/review")
    assert "Still missing:" not in njeri.words
    assert "Fruit, vegetables, snacks, drinks" in njeri.words and "Nakuru" in njeri.words


async def test_a_refused_answer_stands_beside_its_field_with_what_was_typed(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.open("/my-application/you")
    typed = {"owners[0].given_name": "Njeri", "owners[0].birth_date": "2999-01-01"}
    await njeri.send("/my-application/you", **typed)
    assert njeri.status == 422
    assert 'id="w-owners[0].birth_date"' in njeri.page.text
    assert njeri.fields("/my-application/you")["owners[0].given_name"] == "Njeri"


async def test_a_form_without_its_secret_or_with_an_old_revision_changes_nothing(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.open("/my-application/name")
    fields = njeri.fields("/my-application/name") | {"business.trading_name": "Mama Njeri"}
    await njeri._go("POST", "/my-application/name", data={**fields, "csrf": ""})
    assert njeri.status == 403
    for revision in ("0", "9" * 5_000, "²", "x"):
        await njeri._go("POST", "/my-application/name", data={**fields, "revision": revision})
        assert njeri.status == 412, revision
    assert "trading_name" not in (await read(njeri))["business"]


async def test_a_photo_is_added_and_a_form_without_one_is_refused(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.fill_in()
    await njeri.open("/my-application/photos/stall")
    fields = njeri.fields("/my-application/photos/stall")
    await njeri._go("POST", "/my-application/photos/stall", data=fields)
    assert njeri.status in (415, 422)
    await njeri.open("/my-application/photos/stall")
    fields = njeri.fields("/my-application/photos/stall")
    fields.pop("file", None)
    await njeri._go("POST", "/my-application/photos/stall", data=fields, files={"file": ("a.jpg", samples.picture())})
    assert (njeri.status, njeri.page.url.path) == (200, "/my-application/photos"), njeri.words
    assert "The photo is there." in njeri.words


async def test_what_was_handed_in_is_shown_in_steps_and_written_no_more(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.fill_in()
    await hand_in(njeri)
    assert "They may call you" in njeri.words
    await njeri.open("/my-application/name")
    assert njeri.page.url.path == "/my-application"


async def test_what_came_back_is_mended_without_sending_a_masked_number_and_handed_in_again(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.fill_in()
    application_id = await hand_in(njeri)
    await submit(njeri, application_id)
    items = [{"path": "owners[0].given_name", "reason": "Your card says Njery."}]
    await staff(njeri.door, "checker", f"applications/{application_id}/return", {"items": items})
    await njeri.open("/my-application")
    assert "Your card says Njery." in njeri.words and "/my-application/you" in njeri.page.text
    await njeri.open("/my-application/you")
    assert "Your card says Njery." in njeri.words
    assert njeri.fields("/my-application/you")["owners[0].id_number"] == ""
    number = f"2{njeri.address['phone'][-7:]}"
    await njeri.send("/my-application/you", **{"owners[0].given_name": "Njery", "owners[0].id_number": number})
    assert njeri.status == 200, njeri.words
    await njeri.open("/my-application")
    assert "mended" in njeri.words
    await hand_in(njeri)


async def test_an_approved_one_shows_its_number_and_code_to_the_same_session(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.fill_in()
    application_id = await hand_in(njeri)
    body = {"version_hash": await submit(njeri, application_id)}
    await staff(njeri.door, "checker", f"applications/{application_id}/approve", body)
    await njeri.open("/my-application")
    assert njeri.status == 200, njeri.words
    [number] = [row["alias"] for row in await njeri.door.fetch("SELECT alias FROM counter ORDER BY id DESC LIMIT 1")]
    assert number in njeri.words.replace(" ", "") and "<svg" in njeri.page.text
    assert "Ask for a payment" in njeri.words and "Print my poster" in njeri.words


async def test_a_rejected_one_says_why_and_where_to_turn(njeri: Newcomer) -> None:
    await njeri.register()
    await njeri.fill_in()
    application_id = await hand_in(njeri)
    await submit(njeri, application_id)
    body = {"reason": "There is no stall at this place."}
    await staff(njeri.door, "checker", f"applications/{application_id}/reject", body)
    await njeri.open("/my-application")
    assert "There is no stall at this place." in njeri.words
    assert "looks at it once more" in njeri.words


async def test_another_bank_is_chosen_and_the_application_is_taken_back(njeri: Newcomer, world: World) -> None:
    await njeri.register()
    await njeri.open("/my-application/dfsp")
    assert "Your answers go with you" in njeri.words
    await njeri.send("/my-application/dfsp", dfsp_id=str(world.dfsp_ids["lakemfi"]))
    assert (await read(njeri))["dfsp"]["id"] == str(world.dfsp_ids["lakemfi"])
    await njeri.open("/my-application/withdraw")
    await njeri.send("/my-application/withdraw")
    assert "You took this application back." in njeri.words
    assert (await read(njeri))["state"] == "withdrawn"


async def test_nobody_sees_the_application_of_another_and_no_staff_have_one(njeri: Newcomer, world: World) -> None:
    await njeri.register()
    await njeri.answer("name", business__trading_name="Mama Njeri")
    other = Newcomer(njeri.door)
    await other.register()
    await other.open("/my-application")
    assert "Mama Njeri" not in other.words
    for path in ("/my-application", "/my-application/name", "/my-application/review", "/my-application/hand-in"):
        browser = Browser(njeri.door.client, world["greenbankfsp"]["maker"])
        await browser.open(path)
        assert browser.status in (403, 404), path
    await njeri.open("/my-application/nothing")
    assert njeri.status == 404
    await njeri.open("/applications")
    assert njeri.status in (403, 404)


async def test_only_the_page_of_the_place_may_ask_where_the_telephone_is(njeri: Newcomer) -> None:
    await njeri.register()
    for name, may in (("place", True), ("name", False)):
        page = await njeri.open(f"/my-application/{name}")
        assert ("geolocation=(self)" in page.headers["permissions-policy"]) is may
