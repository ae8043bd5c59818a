"""FSPIOP signatures: made on every body we send, checked on every body we receive.

The FSPIOP-Signature header is a detached JWS (FSPIOP "Signature", sections 3 and 4). A signature covers
bytes, but hubs re-serialise what they forward: we sign canonical JSON, and when we verify we try the
bytes as they came, then the two serialisations in use among Mojaloop's own components.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jose import jwk

from merchant.hub.envelopes import SigningKey as SigningKey
from merchant.hub.envelopes import VerifyKey as VerifyKey
from merchant.hub.fspiop import base64url
from merchant.hub.fspiop.resources import URI_STARTS

Algorithm = Literal["RS256", "ES256"]

RSA_BITS_MIN = 2048  # FSPIOP "Signature" section 3.1

# A resource name as a whole path segment, or an empty segment (a trailing slash), starts a URI anew.
_URI_START = re.compile(rf"/(?:{'|'.join(URI_STARTS)})?(?=/|$)")

_encode_sorted = msgspec.json.Encoder(order="sorted").encode


class BadKey(ValueError):
    """The PEM is no RSA key of 2048 bits or more and no EC key on P-256."""


class InvalidSignature(Exception):
    """A message is unsigned, or its signature does not hold; `reason` says why, without personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _SignatureHeader(msgspec.Struct, frozen=True, rename="camel"):
    protected_header: str
    signature: str


class _Protected(msgspec.Struct, frozen=True):
    """The protected header; its names are case-sensitive, and the field order is the one we sign in."""

    alg: str
    uri: str = msgspec.field(name="FSPIOP-URI")
    method: str = msgspec.field(name="FSPIOP-HTTP-Method")
    source: str = msgspec.field(name="FSPIOP-Source")
    destination: str | msgspec.UnsetType = msgspec.field(name="FSPIOP-Destination", default=msgspec.UNSET)
    date: str | msgspec.UnsetType = msgspec.field(name="Date", default=msgspec.UNSET)


def load_signing_key(pem: str, key_id: str) -> SigningKey:
    """A private key from PEM (PKCS#8, PKCS#1 or SEC1). Raises BadKey."""
    try:
        private = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("This is not a private key in PEM.") from error
    algorithm = _algorithm_of(private)
    return SigningKey(key_id, algorithm, jwk.construct(private, algorithm))


def load_verify_key(pem: str, key_id: str) -> VerifyKey:
    """A public key from PEM (SubjectPublicKeyInfo). Raises BadKey."""
    try:
        public = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey("This is not a public key in PEM.") from error
    algorithm = _algorithm_of(public)
    return VerifyKey(key_id, algorithm, jwk.construct(public, algorithm))


def _algorithm_of(key: object) -> Algorithm:
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN:
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    raise BadKey("FSPIOP signatures need RSA of at least 2048 bits or EC on P-256.")


def canonical_json(obj: object) -> bytes:
    """JSON as every Mojaloop validator re-serialises it: keys sorted, compact, UTF-8 unescaped."""
    return _encode_sorted(obj)


def fspiop_uri(uri: str) -> str:
    """The part of a path or URL that FSPIOP-URI carries.

    It starts at the last path segment that is a resource name (Mojaloop cuts greedily, which is why no
    alias may be called `quotes`), and keeps percent-encoding and query. Raises ValueError without one.
    """
    path, mark, query = uri.partition("?")
    starts = [found.start() for found in _URI_START.finditer(path)]
    if not starts:
        raise ValueError(f"{uri!r} names no FSPIOP resource")
    return path[starts[-1] :] + mark + query


def sign(
    key: SigningKey,
    *,
    method: str,
    uri: str,
    source: str,
    destination: str | None,
    body: bytes,
    date: str | None = None,
) -> str:
    """The FSPIOP-Signature value for a body that goes out exactly as given.

    `uri` is what FSPIOP-URI will carry (`fspiop_uri`); `date`, when given, is the Date header.
    """
    protected = base64url.encode(
        msgspec.json.encode(
            _Protected(key.algorithm, uri, method, source, destination or msgspec.UNSET, date or msgspec.UNSET)
        )
    )
    signature = base64url.encode(key.key.sign(f"{protected}.{base64url.encode(body)}".encode()))
    return msgspec.json.encode(_SignatureHeader(protected, signature)).decode()


def verify(key: VerifyKey, *, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
    """Check a received message's signature against its real method, path, headers and body.

    `path` is the raw request path with its query; `headers` has lower-case names. Raises InvalidSignature.
    """
    signed = _read_signature(headers)
    protected = _read_protected(signed.protected_header)
    _check_protected(protected, key.algorithm, method, path, headers)
    try:
        signature = base64url.decode(signed.signature)
    except ValueError as error:
        raise InvalidSignature("the signature is not base64url") from error
    for candidate in _serialisations(body):
        message = f"{signed.protected_header}.{base64url.encode(candidate)}".encode()
        if key.key.verify(message, signature):
            return
    raise InvalidSignature("the signature does not match the body")


def _read_signature(headers: Mapping[str, str]) -> _SignatureHeader:
    text = headers.get("fspiop-signature")
    if text is None:
        raise InvalidSignature("the message is not signed")
    try:
        return msgspec.json.decode(text, type=_SignatureHeader)
    except ValueError as error:
        raise InvalidSignature("FSPIOP-Signature is not readable") from error


def _read_protected(text: str) -> _Protected:
    try:
        return msgspec.json.decode(base64url.decode(text), type=_Protected)
    except (ValueError, RecursionError) as error:
        raise InvalidSignature("the protected header is not readable") from error


def _check_protected(
    protected: _Protected, algorithm: Algorithm, method: str, path: str, headers: Mapping[str, str]
) -> None:
    """The signed header fields equal the real ones; Date may stay unsigned (it is optional)."""
    try:
        real_uri = fspiop_uri(path)
    except ValueError as error:
        raise InvalidSignature("the path names no FSPIOP resource") from error
    comparisons = (
        ("alg", protected.alg, algorithm),
        ("FSPIOP-HTTP-Method", protected.method, method),
        ("FSPIOP-HTTP-Method", protected.method, headers.get("fspiop-http-method")),
        ("FSPIOP-URI", protected.uri, real_uri),
        ("FSPIOP-URI", protected.uri, headers.get("fspiop-uri")),
        ("FSPIOP-Source", protected.source, headers.get("fspiop-source")),
        ("FSPIOP-Destination", protected.destination or None, headers.get("fspiop-destination") or None),
    )
    for name, signed, real in comparisons:
        if signed != real:
            raise InvalidSignature(f"the signed {name} is not that of the message")
    if protected.date is not msgspec.UNSET and protected.date != headers.get("date"):
        raise InvalidSignature("the signed Date is not that of the message")


def _serialisations(body: bytes) -> Iterator[bytes]:
    """The body's bytes, then its two compact forms, each once and only when the one before failed."""
    yield body
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return
    compact = msgspec.json.encode(value)
    if compact != body:
        yield compact
    in_order = canonical_json(value)
    if in_order not in (body, compact):
        yield in_order
