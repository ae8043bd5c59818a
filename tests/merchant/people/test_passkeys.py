"""Passkeys of one's own: added and removed with the password, ten at most, and refused where they were made wrongly."""

import asyncio
import copy
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pyotp
import pytest

from merchant.core import clock
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.people import passkeys
from merchant.programs import accounts
from tests import builders
from tests.authenticator import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED, Authenticator, data, text
from tests.builders import PASSWORD, World
from tests.merchant.people.passkey_calls import (
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
    send,
)

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
STRANGER = "203.0.113.9"


class TestAdding:
    async def test_the_options_say_what_a_browser_needs(self, client: httpx.AsyncClient, world: World) -> None:
        maker = world.maker
        options = await begin(client, maker)
        assert options["rp"] == {"id": "localhost", "name": "Test scheme"}
        told = {"name": maker.email, "displayName": "maker", "id": text(maker.actor.id.bytes)}
        assert options["user"] == told
        assert len(data(options["challenge"])) == 32
        assert options["authenticatorSelection"] == {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        }
        assert [one["alg"] for one in options["pubKeyCredParams"]] == [-8, -7, -257]
        assert (options["attestation"], options["excludeCredentials"], options["timeout"]) == ("none", [], 300_000)

    async def test_a_passkey_is_added_shown_and_not_made_twice_on_one_device(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        device = Authenticator(ORIGIN, flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE | BACKED_UP)
        added = await send(client, world.maker, device.create(await begin(client, world.maker)), "  My phone ")
        assert added.status_code == 201
        shown = added.json()
        assert shown | {"id": "", "created_at": ""} == {
            "id": "",
            "name": "My phone",
            "transports": ["internal", "hybrid"],
            "backed_up": True,
            "created_at": "",
            "last_used_at": None,
        }
        assert (await client.get(OWN, headers=world.maker.headers)).json()["items"] == [shown]
        assert (await begin(client, world.maker))["excludeCredentials"] == [
            {"type": "public-key", "id": text(device.credential_id), "transports": ["internal", "hybrid"]}
        ]

    async def test_a_device_that_signs_its_own_attestation_is_as_good(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        device = Authenticator(ORIGIN)
        made = device.create(await begin(client, world.maker), form="packed")
        assert (await send(client, world.maker, made)).status_code == 201
        assert (await enter(client, device)).status_code == 201

    async def test_a_stolen_session_without_the_password_adds_nothing(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        headers = world.maker.headers
        for body in ({}, {"password": ""}, {"password": None}, {"code": "123456"}):
            assert (await client.post(f"{OWN}/options", json=body, headers=headers)).status_code == 422, body
        tries = [
            await client.post(f"{OWN}/options", json={"password": f"wrong {number}"}, headers=headers)
            for number in range(7)
        ]
        assert [one.status_code for one in tries] == [422] * 5 + [429] * 2
        assert refused(tries[0]) == (422, "wrong")
        right = await client.post(f"{OWN}/options", json={"password": PASSWORD}, headers=headers)
        assert right.status_code == 429

    @pytest.mark.parametrize(
        "wrong",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://localhost:8001"},
            {"origin": "https://localhost:8000"},
            {"cross_origin": True},
            {"rp_id": "evil.example"},
            {"flags": PRESENT},
            {"flags": VERIFIED},
            {"type": "webauthn.get"},
            {"form": "made-up"},
        ],
        ids=str,
    )
    async def test_what_a_device_made_wrongly_is_not_taken(
        self, client: httpx.AsyncClient, service: Service, world: World, wrong: dict[str, Any]
    ) -> None:
        options = await begin(client, world.maker)
        device = Authenticator(ORIGIN)
        assert refused(await send(client, world.maker, device.create(options, **wrong))) == (422, "passkey_invalid")
        noted = (await events(service))[-1]
        assert (noted["kind"], noted["detail"]) == (
            "sign_in_failed",
            {"what": "add_passkey", "code": "passkey_invalid"},
        )
        # The challenge is used up all the same.
        assert refused(await send(client, world.maker, device.create(options))) == (422, "passkey_expired")

    async def test_a_challenge_is_of_one_person_for_one_passkey_within_five_minutes(
        self, client: httpx.AsyncClient, world: World, move_clock: Move
    ) -> None:
        device = Authenticator(ORIGIN)
        made = device.create(await begin(client, world.maker))
        assert refused(await send(client, world.checker, made)) == (422, "passkey_expired")
        assert (await send(client, world.maker, made)).status_code == 201
        assert refused(await send(client, world.maker, made)) == (422, "passkey_expired")
        late = Authenticator(ORIGIN).create(await begin(client, world.maker))
        move_clock(timedelta(minutes=5, seconds=1))
        assert refused(await send(client, world.maker, late)) == (422, "passkey_expired")
        own = Authenticator(ORIGIN).create(await begin(client, world.maker), challenge=text(bytes(32)))
        assert refused(await send(client, world.maker, own)) == (422, "passkey_expired")
        other = await knock(client)  # made for signing in
        mixed = Authenticator(ORIGIN).create(await begin(client, world.maker), challenge=other["challenge"])
        assert refused(await send(client, world.maker, mixed)) == (422, "passkey_expired")

    async def test_a_passkey_belongs_to_one_person_alone(self, client: httpx.AsyncClient, world: World) -> None:
        device = await add(client, world.maker)
        for person in (world.checker, world.maker):
            person_now = await begin(client, person)
            taken = await send(client, person, device.create(person_now))
            assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
        device.user_handle = world.maker.actor.id.bytes
        assert (await enter(client, device)).json()["user"]["id"] == str(world.maker.actor.id)

    async def test_a_person_has_ten_at_most_however_they_are_added(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        offers = [await begin(client, world.maker) for _ in range(12)]
        answers = await asyncio.gather(
            *(send(client, world.maker, Authenticator(ORIGIN).create(options)) for options in offers)
        )
        assert sorted(one.status_code for one in answers) == [201] * 10 + [409] * 2
        assert {one.json()["code"] for one in answers if one.status_code == 409} == {"too_many_passkeys"}
        more = await client.post(f"{OWN}/options", json={"password": PASSWORD}, headers=world.maker.headers)
        assert (more.status_code, more.json()["code"]) == (409, "too_many_passkeys")

    async def test_it_ends_every_other_session_and_stands_in_the_record(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        here = await builders.signed_in(service, world.maker.email)
        await add(client, here)
        assert (await client.get(ME, headers=here.headers)).status_code == 200
        assert (await client.get(ME, headers=world.maker.headers)).status_code == 401
        async with service.db.system_reads() as tx:
            recorded = await tx.fetchrow("SELECT actor_id, detail FROM audit_entry WHERE action = 'user.passkey_added'")
        assert recorded is not None
        assert (recorded["actor_id"], recorded["detail"]) == (here.actor.id, {})

    async def test_machines_have_none(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
        made = {"credential": Authenticator(ORIGIN).create(await begin(client, world.maker)), "name": "x"}
        proof = {"password": PASSWORD}
        for method, path, body in (
            ("POST", f"{OWN}/options", proof),
            ("POST", OWN, made),
            ("GET", OWN, None),
            ("DELETE", f"{OWN}/{uuid4()}", proof),
        ):
            answer = await client.request(method, path, json=body, headers=key)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), path
            assert (await client.request(method, path, json=body)).status_code == 401, path

    async def test_bodies_are_bounded_and_told_what_is_wrong_with_them(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        good = Authenticator(ORIGIN).create(await begin(client, world.maker))
        for place, value in (
            (("response", "attestationObject"), "A" * 16_388),
            (("response", "clientDataJSON"), "A" * 4100),
            (("response", "clientDataJSON"), "AAAAA"),  # no length of base64url
            (("response", "clientDataJSON"), "AA=="),
            (("response", "clientDataJSON"), "ää"),
            (("response", "clientDataJSON"), ""),
            (("response", "clientDataJSON"), {"type": "webauthn.create"}),
            (("response", "transports"), ["usb"] * 11),
            (("response", "transports"), ["USB!"]),
            (("type",), "password"),
            (("id",), "A" * 1368),
            (("response",), None),
        ):
            changed = copy.deepcopy(good)
            inner = changed if len(place) == 1 else changed[place[0]]
            inner[place[-1]] = value
            assert (await send(client, world.maker, changed)).status_code == 422, place
        for name in ("", " ", "x" * 129):
            assert (await send(client, world.maker, good, name)).status_code == 422
        more = {"credential": good, "name": "x", "admin": True}
        assert (await client.post(OWN, json=more, headers=world.maker.headers)).status_code == 422
        assert (await send(client, world.maker, good)).status_code == 201

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("clientDataJSON", b"no JSON"),
            ("clientDataJSON", b"[]"),
            ("clientDataJSON", b'{"challenge": 7}'),
            ("clientDataJSON", b'{"challenge": "\\ud800"}'),
            ("clientDataJSON", b'{"x": ' + b"[" * 3000),
            ("clientDataJSON", b"\xff\xfe"),
            ("attestationObject", b"\x00"),
            ("attestationObject", b"\x81" * 4000),
            ("attestationObject", b"\xa0"),
            ("attestationObject", b"\xa3cfmtdnonegattStmt\xa0hauthDataC123"),
        ],
        ids=str,
    )
    async def test_bytes_that_mean_nothing_prove_nothing(
        self, client: httpx.AsyncClient, world: World, field: str, value: bytes
    ) -> None:
        made = Authenticator(ORIGIN).create(await begin(client, world.maker))
        made["response"][field] = text(value)
        assert refused(await send(client, world.maker, made)) == (422, "passkey_invalid")


class TestRemoving:
    async def test_it_takes_the_password_or_a_code_and_ends_every_other_session(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        here = await builders.signed_in(service, world.maker.email)
        device = await add(client, here)
        other = await enter(client, device)
        [row] = (await client.get(OWN, headers=here.headers)).json()["items"]
        for body, code in (
            ({}, "missing"),
            ({"password": "wrong"}, "wrong"),
            ({"code": "123456"}, "totp_not_enabled"),
            ({"password": ""}, None),
        ):
            answered = await client.request("DELETE", f"{OWN}/{row['id']}", json=body, headers=here.headers)
            assert answered.status_code == 422, body
            assert code is None or refused(answered)[1] == code
        path, proof = f"{OWN}/{row['id']}", {"password": PASSWORD}
        assert (await client.request("DELETE", path, json=proof, headers=here.headers)).status_code == 204
        assert (await client.get(OWN, headers=here.headers)).json()["items"] == []
        assert (await client.get(ME, headers=bearer(other))).status_code == 401
        async with service.db.system_reads() as tx:
            actions = await tx.fetch("SELECT action FROM audit_entry WHERE action LIKE 'user.passkey%' ORDER BY seq")
        assert [one["action"] for one in actions] == ["user.passkey_added", "user.passkey_removed"]

    async def test_a_code_of_the_app_will_do_once(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
    ) -> None:
        await add(client, world.maker)
        await add(client, world.maker)
        secret = pyotp.random_base32()
        async with service.db.system() as tx:
            change = "UPDATE app_user SET totp_sealed = $2, totp_confirmed_at = now() WHERE id = $1"
            sealed = service.vault.seal(secret.encode(), f"totp:{world.maker.actor.id}")
            await tx.execute(change, world.maker.actor.id, sealed)
        headers = world.maker.headers
        rows = (await client.get(OWN, headers=headers)).json()["items"]
        body = {"code": pyotp.TOTP(secret).at(clock.now())}
        statuses = [
            (await client.request("DELETE", f"{OWN}/{row['id']}", json=body, headers=headers)).status_code
            for row in rows
        ]
        assert statuses == [204, 422]

    async def test_nobody_removes_or_sees_anothers(self, client: httpx.AsyncClient, world: World) -> None:
        device = await add(client, world.maker)
        [row] = (await client.get(OWN, headers=world.maker.headers)).json()["items"]
        proof = {"password": PASSWORD}
        for person in (world.checker, world["greenbankfsp"]["admin"], world["lakemfi"]["maker"], world.operator):
            assert (await client.get(OWN, headers=person.headers)).json()["items"] == []
            answered = await client.request("DELETE", f"{OWN}/{row['id']}", json=proof, headers=person.headers)
            assert (answered.status_code, answered.json()["code"]) == (404, "not_found")
        assert (await enter(client, device)).status_code == 201

    async def test_a_stolen_session_cannot_try_passwords(self, client: httpx.AsyncClient, world: World) -> None:
        await add(client, world.maker)
        [row] = (await client.get(OWN, headers=world.maker.headers)).json()["items"]
        tries = [
            await client.request(
                "DELETE", f"{OWN}/{row['id']}", json={"password": f"wrong {number}"}, headers=world.maker.headers
            )
            for number in range(7)
        ]
        assert [one.status_code for one in tries] == [422] * 5 + [429] * 2

    async def test_a_reset_by_the_operator_forgets_passkeys_with_the_app_and_ends_their_sessions(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        device = await add(client, world.maker)
        session = await enter(client, device)
        await accounts.reset(service, world.maker.email, False, True)
        assert (await enter(client, device)).status_code == 201  # only the password was lost
        await accounts.reset(service, world.maker.email, True, True)
        assert refused(await enter(client, device)) == (401, "passkey_unknown")
        assert (await client.get(ME, headers=bearer(session))).status_code == 401
        async with service.db.system_reads() as tx:
            query = "SELECT actor_kind, detail FROM audit_entry WHERE action = 'user.passkey_removed'"
            [recorded] = await tx.fetch(query)
        assert (recorded["actor_kind"], recorded["detail"]) == ("service", {"count": 1})


@pytest.mark.parametrize(
    ("changes", "party_id", "origin"),
    [
        ({}, "localhost", "http://localhost:8000"),
        ({"host": "::1", "port": 80}, "localhost", "http://localhost"),
        ({"public_url": "http://127.0.0.1:8010"}, "localhost", "http://localhost:8010"),
        ({"public_url": "https://Merchants.example.org/"}, "merchants.example.org", "https://merchants.example.org"),
        ({"public_url": "https://m.example:443"}, "m.example", "https://m.example"),
        ({"public_url": "https://m.example:8443"}, "m.example", "https://m.example:8443"),
    ],
)
def test_passkeys_are_bound_to_our_public_address(
    settings: Settings, changes: dict[str, Any], party_id: str, origin: str
) -> None:
    party = passkeys.relying_party(msgspec.structs.replace(settings, **changes))
    assert (party.id, party.origin) == (party_id, origin)


def test_a_process_that_sees_no_passkey_does_without_the_library() -> None:
    code = "import sys, merchant.programs.app\nprint(*{'webauthn', 'cbor2', 'OpenSSL'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.stdout.strip(), ended.returncode) == ("", 0), ended.stderr
