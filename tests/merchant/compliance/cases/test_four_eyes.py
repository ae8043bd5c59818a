"""Four eyes: on no route that decides does a maker of the version get past, whatever their part and their roles."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from merchant.compliance.cases.models import Application
from merchant.core.access import Permission
from merchant.core.service import Service
from tests import builders
from tests.api.everything import Route, Things, call, listed_company, walled_routes
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
OPENED, CHANGED, SUBMITTED = "opened it", "changed one section", "only submitted it"
# Deciding is refused to whoever made the version, with or without the checker's role.
MAKERS = ["both", "maker2"]
LEI = "5493001KJTIIGC8Y1R12"


async def under_review(
    client: httpx.AsyncClient, service: Service, world: World, person: Person, part: str
) -> Application:
    """An application with hits in which `person` took this part, and world.maker every other."""

    def headers(of: str) -> dict[str, str]:
        return (person if part == of else world.maker).headers

    opener = person if part == OPENED else world.maker
    application = await builders.create_application(service, opener, listed_company())
    path = f"/api/v1/applications/{application.id}"
    changed = await client.patch(path, json={"external_ref": "R"}, headers={**headers(CHANGED), "if-match": '"1"'})
    assert changed.status_code == 200, changed.text
    submitted = await client.post(f"{path}/submit", headers=headers(SUBMITTED))
    assert submitted.status_code == 200, submitted.text
    await builders.work(service)
    return await row_of(service, application)


async def row_of(service: Service, application: Application) -> Application:
    async with service.db.system() as tx:
        found = await tx.session.get(Application, application.id)
        assert found is not None
        return found


def decision_routes(service: Service) -> list[Route]:
    """Every route of a case that asks for the checker's permission. Keeping data longer decides nothing; a claim on a
    merchant is no version that somebody made.
    """
    asked = [route for route in walled_routes(service) if route.permission is Permission.APPLICATIONS_DECIDE]
    return [route for route in asked if not {"hold", "merchant-claims"} & set(route.path.split("/"))]


def things_of(application: Application) -> Things:
    ids = {
        "application_id": str(application.id),
        "case_id": str(application.id),
        "hit_id": builders.report_of(application)["hits"][0]["id"],
    }
    return Things({**ids, "dfsp_id": "", "merchant_id": "", "counter_id": ""}, application.version_hash, "", "")


async def answers_to(
    client: httpx.AsyncClient, service: Service, application: Application, person: Person
) -> AsyncIterator[tuple[Route, int, Any]]:
    """What a person hears on each decision route."""
    for route in decision_routes(service):
        response = await call(client, route, things_of(application), person.headers)
        yield route, response.status_code, response.json().get("code")


async def test_the_decision_routes_are_known(service: Service) -> None:
    acts = {"claim", "release", "approve", "reject", "return", "screen", "hits/{hit_id}", "waivers", "risk"}
    below = {f"/api/v1/{one}/{act}" for one in ("applications/{application_id}", "cases/{case_id}") for act in acts}
    assert {route.path for route in decision_routes(service)} == below


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("part", [OPENED, CHANGED, SUBMITTED])
async def test_no_decision_route_lets_a_maker_of_the_version_past(
    client: httpx.AsyncClient, service: Service, world: World, part: str, name: str
) -> None:
    person = world["greenbankfsp"][name]
    application = await under_review(client, service, world, person, part)
    async for route, status, code in answers_to(client, service, application, person):
        assert (status, code) == (403, "checker_is_maker"), str(route)
    assert (await row_of(service, application)).model_dump() == application.model_dump()
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM decision") == 0
        assert await tx.fetchval("SELECT count(*) FROM screening_decision") == 0


async def test_whoever_is_no_checker_is_refused_on_every_decision_route(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await under_review(client, service, world, world.maker, OPENED)
    for name in ("maker2", "admin", "auditor"):
        async for route, status, code in answers_to(client, service, application, world["greenbankfsp"][name]):
            assert (status, code) == (403, "not_allowed"), (str(route), name)


async def test_a_checker_who_wrote_nothing_is_let_past_on_every_decision_route(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await under_review(client, service, world, world.maker, OPENED)
    async for route, status, code in answers_to(client, service, application, world.checker):
        assert status in (200, 201, 409), (str(route), status, code)


async def test_that_one_is_a_maker_is_told_before_the_state_and_before_what_is_wrong_with_the_hit(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    both = world["greenbankfsp"]["both"]
    draft = await builders.create_application(service, both)
    path = f"/api/v1/applications/{draft.id}/hits/000000000000"
    body = {"decision": "false_positive", "reason": "Another person."}
    response = await client.post(path, json=body, headers=both.headers)
    assert (response.status_code, response.json()["code"]) == (403, "checker_is_maker")


async def next_version(
    client: httpx.AsyncClient, service: Service, world: World, person: Person, changes: dict[str, Any]
) -> str:
    """An application that `person` wrote, returned, changed and submitted by world.maker; its path."""
    application = await under_review(client, service, world, person, OPENED)
    path = f"/api/v1/applications/{application.id}"
    returned = await client.post(
        f"{path}/return", json={"items": [{"path": "owners", "reason": "again"}]}, headers=world.checker.headers
    )
    headers = {**world.maker.headers, "if-match": returned.headers["etag"]}
    changed = await client.patch(path, json=changes, headers=headers)
    assert changed.status_code == 200, changed.text
    submitted = await client.post(f"{path}/submit", headers=world.maker.headers)
    assert submitted.status_code == 200, submitted.text
    await builders.work(service)
    return path


async def test_the_author_of_answers_that_a_later_version_still_holds_may_not_decide_on_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    both = world["greenbankfsp"]["both"]
    path = await next_version(client, service, world, both, {"external_ref": "S"})
    claimed = await client.post(f"{path}/claim", headers=both.headers)
    assert (claimed.status_code, claimed.json()["code"]) == (403, "checker_is_maker")


async def test_the_author_of_answers_that_were_all_written_anew_may_decide(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    both = world["greenbankfsp"]["both"]
    anew = {
        "business": {"trading_name": "New", "legal_name": "New Ltd", "kind": "ngo", "mcc": "5499", "lei": LEI}
        | {"currencies": ["UGX"]},
        "owners": [
            {"given_name": "Zoe", "birth_date": "1990-01-01", "id_type": "passport", "id_number": "ZZ900100"}
            | {"is_director": True, "phone": "+256772000001"}
        ],
        "contact": {"email": "z@example.org"},
        "locations": [{"country": "UG", "city": "Gulu"}],
        "settlement_account": {},
        "external_ref": "S",
    }
    path = await next_version(client, service, world, both, anew)
    claimed = await client.post(f"{path}/claim", headers=both.headers)
    assert claimed.status_code == 200, claimed.text
