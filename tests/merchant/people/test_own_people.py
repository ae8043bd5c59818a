"""A merchant's owner and the merchant's own people: cashiers of the own merchant, and nobody else."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.core import ids
from merchant.core.access import COUNTER_KEY_SCOPES, Role
from merchant.core.http.json import encode
from merchant.core.service import Service
from merchant.people import own_people
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.builders import DFSPS, PASSWORD, Person, World

pytestmark = pytest.mark.anyio
USERS = "/api/v1/users"
OURS, THEIRS = DFSPS
CASHIER = {"name": "Njeri", "roles": ["merchant_cashier"]}


class Shop:
    """A merchant of greenbankfsp with its owner, who is signed in."""

    def __init__(
        self, client: httpx.AsyncClient, service: Service, made: tuple[Merchant, list[Counter]], owner: Person
    ) -> None:
        self.client, self.service, self.owner = client, service, owner
        self.merchant, self.counters = made

    async def add(self, who: Person | None = None, **changes: Any) -> httpx.Response:
        body = {"email": f"{ids.uuid7()}@shop.example", **CASHIER, **changes}
        return await self.client.post(USERS, json=body, headers=(who or self.owner).headers)

    async def added(self, **changes: Any) -> dict[str, Any]:
        response = await self.add(**changes)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def change(
        self, user_id: object, body: dict[str, Any], who: Person | None = None, version: int = 1
    ) -> httpx.Response:
        headers = {**(who or self.owner).headers, "if-match": f'"{version}"', "content-type": "application/json"}
        return await self.client.patch(f"{USERS}/{user_id}", content=encode(body), headers=headers)

    async def get(self, path: str, who: Person | None = None) -> Any:
        response = await self.client.get(f"/api/v1/{path}", headers=(who or self.owner).headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def person(self, role: Role, counter_id: UUID | None = None) -> Person:
        """Someone of this merchant, signed in."""
        email = f"{ids.uuid7()}@shop.example"
        place: dict[str, Any] = {"dfsp_id": self.merchant.dfsp_id, "merchant_id": self.merchant.id}
        await builders.add_person(self.service, email, [role], **place, counter_id=counter_id)
        return await builders.signed_in(self.service, email)


async def open_shop(client: httpx.AsyncClient, service: Service, world: World, fsp_id: str = OURS) -> Shop:
    document = builders.company()
    document["locations"][0]["counters"] = [{"name": "Till 1"}, {"name": "Till 2"}]
    made = await builders.create_merchant(service, world, fsp_id, document)
    email = f"owner-{made[0].id}@shop.example"
    place: dict[str, Any] = {"dfsp_id": made[0].dfsp_id, "merchant_id": made[0].id}
    await builders.add_person(service, email, [Role.MERCHANT_OWNER], **place)
    return Shop(client, service, made, await builders.signed_in(service, email))


@pytest.fixture
async def shop(client: httpx.AsyncClient, service: Service, world: World) -> Shop:
    return await open_shop(client, service, world)


class TestAdding:
    async def test_an_owner_adds_a_cashier_who_is_invited_and_belongs_to_the_own_merchant(self, shop: Shop) -> None:
        made = await shop.added(email="njeri@shop.example")
        assert (made["merchant_id"], made["dfsp_id"]) == (str(shop.merchant.id), str(shop.merchant.dfsp_id))
        assert (made["state"], made["roles"], made["counter_id"]) == ("invited", ["merchant_cashier"], None)
        async with shop.service.db.system() as tx:
            invited = await tx.fetchval("SELECT count(*) FROM account_token WHERE user_id = $1", UUID(made["id"]))
        assert invited == 1

    async def test_a_cashier_who_accepts_reaches_the_one_counter_and_nothing_else(self, shop: Shop) -> None:
        first, second = shop.counters
        made = await shop.added(email="till@shop.example", counter_id=str(first.id))
        assert made["counter_id"] == str(first.id)
        async with shop.service.db.system() as tx:
            hashed = builders.password_hash()
            await tx.execute("UPDATE app_user SET password_hash = $1 WHERE id = $2", hashed, UUID(made["id"]))
        door = await shop.client.post("/api/v1/sessions", json={"email": "till@shop.example", "password": PASSWORD})
        token = {"authorization": f"Bearer {door.json()['access_token']}"}
        me = (await shop.client.get(f"{USERS}/me", headers=token)).json()
        assert (me["merchant_id"], me["counter_id"]) == (str(shop.merchant.id), str(first.id))
        asked = {"amount": {"amount": "2.50", "currency": "KES"}}
        for counter_id, status in ((None, 201), (first.id, 201), (second.id, 404)):
            body = asked | ({"counter_id": str(counter_id)} if counter_id else {})
            headers = {**token, "idempotency-key": f"k{counter_id}"}
            response = await shop.client.post("/api/v1/payment-requests", json=body, headers=headers)
            assert response.status_code == status, response.text
            if status == 201:
                assert response.json()["counter_id"] == str(first.id)
        for path in ("users", "webhook-endpoints", "event-log", "api-keys", "audit"):
            assert (await shop.client.get(f"/api/v1/{path}", headers=token)).status_code == 403, path

    @pytest.mark.parametrize(
        "roles",
        [
            ["merchant_owner"],
            ["merchant_owner", "merchant_cashier"],
            ["dfsp_maker"],
            ["dfsp_admin"],
            ["hub_operator"],
            ["merchant_cashier", "dfsp_checker"],
        ],
    )
    async def test_only_cashiers_are_added_and_a_sentence_says_who_adds_owners(
        self, shop: Shop, roles: list[str]
    ) -> None:
        refused = await shop.add(roles=roles)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert "provider adds owners" in refused.json()["detail"]

    async def test_another_merchant_another_dfsp_and_their_counters_are_unknown(
        self, shop: Shop, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        neighbour, stranger = [await open_shop(client, service, world, fsp_id) for fsp_id in (OURS, THEIRS)]
        for wrong, field in (
            ({"merchant_id": str(neighbour.merchant.id)}, "merchant_id"),
            ({"merchant_id": str(stranger.merchant.id)}, "merchant_id"),
            ({"dfsp_id": str(stranger.merchant.dfsp_id)}, "dfsp_id"),
            ({"counter_id": str(neighbour.counters[0].id)}, "counter_id"),
            ({"counter_id": str(stranger.counters[0].id)}, "counter_id"),
            ({"counter_id": str(ids.uuid7())}, "counter_id"),
        ):
            refused = await shop.add(**wrong)
            assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, field), wrong
            assert refused.json()["errors"][0]["code"] == "unknown"

    async def test_a_closed_counter_gets_no_cashier(self, shop: Shop) -> None:
        path = f"/api/v1/counters/{shop.counters[0].id}/close"
        assert (await shop.client.post(path, json={"reason": "x"}, headers=shop.owner.headers)).status_code == 200
        assert (await shop.add(counter_id=str(shop.counters[0].id))).status_code == 422

    async def test_there_is_a_limit_and_those_who_were_shut_out_count(
        self, shop: Shop, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(own_people, "MAX_PEOPLE", 2)
        made = await shop.added()
        assert (await shop.change(made["id"], {"enabled": False})).status_code == 200
        refused = await shop.add()
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert "at most 2" in refused.json()["detail"]
        admin = world[OURS]["admin"]
        assert (await shop.add(admin, merchant_id=str(shop.merchant.id))).status_code == 201

    async def test_an_admin_binds_a_cashier_and_nobody_binds_an_owner(self, shop: Shop, world: World) -> None:
        admin, place = world[OURS]["admin"], {"merchant_id": str(shop.merchant.id)}
        bound = place | {"counter_id": str(shop.counters[1].id)}
        assert (await shop.add(admin, **bound)).json()["counter_id"] == str(shop.counters[1].id)
        for wrong in ({"roles": ["merchant_owner"]}, {"roles": ["merchant_owner", "merchant_cashier"]}):
            refused = await shop.add(admin, **bound, **wrong)
            assert refused.json()["errors"][0] | {"message": ""} == {
                "path": "counter_id",
                "code": "mismatch",
                "message": "",
            }

    async def test_neither_cashiers_nor_keys_add_people(self, shop: Shop, world: World) -> None:
        cashier = await shop.person(Role.MERCHANT_CASHIER)
        assert (await shop.add(cashier)).status_code == 403
        body = {"name": "x", "scopes": ["own-people:write"], "merchant_id": str(shop.merchant.id)}
        issued = await shop.client.post("/api/v1/api-keys", json=body, headers=world[OURS]["admin"].headers)
        assert issued.status_code == 403


class TestSeeing:
    async def test_an_owner_sees_the_own_people_only(
        self, shop: Shop, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        neighbour = await open_shop(client, service, world)
        theirs = await neighbour.added()
        mine = await shop.added()
        listed = await shop.get("users")
        assert {one["id"] for one in listed["items"]} == {mine["id"], str(shop.owner.actor.id)}
        for hidden in (theirs["id"], neighbour.owner.actor.id, world.maker.actor.id, world.operator.actor.id):
            response = await client.get(f"{USERS}/{hidden}", headers=shop.owner.headers)
            assert response.status_code == 404, response.text

    async def test_an_owner_reads_no_mails(self, shop: Shop) -> None:
        refused = await shop.client.get("/api/v1/outgoing-mail", headers=shop.owner.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")

    async def test_everyone_learns_where_they_work(self, shop: Shop, world: World) -> None:
        till = await shop.person(Role.MERCHANT_CASHIER, shop.counters[0].id)
        for person, merchant_id, counter_id in (
            (world.maker, None, None),
            (shop.owner, shop.merchant.id, None),
            (till, shop.merchant.id, shop.counters[0].id),
        ):
            me = await shop.get("users/me", person)
            assert (me["merchant_id"], me["counter_id"]) == (
                merchant_id and str(merchant_id),
                counter_id and str(counter_id),
            )

    async def test_a_bound_cashier_may_what_a_key_of_the_counter_may(self, shop: Shop) -> None:
        till = await shop.person(Role.MERCHANT_CASHIER, shop.counters[0].id)
        assert till.actor.permissions == COUNTER_KEY_SCOPES
        seen = await shop.get(f"merchants/{shop.merchant.id}", till)
        assert [one["id"] for one in seen["counters"]] == [str(shop.counters[0].id)]
        for path, status in ((shop.counters[0].id, 200), (shop.counters[1].id, 404)):
            response = await shop.client.get(f"/api/v1/counters/{path}/qr", headers=till.headers)
            assert response.status_code == status
        headers = {**till.headers, "idempotency-key": "posters"}
        refused = await shop.client.post("/api/v1/poster-batches", json={"page": "A6"}, headers=headers)
        assert refused.status_code == 403

    async def test_a_bound_cashier_sees_and_cancels_no_request_of_the_next_counter(self, shop: Shop) -> None:
        made = []
        for counter in shop.counters:
            body = {"counter_id": str(counter.id), "amount": {"amount": "2.50", "currency": "KES"}}
            headers = {**shop.owner.headers, "idempotency-key": str(counter.id)}
            made.append((await shop.client.post("/api/v1/payment-requests", json=body, headers=headers)).json()["id"])
        till = await shop.person(Role.MERCHANT_CASHIER, shop.counters[0].id)
        listed = await shop.get("payment-requests", till)
        assert [one["id"] for one in listed["items"]] == [made[0]]
        path = f"/api/v1/payment-requests/{made[1]}"
        for method, what in (("GET", ""), ("GET", "/events"), ("GET", "/qr"), ("POST", "/cancel")):
            response = await shop.client.request(method, path + what, headers=till.headers)
            assert response.status_code == 404, (method, what)
        assert (await shop.client.post(f"/api/v1/payment-requests/{made[0]}/cancel", headers=till.headers)).is_success


class TestChanging:
    async def test_an_owner_renames_moves_and_shuts_out_a_cashier_at_once(self, shop: Shop) -> None:
        till = await shop.person(Role.MERCHANT_CASHIER, shop.counters[0].id)
        for version, (change, shown) in enumerate(
            (
                ({"name": "Wanjiku"}, {"name": "Wanjiku"}),
                ({"counter_id": str(shop.counters[1].id)}, {"counter_id": str(shop.counters[1].id)}),
                ({"counter_id": None}, {"counter_id": None}),
                ({"roles": ["merchant_cashier"]}, {"roles": ["merchant_cashier"]}),
            ),
            start=1,
        ):
            response = await shop.change(till.actor.id, change, version=version)
            assert response.status_code == 200, response.text
            assert {name: response.json()[name] for name in shown} == shown
            assert (await shop.get("users/me", till))["counter_id"] == response.json()["counter_id"]
        out = await shop.change(till.actor.id, {"enabled": False}, version=4)
        assert (out.status_code, out.json()["state"], out.json()["proposed_by"]) == (200, "disabled", None)
        assert (await shop.client.get(f"{USERS}/me", headers=till.headers)).status_code == 401
        assert (await shop.change(till.actor.id, {"enabled": True}, version=5)).json()["state"] == "active"

    async def test_what_is_left_out_binds_and_unbinds_nobody(self, shop: Shop) -> None:
        made = await shop.added(counter_id=str(shop.counters[0].id))
        renamed = await shop.change(made["id"], {"name": "Wanjiku"})
        assert renamed.json()["counter_id"] == str(shop.counters[0].id)

    async def test_the_audit_record_tells_the_dfsp_who_did_it(self, shop: Shop, world: World) -> None:
        made = await shop.added()
        await shop.change(made["id"], {"counter_id": str(shop.counters[0].id)})
        entries = (await shop.get(f"audit?subject_id={made['id']}", world[OURS]["auditor"]))["items"]
        assert [one["action"] for one in entries] == ["user.counter_changed", "user.invited", "user.created"]
        assert {one["actor_id"] for one in entries} == {str(shop.owner.actor.id)}
        assert entries[0]["detail"] == {"before": None, "after": str(shop.counters[0].id)}

    @pytest.mark.parametrize("change", [{"name": "Mine"}, {"enabled": False}, {"roles": ["merchant_cashier"]}])
    async def test_owners_are_left_alone_oneself_too(self, shop: Shop, change: dict[str, Any]) -> None:
        other = await shop.person(Role.MERCHANT_OWNER)
        for person in (other, shop.owner):
            refused = await shop.change(person.actor.id, change)
            assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed"), refused.text
        again = await shop.client.post(f"{USERS}/{other.actor.id}/invitation", headers=shop.owner.headers)
        assert again.status_code == 403

    @pytest.mark.parametrize(
        "roles", [["merchant_owner"], ["merchant_owner", "merchant_cashier"], ["dfsp_admin"], ["hub_operator"], []]
    )
    async def test_an_owner_makes_no_more_and_no_less_of_a_cashier(self, shop: Shop, roles: list[str]) -> None:
        made = await shop.added()
        refused = await shop.change(made["id"], {"roles": roles})
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")

    async def test_whom_the_dfsp_left_without_a_role_an_owner_does_not_bring_back(
        self, shop: Shop, world: World
    ) -> None:
        made = await shop.added()
        taken = await shop.change(made["id"], {"roles": []}, world[OURS]["admin"])
        assert taken.status_code == 200
        refused = await shop.change(made["id"], {"roles": ["merchant_cashier"]}, version=2)
        assert refused.status_code == 403

    async def test_people_of_others_are_not_found(
        self, shop: Shop, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        neighbour = await open_shop(client, service, world)
        theirs = await neighbour.added()
        for hidden in (theirs["id"], world.maker.actor.id, world.operator.actor.id):
            assert (await shop.change(hidden, {"name": "Mine"})).status_code == 404
            again = await client.post(f"{USERS}/{hidden}/invitation", headers=shop.owner.headers)
            assert again.status_code == 404

    async def test_no_cashier_is_moved_to_a_counter_of_another(
        self, shop: Shop, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        neighbour = await open_shop(client, service, world)
        made = await shop.added()
        refused = await shop.change(made["id"], {"counter_id": str(neighbour.counters[0].id)})
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "counter_id")

    async def test_a_version_that_is_old_is_told(self, shop: Shop) -> None:
        made = await shop.added()
        assert (await shop.change(made["id"], {"name": "Wanjiku"}, version=7)).status_code == 412

    async def test_who_becomes_an_owner_is_bound_to_no_counter_any_more(self, shop: Shop, world: World) -> None:
        made = await shop.added(counter_id=str(shop.counters[0].id))
        raised = await shop.change(made["id"], {"roles": ["merchant_owner"]}, world[OURS]["admin"])
        assert (raised.json()["roles"], raised.json()["counter_id"]) == (["merchant_owner"], None)

    async def test_an_invitation_is_mailed_again(self, shop: Shop) -> None:
        made = await shop.added()
        again = await shop.client.post(f"{USERS}/{made['id']}/invitation", headers=shop.owner.headers)
        assert again.status_code == 202
