"""Public keys as partners hand them over: PEM or JWK in, checked for strength; fingerprint and JWK out.

What is taken is what FSPIOP signs with: RSA of 2048 bits or more (RS256), EC on P-256 (ES256).
"""

import base64
import hashlib
from typing import Any, Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec import Struct

from merchant.core import errors
from merchant.core.texts import _

RSA_BITS_MIN: Final = 2048  # FSPIOP signature specification, section 3.2
RSA_BITS_MAX: Final = 8192  # each message is verified with it; a key of 16384 bits takes 16 times as long as this
PEM_CHARS_MAX: Final = 10_000
# Members of a JWK that only a private or a secret key has (RFC 7518, sections 6.2.2, 6.3.2 and 6.4).
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_P256_BYTES = 32


class PublicKey(Struct, frozen=True):
    """A checked public key: PEM (SubjectPublicKeyInfo) and the algorithm that it signs with."""

    pem: str
    algorithm: str


def read_pem(text: str, field: str = "public_pem") -> PublicKey:
    """A public key from PEM. Raises InvalidFields: it is private, none, or too weak."""
    if "PRIVATE KEY" in text:
        raise _private(field)
    if "BEGIN CERTIFICATE" in text:
        raise errors.invalid_field(field, "certificate", _("This is a certificate; send the public key in it."))
    try:
        key = serialization.load_pem_public_key(text.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        raise errors.invalid_field(field, "invalid", _("This is not a public key in PEM.")) from None
    return _checked(key, field)


def read_jwk(members: dict[str, Any], field: str = "jwk") -> PublicKey:
    """A public key from a JWK (RFC 7517). Raises InvalidFields: it is private, none, or too weak."""
    if _SECRET_MEMBERS & members.keys():
        raise _private(field)
    try:
        match members.get("kty"):
            case "RSA":
                numbers = rsa.RSAPublicNumbers(_number(members["e"]), _number(members["n"]))
                return _checked(numbers.public_key(), field)
            case "EC" if members.get("crv") == "P-256":
                point = ec.EllipticCurvePublicNumbers(_number(members["x"]), _number(members["y"]), ec.SECP256R1())
                return _checked(point.public_key(), field)
    except (KeyError, ValueError, TypeError):
        raise errors.invalid_field(field, "invalid", _("This is not a public key as JWK.")) from None
    raise _weak(field)


def read_keys(text: str) -> list[PublicKey]:
    """The keys of a file: one PEM, one JWK, or those of a JWKS. Raises InvalidFields."""
    if not text.lstrip().startswith("{"):
        return [read_pem(text, "file")]
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
        members = msgspec.convert(found.get("keys", [found]), list[dict[str, Any]])
    except (msgspec.DecodeError, RecursionError):
        raise errors.invalid_field("file", "invalid", _("This is not a public key as JWK.")) from None
    return [read_jwk(one, "file") for one in members]


def _private(field: str) -> errors.InvalidFields:
    return errors.invalid_field(
        field,
        "private_key",
        _("This is a private key; whoever has seen it can sign with it. Have a new one made and send its public half."),
    )


def _weak(field: str) -> errors.InvalidFields:
    return errors.invalid_field(
        field,
        "weak_key",
        _("The key must be RSA of {least} to {most} bits, or EC on P-256.", least=RSA_BITS_MIN, most=RSA_BITS_MAX),
    )


def _checked(key: object, field: str) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey) and RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
        return PublicKey(_pem(key), "RS256")
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return PublicKey(_pem(key), "ES256")
    raise _weak(field)


def _pem(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(pem: str) -> str:
    """SHA-256 of the key's DER (SubjectPublicKeyInfo) in hexadecimal: what two people compare by telephone.

    The same as `openssl pkey -pubin -outform DER | sha256sum`.
    """
    key = serialization.load_pem_public_key(pem.encode())
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def to_jwk(pem: str, key_id: str, algorithm: str) -> dict[str, str]:
    """The key as JWK, for verifying signatures."""
    key = serialization.load_pem_public_key(pem.encode())
    about = {"kid": key_id, "use": "sig", "alg": algorithm}
    if isinstance(key, rsa.RSAPublicKey):
        public = key.public_numbers()
        return {"kty": "RSA", "n": _text(public.n), "e": _text(public.e)} | about
    assert isinstance(key, ec.EllipticCurvePublicKey)
    point = key.public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": _text(point.x, _P256_BYTES), "y": _text(point.y, _P256_BYTES)} | about


def _number(text: object) -> int:
    if not isinstance(text, str) or len(text) > PEM_CHARS_MAX:
        raise TypeError("a member of a JWK is base64url text")
    return int.from_bytes(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))


def _text(number: int, length: int = 0) -> str:
    raw = number.to_bytes(length or (number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
