"""Who may come in: tokens, keys, passwords; forged, expired, revoked, disabled, guessed."""

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
    claims = {"iss": "merchant", "sub": str(maker.actor.id), "jti": str(maker.actor.session_id)}
    claims |= {"iat": now, "exp": now + timedelta(hours=1)}
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
        "no session, as the release before wrote it": signed(jti=None),
        "an unknown session": signed(jti=str(ids.uuid7())),
        "another person's session": signed(jti=str(world.checker.actor.session_id)),
        "a session that is no id": signed(jti="current"),
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
    for _ in range(17):  # busy all day: a pause of half an hour would end the session
        move_clock(timedelta(minutes=28))
        assert (await client.get(ME, headers=headers)).status_code == 200
    move_clock(timedelta(minutes=3, seconds=59))
    assert (await client.get(ME, headers=headers)).status_code == 200
    move_clock(timedelta(seconds=2))
    assert (await client.get(ME, headers=headers)).status_code == 401


async def test_a_disabled_person_is_out_at_once_and_comes_back(client: httpx.AsyncClient, world: World) -> None:
    admin = world["greenbankfsp"]["admin"].headers
    path = f"/api/v1/users/{world.maker.actor.id}"
    for enabled, status in ((False, 401), (True, 201)):
        read = await client.get(path, headers=admin)
        versioned = {**admin, "if-match": read.headers["etag"]}
        assert (await client.patch(path, json={"enabled": enabled}, headers=versioned)).status_code == 200
        assert (await client.get(ME, headers=world.maker.headers)).status_code == 401  # signed in under other rights
        signed = await client.post("/api/v1/sessions", json={"email": EMAIL, "password": PASSWORD})
        assert signed.status_code == status


async def test_a_disabled_dfsp_takes_its_people_and_keys_with_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
    path = f"/api/v1/dfsps/{world.dfsp_ids['greenbankfsp']}"
    for enabled, status in ((False, 401), (True, 200)):
        version = (await client.get(path, headers=world.operator.headers)).headers["etag"]
        headers = world.operator.headers | {"if-match": version}
        changed = await client.patch(path, json={"enabled": enabled}, headers=headers)
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


async def test_a_token_names_no_rights_so_that_a_changed_role_counts_at_once(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET roles = '{dfsp_auditor}' WHERE id = $1", world.maker.actor.id)
    response = await client.post("/api/v1/applications", json={}, headers=world.maker.headers)
    assert response.status_code == 403
    assert set(jwt.get_unverified_claims(world.maker.token)) == {"iss", "sub", "jti", "iat", "exp"}
