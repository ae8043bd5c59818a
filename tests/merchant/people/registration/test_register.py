"""Registering and signing in by a code: one person, one account, one application; and staff never come in this way."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, get_args

import httpx
import pytest

from merchant.core import texts
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.people.registration import schemas
from tests import builders
from tests.builders import World
from tests.merchant.people.passkey_calls import events
from tests.merchant.people.registration.conftest import Applicant, Door, staff, wrong

pytestmark = [pytest.mark.anyio, pytest.mark.database]
Move = Callable[[timedelta], datetime]


def test_a_language_that_pages_offer_is_one_that_the_api_takes() -> None:
    assert set(get_args(schemas.LanguageCode)) == set(texts.OFFERED)


class TestRegistering:
    async def test_a_phone_becomes_a_person_with_an_empty_draft_that_knows_the_phone_is_proved(
        self, door: Door
    ) -> None:
        address = door.phone()
        code = await door.code(address)
        made = await door.send(address, code)
        assert made.status_code == 201, made.text
        session = made.json()
        assert session["token_type"] == "Bearer" and session["totp_enrolment_required"] is False
        assert (session["user"]["roles"], session["user"]["dfsp_id"]) == (["merchant_applicant"], door.dfsp_id)
        person = Applicant(door, address, session)
        assert (await person.call("GET", "users/me")).json()["name"] == "Njeri Wanjiku"
        draft = await person.read()
        assert (draft["state"], draft["contact"]) == ("draft", {"name": "Njeri Wanjiku", **address})
        assert (draft["handed_in_at"], draft["merchant_id"], draft["counters"]) == (None, None, [])
        rows = await door.fetch("SELECT attribute, subject, outcome, method, by_kind FROM verification")
        assert [tuple(row) for row in rows] == [("phone", "contact", "verified", "one_time_code", "service")]
        [stored] = await door.fetch(
            "SELECT email, phone_sealed, phone_digest, language FROM app_user WHERE email IS NULL"
        )
        assert address["phone"].encode() not in stored["phone_sealed"] + stored["phone_digest"]
        assert stored["language"] == "en"

    async def test_a_mail_address_does_too_in_whatever_case_it_is_written(self, door: Door) -> None:
        person = await door.register({"email": "njeri@shop.example"}, language="sw")
        assert (await person.read())["contact"]["email"] == "njeri@shop.example"
        assert await door.fetch("SELECT 1 FROM verification") == []
        code = await door.code(person.address)
        assert (await door.sign_in({"email": "NJERI@shop.example"}, code)).status_code == 201
        assert [
            row["language"] for row in await door.fetch("SELECT language FROM app_user WHERE language <> 'en'")
        ] == ["sw"]

    async def test_a_phone_is_the_same_however_it_is_written(self, door: Door) -> None:
        person = await door.register({"phone": "+254700900001"})
        code = await door.code(person.address)
        again = await door.send({"phone": "0700 900-001"}, code)
        assert (again.status_code, again.json()["user"]["id"]) == (200, person.id)

    async def test_the_same_address_again_signs_in_and_changes_nothing(self, door: Door, world: World) -> None:
        person = await door.register(door.phone())
        other = str(world.dfsp_ids["lakemfi"])
        again = await door.send(person.address, await door.code(person.address), name="Someone else", dfsp_id=other)
        assert again.status_code == 200
        assert again.json()["user"] == person.session["user"]
        assert len(await door.fetch("SELECT 1 FROM application")) == 1

    async def test_two_registrations_at_once_with_one_phone_make_one_person(self, door: Door) -> None:
        for address in (door.phone(), {"email": "two@shop.example"}):
            code = await door.code(address)
            answers = await asyncio.gather(door.send(address, code), door.send(address, code))
            assert sorted(one.status_code for one in answers) == [201, 401]
        assert len(await door.fetch("SELECT 1 FROM application")) == 2

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"dfsp_id": "0190b7a4-0000-7000-8000-000000000000"}, "dfsp_id"),
            ({"dfsp_id": "greenbankfsp"}, "dfsp_id"),
            ({"name": "  "}, "name"),
            ({"name": "Nj\u202eeri"}, "name"),
            ({"name": "N" * 129}, "name"),
            ({"language": "xx"}, "language"),
            ({"code": "12345"}, "code"),
            ({"roles": ["hub_operator"]}, "roles"),
            ({"merchant_id": "0190b7a4-0000-7000-8000-000000000000"}, "merchant_id"),
        ],
    )
    async def test_bad_input_is_refused_and_costs_neither_the_code_nor_a_try(
        self, door: Door, changes: dict[str, Any], field: str
    ) -> None:
        address = door.phone()
        code = await door.code(address)
        refused = await door.send(address, **({"code": code} | changes))
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, field), refused.text
        assert await door.fetch("SELECT 1 FROM application") == []
        assert (await door.send(address, code)).status_code == 201

    async def test_a_disabled_dfsp_takes_nobody_and_its_applicants_cannot_come_in(
        self, door: Door, client: httpx.AsyncClient, world: World
    ) -> None:
        person = await door.register(door.phone())
        named = [one["name"] for one in (await client.get("/api/v1/registration/dfsps")).json()["items"]]
        assert named == ["Greenbankfsp", "Lakemfi"]
        async with door.service.db.system() as tx:
            await tx.execute("UPDATE dfsp SET enabled = false WHERE fsp_id = 'greenbankfsp'")
        listed = await client.get("/api/v1/registration/dfsps")
        assert [one["name"] for one in listed.json()["items"]] == ["Lakemfi"]
        assert listed.headers["cache-control"] == "public, max-age=300"
        address = door.phone()
        code = await door.code(address)
        refused = await door.send(address, code)
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "dfsp_id")
        assert (await person.call("GET", "my-application")).status_code == 401
        assert (await door.sign_in(person.address, await door.code(person.address))).status_code == 401
        assert (await door.send(address, code, dfsp_id=str(world.dfsp_ids["lakemfi"]))).status_code == 201

    async def test_after_a_withdrawal_a_person_may_begin_anew_at_another_dfsp(self, door: Door, world: World) -> None:
        person = await door.register(door.phone())
        assert (await person.call("POST", "my-application/withdraw")).json()["state"] == "withdrawn"
        other = str(world.dfsp_ids["lakemfi"])
        again = await door.send(person.address, await door.code(person.address), dfsp_id=other)
        assert again.status_code == 201
        assert again.json()["user"]["id"] == person.id and again.json()["user"]["dfsp_id"] == other
        draft = await Applicant(door, person.address, again.json()).read()
        assert (draft["state"], draft["dfsp"]["id"]) == ("draft", other)


class TestSigningIn:
    async def test_an_applicant_signs_in_by_a_code_and_out(self, door: Door) -> None:
        person = await door.register(door.phone())
        signed = await door.sign_in(person.address, await door.code(person.address))
        assert signed.status_code == 201
        again = Applicant(door, person.address, signed.json())
        assert (await again.read())["id"] == (await person.read())["id"]
        assert (await again.call("DELETE", "sessions/current")).status_code == 204
        assert (await again.call("GET", "my-application")).status_code == 401
        assert (await person.read())["state"] == "draft"

    async def test_a_sign_in_by_a_code_can_be_told_from_others(self, door: Door, service: Service) -> None:
        person = await door.register(door.phone())
        await door.sign_in(person.address, await door.code(person.address))
        ways = [one["detail"] for one in await events(service) if one["kind"] == "signed_in"]
        assert ways == [{"by": "code"}] * 2

    async def test_who_is_not_registered_learns_it_after_a_right_code_which_then_registers_them(
        self, door: Door
    ) -> None:
        address = door.phone()
        code = await door.code(address)
        assert (await door.sign_in(address, wrong(code))).json()["code"] == "code_refused"
        for _ in range(2):
            unknown = await door.sign_in(address, code)
            assert (unknown.status_code, unknown.json()["code"]) == (404, "not_registered")
        assert (await door.send(address, code)).status_code == 201

    @pytest.mark.parametrize("email", ["maker@greenbankfsp.example", "admin@greenbankfsp.example", builders.OPERATOR])
    async def test_staff_are_answered_as_for_a_wrong_code_at_every_door(self, door: Door, email: str) -> None:
        address = {"email": email}
        code = await door.code(address)
        guessed = await door.sign_in(address, wrong(code))
        right = await door.sign_in(address, code)
        assert (right.status_code, right.json()["code"]) == (401, "code_refused")
        assert right.json() | {"request_id": ""} == guessed.json() | {"request_id": ""}
        registered = await door.send(address, await door.code(address))
        assert (registered.status_code, registered.json()["code"]) == (401, "code_refused")
        assert await door.fetch("SELECT 1 FROM application") == []

    async def test_a_merchants_people_sign_in_by_a_code_whoever_added_them(
        self, door: Door, service: Service, world: World
    ) -> None:
        merchant, _ = await builders.create_merchant(service, world)
        place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
        for role in (Role.MERCHANT_OWNER, Role.MERCHANT_CASHIER):
            address = {"email": f"{role}@shop.example"}
            await builders.add_person(service, address["email"], [role], **place)
            assert (await door.sign_in(address, await door.code(address))).json()["user"]["roles"] == [role]

    async def test_who_is_disabled_does_not_come_in(self, door: Door) -> None:
        person = await door.register(door.phone())
        async with door.service.db.system() as tx:
            await tx.execute("UPDATE app_user SET enabled = false WHERE id::text = $1", person.id)
        for answer in (
            await door.sign_in(person.address, await door.code(person.address)),
            await door.send(person.address, await door.code(person.address)),
            await person.call("GET", "my-application"),
        ):
            assert answer.status_code == 401

    async def test_who_set_up_an_authenticator_app_is_not_let_in_without_it(
        self, door: Door, service: Service, world: World
    ) -> None:
        merchant, _ = await builders.create_merchant(service, world)
        address = {"email": "owner@shop.example"}
        place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
        await builders.add_person(service, address["email"], [Role.MERCHANT_OWNER], **place)
        async with service.db.system() as tx:
            await tx.execute("UPDATE app_user SET totp_confirmed_at = now() WHERE email = $1", address["email"])
        for ask in (door.sign_in, door.send):
            refused = await ask(address, await door.code(address))
            assert (refused.status_code, refused.json()["code"]) == (401, "totp_required")

    async def test_nobody_signs_in_with_a_password_who_has_none(self, door: Door, client: httpx.AsyncClient) -> None:
        await door.register({"email": "njeri@shop.example"})
        for password in ("*", "!", builders.PASSWORD):
            body = {"email": "njeri@shop.example", "password": password}
            assert (await client.post("/api/v1/sessions", json=body)).status_code == 401


class TestAccounts:
    async def test_staff_see_a_phone_masked_and_may_shut_the_person_out(self, door: Door) -> None:
        person = await door.register({"phone": "+254700900017"})
        shown = await staff(door, "admin", f"users/{person.id}", method="GET")
        assert (shown["phone"], shown["email"], shown["state"]) == ("+2547*****017", None, "active")
        assert shown["roles"] == ["merchant_applicant"]
        admin = {**door.world["greenbankfsp"]["admin"].headers, "if-match": f'"{shown["version"]}"'}
        path = f"/api/v1/users/{person.id}"
        assert (await door.client.patch(path, json={"enabled": False}, headers=admin)).status_code == 200
        assert (await person.call("GET", "my-application")).status_code == 401
        invited = await door.client.post(f"{path}/invitation", headers=admin)
        assert invited.json()["code"] == "already_accepted"

    @pytest.mark.parametrize("roles", [["merchant_applicant"], ["merchant_applicant", "dfsp_maker"]])
    async def test_nobody_gives_the_role_of_an_applicant(self, door: Door, roles: list[str]) -> None:
        body = {"email": "new@shop.example", "name": "New", "roles": roles}
        refused = await staff(door, "admin", "users", body, status=422)
        assert refused["errors"][0]["path"] == "roles"

    async def test_an_applicant_is_given_no_other_role(self, door: Door) -> None:
        person = await door.register(door.phone())
        admin = {**door.world["greenbankfsp"]["admin"].headers, "if-match": '"1"'}
        for roles in (["merchant_owner"], ["dfsp_maker", "merchant_applicant"]):
            refused = await door.client.patch(f"/api/v1/users/{person.id}", json={"roles": roles}, headers=admin)
            assert refused.status_code == 422, refused.text
