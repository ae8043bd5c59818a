"""Who may come in: tokens, keys, passwords; forged, expired, revoked, disabled, guessed."""

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from jose import jwt

from merchant.core import clock, ids
from merchant.core.service import Service
from merchant.people import operations, sessions
from tests import builders
from tests.api.everything import walled_routes
from tests.builders import PASSWORD, World

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
ME = "/api/v1/users/me"
EMAIL = "maker@greenbankfsp.example"


def _deep(levels: int, opening: str = "[") -> str:
    """A part of a token whose JSON is nested and never closed."""
    return base64.urlsafe_b64encode(opening.encode() * levels).decode().rstrip("=")


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def unsigned(claims: dict[str, Any]) -> str:
    """A token that says it needs no signature (alg=none)."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def forgeries(service: Service, world: World) -> dict[str, dict[str, Any]]:
    """Credentials that must not open anything."""
    secret, maker = service.vault.token_key, world.maker
    now = clock.now()
    claims = {"iss": "merchant", "sub": str(maker.actor.id), "iat": now, "exp": now + timedelta(hours=1)}
    plain = {**claims, "iat": int(now.timestamp()), "exp": int(now.timestamp()) + 3600}

    def signed(key: str = secret, algorithm: str = "HS256", **changes: Any) -> dict[str, str]:
        merged = {**claims, **changes}
        kept = {name: value for name, value in merged.items() if value is not None}
        return bearer(jwt.encode(kept, key, algorithm=algorithm))

    head, payload, signature = maker.token.split(".")
    return {
        "nothing": {},
        "no token": {"authorization": "Bearer "},
        "another scheme": {"authorization": f"Basic {maker.token}"},
        "a token as a key": {"x-api-key": maker.token},
        "a made-up key": {"x-api-key": "mk_" + "A" * 43},
        "garbage": bearer("garbage"),
        "three dots": bearer("..."),
        "foreign letters": {"authorization": b"Bearer \xff\xfe"},
        "a very long token": bearer("A" * 100_000),
        "a deep header": bearer(f"{_deep(1_400)}.e30.x"),
        "a deep payload": bearer(f"{head}.{_deep(1_400)}.x"),
        "a very deep token": bearer(f"{_deep(20_000)}.x.x"),
        "a deep object": bearer(_deep(200, '{"a":') + ".x.x"),
        "a token of one part": bearer(head),
        "a token of Latin letters": {"authorization": "Bearer é.é.é".encode("latin-1")},
        "a token of bytes": {"authorization": b"Bearer \xff\xfe.\x80.x"},
        "another secret": signed("0" * 64),
        "an empty secret": signed("x"),
        "alg none": bearer(unsigned(plain)),
        "another algorithm": signed(algorithm="HS512"),
        "a changed payload": bearer(f"{head}.{payload[:-4]}AAAA.{signature}"),
        "a cut signature": bearer(f"{head}.{payload}."),
        "another issuer": signed(iss="someone"),
        "a part of the issuer": signed(iss="merch"),
        "no issuer": signed(iss=None),
        "no expiry": signed(exp=None),
        "expired": signed(exp=now - timedelta(seconds=1)),
        "no subject": signed(sub=None),
        "a subject that is no id": signed(sub="operator"),
        "an unknown subject": signed(sub=str(ids.uuid7())),
        "a subject of another type": signed(sub=["x"]),
        "an expiry that is infinite": signed(exp=float("inf")),
        "an expiry in words": signed(exp="tomorrow"),
        "an issuer of another type": signed(iss={"merchant": 1}),
        "an audience": signed(aud=["x"], nbf="x", iat="x", at_hash=1),
        "not yet valid": signed(nbf=now + timedelta(hours=1)),
    }


async def test_every_route_refuses_every_bad_credential(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    routes = walled_routes(service)
    assert len(routes) > 40
    for title, headers in forgeries(service, world).items():
        # One route tells all forgeries apart; the simplest are tried on every route.
        for route in routes if title in ("nothing", "alg none", "expired", "a made-up key") else routes[:1]:
            path = route.path.replace(":str}", "}").format_map(Unknown())
            response = await client.request(route.method, path, headers=headers)
            assert response.status_code == 401, (title, str(route), response.text)
            problem = response.json()
            assert problem["code"] == "not_signed_in", (title, str(route))
            assert response.headers["content-type"] == "application/problem+json"


class Unknown(dict[str, str]):
    """Any path parameter, naming nothing."""

    def __missing__(self, name: str) -> str:
        return str(ids.uuid7())


async def test_a_bearer_token_works_until_the_second_it_expires(
    client: httpx.AsyncClient, world: World, move_clock: Move
) -> None:
    headers = {"authorization": f"bearer {world.maker.token}"}  # schemes are case-insensitive (RFC 9110, 11.1)
    assert (await client.get(ME, headers=headers)).status_code == 200
    move_clock(timedelta(hours=7, minutes=59))
    assert (await client.get(ME, headers=headers)).status_code == 200
    move_clock(timedelta(minutes=1, seconds=1))
    assert (await client.get(ME, headers=headers)).status_code == 401


async def test_a_disabled_person_is_out_at_once_and_comes_back(client: httpx.AsyncClient, world: World) -> None:
    admin = world["greenbankfsp"]["admin"].headers
    path = f"/api/v1/users/{world.maker.actor.id}"
    for enabled, status in ((False, 401), (True, 200)):
        assert (await client.patch(path, json={"enabled": enabled}, headers=admin)).status_code == 200
        assert (await client.get(ME, headers=world.maker.headers)).status_code == status
        signed = await client.post("/api/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
        assert signed.status_code == (201 if enabled else 401)


async def test_a_disabled_dfsp_takes_its_people_and_keys_with_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
    path = f"/api/v1/dfsps/{world.dfsp_ids['greenbankfsp']}"
    for enabled, status in ((False, 401), (True, 200)):
        changed = await client.patch(path, json={"enabled": enabled}, headers=world.operator.headers)
        assert changed.status_code == 200
        for headers in (world.maker.headers, key):
            assert (await client.get("/api/v1/merchants", headers=headers)).status_code == status
    assert (await client.get(ME, headers=world["lakemfi"]["maker"].headers)).status_code == 200


async def test_a_revoked_key_stops_at_once(client: httpx.AsyncClient, world: World) -> None:
    admin = world["greenbankfsp"]["admin"].headers
    body = {"name": "till", "scopes": ["merchants:read"]}
    issued = (await client.post("/api/v1/api-keys", json=body, headers=admin)).json()
    headers = {"x-api-key": issued["key"]}
    assert (await client.get("/api/v1/merchants", headers=headers)).status_code == 200
    for _ in range(2):
        assert (await client.delete(f"/api/v1/api-keys/{issued['id']}", headers=admin)).status_code == 204
    assert (await client.get("/api/v1/merchants", headers=headers)).status_code == 401


async def test_a_key_ends_with_its_lifetime(client: httpx.AsyncClient, world: World, move_clock: Move) -> None:
    admin = world["greenbankfsp"]["admin"]
    body = {"name": "till", "scopes": ["merchants:read"], "expires_in_days": 1}
    issued = (await client.post("/api/v1/api-keys", json=body, headers=admin.headers)).json()
    headers = {"x-api-key": issued["key"]}
    move_clock(timedelta(hours=23, minutes=59))
    assert (await client.get("/api/v1/merchants", headers=headers)).status_code == 200
    move_clock(timedelta(minutes=1))
    assert (await client.get("/api/v1/merchants", headers=headers)).status_code == 401


async def test_the_text_of_a_key_is_shown_once_and_kept_nowhere(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    admin = world["greenbankfsp"]["admin"].headers
    body = {"name": "till", "scopes": ["merchants:read"]}
    issued = (await client.post("/api/v1/api-keys", json=body, headers=admin)).json()
    listed = await client.get("/api/v1/api-keys", headers=admin)
    assert issued["key"] not in listed.text
    async with service.db.system() as tx:
        assert issued["key"] not in str(await tx.fetch("SELECT * FROM api_key"))
        assert issued["key"] not in str(await tx.fetch("SELECT * FROM audit_entry"))


class TestSigningIn:
    async def sign_in(self, client: httpx.AsyncClient, password: str, email: str = EMAIL) -> httpx.Response:
        return await client.post("/api/v1/sessions", json={"email": email, "password": password})

    async def test_a_right_password_gives_a_token_that_says_who_it_is(
        self, client: httpx.AsyncClient, world: World
    ) -> None:
        response = await self.sign_in(client, PASSWORD, "  Maker@GreenBankFSP.example ")
        assert response.status_code == 201
        session = response.json()
        assert session["token_type"] == "Bearer"
        assert session["user"] == {
            "id": str(world.maker.actor.id),
            "name": "maker",
            "roles": ["dfsp_maker"],
            "dfsp_id": str(world.dfsp_ids["greenbankfsp"]),
        }
        assert session["expires_at"].endswith("Z")
        me = await client.get(ME, headers=bearer(session["access_token"]))
        assert me.json() == session["user"]

    async def test_a_wrong_password_and_an_unknown_address_are_told_the_same(self, client: httpx.AsyncClient) -> None:
        wrong, unknown = await self.sign_in(client, "wrong"), await self.sign_in(client, "wrong", "nobody@x.example")
        assert (wrong.status_code, unknown.status_code) == (401, 401)
        assert wrong.json() | {"request_id": None} == unknown.json() | {"request_id": None}

    async def test_five_wrong_passwords_lock_the_account_for_a_while(
        self, client: httpx.AsyncClient, move_clock: Move
    ) -> None:
        statuses = [(await self.sign_in(client, f"wrong {guess}")).status_code for guess in range(6)]
        assert statuses == [401, 401, 401, 401, 401, 429]
        locked = await self.sign_in(client, PASSWORD)
        assert (locked.status_code, locked.json()["code"]) == (429, "too_many_requests")
        wait_s = int(locked.headers["retry-after"])
        assert 0 < wait_s <= 31
        move_clock(timedelta(seconds=wait_s))
        assert (await self.sign_in(client, PASSWORD)).status_code == 201

    async def test_the_pause_grows_with_every_further_failure_up_to_an_hour(
        self, client: httpx.AsyncClient, move_clock: Move
    ) -> None:
        pauses = []
        for _ in range(4):
            await self.sign_in(client, "wrong")
        for _ in range(9):
            await self.sign_in(client, "wrong")
            pauses.append(int((await self.sign_in(client, "wrong")).headers["retry-after"]))
            move_clock(timedelta(seconds=pauses[-1]))
        assert pauses == [31, 61, 121, 241, 481, 961, 1921, 3601, 3601]

    async def test_a_success_forgets_the_failures(self, client: httpx.AsyncClient) -> None:
        for _ in range(2):
            for _ in range(4):
                assert (await self.sign_in(client, "wrong")).status_code == 401
            assert (await self.sign_in(client, PASSWORD)).status_code == 201

    async def test_guesses_sent_at_once_are_counted_one_by_one(self, client: httpx.AsyncClient) -> None:
        responses = await asyncio.gather(*(self.sign_in(client, f"guess {number}") for number in range(12)))
        statuses = sorted(response.status_code for response in responses)
        assert statuses == [401] * 5 + [429] * 7

    async def test_one_locked_account_locks_no_other(self, client: httpx.AsyncClient) -> None:
        for _ in range(6):
            await self.sign_in(client, "wrong")
        assert (await self.sign_in(client, PASSWORD, "checker@greenbankfsp.example")).status_code == 201

    async def test_an_admin_can_open_a_locked_account(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        for _ in range(6):
            await self.sign_in(client, "wrong")
        admin = world["greenbankfsp"]["admin"].actor
        async with service.db.tenant(admin.dfsp_id) as tx:
            await operations.set_user_enabled(tx, admin, world.maker.actor.id, True)
        assert (await self.sign_in(client, PASSWORD)).status_code == 201

    async def test_a_bad_form_is_told_so(self, client: httpx.AsyncClient) -> None:
        forms: list[tuple[dict[str, Any], int]] = [
            ({}, 422),
            ({"email": EMAIL}, 422),
            ({"email": EMAIL, "password": ""}, 422),
            ({"email": EMAIL, "password": "x" * 129}, 422),
            ({"email": "x" * 255, "password": "x"}, 422),
            ({"email": 7, "password": "x"}, 422),
            ({"email": EMAIL, "password": PASSWORD, "totp": "12345"}, 422),
            ({"email": EMAIL, "password": PASSWORD, "admin": True}, 422),
            ({"email": "\0", "password": "x"}, 400),
            ({"email": "", "password": "x"}, 401),
            ({"email": "' OR 1=1 --", "password": "x"}, 401),
        ]
        for form, status in forms:
            response = await client.post("/api/v1/sessions", json=form)
            assert response.status_code == status, form
            assert PASSWORD not in response.text

    @pytest.mark.parametrize("password", [PASSWORD, "wrong"])
    async def test_a_second_factor_that_nobody_checks_is_refused(
        self, client: httpx.AsyncClient, password: str
    ) -> None:
        form = {"email": EMAIL, "password": password, "totp": "123456"}
        response = await client.post("/api/v1/sessions", json=form)
        assert (response.status_code, response.json()["code"]) == (422, "totp_not_enabled")

    async def test_the_answer_of_a_sign_in_is_never_cached(self, client: httpx.AsyncClient) -> None:
        assert (await self.sign_in(client, PASSWORD)).headers["cache-control"] == "no-store"


async def test_a_token_names_no_rights_so_that_a_changed_role_counts_at_once(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET roles = '{dfsp_auditor}' WHERE id = $1", world.maker.actor.id)
    response = await client.post("/api/v1/applications", json={}, headers=world.maker.headers)
    assert response.status_code == 403
    claims = jwt.get_unverified_claims(sessions.issue_token(service, world.maker.actor.id, clock.now()))
    assert set(claims) == {"iss", "sub", "iat", "exp"}
