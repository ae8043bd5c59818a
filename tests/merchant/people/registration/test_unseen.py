"""Who has registered and handed nothing in is named to no staff, nor is what they have begun: no list, no record."""

from typing import Any

import httpx
import pytest

from merchant.core.evidence import EventBuffer
from tests import builders
from tests.builders import Person
from tests.merchant.people.registration.conftest import Applicant, Door, staff

pytestmark = [pytest.mark.anyio, pytest.mark.database]
NAME, STALL = "Njeri Wanjiku", "Njeri's unheard-of stall"


@pytest.fixture
async def njeri(door: Door) -> Applicant:
    """Somebody who has registered and named their stall."""
    made = await door.register(door.phone())
    document = builders.seller()
    document["business"]["trading_name"] = STALL
    document["contact"] |= made.address
    assert (await made.write(document)).status_code == 200
    return made


async def read(door: Door, person: Person, path: str) -> httpx.Response:
    await door.service.shared(EventBuffer).store()
    return await door.client.get(f"/api/v1/{path}", headers=person.headers)


def readers(door: Door) -> list[tuple[Person, str]]:
    """Each place where staff read names of people or of what the record is about."""
    admin, auditor = door.world["greenbankfsp"]["admin"], door.world["greenbankfsp"]["auditor"]
    return [
        (admin, "users?limit=100"),
        (admin, "users?format=csv"),
        (door.world.operator, "users?limit=100"),
        (auditor, "audit?limit=100"),
        (auditor, "audit?format=csv"),
        (auditor, "security-events?limit=100"),
        (door.world.operator, "security-events?limit=100"),
    ]


async def test_no_staff_read_the_name_of_a_draft_or_of_its_applicant(door: Door, njeri: Applicant) -> None:
    for person, path in readers(door):
        told = await read(door, person, path)
        assert told.status_code == 200, told.text
        assert NAME not in told.text and STALL not in told.text, path
    auditor = door.world["greenbankfsp"]["auditor"]
    entries = (await read(door, auditor, f"audit?actor_id={njeri.id}")).json()["items"]
    assert entries, "what they did stands in the record all the same"
    assert {(one["actor_name"], one["subject_name"]) for one in entries} == {("Applicant", None)}


async def test_an_administrator_who_knows_the_id_shuts_them_out_without_reading_a_name(
    door: Door, njeri: Applicant
) -> None:
    admin, path = door.world["greenbankfsp"]["admin"], f"/api/v1/users/{njeri.id}"
    shown = await read(door, admin, f"users/{njeri.id}")
    assert (shown.json()["name"], shown.json()["email"]) == ("Applicant", None)
    headers = {**admin.headers, "if-match": shown.headers["etag"]}
    changed = await door.client.patch(path, json={"enabled": False}, headers=headers)
    assert (changed.status_code, changed.json()["name"], changed.json()["enabled"]) == (200, "Applicant", False)
    elsewhere = door.world["lakemfi"]["admin"]
    assert (await read(door, elsewhere, f"users/{njeri.id}")).status_code == 404


async def test_an_address_by_mail_is_not_read_either(door: Door) -> None:
    mail = "njeri.unheard@shop.example"
    made = await door.register({"email": mail})
    for person, path in [*readers(door), (door.world["greenbankfsp"]["admin"], f"users/{made.id}")]:
        assert mail not in (await read(door, person, path)).text, path


async def test_a_draft_that_was_taken_back_stays_unseen(door: Door, njeri: Applicant) -> None:
    assert (await njeri.call("POST", "my-application/withdraw")).status_code == 200
    for person, path in readers(door):
        told = await read(door, person, path)
        assert NAME not in told.text and STALL not in told.text, path


async def test_once_it_is_handed_in_they_are_named_and_after_it_came_back_too(door: Door, njeri: Applicant) -> None:
    handed: dict[str, Any] = await njeri.hand_in()

    async def check() -> None:
        admin, auditor = door.world["greenbankfsp"]["admin"], door.world["greenbankfsp"]["auditor"]
        assert NAME in (await read(door, admin, "users?limit=100")).text
        entries = (await read(door, auditor, f"audit?subject_id={handed['id']}")).json()["items"]
        assert {one["subject_name"] for one in entries} == {STALL}
        assert NAME in {one["actor_name"] for one in entries}

    await check()
    path = f"applications/{handed['id']}"
    await staff(door, "maker", f"{path}/submit")
    await builders.work(door.service)
    await staff(door, "checker", f"{path}/return", {"items": [{"path": "locations", "reason": "Where is the stall?"}]})
    await check()
