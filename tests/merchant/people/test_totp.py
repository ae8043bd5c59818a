"""The second factor: set up once, asked for ever after, demanded of those with the most power."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import pyotp
import pytest

from merchant.core import clock, vault
from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.builders import PASSWORD, Person, World

pytestmark = pytest.mark.anyio
OWN = {"password": PASSWORD}
Move = Callable[[timedelta], datetime]
ME, TOTP = "/api/v1/users/me", "/api/v1/users/me/totp"


def code(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())


async def enrol(client: httpx.AsyncClient, headers: dict[str, str]) -> tuple[str, list[str]]:
    """Set up an app: its secret and the recovery codes."""
    begun = await client.post(TOTP, json=OWN, headers=headers)
    assert begun.status_code == 201, begun.text
    secret = begun.json()["secret"]
    confirmed = await client.post(f"{TOTP}/confirm", json={"code": code(secret)}, headers=headers)
    assert confirmed.status_code == 200, confirmed.text
    return secret, confirmed.json()["recovery_codes"]


async def sign_in(client: httpx.AsyncClient, person: Person, **more: Any) -> httpx.Response:
    body = {"email": person.email, "password": PASSWORD, **more}
    return await client.post("/api/v1/sessions", json=body)


class TestSettingUp:
    async def test_an_app_is_set_up_by_its_first_code_and_asked_for_ever_after(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
    ) -> None:
        maker = await builders.signed_in(service, world.maker.email)
        begun = (await client.post(TOTP, json=OWN, headers=maker.headers)).json()
        assert begun["otpauth_url"].startswith("otpauth://totp/Test%20scheme:maker%40greenbankfsp.example?secret=")
        assert begun["qr_svg"].startswith("<svg")
        assert (await sign_in(client, maker)).status_code == 201  # not confirmed yet
        body = {"code": code(begun["secret"])}
        confirmed = await client.post(f"{TOTP}/confirm", json=body, headers=maker.headers)
        codes = confirmed.json()["recovery_codes"]
        assert len(set(codes)) == 10
        assert (await sign_in(client, maker)).json()["code"] == "totp_required"
        assert (await sign_in(client, maker, totp=body["code"])).status_code == 401  # it was used
        move_clock(timedelta(seconds=30))
        assert (await sign_in(client, maker, totp=code(begun["secret"]))).status_code == 201

    async def test_a_stolen_session_without_the_password_sets_nothing_up(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        headers = world.maker.headers
        for body in ({}, {"password": ""}, {"password": None}, {"code": "123456"}):
            assert (await client.post(TOTP, json=body, headers=headers)).status_code == 422, body
        tries = [(await client.post(TOTP, json={"password": f"wrong {n}"}, headers=headers)) for n in range(7)]
        assert [answer.status_code for answer in tries] == [422] * 5 + [429] * 2
        assert tries[0].json()["errors"][0] | {"message": ""} == {"path": "password", "code": "wrong", "message": ""}
        assert (await client.post(TOTP, json=OWN, headers=headers)).status_code == 429
        confirmed = await client.post(f"{TOTP}/confirm", json={"code": "123456"}, headers=headers)
        assert confirmed.status_code == 429

    async def test_it_ends_every_other_session(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        here = await builders.signed_in(service, world.maker.email)
        await enrol(client, here.headers)
        assert (await client.get(ME, headers=here.headers)).status_code == 200
        assert (await client.get(ME, headers=world.maker.headers)).status_code == 401

    async def test_a_wrong_code_confirms_nothing(self, client: httpx.AsyncClient, world: World) -> None:
        headers = world.maker.headers
        early = await client.post(f"{TOTP}/confirm", json={"code": "123456"}, headers=headers)
        assert (early.status_code, early.json()["code"]) == (422, "totp_not_enabled")
        await client.post(TOTP, json=OWN, headers=headers)
        wrong = await client.post(f"{TOTP}/confirm", json={"code": "000000"}, headers=headers)
        assert (wrong.status_code, wrong.json()["errors"][0]["path"]) == (422, "code")
        assert (await sign_in(client, world.maker)).status_code == 201

    async def test_a_second_app_takes_no_ones_place(self, client: httpx.AsyncClient, world: World) -> None:
        headers = world.maker.headers
        secret, _ = await enrol(client, headers)
        again = await client.post(TOTP, json=OWN, headers=headers)
        assert (again.status_code, again.json()["code"]) == (409, "totp_enrolled")
        confirmed = await client.post(f"{TOTP}/confirm", json={"code": code(secret)}, headers=headers)
        assert (confirmed.status_code, confirmed.json()["code"]) == (409, "totp_enrolled")

    async def test_neither_secret_nor_recovery_codes_lie_open(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        secret, codes = await enrol(client, world.maker.headers)
        async with service.db.system() as tx:
            kept = str(await tx.fetch("SELECT * FROM app_user")) + str(await tx.fetch("SELECT * FROM audit_entry"))
        assert secret not in kept
        assert not any(one in kept or one.replace("-", "") in kept for one in codes)


class TestLosingThePhone:
    async def test_a_recovery_code_works_once_however_it_is_typed(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        _, codes = await enrol(client, world.maker.headers)
        assert (await sign_in(client, world.maker, recovery_code=codes[0].upper().replace("-", " "))).status_code == 201
        assert (await sign_in(client, world.maker, recovery_code=codes[0])).status_code == 401
        assert (await sign_in(client, world.maker, recovery_code=codes[1])).status_code == 201

    async def test_new_recovery_codes_have_140_bits_in_groups_that_can_be_typed(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        _, codes = await enrol(client, world.maker.headers)
        assert len(set(codes)) == 10
        assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){6}", one) for one in codes), codes
        spaced = f" {codes[0].replace('-', ' ')} "
        assert (await sign_in(client, world.maker, recovery_code=spaced)).status_code == 201

    async def test_the_shorter_codes_of_before_still_work(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        await enrol(client, world.maker.headers)
        async with service.db.system() as tx:
            change = "UPDATE app_user SET recovery_digests = array_append(recovery_digests, $2) WHERE id = $1"
            await tx.execute(change, world.maker.actor.id, vault.token_digest("abcdefghijklmnop"))
        for status in (201, 401):
            answered = await sign_in(client, world.maker, recovery_code="ABCD-efgh-ijkl-mnop")
            assert answered.status_code == status

    @pytest.mark.parametrize("proof", ["code", "password"])
    async def test_the_factor_is_removed_with_a_code_or_the_password(
        self, client: httpx.AsyncClient, world: World, move_clock: Move, service: Service, proof: str
    ) -> None:
        maker = await builders.signed_in(service, world.maker.email)
        secret, codes = await enrol(client, maker.headers)
        move_clock(timedelta(seconds=30))
        for body in ({}, {"code": "000000"}, {"password": "wrong"}):
            refused = await client.request("DELETE", TOTP, json=body, headers=maker.headers)
            assert refused.status_code == 422, body
        body = {"code": code(secret)} if proof == "code" else {"password": PASSWORD}
        assert (await client.request("DELETE", TOTP, json=body, headers=maker.headers)).status_code == 204
        assert (await sign_in(client, maker)).status_code == 201
        assert (await sign_in(client, maker, recovery_code=codes[0])).status_code == 422

    async def test_a_stolen_session_cannot_try_codes_or_passwords(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        headers = world.maker.headers
        await enrol(client, headers)
        tries = [{"code": f"00000{number}"} for number in range(4)] + [{"password": f"wrong {n}"} for n in range(4)]
        answers = [(await client.request("DELETE", TOTP, json=body, headers=headers)).status_code for body in tries]
        assert answers == [422] * 5 + [429] * 3


class TestWhoMustHaveOne:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, require_totp=True)

    async def test_a_checker_without_one_may_only_set_it_up_and_then_works_on(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        signed = await sign_in(client, world.checker)
        assert (signed.status_code, signed.json()["totp_enrolment_required"]) == (201, True)
        assert signed.json()["user"]["roles"] == ["dfsp_checker"]
        headers = {"authorization": f"Bearer {signed.json()['access_token']}"}
        for path in ("/api/v1/applications", "/api/v1/merchants", "/api/v1/payments", "/api/v1/events"):
            refused = await client.get(path, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "totp_enrolment_required"), path
        assert (await client.get(ME, headers=headers)).status_code == 200
        await enrol(client, headers)
        assert (await client.get("/api/v1/applications", headers=headers)).status_code == 200
        assert (await sign_in(client, world.checker)).json()["code"] == "totp_required"

    async def test_it_is_demanded_of_hub_staff_checkers_and_administrators_and_of_nobody_else(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        await builders.add_person(service, "hubchecker@hub.example", ["hub_checker"])
        people = [*(world["greenbankfsp"][title] for title in ("admin", "maker", "checker", "auditor", "both"))]
        people += [world.operator, await builders.signed_in(service, "hubchecker@hub.example")]
        demanded = [(await sign_in(client, one)).json()["totp_enrolment_required"] for one in people]
        assert demanded == [True, False, True, False, True, True, True]

    async def test_whoever_removes_it_is_back_at_the_door(self, client: httpx.AsyncClient, world: World) -> None:
        headers = world.checker.headers
        await enrol(client, headers)
        removed = await client.request("DELETE", TOTP, json={"password": PASSWORD}, headers=headers)
        assert removed.status_code == 204
        assert (await client.get("/api/v1/merchants", headers=headers)).json()["code"] == "totp_enrolment_required"
