"""People in applications: masked for staff, opened one at a time and recorded, left out for the hub."""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog

from merchant.compliance.cases import answers
from merchant.compliance.cases.models import Application
from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
APPLICATIONS = "/api/v1/applications"
BIRTH, NUMBER, TAX = "1951-06-19", "NID-55-012345", "TAX-99-888"
# Random digits, which may be any.
IDS_AND_TIMES = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|[0-9a-f]{32,}"
    r'|"id":"[0-9a-f]{12}"'
    r"|T[0-9:.]{8,}Z"
)
STREET, PLACE = "Secret Lane 7", -1.292066


def document() -> dict[str, Any]:
    """A company whose owner is on a list, with everything that is masked or left out."""
    found = listed_company()
    found["owners"][0] |= {"id_number": NUMBER, "phone": "+254711555666", "email": "owner@example.org"}
    found["business"]["tax_id"] = TAX
    found["locations"][0] |= {"address_lines": [STREET], "postal_code": "00100", "latitude": PLACE, "longitude": 36.82}
    return found


@pytest.fixture
async def application(service: Service, world: World) -> Application:
    return await builders.create_application(service, world.maker, document(), submitted=True)


async def looks(client: httpx.AsyncClient, world: World) -> list[tuple[str, dict[str, Any]]]:
    """(name, detail) of every look that the DFSP's auditor finds."""
    headers = world["greenbankfsp"]["auditor"].headers
    listed = await client.get("/api/v1/audit?action=personal_data.read", headers=headers)
    return [(one["actor_name"], one["detail"]) for one in listed.json()["items"]]


async def reveal(
    client: httpx.AsyncClient, who: Person, application: Application, path: str = "owners[0].id_number", **more: Any
) -> httpx.Response:
    body = {"path": path, "reason": "review"} | more
    return await client.post(f"{APPLICATIONS}/{application.id}/reveal", json=body, headers=who.headers)


@pytest.mark.parametrize("who", ["maker", "maker2", "checker", "auditor", "admin"])
@pytest.mark.parametrize("path", ["", "/versions/1"])
async def test_staff_see_numbers_and_birth_dates_masked_and_what_they_work_with_whole(
    client: httpx.AsyncClient, world: World, application: Application, who: str, path: str
) -> None:
    answered = await client.get(f"{APPLICATIONS}/{application.id}{path}", headers=world["greenbankfsp"][who].headers)
    [owner] = answered.json()["owners"]
    assert (owner["id_number"], owner["birth_date"]) == ("****2345", "1951-**-**")
    assert (owner["family_name"], owner["phone"]) == ("al-Zawahiri", "+254711555666")
    assert answered.json()["business"]["tax_id"] == "****888"
    assert not any(secret in answered.text for secret in (NUMBER, BIRTH, TAX))


async def test_no_list_and_no_operations_answer_shows_what_is_masked(
    client: httpx.AsyncClient, world: World, application: Application
) -> None:
    path = f"{APPLICATIONS}/{application.id}"
    headers = world.checker.headers
    hit = builders.report_of(application)["hits"][0]["id"]
    answered = [
        await client.get(APPLICATIONS, headers=headers),
        await client.get(f"{path}/versions", headers=headers),
        await client.post(f"{path}/claim", headers=headers),
        await client.post(f"{path}/screen", headers=headers),
        await client.post(
            f"{path}/hits/{hit}", json={"decision": "false_positive", "reason": "Other."}, headers=headers
        ),
        await client.post(
            f"{path}/return", json={"items": [{"path": "owners[0]", "reason": "Look."}]}, headers=headers
        ),
    ]
    assert [one.status_code for one in answered] == [200] * 6
    assert not any(secret in one.text for one in answered for secret in (NUMBER, BIRTH, TAX))


