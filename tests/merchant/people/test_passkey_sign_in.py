"""Signing in with a passkey: two factors in one, and refused for every way in which it can be wrong."""

import asyncio
import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from merchant.core import clock
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.core.throttle import Throttle
from merchant.people import passkeys, queries, sessions
from merchant.people.passwords import Hashing
from tests.apps import app_on
from tests.authenticator import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED, Authenticator, data, text
from tests.builders import PASSWORD, Person, World
from tests.merchant.people.passkey_calls import (
    DOOR,
    ME,
    ORIGIN,
    OWN,
    add,
    bearer,
    begin,
    enter,
    events,
    knock,
    refused,
)

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
STRANGER = "203.0.113.9"


class TestSigningIn:
    async def test_a_passkey_signs_in_without_an_address_a_password_or_a_code(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
    ) -> None:
        device = await add(client, world.maker)
        async with service.db.system() as tx:  # an authenticator app is not asked for besides
            change = "UPDATE app_user SET totp_sealed = 'x', totp_confirmed_at = now() WHERE id = $1"
            await tx.execute(change, world.maker.actor.id)
        options = await knock(client)
        assert options | {"challenge": ""} == {
            "challenge": "",
            "timeout": 300_000,
            "rpId": "localhost",
            "userVerification": "required",
            "allowCredentials": [],
        }
        move_clock(timedelta(minutes=4))
        answered = await client.post(DOOR, json={"credential": device.get(options)})
        assert answered.status_code == 201
        session = answered.json()
        assert (session["token_type"], session["user"]["id"]) == ("Bearer", str(world.maker.actor.id))
        assert answered.headers["cache-control"] == "no-store"
        assert (await client.get(ME, headers=bearer(answered))).json()["name"] == "maker"
        shown = (await client.get(OWN, headers=bearer(answered))).json()["items"][0]
        assert shown["last_used_at"] == clock.rfc3339(clock.now())
        signed_in = [one for one in await events(service) if one["kind"] == "signed_in"][-1]
        assert (signed_in["subject"], signed_in["detail"]) == (str(world.maker.actor.id), {"by": "passkey"})

    async def test_the_device_is_known_from_then_on(self, client: httpx.AsyncClient, world: World) -> None:
        device = await add(client, world.maker)
        token = (await enter(client, device)).json()["device_token"]
        for sent, headers in (({"device": token}, {}), ({}, {"x-device-token": token})):
            body = {"credential": device.get(await knock(client)), **sent}
            again = await client.post(DOOR, json=body, headers=headers)
            assert (again.status_code, again.json()["device_token"]) == (201, token)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://localhost"},
            {"origin": "http://127.0.0.1:8000"},
            {"cross_origin": True},
            {"rp_id": "evil.example"},
            {"flags": PRESENT},
            {"flags": VERIFIED},
            {"flags": PRESENT | VERIFIED | BACKED_UP},  # backed up, though it cannot be
            {"type": "webauthn.create"},
            {"user_handle": bytes(16)},
        ],
        ids=str,
    )
    async def test_what_is_signed_wrongly_opens_nothing(
        self, client: httpx.AsyncClient, service: Service, world: World, wrong: dict[str, Any]
    ) -> None:
        device = await add(client, world.maker)
        assert refused(await enter(client, device, **wrong)) == (401, "passkey_invalid")
        noted = (await events(service))[-1]
        assert (noted["kind"], noted["subject"]) == ("sign_in_failed", str(world.maker.actor.id))
        assert noted["detail"] == {"code": "passkey_invalid"}
        assert (await enter(client, device)).status_code == 201

    async def test_another_key_does_not_pass_for_the_passkey(self, client: httpx.AsyncClient, world: World) -> None:
        device = await add(client, world.maker)
        device.key = ec.generate_private_key(ec.SECP256R1())
        assert refused(await enter(client, device)) == (401, "passkey_invalid")

    @pytest.mark.parametrize("field", ["authenticatorData", "signature", "userHandle"])
    async def test_nothing_that_was_signed_can_be_changed(
        self, client: httpx.AsyncClient, world: World, field: str
    ) -> None:
        device = await add(client, world.maker)
        for change in (lambda old: old[:-1] + bytes([old[-1] ^ 1]), lambda old: old[:-1], lambda old: b"\x00"):
            credential = device.get(await knock(client))
            credential["response"][field] = text(change(data(credential["response"][field])))
            answered = await client.post(DOOR, json={"credential": credential})
            assert refused(answered) == (401, "passkey_invalid")

    async def test_a_device_that_does_not_say_whose_it_is_signs_nobody_in(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        device = await add(client, world.maker)
        for value in ("absent", None):
            credential = device.get(await knock(client))
            credential["response"]["userHandle"] = value
            if value == "absent":
                del credential["response"]["userHandle"]
            answered = await client.post(DOOR, json={"credential": credential})
            assert refused(answered) == (401, "passkey_invalid")

    async def test_another_persons_passkey_signs_in_its_owner_only(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        mine, other = await add(client, world.maker), await add(client, world.checker)
        # Saying one is the other is of no use, from either side.
        assert refused(await enter(client, mine, user_handle=other.user_handle)) == (401, "passkey_invalid")
        mine.credential_id = other.credential_id
        assert refused(await enter(client, mine)) == (401, "passkey_invalid")
        assert refused(await enter(client, mine, user_handle=other.user_handle)) == (401, "passkey_invalid")

    async def test_an_unknown_or_removed_passkey_is_told_so(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        stranger = Authenticator(ORIGIN)
        stranger.user_handle = world.maker.actor.id.bytes
        assert refused(await enter(client, stranger)) == (401, "passkey_unknown")
        noted = (await events(service))[-1]
        assert (noted["kind"], noted["subject"]) == ("sign_in_failed", None)
        device = await add(client, world.maker)
        [row] = (await client.get(OWN, headers=world.maker.headers)).json()["items"]
        body = {"password": PASSWORD}
        gone = await client.request("DELETE", f"{OWN}/{row['id']}", json=body, headers=world.maker.headers)
        assert gone.status_code == 204
        assert refused(await enter(client, device)) == (401, "passkey_unknown")

    async def test_a_challenge_is_ours_signed_once_and_within_five_minutes(
        self, client: httpx.AsyncClient, world: World, move_clock: Move
    ) -> None:
        device = await add(client, world.maker)
        credential = device.get(await knock(client))
        assert (await client.post(DOOR, json={"credential": credential})).status_code == 201
        assert refused(await client.post(DOOR, json={"credential": credential})) == (401, "passkey_expired")
        late = device.get(await knock(client))
        move_clock(timedelta(minutes=5, seconds=1))
        assert refused(await client.post(DOOR, json={"credential": late})) == (401, "passkey_expired")
        assert refused(await enter(client, device, challenge=text(bytes(32)))) == (401, "passkey_expired")
        own = await begin(client, world.maker)  # made for adding
        assert refused(await enter(client, device, challenge=own["challenge"])) == (401, "passkey_expired")
        assert (await enter(client, device)).status_code == 201
        spoilt = await knock(client)
        wrong = {"credential": device.get(spoilt, origin="https://evil.example")}
        assert refused(await client.post(DOOR, json=wrong)) == (401, "passkey_invalid")
        assert refused(await client.post(DOOR, json={"credential": device.get(spoilt)})) == (401, "passkey_expired")

    async def test_two_sign_ins_that_race_on_one_challenge_open_one_session(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        device = await add(client, world.maker, counts=0)  # counting would keep the second out as well
        options = await knock(client)
        sent = [{"credential": device.get(options)} for _ in range(4)]
        answers = await asyncio.gather(*(client.post(DOOR, json=body) for body in sent))
        assert sorted(one.status_code for one in answers) == [201, 401, 401, 401]
        assert {one.json()["code"] for one in answers if one.status_code == 401} == {"passkey_expired"}
        async with service.db.system_reads() as tx:
            assert await tx.fetchval("SELECT count(*) FROM user_session WHERE by_passkey") == 1

    @pytest.mark.parametrize("count", [0, 1, 5])
    async def test_a_passkey_that_counts_back_is_refused_as_a_copy_and_noted(
        self, client: httpx.AsyncClient, service: Service, world: World, count: int
    ) -> None:
        device = await add(client, world.maker)
        assert (await enter(client, device, sign_count=5)).status_code == 201
        assert refused(await enter(client, device, sign_count=count)) == (401, "passkey_copied")
        noted = (await events(service))[-1]
        assert (noted["kind"], noted["subject"]) == ("sign_in_failed", str(world.maker.actor.id))
        assert noted["detail"] == {"code": "passkey_copied"}
        assert (await enter(client, device, sign_count=6)).status_code == 201

    async def test_the_same_count_sent_twice_at_once_passes_once(self, client: httpx.AsyncClient, world: World) -> None:
        device = await add(client, world.maker)
        sent = [{"credential": device.get(await knock(client), sign_count=7)} for _ in range(3)]
        answers = await asyncio.gather(*(client.post(DOOR, json=body) for body in sent))
        assert sorted(one.status_code for one in answers) == [201, 401, 401]

    async def test_a_device_that_does_not_count_signs_in_again_and_again_and_may_be_backed_up_later(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        device = await add(client, world.maker, counts=0, flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE)
        for _ in range(3):
            assert (await enter(client, device)).status_code == 201
        headers = world.maker.headers
        assert (await client.get(OWN, headers=headers)).json()["items"][0]["backed_up"] is False
        flags = PRESENT | VERIFIED | BACKUP_ELIGIBLE | BACKED_UP
        assert (await enter(client, device, flags=flags)).status_code == 201
        assert (await client.get(OWN, headers=headers)).json()["items"][0]["backed_up"] is True

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE app_user SET enabled = false WHERE id = $1",
            "UPDATE dfsp SET enabled = false WHERE id = (SELECT dfsp_id FROM app_user WHERE id = $1)",
        ],
    )
    async def test_whoever_may_not_come_in_does_not_by_passkey_either(
        self, client: httpx.AsyncClient, service: Service, world: World, change: str
    ) -> None:
        device = await add(client, world.maker)
        async with service.db.system() as tx:
            await tx.execute(change, world.maker.actor.id)
        assert refused(await enter(client, device)) == (401, "not_signed_in")

    async def test_bad_bodies_are_told_so(self, client: httpx.AsyncClient, world: World) -> None:
        device = await add(client, world.maker)
        good = device.get(await knock(client))
        for field, value in (
            ("signature", "A" * 2052),
            ("authenticatorData", "A" * 4100),
            ("userHandle", "A" * 88),
            ("userHandle", ""),
            ("signature", "!!"),
            ("clientDataJSON", None),
        ):
            changed = copy.deepcopy(good)
            changed["response"][field] = value
            assert (await client.post(DOOR, json={"credential": changed})).status_code == 422, field
        for body in ({"credential": {}}, {"credential": good, "x": "x"}, {"credential": good, "device": "x" * 101}):
            assert (await client.post(DOOR, json=body)).status_code == 422
        assert (await client.post(DOOR, json={"credential": good})).status_code == 201


class TestGuessing:
    @pytest.fixture
    def strange(self, service: Service) -> httpx.AsyncClient:
        """A client at a stranger's address."""
        transport = httpx.ASGITransport(app_on(service), raise_app_exceptions=False, client=(STRANGER, 1))  # type: ignore[arg-type]
        return httpx.AsyncClient(transport=transport, base_url="http://test.local")

    async def test_failures_are_counted_with_those_of_the_password_and_a_right_passkey_passes(
        self, client: httpx.AsyncClient, strange: httpx.AsyncClient, world: World
    ) -> None:
        device = await add(client, world.maker)
        answers = [await enter(strange, device, origin="https://evil.example") for _ in range(7)]
        assert [one.status_code for one in answers] == [401] * 5 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) >= 1
        own = {"email": world.maker.email, "password": PASSWORD}
        assert (await strange.post("/api/v1/sessions", json=own)).status_code == 429
        assert (await client.post("/api/v1/sessions", json=own)).status_code == 201  # from elsewhere
        assert (await enter(strange, device)).status_code == 201
        assert (await strange.post("/api/v1/sessions", json=own)).status_code == 201  # forgotten by the success

    async def test_made_up_passkeys_are_counted_too(self, client: httpx.AsyncClient, world: World) -> None:
        device = Authenticator(ORIGIN)
        device.user_handle = world.maker.actor.id.bytes
        statuses = [(await enter(client, device)).status_code for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2

    async def test_one_source_cannot_make_us_check_without_end(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        service.shared(Hashing).rate = Throttle(per_minute=30, burst=3, now_s=lambda: 0.0)
        answers = []
        for _ in range(5):
            device = Authenticator(ORIGIN)
            device.user_handle = world.maker.actor.id.bytes
            answers.append(await enter(client, device))
        assert [one.status_code for one in answers] == [401] * 3 + [429] * 2
        throttled = [one for one in await events(service) if one["kind"] == "sign_in_throttled"]
        assert len(throttled) == 2

    async def test_one_source_cannot_ask_for_challenges_without_end(
        self, client: httpx.AsyncClient, strange: httpx.AsyncClient, service: Service
    ) -> None:
        service.shared(passkeys.OptionsRate).rate = Throttle(per_minute=60, burst=3, now_s=lambda: 0.0)
        answers = [await strange.post(f"{DOOR}/options") for _ in range(5)]
        assert [one.status_code for one in answers] == [200] * 3 + [429] * 2
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert (await client.post(f"{DOOR}/options")).status_code == 200
        noted = [one for one in await events(service) if one["kind"] == "throttled"]
        assert [one["source"] for one in noted] == [STRANGER] * 2

    async def test_challenges_that_nobody_signed_are_forgotten(
        self, client: httpx.AsyncClient, service: Service, move_clock: Move
    ) -> None:
        await knock(client)
        async with service.db.system() as tx:
            assert await passkeys.prune_challenges(tx, 100) == 0
        move_clock(timedelta(minutes=5, seconds=1))
        await knock(client)
        async with service.db.system() as tx:
            assert await passkeys.prune_challenges(tx, 100) == 1

    async def test_no_challenge_lies_open(self, client: httpx.AsyncClient, service: Service) -> None:
        challenge = data((await knock(client))["challenge"])
        async with service.db.system() as tx:
            assert challenge not in [row["digest"] for row in await tx.fetch("SELECT digest FROM passkey_challenge")]


class TestWhoMustHaveASecondFactor:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return msgspec.structs.replace(settings, require_totp=True)

    async def password(self, client: httpx.AsyncClient, person: Person) -> httpx.Response:
        return await client.post("/api/v1/sessions", json={"email": person.email, "password": PASSWORD})

    async def test_a_passkey_is_one_and_a_password_beside_it_is_not(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        first = await self.password(client, world.checker)
        assert first.json()["totp_enrolment_required"] is True
        checker = Person(world.checker.actor, world.checker.email, first.json()["access_token"])
        device = await add(client, checker)  # which one may do without a second factor, as setting up an app
        applications = "/api/v1/applications"
        for answered in (first, await self.password(client, world.checker)):
            held = await client.get(applications, headers=bearer(answered))
            assert (held.status_code, held.json()["code"]) == (403, "totp_enrolment_required")
        assert (await self.password(client, world.checker)).json()["totp_enrolment_required"] is True
        entered = await enter(client, device)
        assert entered.json()["totp_enrolment_required"] is False
        assert (await client.get(applications, headers=bearer(entered))).status_code == 200
        # What outlives a request asks again who it acts for.
        actor = await sessions.token_actor(service, entered.json()["access_token"])
        assert await sessions.find_actors(service, [actor]) == {actor.key: actor}
        assert not actor.must_enrol

    async def test_whoever_removes_the_last_one_is_back_at_the_door(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        first = await add(client, world.checker)
        second = await add(client, world.checker)
        headers = bearer(await enter(client, second))
        rows = (await client.get(OWN, headers=headers)).json()["items"]
        answers = []
        for row in rows:
            await client.request("DELETE", f"{OWN}/{row['id']}", json={"password": PASSWORD}, headers=headers)
            answers.append((await client.get("/api/v1/applications", headers=headers)).status_code)
        assert answers == [200, 403]
        assert refused(await enter(client, first)) == (401, "passkey_unknown")

    async def test_the_operator_is_not_told_of_people_with_a_passkey(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        async def told() -> str:
            async with service.db.system_reads() as tx:
                faults = await queries.account_faults(tx)
            return next(sentence for _, code, sentence in faults if code == "staff_without_totp")

        before = await told()
        await add(client, world.checker)
        count = int(before.rpartition(" ")[2].rstrip("."))
        assert (await told()).endswith(f"a passkey: {count - 1}.")
