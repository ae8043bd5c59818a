"""Hits: two people release a likely one, every decision is kept, a release is remembered until something changes."""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World
from tests.merchant.compliance.cases.banks import put_list

pytestmark = pytest.mark.anyio


class Desk:
    """The checkers of greenbankfsp, and one application that is under review."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        self.client, self.service, self.world = client, service, world
        self.path = ""

    async def review(self, document: dict[str, Any]) -> Any:
        made = await builders.create_application(self.service, self.world.maker, document, submitted=True)
        self.path = f"/api/v1/applications/{made.id}"
        return await self.get()

    async def get(self) -> Any:
        return (await self.client.get(self.path, headers=self.world.checker.headers)).json()

    async def decide(self, hit_id: str, decision: str, who: str = "checker") -> Any:
        headers = self.world["greenbankfsp"][who].headers
        body = {"decision": decision, "reason": f"{who} looked."}
        response = await self.client.post(f"{self.path}/hits/{hit_id}", json=body, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def approve(self, who: str = "checker") -> httpx.Response:
        body = {"version_hash": (await self.get())["version_hash"]}
        headers = self.world["greenbankfsp"][who].headers
        return await self.client.post(f"{self.path}/approve", json=body, headers=headers)


@pytest.fixture
def desk(client: httpx.AsyncClient, service: Service, world: World) -> Desk:
    return Desk(client, service, world)


def open_hits(report: Any) -> list[str]:
    return [hit["id"] for hit in report["hits"] if not hit["hit"]["set_aside"]]


async def test_one_persons_release_of_a_likely_match_is_a_proposal_and_a_second_one_frees_it(desk: Desk) -> None:
    seen = await desk.review(listed_company())
    hits = open_hits(seen["report"])
    assert {hit["hit"]["band"] for hit in seen["report"]["hits"] if hit["id"] in hits} == {"likely"}
    for hit_id in hits:
        told = await desk.decide(hit_id, "false_positive")
        assert (told["hit_states"][hit_id], told["hit_decisions"][hit_id]) == ("proposed", "false_positive")
    assert (await desk.approve("checker2")).json()["code"] == "screening_hits_open"
    for hit_id in hits:
        again = await desk.decide(hit_id, "false_positive")  # the same person twice is still one
        assert again["hit_states"][hit_id] == "proposed"
        freed = await desk.decide(hit_id, "false_positive", "checker2")
        assert freed["hit_states"][hit_id] == "decided"
    assert (await desk.approve()).status_code == 200


async def test_a_true_match_stands_until_two_others_take_it_back_and_every_decision_is_kept(desk: Desk) -> None:
    seen = await desk.review(listed_company())
    [hit_id, *_] = open_hits(seen["report"])
    await desk.decide(hit_id, "true_match")
    told = await desk.decide(hit_id, "false_positive")
    assert (told["hit_decisions"][hit_id], told["hit_states"][hit_id]) == ("true_match", "proposed")
    told = await desk.decide(hit_id, "false_positive", "checker2")
    assert (told["hit_decisions"][hit_id], told["hit_states"][hit_id]) == ("false_positive", "decided")
    async with desk.service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT decision, proposed FROM hit_decision ORDER BY id")
    assert [(row["decision"], row["proposed"]) for row in rows] == [
        ("true_match", False),
        ("false_positive", True),
        ("false_positive", False),
    ]


async def release(desk: Desk, seen: Any) -> None:
    for hit_id in open_hits(seen["report"]):
        for who in ("checker", "checker2"):
            await desk.decide(hit_id, "false_positive", who)


async def test_what_was_released_is_not_asked_again_of_the_same_person(desk: Desk) -> None:
    document = listed_company()
    await release(desk, await desk.review(document))
    second = await desk.review(builders.company() | {"owners": document["owners"]})
    assert open_hits(second["report"]) == []
    assert second["report"]["screening"] == "clear"
    assert (await desk.approve()).status_code == 200


async def test_a_release_lapses_when_the_persons_facts_change(desk: Desk) -> None:
    document = listed_company()
    await release(desk, await desk.review(document))
    changed = [document["owners"][0] | {"id_number": "Z1234567"}]
    second = await desk.review(builders.company() | {"owners": changed})
    assert open_hits(second["report"]) != []


async def test_a_true_match_takes_the_memory_of_a_release_away(desk: Desk) -> None:
    document = listed_company()
    seen = await desk.review(document)
    await release(desk, seen)
    await desk.decide(open_hits(seen["report"])[0], "true_match")
    second = await desk.review(builders.company() | {"owners": document["owners"]})
    assert open_hits(second["report"]) != []


# --- lists that change -----------------------------------------------------------------------------------------------


async def test_a_name_that_is_listed_between_review_and_approval_is_found_by_the_approval(
    desk: Desk, client: httpx.AsyncClient, service: Service, world: World
) -> None:
    seen = await desk.review(builders.company())
    assert seen["report"]["screening"] == "clear"
    await put_list(service, client, world, "7,person,Amina Odhiambo,,1980-02-03,KE,,fraud")
    refused = await desk.approve()
    assert (refused.status_code, refused.json()["code"]) == (409, "screening_hits_open")
    assert open_hits((await desk.get())["report"]) != []


async def test_a_live_merchant_whose_owner_is_listed_is_restricted_without_a_word_and_reviewed(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    other, _ = await builders.create_merchant(service, world, document=builders.seller())
    await put_list(service, client, world, "7,person,Amina Odhiambo,,1980-02-03,KE,,fraud")
    headers = world.checker.headers
    shown = (await client.get(f"/api/v1/merchants/{merchant.id}", headers=headers)).json()
    assert shown["state"] == "restricted"
    assert (await client.get(f"/api/v1/merchants/{other.id}", headers=headers)).json()["state"] == "active"
    [case] = (await client.get(f"/api/v1/cases?merchant_id={merchant.id}&kind=review", headers=headers)).json()["items"]
    assert (case["state"], case["trigger"]) == ("in_review", "list_hit")
    found = (await client.get(f"/api/v1/cases/{case['id']}", headers=headers)).json()
    for hit_id in open_hits(found["report"]):
        for who in ("checker", "checker2"):
            body = {"decision": "true_match", "reason": "The same face."}
            person = world["greenbankfsp"][who].headers
            await client.post(f"/api/v1/cases/{case['id']}/hits/{hit_id}", json=body, headers=person)
    stopped = (await client.get(f"/api/v1/merchants/{merchant.id}", headers=headers)).json()
    assert stopped["state"] == "suspended"
    async with service.db.system_reads() as tx:
        told = await tx.fetch("SELECT body FROM webhook_delivery WHERE event_type LIKE 'merchant.%'")
    assert not any(b"list" in row["body"] for row in told)


async def test_who_confirmed_a_match_does_not_decide_on_the_return(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    await put_list(service, client, world, "7,person,Amina Odhiambo,,1980-02-03,KE,,fraud")
    staff = world["greenbankfsp"]
    [case] = (
        await client.get(f"/api/v1/cases?merchant_id={merchant.id}&kind=review", headers=world.checker.headers)
    ).json()["items"]
    path = f"/api/v1/cases/{case['id']}"
    hits = open_hits((await client.get(path, headers=world.checker.headers)).json()["report"])
    for who in ("checker", "checker2"):
        body = {"decision": "true_match", "reason": "The same face."}
        await client.post(f"{path}/hits/{hits[0]}", json=body, headers=staff[who].headers)
    alone = await client.post(f"/api/v1/merchants/{merchant.id}/reinstate", headers=world.checker.headers)
    assert (alone.status_code, alone.json()["code"]) == (409, "case_needed")
    body = {"kind": "reinstatement", "reason": "It was another person."}
    opened = await client.post(f"/api/v1/merchants/{merchant.id}/cases", json=body, headers=world.maker.headers)
    assert opened.status_code == 201, opened.text
    path = f"/api/v1/cases/{opened.json()['id']}"
    await client.post(f"{path}/submit", headers=world.maker.headers)
    await builders.work(service)
    claimed = await client.post(f"{path}/claim", headers=world.checker.headers)
    assert (claimed.status_code, claimed.json()["code"]) == (403, "checker_is_maker")
