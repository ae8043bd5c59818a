"""API keys: who may give them what, how long they live, and that their issuer answers for what they write."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from merchant.core import clock
from merchant.core.access import COUNTER_KEY_SCOPES, DELEGABLE, KEY_SCOPES, MERCHANT_KEY_SCOPES, ROLE_PERMISSIONS, Role
from merchant.core.access import Permission as P
from merchant.core.evidence import EventBuffer
from merchant.core.service import Service
from merchant.people import sessions
from tests import builders
from tests.api.everything import add_user
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
KEYS = "/api/v1/api-keys"


async def issue(client: httpx.AsyncClient, person: Person, scopes: list[str], **more: Any) -> httpx.Response:
    return await client.post(KEYS, json={"name": "key", "scopes": scopes, **more}, headers=person.headers)


class TestLifetime:
    async def test_a_key_ends_after_a_year_unless_told_otherwise(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        start = move_clock(timedelta())
        issued = (await issue(client, world["greenbankfsp"]["admin"], ["merchants:read"])).json()
        assert issued["expires_at"] == (start + timedelta(days=365)).isoformat().replace("+00:00", "Z")[:23] + "Z"
        key = {"x-api-key": issued["key"]}
        move_clock(timedelta(days=364, hours=23))
        assert (await client.get("/api/v1/merchants", headers=key)).status_code == 200
        move_clock(timedelta(hours=1))
        assert (await client.get("/api/v1/merchants", headers=key)).status_code == 401

    async def test_nothing_said_and_null_mean_the_same(self, client: httpx.AsyncClient, world: World) -> None:
        for more in ({}, {"expires_in_days": None}):
            issued = await issue(client, world["greenbankfsp"]["admin"], ["merchants:read"], **more)
            assert issued.json()["expires_at"] is not None

    @pytest.mark.parametrize("days", [0, -1, 731, 10**9, 1.5, "365"])
    async def test_no_key_lives_longer_than_two_years_or_less_than_a_day(
        self, client: httpx.AsyncClient, world: World, days: Any
    ) -> None:
        response = await issue(client, world["greenbankfsp"]["admin"], ["merchants:read"], expires_in_days=days)
        assert response.status_code == 422

    async def test_a_key_of_before_that_had_no_end_still_works(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
        async with service.db.system() as tx:
            await tx.execute("UPDATE api_key SET expires_at = NULL, issued_by = NULL")
        assert (await client.get("/api/v1/merchants", headers=key)).status_code == 200
        listed = await client.get(KEYS, headers=world["greenbankfsp"]["admin"].headers)
        assert listed.json()["items"][0]["expires_at"] is None


class TestScopes:
    async def test_an_admin_gives_what_they_hold_or_may_delegate_and_no_more(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        for person, role in ((world["greenbankfsp"]["admin"], Role.DFSP_ADMIN), (world.operator, Role.HUB_OPERATOR)):
            for scope in KEY_SCOPES:
                place = {"dfsp_id": str(world.dfsp_ids["greenbankfsp"])}
                response = await issue(client, person, [scope], **place)
                allowed = scope in ROLE_PERMISSIONS[role] | DELEGABLE[role]
                assert response.status_code == (201 if allowed else 403), (role, scope, response.text)

    async def test_the_hub_hands_out_no_key_that_onboards_or_takes_money(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        place = {"dfsp_id": str(world.dfsp_ids["greenbankfsp"])}
        for scope in ("applications:write", "merchants:write", "payments:request", "webhooks:write"):
            assert (await issue(client, world.operator, [scope], **place)).status_code == 403, scope

    def test_nothing_is_delegated_that_no_key_may_hold(self) -> None:
        assert all(given <= KEY_SCOPES for given in DELEGABLE.values())
        assert set(DELEGABLE) == {role for role in Role if P.API_KEYS_WRITE in ROLE_PERMISSIONS[role]}
        assert COUNTER_KEY_SCOPES < MERCHANT_KEY_SCOPES < KEY_SCOPES

    async def test_a_counters_key_holds_what_a_till_needs(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        _merchant, counters = await builders.create_merchant(service, world)
        for scope in KEY_SCOPES:
            response = await issue(client, world["greenbankfsp"]["admin"], [scope], counter_id=str(counters[0].id))
            assert response.status_code == (201 if scope in COUNTER_KEY_SCOPES else 403), scope

    async def test_a_counters_key_of_before_holds_no_more_than_one_of_today(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        _merchant, counters = await builders.create_merchant(service, world)
        admin = world["greenbankfsp"]["admin"]
        key = await builders.issue_key(service, admin, ["events:read"], counter_id=counters[0].id)
        async with service.db.system() as tx:
            await tx.execute("UPDATE api_key SET scopes = $1", sorted(MERCHANT_KEY_SCOPES))
        body = {"url": "https://shop.example/hooks"}
        refused = await client.post("/api/v1/webhook-endpoints", json=body, headers=key)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        actor = await sessions.key_actor(service, key["x-api-key"])
        assert actor.permissions == COUNTER_KEY_SCOPES


class TestIssuers:
    @pytest.fixture
    async def two_hats(self, service: Service, world: World) -> Person:
        """Someone who issues keys and decides."""
        admin = world["greenbankfsp"]["admin"]
        await add_user(service, admin, "hats@greenbankfsp.example", [Role.DFSP_ADMIN])
        async with service.db.system() as tx:  # as it was possible before the two excluded each other
            await tx.execute(
                "UPDATE app_user SET roles = '{dfsp_admin,dfsp_checker}' WHERE email = 'hats@greenbankfsp.example'"
            )
        return await builders.signed_in(service, "hats@greenbankfsp.example")

    async def written_by_key(
        self, client: httpx.AsyncClient, service: Service, key: dict[str, str]
    ) -> tuple[str, dict[str, str]]:
        """The address of an application under review that a key wrote, and the body of its approval."""
        headers = {**key, "idempotency-key": "k"}
        opened = (await client.post("/api/v1/applications", json=builders.company(), headers=headers)).json()
        path = f"/api/v1/applications/{opened['id']}"
        assert (await client.post(f"{path}/submit", headers=key)).status_code == 200
        await builders.work(service)
        return path, {"version_hash": opened["version_hash"]}

    async def test_whoever_issued_the_key_does_not_decide_on_what_it_wrote(
        self, client: httpx.AsyncClient, service: Service, world: World, two_hats: Person
    ) -> None:
        key = await builders.issue_key(service, two_hats, ["applications:write"])
        path, approval = await self.written_by_key(client, service, key)
        refused = await client.post(f"{path}/approve", json=approval, headers=two_hats.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "checker_is_maker")
        shown = (await client.get(path, headers=world.checker.headers)).json()
        assert str(two_hats.actor.id) in shown["makers"]
        assert (await client.post(f"{path}/approve", json=approval, headers=world.checker.headers)).status_code == 200

    @pytest.mark.parametrize("part", ["changed", "submitted"])
    async def test_one_section_or_the_submission_by_the_key_is_enough(
        self, client: httpx.AsyncClient, service: Service, world: World, two_hats: Person, part: str
    ) -> None:
        key = await builders.issue_key(service, two_hats, ["applications:write"])
        application = await builders.create_application(service, world.maker)
        path = f"/api/v1/applications/{application.id}"
        by = {name: key if name == part else world.maker.headers for name in ("changed", "submitted")}
        changed = await client.patch(path, json={"external_ref": "R"}, headers={**by["changed"], "if-match": '"1"'})
        assert changed.status_code == 200
        assert (await client.post(f"{path}/submit", headers=by["submitted"])).status_code == 200
        await builders.work(service)
        body = {"version_hash": changed.json()["version_hash"]}
        refused = await client.post(f"{path}/approve", json=body, headers=two_hats.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "checker_is_maker")

    async def test_a_version_that_a_key_wrote_before_issuers_were_makers_is_held_by_the_key(
        self, client: httpx.AsyncClient, service: Service, two_hats: Person
    ) -> None:
        key = await builders.issue_key(service, two_hats, ["applications:write"])
        path, approval = await self.written_by_key(client, service, key)
        async with service.db.system() as tx:
            for table in ("application", "application_version"):
                await tx.execute(f"UPDATE {table} SET makers = array_remove(makers, $1)", two_hats.actor.id)
        refused = await client.post(f"{path}/approve", json=approval, headers=two_hats.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "checker_is_maker")

    async def test_a_key_says_who_issued_it(self, client: httpx.AsyncClient, world: World) -> None:
        admin = world["greenbankfsp"]["admin"]
        assert (await issue(client, admin, ["merchants:read"])).json()["issued_by"] == str(admin.actor.id)


class TestRotation:
    async def test_the_new_key_does_the_same_and_the_old_one_lives_a_day(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        start = move_clock(timedelta())
        merchant, counters = await builders.create_merchant(service, world)
        admin, place = world["greenbankfsp"]["admin"], {"counter_id": str(counters[0].id)}
        old = (await issue(client, admin, ["merchants:read"], expires_in_days=30, **place)).json()
        move_clock(timedelta(days=10))
        admin = await builders.signed_in(service, admin.email)
        new = await client.post(f"{KEYS}/{old['id']}/rotate", headers=admin.headers)
        assert new.status_code == 201, new.text
        same = ("name", "scopes", "dfsp_id", "merchant_id", "counter_id")
        assert [new.json()[name] for name in same] == [old[name] for name in same]
        assert new.json()["merchant_id"] == str(merchant.id)
        assert new.json()["expires_at"] == clock.rfc3339(start + timedelta(days=40))
        for wait, status in ((timedelta(hours=23), 200), (timedelta(hours=1), 401)):
            move_clock(wait)
            answers = [
                (await client.get("/api/v1/merchants", headers={"x-api-key": one["key"]})).status_code
                for one in (new.json(), old)
            ]
            assert answers == [200, status]
        admin = await builders.signed_in(service, admin.email)
        listed = (await client.get(KEYS, headers=admin.headers)).json()["items"]
        assert {one["id"] for one in listed} == {old["id"], new.json()["id"]}
        assert not [one for one in listed if one["key"] is not None]

    async def test_a_key_that_ends_sooner_is_not_made_to_live_longer(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        start = move_clock(timedelta())
        admin = world["greenbankfsp"]["admin"]
        old = (await issue(client, admin, ["merchants:read"], expires_in_days=1)).json()
        move_clock(timedelta(hours=20))
        admin = await builders.signed_in(service, admin.email)
        await client.post(f"{KEYS}/{old['id']}/rotate", headers=admin.headers)
        [ends] = [one["expires_at"] for one in (await client.get(KEYS, headers=admin.headers)).json()["items"][1:]]
        assert ends == clock.rfc3339(start + timedelta(days=1))

    async def test_a_key_that_has_ended_is_not_brought_back(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        move_clock(timedelta())
        admin = world["greenbankfsp"]["admin"]
        revoked, over = [
            (await issue(client, admin, ["merchants:read"], expires_in_days=1)).json()["id"] for _ in range(2)
        ]
        assert (await client.delete(f"{KEYS}/{revoked}", headers=admin.headers)).status_code == 204
        assert (await client.post(f"{KEYS}/{revoked}/rotate", headers=admin.headers)).status_code == 409
        move_clock(timedelta(days=1))
        admin = await builders.signed_in(service, admin.email)
        assert (await client.post(f"{KEYS}/{over}/rotate", headers=admin.headers)).status_code == 409

    async def test_nobody_rotates_anothers_key(self, client: httpx.AsyncClient, world: World) -> None:
        key = (await issue(client, world["greenbankfsp"]["admin"], ["merchants:read"])).json()["id"]
        for person, status in ((world["lakemfi"]["admin"], 404), (world.maker, 403)):
            assert (await client.post(f"{KEYS}/{key}/rotate", headers=person.headers)).status_code == status

    async def test_it_gives_no_more_than_its_rotator_may_give(self, client: httpx.AsyncClient, world: World) -> None:
        """The hub issues keys that register numbers, and none that asks for money."""
        key = (await issue(client, world["greenbankfsp"]["admin"], ["payments:request"])).json()["id"]
        assert (await client.post(f"{KEYS}/{key}/rotate", headers=world.operator.headers)).status_code == 403


async def test_a_list_tells_when_a_key_was_used_last(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    start = move_clock(timedelta())
    admin = world["greenbankfsp"]["admin"]
    used, unused = [(await issue(client, admin, ["merchants:read"])).json() for _ in range(2)]
    for _ in range(2):
        last = move_clock(timedelta(hours=2))
        assert (await client.get("/api/v1/merchants", headers={"x-api-key": used["key"]})).status_code == 200
    await service.shared(EventBuffer).store()
    listed = {one["id"]: one for one in (await client.get(KEYS, headers=admin.headers)).json()["items"]}
    assert listed[used["id"]]["last_used_at"] == clock.rfc3339(last) > clock.rfc3339(start)
    assert listed[unused["id"]]["last_used_at"] is None
