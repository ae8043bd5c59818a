"""DFSPs and keys: who may be here at all, told over the API by those who may decide it."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.core.service import Service
from merchant.scheme import keys
from tests import builders
from tests.builders import PASSWORD, World

pytestmark = pytest.mark.anyio


class TestDfsps:
    async def test_a_new_dfsp_has_keys_and_its_people_can_work_at_once(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        operator = world.operator.headers
        made = await client.post("/api/v1/dfsps", json={"fsp_id": "newfsp", "name": "New"}, headers=operator)
        assert made.status_code == 201
        assert made.json()["enabled"] is True
        async with service.db.system() as tx:
            assert len(await keys.valid_keys(tx, service.vault, "newfsp", keys.JWS_SIGN)) == 1
        await builders.add_person(service, "new@x.example", ["dfsp_maker"], dfsp_id=UUID(made.json()["id"]))
        signed = await client.post("/api/v1/sessions", json={"email": "new@x.example", "password": PASSWORD})
        headers = {"authorization": f"Bearer {signed.json()['access_token']}", "idempotency-key": "k"}
        assert (await client.post("/api/v1/applications", json={}, headers=headers)).status_code == 201

    async def test_a_known_fsp_id_is_refused(self, client: httpx.AsyncClient, world: World) -> None:
        body = {"fsp_id": "greenbankfsp", "name": "Again"}
        response = await client.post("/api/v1/dfsps", json=body, headers=world.operator.headers)
        assert (response.status_code, response.json()["code"]) == (409, "conflict")

    async def test_what_the_wire_cannot_carry_is_no_fsp_id(self, client: httpx.AsyncClient, world: World) -> None:
        for fsp_id in ("", "a b", "x" * 33, "a/b", "ä", "a\n", " a"):
            body = {"fsp_id": fsp_id, "name": "New"}
            response = await client.post("/api/v1/dfsps", json=body, headers=world.operator.headers)
            assert response.status_code == 422, fsp_id
        for more in ({"hub_url": "ftp://hub"}, {"hub_mode": "fspiop"}, {"transfer_mode": "x"}, {"name": " "}):
            body = {"fsp_id": "newfsp", "name": "New", **more}
            response = await client.post("/api/v1/dfsps", json=body, headers=world.operator.headers)
            assert response.status_code == 422, more

    async def test_a_dfsp_sees_itself_only_and_the_hub_sees_all(self, client: httpx.AsyncClient, world: World) -> None:
        own = (await client.get("/api/v1/dfsps", headers=world.maker.headers)).json()["items"]
        assert [row["fsp_id"] for row in own] == ["greenbankfsp"]
        everyone = (await client.get("/api/v1/dfsps", headers=world.operator.headers)).json()["items"]
        assert {row["fsp_id"] for row in everyone} == {"greenbankfsp", "lakemfi"}


class TestKeys:
    async def test_a_key_for_another_dfsps_counter_or_merchant_is_refused(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        merchant, counters = await builders.create_merchant(service, world)
        admin = world["lakemfi"]["admin"].headers
        for name, value in (("merchant_id", merchant.id), ("counter_id", counters[0].id)):
            body = {"name": "till", "scopes": ["merchants:read"], name: str(value)}
            response = await client.post("/api/v1/api-keys", json=body, headers=admin)
            assert (response.status_code, response.json()["errors"][0]["path"]) == (422, name)

    async def test_scopes_that_no_machine_may_hold_are_refused(self, client: httpx.AsyncClient, world: World) -> None:
        admin = world["greenbankfsp"]["admin"].headers
        for scope in ("applications:decide", "users:write", "api-keys:write", "dfsps:write", "operations:read"):
            body = {"name": "robot", "scopes": ["merchants:read", scope]}
            response = await client.post("/api/v1/api-keys", json=body, headers=admin)
            assert (response.status_code, response.json()["code"]) == (403, "not_allowed"), scope
            assert scope in response.json()["detail"]

    async def test_bad_scopes_and_lifetimes_are_refused(self, client: httpx.AsyncClient, world: World) -> None:
        admin = world["greenbankfsp"]["admin"].headers
        for changes in (
            {"scopes": []},
            {"scopes": ["everything"]},
            {"scopes": "merchants:read"},
            {"name": ""},
            {"expires_in_days": 0},
            {"expires_in_days": 731},
            {"expires_in_days": 1.5},
        ):
            body = {"name": "till", "scopes": ["merchants:read"], **changes}
            assert (await client.post("/api/v1/api-keys", json=body, headers=admin)).status_code == 422, changes

    async def test_the_hub_issues_keys_for_a_named_dfsp_only(self, client: httpx.AsyncClient, world: World) -> None:
        operator = world.operator.headers
        body: dict[str, Any] = {"name": "core", "scopes": ["merchants:read"]}
        assert (await client.post("/api/v1/api-keys", json=body, headers=operator)).status_code == 422
        body["dfsp_id"] = str(world.dfsp_ids["lakemfi"])
        issued = await client.post("/api/v1/api-keys", json=body, headers=operator)
        assert issued.json()["dfsp_id"] == body["dfsp_id"]