@pytest.mark.parametrize("role", [Role.HUB_OPERATOR, Role.HUB_CHECKER])
@pytest.mark.parametrize("path", ["", "/versions", "/versions/1"])
async def test_the_hub_sees_the_business_and_nothing_of_its_people(
    client: httpx.AsyncClient, service: Service, world: World, application: Application, role: Role, path: str
) -> None:
    hub = world.operator
    if role == Role.HUB_CHECKER:
        async with service.db.system() as tx:
            await tx.execute("UPDATE app_user SET roles = '{hub_checker}' WHERE id = $1", hub.actor.id)
    answered = await client.get(f"{APPLICATIONS}/{application.id}{path}", headers=hub.headers)
    assert answered.status_code == 200
    people = ("Zawahiri", "zawahiri", "Ayman", "Amina", "Odhiambo", NUMBER, "1951", TAX, "555666", "@example.org")
    told = IDS_AND_TIMES.sub("", answered.text)
    assert [word for word in (*people, STREET, str(PLACE), "AC00") if word in told] == []
    if not path:
        assert answered.json()["business"]["trading_name"] == application.trading_name
        assert (answered.json()["owners"], answered.json()["contact"]) == ([], {})
        [hit, *_] = answered.json()["report"]["hits"]
        assert (hit["hit"]["matched_name"], hit["hit"]["pieces"]) == ("****", [])
    assert (await reveal(client, hub, application)).status_code == 403


async def test_reasons_in_peoples_own_words_are_not_shown_to_the_hub(
    client: httpx.AsyncClient, world: World, application: Application
) -> None:
    path = f"{APPLICATIONS}/{application.id}"
    await client.post(f"{path}/reject", json={"reason": "Amina lied."}, headers=world.checker.headers)
    for shown, who in ((True, world.checker), (False, world.operator)):
        for part in ("", "/versions"):
            assert ("Amina lied." in (await client.get(path + part, headers=who.headers)).text) == shown


@pytest.mark.parametrize("who", ["maker", "checker", "auditor"])
async def test_one_value_is_opened_and_who_looked_at_what_stays(
    client: httpx.AsyncClient, world: World, application: Application, who: str
) -> None:
    person = world["greenbankfsp"][who]
    with structlog.testing.capture_logs() as logged:
        answered = await reveal(client, person, application)
    assert (answered.status_code, answered.json()) == (200, {"path": "owners[0].id_number", "value": NUMBER})
    assert answered.headers["cache-control"] == "no-store"
    assert await looks(client, world) == [(who, {"path": "owners[0].id_number", "version": 1, "why": "review"})]
    [event] = [one for one in logged if one["event"] == "security_event"]
    assert (event["security"], event["subject"]) == ("personal_data_read", str(application.id))
    assert event["actor_id"] == str(person.actor.id)
    assert NUMBER not in json.dumps(logged, default=str)


async def test_other_values_and_other_versions_are_opened_too(
    client: httpx.AsyncClient, service: Service, world: World, application: Application
) -> None:
    async def value(path: str, **more: Any) -> str:
        found: str = (await reveal(client, world.maker, application, path, **more)).json()["value"]
        return found

    assert (await value("owners[0].birth_date"), await value("business.tax_id")) == (BIRTH, TAX)
    returned = {"items": [{"path": "owners[0]", "reason": "Look."}]}
    path = f"{APPLICATIONS}/{application.id}"
    back = await client.post(f"{path}/return", json=returned, headers=world.checker.headers)
    owners = [document()["owners"][0] | {"id_number": "OTHER-777"}]
    headers = {**world.maker.headers, "if-match": back.headers["etag"]}
    assert (await client.patch(path, json={"owners": owners}, headers=headers)).status_code == 200
    number = "owners[0].id_number"
    assert (await value(number), await value(number, version=1)) == ("OTHER-777", NUMBER)
    assert [detail["version"] for _, detail in await looks(client, world)] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    "body",
    [
        {"path": "owners[0].family_name"},
        {"path": "owners[9].id_number"},
        {"path": "owners"},
        {"path": "contact.__class__"},
        {"path": ""},
        {"reason": "because"},
        {"reason": ""},
        {"version": 0},
    ],
)
async def test_what_cannot_be_opened_is_refused_and_leaves_no_entry(
    client: httpx.AsyncClient, world: World, application: Application, body: dict[str, Any]
) -> None:
    given = {"path": "owners[0].id_number", "reason": "review"} | body
    headers = world.checker.headers
    answered = await client.post(f"{APPLICATIONS}/{application.id}/reveal", json=given, headers=headers)
    assert answered.status_code == 422
    assert await looks(client, world) == []


