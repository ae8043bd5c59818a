"""The API of the screening lists: who may see them, who may put one, and what each is told."""

import base64
import gzip

import httpx
import pytest

from merchant.compliance.lists.content import FORM_NAMES
from merchant.compliance.lists.schemas import FormName
from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import Person, World
from tests.merchant.compliance.lists.stage import eu_list, is_listed, listed, own_list

pytestmark = [pytest.mark.anyio, pytest.mark.database]
LISTS = "/api/v1/screening-lists"


async def post(client: httpx.AsyncClient, who: Person, form: str, file: bytes) -> httpx.Response:
    body = {"form": form, "content": base64.b64encode(file).decode()}
    return await client.post(LISTS, json=body, headers=who.headers)


async def hub_checker(service: Service) -> Person:
    await builders.add_person(service, "second@hub.example", [Role.HUB_CHECKER])
    return await builders.signed_in(service, "second@hub.example")


def test_the_api_takes_every_form_that_can_be_read() -> None:
    assert set(FormName.__args__) == set(FORM_NAMES)  # type: ignore[attr-defined]


async def test_staff_see_which_lists_count_and_how_old_they_are(client: httpx.AsyncClient, world: World) -> None:
    for who in (world.operator, world.maker, world["lakemfi"]["auditor"]):
        found = await listed(client, who)
        assert found["un_consolidated"]["id"] is None
        assert found["un_consolidated"]["counts"]["entries"] == 1003
        assert (found["un_consolidated"]["problem"], found["un_consolidated"]["age_days"] > 200) == (None, True)


async def test_a_published_list_that_is_put_counts_at_once(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    answer = await post(client, world.operator, "eu", gzip.compress(eu_list("2026-11-01", ["Tarik Sample"])))
    assert (answer.status_code, answer.json()["state"]) == (201, "in_force")
    assert await is_listed(service, "Tarik Sample")
    assert set(await listed(client, world.maker)) == {"un_consolidated", "eu_fsf"}


async def test_a_list_that_shrank_is_refused_and_the_answer_says_why(client: httpx.AsyncClient, world: World) -> None:
    names = [f"Person Number{number}" for number in range(20)]
    await post(client, world.operator, "eu", eu_list("2026-11-01", names))
    answer = (await post(client, world.operator, "eu", eu_list("2026-11-02", names[:5]))).json()
    assert (answer["state"], answer["problem"]) == ("refused", "list_shrunk")
    assert (await listed(client, world.operator))["eu_fsf"]["counts"]["entries"] == 20


async def test_a_private_list_needs_a_second_person_of_the_hub(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    proposed = (await post(client, world.operator, "own", own_list("Amara Kiprop"))).json()
    path = f"{LISTS}/{proposed['id']}/confirm"
    assert proposed["state"] == "proposed"
    own = await client.post(path, headers=world.operator.headers)
    assert (own.status_code, own.json()["code"]) == (403, "list_proposed_by_you")
    for stranger in (world.checker, world["lakemfi"]["admin"]):
        assert (await client.post(path, headers=stranger.headers)).status_code == 403
    checker = await hub_checker(service)
    confirmed = await client.post(path, headers=checker.headers)
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "in_force")
    assert await is_listed(service, "Amara Kiprop")
    again = await client.post(path, headers=checker.headers)
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    unknown = await client.post(f"{LISTS}/{world.dfsp_ids['lakemfi']}/confirm", headers=checker.headers)
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"form": "pdf", "content": "eA=="}, "invalid_fields"),
        ({"form": "eu", "content": "not base64!"}, "invalid_fields"),
        ({"form": "eu", "content": ""}, "invalid_fields"),
        ({"form": "eu", "content": "PHgvPg=="}, "unreadable_list"),
        ({"form": "own", "content": "H4sIAAAAAAAA"}, "unreadable_list"),
        ({"form": "eu"}, "invalid_fields"),
    ],
)
async def test_what_is_no_list_is_told(
    client: httpx.AsyncClient, world: World, body: dict[str, str], code: str
) -> None:
    answer = await client.post(LISTS, json=body, headers=world.operator.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert set(await listed(client, world.operator)) == {"un_consolidated"}
