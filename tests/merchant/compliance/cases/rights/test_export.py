"""Export of a person: everything that is held about them, and nothing of anybody else or another DFSP."""

import httpx
import msgspec
import pytest

from merchant.compliance.cases.rights.find import Sought
from merchant.core import errors
from merchant.core.service import Service
from merchant.programs import people as desk
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World
from tests.merchant.compliance.cases.rights.people import actions, number_of

pytestmark = pytest.mark.anyio
EXPORT = "/api/v1/people/export"


async def test_it_holds_answers_hits_decisions_documents_and_who_looked(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = listed_company()
    document["owners"][0]["ownership_percent"] = 60
    document["owners"].append(builders.company()["owners"][0] | {"given_name": "Zuri", "ownership_percent": 40})
    theirs = document["owners"][1]["id_number"]
    application = await builders.create_application(service, world.maker, document, submitted=True)
    await builders.create_document(service, world.maker, application, path="owners[0]")
    await builders.create_document(service, world.maker, application, path="owners[1]")
    path = f"/api/v1/applications/{application.id}"
    checker = world.checker.headers
    looked = {"path": "owners[0].birth_date", "reason": "screening"}
    assert (await client.post(f"{path}/reveal", json=looked, headers=checker)).status_code == 200
    rejected = await client.post(f"{path}/reject", json={"reason": "It is he."}, headers=checker)
    assert rejected.status_code == 200
    body = {"id_number": number_of(document), "reason": "customer_request"}
    answer = await client.post(EXPORT, json=body, headers=checker)
    assert answer.status_code == 200, answer.text
    [case] = answer.json()["cases"]
    assert case["application_id"] == str(application.id)
    assert [one["owners"] for one in case["versions"]] == [[document["owners"][0]]]
    assert case["hits"]
    assert {hit["path"].split(".")[0] for hit in case["hits"]} == {"owners[0]"}
    assert [one["reason"] for one in case["decisions"]] == ["It is he."]
    assert [one["path"] for one in case["documents"]] == ["owners[0]"]
    assert [(one["path"], one["why"], one["actor_name"]) for one in case["readings"]] == [
        ("*", "customer_request", "checker"),
        ("owners[0].birth_date", "screening", "checker"),
    ]
    assert case["kept_days"] == 730
    assert case["kept_until"] is not None
    assert not [word for word in ("Zuri", theirs) if word in answer.text]
    listed = (await client.get(f"{path}/readings?limit=1", headers=checker)).json()
    assert [one["why"] for one in listed["items"]] == ["customer_request"]
    more = (await client.get(f"{path}/readings?limit=1&cursor={listed['next_cursor']}", headers=checker)).json()
    assert [one["why"] for one in more["items"]] == ["screening"]


async def test_it_holds_nothing_of_another_dfsp(client: httpx.AsyncClient, service: Service, world: World) -> None:
    document = builders.seller()
    other = world["lakemfi"]
    theirs = await builders.create_application(service, other["maker"], document)
    own = await builders.create_application(service, world.maker, document)
    for person, mine in ((world.checker, own), (other["checker"], theirs)):
        for sought in ({"id_number": number_of(document)}, {"phone": document["contact"]["phone"]}):
            answer = await client.post(EXPORT, json={**sought, "reason": "audit"}, headers=person.headers)
            assert [one["application_id"] for one in answer.json()["cases"]] == [str(mine.id)]
    crossed = await client.get(f"/api/v1/applications/{theirs.id}/readings", headers=world.checker.headers)
    assert crossed.status_code == 404
    assert (
        await client.post(EXPORT, json={"phone": "1", "reason": "audit"}, headers=world.operator.headers)
    ).status_code == 403


async def test_one_persons_business_is_told_whole(client: httpx.AsyncClient, service: Service, world: World) -> None:
    document = builders.seller()
    number = f" {number_of(document)[:4]}-{number_of(document)[4:]}"
    document["owners"][0]["id_number"] = f"{number_of(document)[:2]} {number_of(document)[2:]}"
    await builders.create_application(service, world.maker, document)
    answer = await client.post(EXPORT, json={"id_number": number, "reason": "audit"}, headers=world.checker.headers)
    [case] = answer.json()["cases"]
    [version] = case["versions"]
    assert version["business"] == document["business"]
    assert version["contact"] == document["contact"]
    assert (case["kept_until"], case["legal_hold"]) == (None, False)


async def test_looking_for_someone_who_is_not_there_is_recorded(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    answer = await client.post(
        EXPORT, json={"phone": "+254700000000", "reason": "audit"}, headers=world.checker.headers
    )
    assert (answer.status_code, answer.json()["cases"]) == (200, [])
    [told] = await actions(service, "personal_data.sought")
    assert (told["actor"], told["why"]) == (world.checker.actor.id, "audit")


@pytest.mark.parametrize(
    ("sought", "path"),
    [
        ({"phone": "abc"}, "phone"),
        ({"phone": "0711000001"}, "phone"),  # of which country nobody can tell
        ({"phone": "+2547110"}, "phone"),
        ({"id_number": "--/"}, "id_number"),
        ({"id_number": "12345678", "phone": "abc"}, "phone"),
    ],
)
async def test_a_number_that_no_answer_can_be_is_refused_and_not_answered_with_nothing(
    client: httpx.AsyncClient, service: Service, world: World, sought: dict[str, str], path: str
) -> None:
    for action, who, reason in (("export", "checker", "audit"), ("erase", "admin", "person_asked")):
        person = world["greenbankfsp"][who]
        body = sought | {"reason": reason}
        answer = await client.post(f"/api/v1/people/{action}", json=body, headers=person.headers)
        assert (answer.status_code, [one["path"] for one in answer.json()["errors"]]) == (422, [path]), action
    assert await actions(service, "personal_data.sought") == []


async def test_the_command_exports_and_accounts_for_it(service: Service, world: World) -> None:
    document = builders.seller()
    application = await builders.create_application(service, world.maker, document)
    sought = Sought(id_number=number_of(document))
    made = await desk.export(service, "greenbankfsp", sought, "customer_request")
    assert msgspec.json.encode(made).count(str(application.id).encode()) == 1
    assert made["cases"][0]["versions"][0]["owners"][0]["given_name"] == "Njeri"
    [look] = await desk.readings(service, "greenbankfsp", sought)
    assert (look["actor_kind"], look["why"]) == ("service", "customer_request")
    with pytest.raises(errors.MerchantError):
        await desk.erase(service, "greenbankfsp", sought, "person_asked")
