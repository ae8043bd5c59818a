"""Signatures, byte for byte with Mojaloop's own library, and everything a forger may try."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from merchant.hub.fspiop import base64url
from merchant.hub.fspiop.jws import (
    BadKey,
    InvalidSignature,
    SigningKey,
    VerifyKey,
    canonical_json,
    fspiop_uri,
    load_signing_key,
    load_verify_key,
    sign,
    verify,
)
from tests.merchant.hub.fspiop.conftest import read_vectors

VECTORS: list[dict[str, Any]] = read_vectors("jws.json")["vectors"]
IDS = [f"{vector['alg']}-{vector['name']}" for vector in VECTORS]

PATH = "/transactionRequests/b51ec534-ee48-4575-b6a9-ead2955b8069"
BODY = {"transactionRequestState": "RECEIVED", "transactionId": "36629a51-393a-4e3c-b347-c2cb57e1e1fc"}
DATE = "Sun, 22 Nov 2026 12:34:56 GMT"


def signed_headers(key: SigningKey, body: bytes, **changes: str | None) -> dict[str, str]:
    """Headers of a PUT that payerfsp signed for merchantfsp."""
    signature = sign(
        key,
        method="PUT",
        uri=PATH,
        source="payerfsp",
        destination="merchantfsp",
        body=body,
        date=DATE,
    )
    headers: dict[str, str | None] = {
        "date": DATE,
        "fspiop-source": "payerfsp",
        "fspiop-destination": "merchantfsp",
        "fspiop-uri": PATH,
        "fspiop-http-method": "PUT",
        "fspiop-signature": signature,
    }
    return {name: value for name, value in (headers | changes).items() if value is not None}


def check(key: VerifyKey, headers: dict[str, str], body: bytes, path: str = "/fspiop" + PATH) -> None:
    verify(key, method="PUT", path=path, headers=headers, body=body)


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_canonical_json_is_the_sdk_wire_body(vector: dict[str, Any]) -> None:
    assert canonical_json(vector["input_body"]) == vector["wire_body"].encode()


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_the_uri_is_cut_as_the_sdk_cuts_it(vector: dict[str, Any]) -> None:
    assert fspiop_uri(vector["uri"]) == vector["headers"]["fspiop-uri"]


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_our_signature_is_the_sdk_signature(
    vector: dict[str, Any], signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]
) -> None:
    headers = vector["headers"]
    made = sign(
        signing_keys[vector["key"]],
        method=vector["method"],
        uri=fspiop_uri(vector["uri"]),
        source=headers["fspiop-source"],
        destination=headers.get("fspiop-destination"),
        body=vector["wire_body"].encode(),
        date=headers.get("date"),
    )
    protected = json.loads(made)["protectedHeader"]
    assert base64url.decode(protected).decode() == vector["protected_header_json"]
    if vector["alg"] == "RS256":  # ECDSA signatures differ each time
        assert made == headers["fspiop-signature"]
    verify(
        verify_keys[vector["key"]],
        method=vector["method"],
        path=vector["uri"],
        headers=headers | {"fspiop-signature": made},
        body=vector["wire_body"].encode(),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_the_sdk_signature_holds_also_after_a_hop_re_serialised_the_body(
    vector: dict[str, Any], verify_keys: dict[str, VerifyKey]
) -> None:
    for body in (
        vector["wire_body"],
        json.dumps(vector["input_body"]),
        json.dumps(vector["input_body"], indent=2, ensure_ascii=False),
    ):
        verify(
            verify_keys[vector["key"]],
            method=vector["method"],
            path=vector["uri"],
            headers=vector["headers"],
            body=body.encode(),
        )


@pytest.mark.parametrize("vector", VECTORS, ids=IDS)
def test_a_signature_over_insertion_order_holds_on_the_raw_bytes(
    vector: dict[str, Any], verify_keys: dict[str, VerifyKey]
) -> None:
    verify(
        verify_keys[vector["key"]],
        method=vector["method"],
        path=vector["uri"],
        headers=vector["headers"] | {"fspiop-signature": vector["unsorted_signature_header"]},
        body=vector["unsorted_wire_body"].encode(),
    )


@pytest.mark.parametrize(
    ("uri", "cut"),
    [
        ("http://hub.example:4003/fspiop/v1/quotes/1", "/quotes/1"),
        ("/parties/ALIAS/quotes", "/quotes"),
        ("/parties/ALIAS/000123/", "/"),
        ("/quotes//1", "/"),
        ("/authorizations/1?amount=102&currency=USD", "/authorizations/1?amount=102&currency=USD"),
        ("/parties/ALIAS/a%2Fquotes", "/parties/ALIAS/a%2Fquotes"),
    ],
)
def test_the_cut_rule_takes_the_last_resource_name_or_empty_segment(uri: str, cut: str) -> None:
    expected = cut if uri != "/quotes//1" else "//1"
    assert fspiop_uri(uri) == expected


@pytest.mark.parametrize("uri", ["", "/health/live", "quotes", "/quotesX/1", "/a?b=/quotes"])
def test_a_uri_without_a_resource_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="names no FSPIOP resource"):
        fspiop_uri(uri)


def test_canonical_json_leaves_every_script_unescaped_and_sorts_nested_keys() -> None:
    assert canonical_json({"b": 'မုန့် é/"', "a": [{"d": 1, "c": None}]}) == (
        '{"a":[{"c":null,"d":1}],"b":"မုန့် é/\\""}'.encode()
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fspiop-signature": None}, "not signed"),
        ({"fspiop-signature": "sig"}, "not readable"),
        ({"fspiop-signature": '{"signature":"AA"}'}, "not readable"),
        ({"fspiop-signature": '{"signature":"AA","protectedHeader":"!!"}'}, "protected header"),
        ({"fspiop-signature": '{"signature":"AA","protectedHeader":"bm8"}'}, "protected header"),
        ({"fspiop-source": "otherfsp"}, "FSPIOP-Source"),
        ({"fspiop-source": None}, "FSPIOP-Source"),
        ({"fspiop-destination": "otherfsp"}, "FSPIOP-Destination"),
        ({"fspiop-destination": None}, "FSPIOP-Destination"),
        ({"fspiop-uri": "/transactionRequests/other"}, "FSPIOP-URI"),
        ({"fspiop-uri": None}, "FSPIOP-URI"),
        ({"fspiop-http-method": "POST"}, "FSPIOP-HTTP-Method"),
        ({"fspiop-http-method": None}, "FSPIOP-HTTP-Method"),
        ({"date": "Sun, 22 Nov 2026 12:34:57 GMT"}, "Date"),
        ({"date": None}, "Date"),
    ],
)
def test_a_header_that_differs_from_the_signed_one_is_refused(
    changes: dict[str, str | None],
    reason: str,
    signing_keys: dict[str, SigningKey],
    verify_keys: dict[str, VerifyKey],
) -> None:
    body = canonical_json(BODY)
    headers = signed_headers(signing_keys["rsa"], body, **changes)
    with pytest.raises(InvalidSignature, match=reason):
        check(verify_keys["rsa"], headers, body)


def test_a_signed_message_replayed_on_another_url_is_refused(
    signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]
) -> None:
    body = canonical_json(BODY)
    headers = signed_headers(signing_keys["rsa"], body)
    check(verify_keys["rsa"], headers, body)
    for path in (PATH + "/error", "/fspiop/quotes/1", "/health"):
        with pytest.raises(InvalidSignature):
            check(verify_keys["rsa"], headers, body, path)


@pytest.mark.parametrize("name", ["rsa", "ec"])
def test_a_changed_body_is_refused(
    name: str, signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]
) -> None:
    body = canonical_json(BODY)
    headers = signed_headers(signing_keys[name], body)
    for other in (body.replace(b"RECEIVED", b"ACCEPTED"), b"", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(InvalidSignature, match="body"):
            check(verify_keys[name], headers, other)


@pytest.mark.parametrize(("signer", "verifier"), [("rsa", "ec"), ("ec", "rsa")])
def test_another_algorithm_than_the_key_s_is_refused(
    signer: str, verifier: str, signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]
) -> None:
    body = canonical_json(BODY)
    with pytest.raises(InvalidSignature, match="alg"):
        check(verify_keys[verifier], signed_headers(signing_keys[signer], body), body)


def test_alg_none_is_refused(signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]) -> None:
    body = canonical_json(BODY)
    headers = signed_headers(signing_keys["rsa"], body)
    signed = json.loads(headers["fspiop-signature"])
    protected = base64url.decode(signed["protectedHeader"]).replace(b"RS256", b"none")
    headers["fspiop-signature"] = json.dumps({"protectedHeader": base64url.encode(protected), "signature": ""})
    with pytest.raises(InvalidSignature, match="alg"):
        check(verify_keys["rsa"], headers, body)


@pytest.mark.parametrize("name", ["rsa", "ec"])
@pytest.mark.parametrize("signature", ["", "AAAA", "A" * 86, "not base64!"])
def test_a_broken_signature_is_refused(
    name: str, signature: str, signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]
) -> None:
    body = canonical_json(BODY)
    headers = signed_headers(signing_keys[name], body)
    signed = json.loads(headers["fspiop-signature"])
    headers["fspiop-signature"] = json.dumps(signed | {"signature": signature})
    with pytest.raises(InvalidSignature):
        check(verify_keys[name], headers, body)


def test_a_message_without_destination_and_date_is_signed_without_them(
    signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]
) -> None:
    signature = sign(signing_keys["rsa"], method="PUT", uri="/quotes/1", source="a", destination=None, body=b"{}")
    protected = base64url.decode(json.loads(signature)["protectedHeader"])
    assert b"Destination" not in protected
    assert b"Date" not in protected
    headers = {
        "fspiop-signature": signature,
        "fspiop-uri": "/quotes/1",
        "fspiop-http-method": "PUT",
        "fspiop-source": "a",
        "date": "any",
    }
    verify(verify_keys["rsa"], method="PUT", path="/quotes/1", headers=headers, body=b"{}")


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_weak_foreign_and_broken_keys_are_refused() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    foreign = ec.generate_private_key(ec.SECP384R1())
    for pem in (
        _pem(weak),
        _pem(foreign),
        "",
        "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----",
    ):
        with pytest.raises(BadKey):
            load_signing_key(pem, "k")
    public = weak.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for pem in (public, _pem(weak), "no key"):
        with pytest.raises(BadKey):
            load_verify_key(pem, "k")
