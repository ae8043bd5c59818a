"""A register that is asked about a case: it may be away or unsure, and only its clear word verifies anybody."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from merchant.compliance.providers import look_up
from merchant.compliance.slice import ROUTES
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import World
from tests.merchant.compliance.providers.register import StandInRegister
from tests.merchant.demo.simulator.conftest import free_port

pytestmark = [pytest.mark.anyio, pytest.mark.database]
VERIFIED = {"outcome": "verified", "reference": "R-1"}
UNSURE = {"outcome": "inconclusive", "code": "two_found"}
MoveClock = Callable[[timedelta], datetime]


@pytest.fixture
def register() -> StandInRegister:
    return StandInRegister(free_port())


@pytest.fixture
def settings(settings: Settings, register: StandInRegister) -> Settings:
    return msgspec.structs.replace(settings, evidence_url=register.url)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with client_on(app_on(service, routes=ROUTES)) as opened:
        yield opened


class Case:
    """A case under review, and what may be read of it."""

    def __init__(self, service: Service, client: httpx.AsyncClient, application_id: UUID) -> None:
        self.service, self.client = service, client
        self.path = f"/api/v1/applications/{application_id}"

    async def call(self, method: str, name: str = "", who: str = "checker", **more: Any) -> httpx.Response:
        world = await builders.load_world(self.service)  # sessions end while the clock moves
        return await self.client.request(method, self.path + name, headers=world["greenbankfsp"][who].headers, **more)

    async def open_codes(self) -> dict[str, str]:
        """path → code of what waits for somebody to verify it."""
        needs = (await self.call("GET", "/requirements")).json()
        return {one["path"]: one["code"] for one in needs["pending_verification"] if one["key"] != "screening"}

    async def outcomes(self) -> list[tuple[str, str]]:
        rows = (await self.call("GET", "/verifications")).json()["items"]
        return [(one["attribute"], one["outcome"]) for one in rows]


async def submit(service: Service, client: httpx.AsyncClient, world: World, document: Any = None) -> Case:
    """A company that is submitted, screened and asked about."""
    draft = await builders.create_application(service, world.maker, document)
    case = Case(service, client, draft.id)
    assert (await case.call("POST", "/submit", who="maker")).status_code == 200
    await builders.work(service)
    return case


async def test_a_register_that_is_down_fails_or_is_unsure_verifies_nobody(
    service: Service, client: httpx.AsyncClient, world: World, register: StandInRegister, move_clock: MoveClock
) -> None:
    asked = {"owners[0]": "not_verified", "business": "not_verified"}
    case = await submit(service, client, world)  # down
    assert (await case.open_codes(), await case.outcomes()) == (asked, [])

    register.replies = [500]
    async with register.running():
        move_clock(timedelta(seconds=10))
        await builders.work(service)
        assert len(register.asked) == 2
        assert (await case.open_codes(), await case.outcomes()) == (asked, [])

        register.replies = [UNSURE]
        move_clock(timedelta(minutes=1))
        await builders.work(service)
        assert await case.open_codes() == dict.fromkeys(asked, "inconclusive")
        assert set(await case.outcomes()) == {("identity", "inconclusive"), ("registration", "inconclusive")}
        seen = (await case.call("GET")).json()
        assert ("identity", "not_checked") in {(one["code"], one["outcome"]) for one in seen["report"]["checks"]}
        refused = await case.call("POST", "/approve", json={"version_hash": seen["version_hash"]})
        assert (refused.status_code, refused.json()["code"]) == (409, "no_tier")

        register.replies = [VERIFIED]
        move_clock(look_up.ASK_AGAIN_AFTER)
        await builders.work(service)
    assert await case.open_codes() == {}
    assert set((await case.outcomes())[2:]) == {("identity", "verified"), ("registration", "verified")}
    again = (await case.call("GET")).json()
    assert (again["state"], again["version_hash"]) == ("in_review", seen["version_hash"])
    approved = await case.call("POST", "/approve", json={"version_hash": seen["version_hash"]})
    assert approved.status_code == 200, approved.text


async def test_a_rejection_is_in_front_of_the_checker_at_once(
    service: Service, client: httpx.AsyncClient, world: World, register: StandInRegister
) -> None:
    register.replies = [{"outcome": "rejected", "code": "name_differs"}]
    async with register.running():
        case = await submit(service, client, world)
    needs = (await case.call("GET", "/requirements")).json()
    assert {(one["path"], one["code"]) for one in needs["errors"]} == {
        ("owners[0]", "name_differs"),
        ("business", "name_differs"),
    }
    seen = (await case.call("GET")).json()
    assert ("identity", "failed") in {(one["code"], one["outcome"]) for one in seen["report"]["checks"]}
    refused = await case.call("POST", "/approve", json={"version_hash": seen["version_hash"]})
    assert refused.json()["code"] == "no_tier"


async def test_only_the_facts_that_a_verdict_rests_on_are_sent_and_the_log_tells_it(
    service: Service, client: httpx.AsyncClient, world: World, register: StandInRegister
) -> None:
    register.replies = [VERIFIED]
    document = builders.company()
    async with register.running():
        case = await submit(service, client, world, document)
    facts = {one["attribute"]: one["facts"] for one in register.asked}
    owner = document["owners"][0]
    names = ("given_name", "family_name", "birth_date", "id_type", "id_number")
    assert facts["identity"] == {name: owner[name] for name in names}
    assert facts["registration"] == {name: document["business"][name] for name in ("legal_name", "registration_number")}
    readings = (await case.call("GET", "/readings", who="auditor")).json()["items"]
    assert {(one["path"], one["why"]) for one in readings} == {("owners[0]", "evidence"), ("business", "evidence")}
    async with service.db.system_reads() as tx:
        kept = await tx.fetch("SELECT detail::text FROM audit_entry")
    assert owner["id_number"] not in str(kept)


async def test_an_answer_about_facts_that_changed_is_not_asked_for(
    service: Service, client: httpx.AsyncClient, world: World, register: StandInRegister, move_clock: MoveClock
) -> None:
    case = await submit(service, client, world)  # down
    await case.call("POST", "/return", json={"items": [{"path": "owners[0]", "reason": "Is this the name?"}]})
    etag = (await case.call("GET", who="maker")).headers["etag"]
    owner = builders.company()["owners"][0] | {"given_name": "Zawadi"}
    world = await builders.load_world(service)
    headers = {**world.maker.headers, "if-match": etag}
    assert (await client.patch(case.path, json={"owners": [owner]}, headers=headers)).status_code == 200
    register.replies = [VERIFIED]
    async with register.running():
        move_clock(timedelta(minutes=1))
        await builders.work(service)
    assert [one["attribute"] for one in register.asked] == ["registration"]
    assert await case.outcomes() == [("registration", "verified")]


async def test_an_unsure_register_is_asked_three_times_at_most(
    service: Service, client: httpx.AsyncClient, world: World, register: StandInRegister, move_clock: MoveClock
) -> None:
    register.replies = [UNSURE]
    async with register.running():
        case = await submit(service, client, world)
        for _ in range(4):
            move_clock(look_up.ASK_AGAIN_AFTER)
            await builders.work(service)
    assert len(register.asked) == 2 * look_up.ASKED_MAX
    assert len(await case.outcomes()) == 2  # the same word again is no news


async def test_a_decided_case_asks_nobody(
    service: Service, client: httpx.AsyncClient, world: World, register: StandInRegister, move_clock: MoveClock
) -> None:
    case = await submit(service, client, world)  # down
    assert (await case.call("POST", "/withdraw", who="maker")).status_code == 200
    register.replies = [VERIFIED]
    async with register.running():
        move_clock(timedelta(minutes=1))
        await builders.work(service)
    assert (register.asked, await case.outcomes()) == ([], [])
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", look_up.TOPIC) == 0