async def test_who_may_not_look_is_refused(
    client: httpx.AsyncClient, service: Service, world: World, application: Application
) -> None:
    for person, status in ((world["greenbankfsp"]["admin"], 403), (world["lakemfi"]["checker"], 404)):
        assert (await reveal(client, person, application)).status_code == status
    assert (await reveal(client, world.checker, application, version=9)).status_code == 404
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["applications:read"])
    body = {"path": "owners[0].id_number", "reason": "review"}
    assert (await client.post(f"{APPLICATIONS}/{application.id}/reveal", json=body, headers=key)).status_code == 403
    assert await looks(client, world) == []


@pytest.mark.parametrize("section", ["owners", "business"])
async def test_a_masked_value_that_is_sent_back_overwrites_nothing(
    client: httpx.AsyncClient, service: Service, world: World, section: str
) -> None:
    application = await builders.create_application(service, world.maker, document())
    path = f"{APPLICATIONS}/{application.id}"
    shown = await client.get(path, headers=world.maker.headers)
    headers = {**world.maker.headers, "if-match": shown.headers["etag"]}
    answered = await client.patch(path, json={section: shown.json()[section]}, headers=headers)
    assert (answered.status_code, answered.json()["code"]) == (422, "masked_value")
    paths = {"owners": {"owners[0].id_number", "owners[0].birth_date"}, "business": {"business.tax_id"}}
    assert {one["path"] for one in answered.json()["errors"]} == paths[section]
    assert (await reveal(client, world.maker, application)).json()["value"] == NUMBER
    copied = await client.post(
        APPLICATIONS,
        json={section: shown.json()[section]},
        headers={**world.maker.headers, "idempotency-key": "copy"},
    )
    assert (copied.status_code, copied.json()["code"]) == (422, "masked_value")
    # What is not masked is changed by its own section all the same.
    changed = await client.patch(path, json={"contact": shown.json()["contact"]}, headers=headers)
    assert changed.status_code == 200


async def change(
    client: httpx.AsyncClient, who: Person, path: str, change: dict[str, Any]
) -> tuple[httpx.Response, list[str]]:
    """The answer to a change of an application as it stands, and the paths that it refuses."""
    headers = who.headers | {"if-match": (await client.get(path, headers=who.headers)).headers["etag"]}
    answered = await client.patch(path, json=change, headers=headers)
    return answered, [one["path"] for one in answered.json().get("errors", ())]


