"""Taking back a true match takes two checkers, in the version where it was found and in every later one."""

import asyncio
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World

pytestmark = pytest.mark.anyio
FALSE = {"decision": "false_positive", "reason": "Born elsewhere."}
TRUE = {"decision": "true_match", "reason": "The same passport."}


class Case:
    """An application whose owner bears a listed name, under review."""

    def __init__(self, client: httpx.AsyncClient, world: World, application_id: object) -> None:
        self.client, self.staff = client, world["greenbankfsp"]
        self.path = f"/api/v1/applications/{application_id}"

    async def read(self, path: str = "") -> Any:
        return (await self.client.get(self.path + path, headers=self.staff["auditor"].headers)).json()

    async def hit_ids(self) -> list[str]:
        return [hit["id"] for hit in (await self.read())["report"]["hits"]]

    async def say(self, word: dict[str, str], who: str, hit_ids: list[str] | None = None) -> Any:
        """Decide on all hits, or on these; the last answer."""
        for hit_id in hit_ids or await self.hit_ids():
            headers = self.staff[who].headers
            response = await self.client.post(f"{self.path}/hits/{hit_id}", json=word, headers=headers)
            assert response.status_code == 200, response.text
        return response.json()

    async def approve(self, who: str) -> str:
        """How an approval ends: the problem's code, or `approved`."""
        body = {"version_hash": (await self.read())["version_hash"]}
        response = await self.client.post(f"{self.path}/approve", json=body, headers=self.staff[who].headers)
        code: str = response.json().get("code", "approved")
        return code

    async def next_version(self, service: Service, changes: dict[str, Any]) -> None:
        """Return it to the maker, who changes something and submits."""
        items = {"items": [{"path": "owners", "reason": "again"}]}
        checker, maker = self.staff["checker"].headers, self.staff["maker"].headers
        returned = await self.client.post(f"{self.path}/return", json=items, headers=checker)
        tag = returned.headers["etag"]
        changed = await self.client.patch(self.path, json=changes, headers={**maker, "if-match": tag})
        assert changed.status_code == 200, changed.text
        assert (await self.client.post(f"{self.path}/submit", headers=maker)).status_code == 200
        await builders.work(service)


@pytest.fixture
async def case(client: httpx.AsyncClient, service: Service, world: World) -> Case:
    application = await builders.create_application(service, world.maker, listed_company(), submitted=True)
    return Case(client, world, application.id)


async def test_who_said_true_match_does_not_take_it_back_alone(case: Case) -> None:
    await case.say(TRUE, "checker")
    for _ in range(3):  # saying it again makes no second person
        answer = await case.say(FALSE, "checker")
        assert set(answer["hit_states"].values()) == {"proposed"}
        assert set(answer["hit_decisions"].values()) == {"true_match"}
    for who in ("checker", "checker2"):
        assert await case.approve(who) == "screening_hits_open"


async def test_another_checker_does_not_take_it_back_alone(case: Case) -> None:
    await case.say(TRUE, "checker")
    await case.say(FALSE, "checker2")
    for who in ("checker2", "checker"):
        assert await case.approve(who) == "screening_hits_open"


async def test_two_checkers_take_it_back_and_the_record_names_both(case: Case) -> None:
    await case.say(TRUE, "checker")
    await case.say(FALSE, "checker2")
    answer = await case.say({**FALSE, "reason": "Seen the passport."}, "checker")
    assert set(answer["hit_states"].values()) == {"decided"}
    [version] = (await case.read("/versions"))["items"]
    for row in version["hit_decisions"]:
        assert (row["decision"], row["state"], row["reason"]) == ("false_positive", "decided", "Seen the passport.")
        assert row["checker"] == str(case.staff["checker"].actor.id)
        assert (row["released_by"], row["release_reason"]) == (
            str(case.staff["checker2"].actor.id),
            "Born elsewhere.",
        )
    assert await case.approve("checker") == "approved"


async def test_a_maker_is_neither_of_the_two(client: httpx.AsyncClient, service: Service, world: World) -> None:
    both = world["greenbankfsp"]["both"]
    application = await builders.create_application(service, both, listed_company(), submitted=True)
    case = Case(client, world, application.id)
    await case.say(TRUE, "checker")
    await case.say(FALSE, "checker")
    [hit_id] = (await case.hit_ids())[:1]
    response = await client.post(f"{case.path}/hits/{hit_id}", json=FALSE, headers=both.headers)
    assert (response.status_code, response.json()["code"]) == (403, "checker_is_maker")
    assert await case.approve("checker2") == "screening_hits_open"


async def test_a_true_match_said_anew_ends_the_proposal(case: Case) -> None:
    await case.say(TRUE, "checker")
    await case.say(FALSE, "checker")
    await case.say(TRUE, "checker2")
    answer = await case.say(FALSE, "checker2")
    assert set(answer["hit_states"].values()) == {"proposed"}
    assert await case.approve("checker") == "screening_hits_open"


async def test_releasing_a_likely_match_takes_two_even_if_nobody_called_it_true(case: Case) -> None:
    for _ in range(2):  # saying it again makes no second person
        answer = await case.say(FALSE, "checker")
        assert set(answer["hit_states"].values()) == {"proposed"}
        assert await case.approve("checker2") == "screening_hits_open"
    answer = await case.say(FALSE, "checker2")
    assert set(answer["hit_states"].values()) == {"decided"}
    assert await case.approve("checker2") == "approved"


async def test_the_two_at_once_are_two_and_one_twice_at_once_is_one(case: Case) -> None:
    hit_ids = await case.hit_ids()
    await case.say(TRUE, "checker")
    await asyncio.gather(*(case.say(FALSE, "checker", hit_ids) for _ in range(4)))
    assert await case.approve("checker2") == "screening_hits_open"
    await case.say(TRUE, "checker")
    await asyncio.gather(*(case.say(FALSE, who, hit_ids) for who in ("checker", "checker2")))
    assert await case.approve("checker2") == "approved"


async def test_a_screening_anew_or_a_proposal_of_before_changes_nothing(case: Case, service: Service) -> None:
    await case.say(TRUE, "checker")
    await case.say(FALSE, "checker")
    headers = case.staff["checker"].headers
    assert (await case.client.post(f"{case.path}/screen", headers=headers)).status_code == 200
    assert await case.approve("checker2") == "screening_hits_open"
    await case.next_version(service, {"external_ref": "R"})
    answer = await case.say(FALSE, "checker2")  # the first of two in this version
    assert set(answer["hit_states"].values()) == {"proposed"}
    assert await case.approve("checker2") == "screening_hits_open"


@pytest.mark.parametrize("moved", [False, True])
async def test_the_next_version_forgets_no_true_match(case: Case, service: Service, moved: bool) -> None:
    """Also when the owner stands at another place of it."""
    await case.say(TRUE, "checker")
    owners = listed_company()["owners"]
    other = builders.company()["owners"][0] | {"given_name": "Njeri", "family_name": "Wanjiku", "ownership_percent": 0}
    await case.next_version(service, {"owners": [other, *owners] if moved else owners, "external_ref": "R"})
    await case.say(FALSE, "checker2")
    assert await case.approve("checker2") == "screening_hits_open"
    answer = await case.say(FALSE, "checker")
    assert set(answer["hit_states"].values()) == {"decided"}
    await case.next_version(service, {"external_ref": "S"})
    answer = await case.say(FALSE, "checker2")  # taken back by two, so one is enough again
    assert set(answer["hit_states"].values()) == {"decided"}
    assert await case.approve("checker") == "approved"
