"""Keys on the hub over the API: shown, imported, rotated, retired; what is weak, private or known is refused."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jose import jwk

from merchant.core import clock
from merchant.core.service import Service
from merchant.scheme import keys
from merchant.scheme.hub_keys import VALID_KEYS_MAX
from tests.builders import World

pytestmark = pytest.mark.anyio
KEYS = "/api/v1/hub/keys"
_PUBLIC = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
_PRIVATE = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public(curve: ec.EllipticCurve | None = None) -> str:
    """A new public key on P-256, which takes no time to make."""
    return ec.generate_private_key(curve or ec.SECP256R1()).public_key().public_bytes(*_PUBLIC).decode()


async def imported(client: httpx.AsyncClient, world: World, fsp_id: str = "mobilemoney", **more: Any) -> httpx.Response:
    body = {"fsp_id": fsp_id} | more
    if not {"public_pem", "jwk"} & more.keys():
        body["public_pem"] = public()
    return await client.post(KEYS, json=body, headers=world.operator.headers)


async def own_key(client: httpx.AsyncClient, world: World, fsp_id: str = "greenbankfsp") -> dict[str, Any]:
    listed = await client.get(KEYS, params={"fsp_id": fsp_id}, headers=world.operator.headers)
    [key] = listed.json()["items"]
    return dict(key)


def codes(response: httpx.Response) -> set[str]:
    """The code of a problem, or those of its fields."""
    return {error["code"] for error in response.json().get("errors", [])} or {response.json()["code"]}


async def test_our_keys_are_shown_with_what_a_hub_needs_to_register_them(
    client: httpx.AsyncClient, world: World
) -> None:
    shown = await own_key(client, world)
    loaded = serialization.load_pem_public_key(shown["public_pem"].encode())
    der = loaded.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert shown["fingerprint"] == hashlib.sha256(der).hexdigest()
    assert (shown["purpose"], shown["algorithm"], shown["is_valid"]) == ("sign", "RS256", True)
    assert jwk.construct(shown["jwk"]).to_pem().decode().strip() == shown["public_pem"].strip()
    assert "PRIVATE" not in str(shown)
    assert not {"d", "p", "q"} & shown["jwk"].keys()
    everything = (await client.get(KEYS, headers=world.operator.headers)).json()["items"]
    assert {key["fsp_id"] for key in everything} == {"greenbankfsp", "lakemfi"}, "and no ILP secret"


async def test_a_set_of_our_keys_can_be_handed_over(client: httpx.AsyncClient, world: World) -> None:
    await imported(client, world)
    found = (await client.get("/api/v1/hub/jwks", headers=world.operator.headers)).json()["keys"]
    assert len(found) == 2
    assert {key["use"] for key in found} == {"sig"}
    own = (await client.get("/api/v1/hub/jwks", headers=world["lakemfi"]["admin"].headers)).json()["keys"]
    assert [key["kid"] for key in own] == [(await own_key(client, world, "lakemfi"))["key_id"]]


async def test_a_dfsp_sees_its_own_keys_and_its_makers_none(client: httpx.AsyncClient, world: World) -> None:
    await imported(client, world)
    staff = world["greenbankfsp"]
    seen = (await client.get(KEYS, headers=staff["admin"].headers)).json()["items"]
    assert [key["fsp_id"] for key in seen] == ["greenbankfsp"]
    others = await client.get(KEYS, params={"fsp_id": "lakemfi"}, headers=staff["admin"].headers)
    assert others.json()["items"] == []
    assert (await client.get(KEYS, headers=staff["maker"].headers)).status_code == 403
    for path, body in ((KEYS, {"fsp_id": "x", "public_pem": public()}), (f"{KEYS}/{seen[0]['id']}/retire", {})):
        assert (await client.post(path, json=body, headers=staff["admin"].headers)).status_code == 403


@pytest.mark.parametrize("bits", [2048, 3072])
async def test_a_partners_key_is_trusted_as_pem_and_as_jwk(
    client: httpx.AsyncClient, service: Service, world: World, bits: int
) -> None:
    pem = rsa.generate_private_key(65537, bits).public_key().public_bytes(*_PUBLIC).decode()
    members = {name: value for name, value in jwk.construct(pem, "RS256").to_dict().items() if name != "alg"}
    by_jwk = await imported(client, world, "mobilemoney", jwk=members)
    by_pem = await imported(client, world, "savingsbank", public_pem=f"\n  {pem}  \n")
    assert (by_jwk.status_code, by_pem.status_code) == (201, 201), by_jwk.text
    assert by_jwk.json()["fingerprint"] == by_pem.json()["fingerprint"]
    async with service.db.system_reads() as tx:
        [found] = await keys.valid_keys(tx, service.vault, "mobilemoney", keys.JWS_VERIFY)
    assert found.text == pem
    audit = (await client.get("/api/v1/audit", headers=world.operator.headers)).json()["items"][0]
    assert (audit["action"], audit["detail"]["fsp_id"]) == ("hub_key.imported", "savingsbank")


async def test_a_key_on_p256_is_trusted_as_jwk(client: httpx.AsyncClient, world: World) -> None:
    pem = public()
    members = jwk.construct(pem, "ES256").to_dict()
    response = await imported(client, world, jwk=members | {"kid": "theirs", "use": "sig"})
    assert (response.status_code, response.json()["public_pem"]) == (201, pem)
    assert response.json()["jwk"]["x"] == members["x"]


def private_pem() -> str:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*_PRIVATE).decode()


def ed25519_pem() -> str:
    return ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*_PUBLIC).decode()


async def test_what_is_private_weak_or_no_key_is_refused(client: httpx.AsyncClient, world: World) -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key().public_bytes(*_PUBLIC).decode()
    good = jwk.construct(public(), "ES256").to_dict()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"public_pem": private_pem()}, "private_key"),
        ({"public_pem": public() + private_pem()}, "private_key"),
        ({"jwk": good | {"d": "AAAA"}}, "private_key"),
        ({"jwk": {"kty": "oct", "k": "AAAA"}}, "private_key"),
        ({"public_pem": weak}, "weak_key"),
        ({"jwk": jwk.construct(weak, "RS256").to_dict()}, "weak_key"),
        ({"public_pem": public(ec.SECP384R1())}, "weak_key"),
        ({"public_pem": public(ec.SECP256K1())}, "weak_key"),
        ({"public_pem": ed25519_pem()}, "weak_key"),
        ({"jwk": good | {"crv": "P-384"}}, "weak_key"),
        ({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}, "weak_key"),
        ({"jwk": good | {"x": "AAAA"}}, "invalid"),
        ({"jwk": good | {"x": 7}}, "invalid"),
        ({"jwk": good | {"y": "not base64!"}}, "invalid"),
        ({"jwk": {"kty": "RSA", "n": "AQAB"}}, "invalid"),
        ({"jwk": {"kty": "RSA", "n": "", "e": ""}}, "invalid"),
        ({"public_pem": "hello"}, "invalid"),
        ({"public_pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "certificate"),
        ({"public_pem": public(), "jwk": good}, "one_of"),
        ({"jwk": {}}, "weak_key"),
    ]
    for given, code in cases:
        response = await imported(client, world, **given)
        assert (response.status_code, codes(response)) == (422, {code}), given
        assert "AAAA" not in response.text
    assert (await client.post(KEYS, json={"fsp_id": "x"}, headers=world.operator.headers)).status_code == 422
    for fsp_id in ("", "a b", "x" * 33, "a/b"):
        assert (await imported(client, world, fsp_id)).status_code == 422


async def test_a_participant_of_ours_takes_no_key_of_another_making(client: httpx.AsyncClient, world: World) -> None:
    for fsp_id in ("greenbankfsp", "GreenBankFSP"):
        response = await imported(client, world, fsp_id)
        assert (response.status_code, codes(response)) == (409, {"own_participant"})


async def test_one_key_twice_and_too_many_keys_are_refused(client: httpx.AsyncClient, world: World) -> None:
    pem = public()
    assert (await imported(client, world, public_pem=pem)).status_code == 201
    assert codes(await imported(client, world, public_pem=pem.replace("\n", "\r\n"))) == {"key_known"}
    assert codes(await imported(client, world, jwk=jwk.construct(pem, "ES256").to_dict())) == {"key_known"}
    for _ in range(VALID_KEYS_MAX - 1):
        assert (await imported(client, world)).status_code == 201
    assert codes(await imported(client, world)) == {"too_many_keys"}
    assert (await imported(client, world, "savingsbank", public_pem=pem)).status_code == 201


async def test_a_partners_key_begins_and_ends_when_it_is_said_to(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    now = clock.now()
    begins, ends = (clock.rfc3339(now + timedelta(days=days)) for days in (1, 3))
    for wrong in (
        {"valid_until": clock.rfc3339(now)},
        {"valid_from": ends, "valid_until": begins},
        {"valid_from": "soon"},
        {"valid_from": "2030-01-01T00:00:00"},
    ):
        assert (await imported(client, world, **wrong)).status_code == 422, wrong
    made = await imported(client, world, valid_from=begins, valid_until=ends)
    assert (made.status_code, made.json()["is_valid"]) == (201, False)
    for day, count in ((0, 0), (1, 1), (2, 1), (3, 0)):
        async with service.db.system_reads() as tx:
            assert len(await keys.valid_keys(tx, service.vault, "mobilemoney", keys.JWS_VERIFY)) == count, day
        move_clock(timedelta(days=1))


async def test_a_partners_key_is_retired_once_now_or_later(
    client: httpx.AsyncClient, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    made = (await imported(client, world)).json()
    path, operator = f"{KEYS}/{made['id']}/retire", world.operator.headers
    passed = {"at": clock.rfc3339(clock.now() - timedelta(seconds=1))}
    assert (await client.post(path, json=passed, headers=operator)).status_code == 422
    later = {"at": clock.rfc3339(clock.now() + timedelta(hours=1))}
    assert (await client.post(path, json=later, headers=operator)).json()["is_valid"] is True
    assert (await client.post(path, json={}, headers=operator)).json()["is_valid"] is False
    assert codes(await client.post(path, json={}, headers=operator)) == {"key_retired"}
    unknown = await client.post(f"{KEYS}/{world.operator.actor.id}/retire", json={}, headers=operator)
    assert unknown.status_code == 404


async def test_our_key_is_rotated_with_an_overlap_and_never_left_without_another(
    client: httpx.AsyncClient, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    operator, old = world.operator.headers, await own_key(client, world)
    path = f"/api/v1/dfsps/{world.dfsp_ids['greenbankfsp']}/signing-keys"
    assert codes(await client.post(f"{KEYS}/{old['id']}/retire", json={}, headers=operator)) == {"last_signing_key"}
    later = {"valid_from": clock.rfc3339(clock.now() + timedelta(hours=1))}
    new = (await client.post(path, json=later, headers=operator)).json()
    assert (new["is_valid"], new["purpose"], new["fsp_id"]) == (False, "sign", "greenbankfsp")
    jwks = (await client.get("/api/v1/hub/jwks", headers=operator)).json()["keys"]
    assert {old["key_id"], new["key_id"]} <= {key["kid"] for key in jwks}, "so that it can be registered in time"
    too_soon = await client.post(f"{KEYS}/{old['id']}/retire", json={}, headers=operator)
    assert codes(too_soon) == {"last_signing_key"}
    move_clock(timedelta(hours=1))
    retired = await client.post(f"{KEYS}/{old['id']}/retire", json={}, headers=operator)
    assert (retired.status_code, retired.json()["is_valid"]) == (200, False)


async def test_a_key_of_no_dfsp_of_ours_is_not_rotated(client: httpx.AsyncClient, world: World) -> None:
    path = f"/api/v1/dfsps/{world.operator.actor.id}/signing-keys"
    assert (await client.post(path, json={}, headers=world.operator.headers)).status_code == 404
    path = f"/api/v1/dfsps/{world.dfsp_ids['greenbankfsp']}/signing-keys"
    passed = {"valid_from": clock.rfc3339(clock.now() - timedelta(days=1))}
    assert (await client.post(path, json=passed, headers=world.operator.headers)).status_code == 422