async def test_a_masked_answer_is_kept_in_a_section_that_is_replaced(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await builders.create_application(service, world.maker, document())
    path = f"{APPLICATIONS}/{application.id}"
    owners = [{"given_name": "Otieno"}, {"given_name": "Amina", "id_type": "national_id"}]
    keep = {f"owners[1].{name}": f"owners[0].{name}" for name in ("id_number", "birth_date")}
    changed, _ = await change(client, world.maker, path, {"owners": owners, "keep": keep})
    assert changed.status_code == 200, changed.text
    now = changed.json()["owners"]
    assert [one.get("birth_date") for one in now] == [None, "1951-**-**"]
    assert await looks(client, world) == []  # nobody saw it
    opened = await reveal(client, world.maker, application, "owners[1].id_number")
    assert opened.json()["value"] == NUMBER
    kept = {"business.tax_id": "business.tax_id"}
    business = {"trading_name": "Another name", "kind": "company"}
    changed, _ = await change(client, world.maker, path, {"business": business, "keep": kept})
    assert changed.json()["business"]["tax_id"].endswith(TAX[-3:])
    changed, _ = await change(client, world.maker, path, {"business": business})
    assert "tax_id" not in changed.json()["business"]  # what is not kept is gone, as before


@pytest.mark.parametrize(
    ("keep", "owner"),
    [
        ({"owners[0].id_number": "owners[7].id_number"}, {}),  # there is none
        ({"owners[1].id_number": "owners[0].id_number"}, {}),  # nobody stands there
        ({"owners[0].id_number": "owners[0].id_number"}, {"id_number": "NEW-1234"}),  # filled anew
        ({"owners[0].given_name": "owners[0].id_number"}, {}),  # a name is not masked
        ({"owners[0].birth_date": "owners[0].id_number"}, {}),  # a number is no day
        ({"business.tax_id": "owners[0].id_number"}, {}),
        ({"business.tax_id": "business.tax_id"}, {}),  # the section stays, so it is there
    ],
)
async def test_what_cannot_be_kept_is_refused_and_nothing_changes(
    client: httpx.AsyncClient, service: Service, world: World, keep: dict[str, str], owner: dict[str, str]
) -> None:
    application = await builders.create_application(service, world.maker, document())
    path = f"{APPLICATIONS}/{application.id}"
    owners = [{"given_name": "Otieno"} | owner]
    refused, paths = await change(client, world.maker, path, {"owners": owners, "keep": keep})
    assert (refused.status_code, paths) == (422, [f"keep.{to}" for to in keep])
    opened = await reveal(client, world.maker, application)
    assert opened.json()["value"] == NUMBER


async def test_too_much_to_keep_is_refused_unread(client: httpx.AsyncClient, service: Service, world: World) -> None:
    application = await builders.create_application(service, world.maker, document())
    keep = {f"owners[{at}].id_number": "owners[0].id_number" for at in range(402)}
    refused, _ = await change(client, world.maker, f"{APPLICATIONS}/{application.id}", {"owners": [], "keep": keep})
    assert refused.status_code == 422


async def test_a_machine_reads_its_own_draft_whole_and_that_is_recorded_once_an_hour(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    admin = world["greenbankfsp"]["admin"]
    scopes = ["applications:read", "applications:write"]
    key, other = [await builders.issue_key(service, admin, scopes) for _ in range(2)]
    headers = {**key, "idempotency-key": "k"}
    opened = await client.post(APPLICATIONS, json=document(), headers=headers)
    path = f"{APPLICATIONS}/{opened.json()['id']}"
    assert opened.json()["owners"][0]["id_number"] == NUMBER
    for _ in range(3):
        assert (await client.get(path, headers=key)).json()["owners"][0]["id_number"] == NUMBER
    assert await looks(client, world) == [("test key", {"path": "*", "version": 1, "why": "own_draft"})]
    assert NUMBER not in (await client.get(path, headers=other)).text
    assert NUMBER not in (await client.get(path, headers=world.maker.headers)).text
    move_clock(timedelta(hours=1))
    assert (await client.get(path, headers=key)).status_code == 200
    assert len(await looks(client, world)) == 2
    assert (await client.post(f"{path}/submit", headers=key)).status_code == 200
    assert NUMBER not in (await client.get(path, headers=key)).text


async def test_a_machine_that_changes_what_others_wrote_reads_it_masked(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    """Else whoever may issue a key could open everything by changing nothing."""
    draft = await builders.create_application(service, world.maker, document())
    scopes = ["applications:read", "applications:write"]
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], scopes)
    path = f"{APPLICATIONS}/{draft.id}"
    read = await client.get(path, headers=key)
    changed = await client.patch(path, json={}, headers={**key, "if-match": read.headers["etag"]})
    assert changed.status_code == 200
    for answer in (
        read,
        changed,
        await client.get(path, headers=key),
        await client.post(f"{path}/submit", headers=key),
    ):
        assert answer.status_code == 200
        assert NUMBER not in answer.text


async def test_what_is_masked_in_views_is_whole_in_what_is_judged_and_hashed(
    service: Service, application: Application
) -> None:
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    assert (sections.owners[0].id_number, sections.business.tax_id) == (NUMBER, TAX)
    assert answers.version_hash(service.vault, 1, sections) == application.version_hash
