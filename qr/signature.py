"""A scheme's signature on its codes, so that a wallet tells an issued sticker from one pasted over it. Off by
default.

The signature covers every other object, written canonically, so reordering does not break it and nothing can be
added. It stands in two unreserved templates, because one object cannot hold 64 bytes beside a GUID. It proves who
issued the code, not that it hangs where it should: show the merchant's name all the same.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from qr.codec import encode
from qr.emv import SIGNATURE_FIELDS, MerchantCode, Template
from qr.errors import EncodeError
from qr.extras import needs
from qr.profile import Profile
from qr.writer import compose

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey
    PublicKey: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey
else:
    PrivateKey = PublicKey = object  # what help() shows where the extra is missing

TAGS = tuple(SIGNATURE_FIELDS)
# What is signed is this and the canonical payload without the signature, whose own checksum is part of it.
CONTEXT = b"merchant-presented-code signature 1\x00"  # keeps these signatures from being taken for others
SIGNATURE_BYTES = 64  # Ed25519 (RFC 8032 5.1.6) and ES256 (RFC 7518 3.4) alike
HALF_CHARS = 43  # 64 bytes are 86 characters of base64url (RFC 4648 5)
KEY_ID_CHARS_MAX = 8


class VerificationKey(msgspec.Struct, frozen=True):
    """A key a scheme signs with, and the times between which its signatures count; None is unbounded.

    Raises ValueError for a key that is neither Ed25519 nor P-256.
    """

    key: PublicKey
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        _check_kind(self.key)


class Verdict(StrEnum):
    """The result of verifying a signature."""

    VALID = "valid"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    KEY_NOT_IN_FORCE = "key_not_in_force"
    INVALID = "invalid"


def signature_chars(guid: str, key_id: str) -> int:
    """How many of a payload's 512 characters a signature takes: 114, the key id and twice the GUID."""
    return 114 + 2 * len(guid) + len(key_id)


def sign_code(
    code: MerchantCode, key: PrivateKey, *, key_id: str, guid: str, profile: str | Profile | None = None
) -> MerchantCode:
    """The code with the scheme's signature by an Ed25519 or P-256 key, replacing one it has.

    `guid` is the scheme's, as in its accounts. Raises EncodeError when the code breaks EMVCo's rules, as changed by the
    profile it is to be written with, ValueError for another kind of key or a key id over 8 characters. That the whole
    still fits, `encode` checks.
    """
    _check_kind(key)
    if not 0 < len(key_id) <= KEY_ID_CHARS_MAX:
        raise ValueError(f"a key id has 1 to {KEY_ID_CHARS_MAX} characters, not {len(key_id)}")
    bare = _without_signature(code, guid)
    text = urlsafe_b64encode(_sign(key, CONTEXT + encode(bare, profile).encode())).decode().rstrip("=")
    halves = (
        Template(TAGS[0], {"00": guid, "01": key_id, "02": text[:HALF_CHARS]}),
        Template(TAGS[1], {"00": guid, "02": text[HALF_CHARS:]}),
    )
    return msgspec.structs.replace(bare, unreserved=(*bare.unreserved, *halves))


def verify_code(
    code: MerchantCode, keys: Mapping[str, VerificationKey], *, guid: str, now: datetime
) -> tuple[Verdict, str | None]:
    """The verdict on a decoded code's signature at `now`, and the id of the key it names.

    Objects 98 and 99 must hold the signature and nothing besides, and a code that no payload can hold is invalid. Keys
    are rotated by adding the new one under its own id and bounding the old one's validity.
    """
    if not any(_is_signature(template, guid) for template in code.unreserved):
        return Verdict.UNSIGNED, None
    placed = [template for template in code.unreserved if template.tag in TAGS]
    halves = {template.tag: template.fields for template in placed if _is_signature(template, guid)}
    if len(placed) > len(TAGS) or {tag: fields.keys() for tag, fields in halves.items()} != SIGNATURE_FIELDS:
        return Verdict.INVALID, None
    key_id = halves[TAGS[0]]["01"]
    found = keys.get(key_id)
    if found is None:
        return Verdict.UNKNOWN_KEY, key_id
    if (found.valid_from and now < found.valid_from) or (found.valid_until and now >= found.valid_until):
        return Verdict.KEY_NOT_IN_FORCE, key_id
    text = halves[TAGS[0]]["02"] + halves[TAGS[1]]["02"]
    try:
        payload, _ = compose(_without_signature(code, guid))
    except EncodeError:
        return Verdict.INVALID, key_id
    sound = _verify(found.key, text, CONTEXT + payload.encode())
    return (Verdict.VALID if sound else Verdict.INVALID), key_id


def _is_signature(template: Template, guid: str) -> bool:
    return template.tag in TAGS and (template.guid or "").lower() == guid.lower()


def _without_signature(code: MerchantCode, guid: str) -> MerchantCode:
    rest = tuple(template for template in code.unreserved if not _is_signature(template, guid))
    return msgspec.structs.replace(code, unreserved=rest)


def _check_kind(key: PrivateKey | PublicKey) -> None:
    with needs("signatures", "a signature"):
        from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    curve = getattr(key, "curve", None)
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey) and not isinstance(curve, SECP256R1):
        raise ValueError(f"keys are Ed25519 or P-256, not {curve.name if curve else type(key).__name__}")


def _sign(key: PrivateKey, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    r, s = decode_dss_signature(key.sign(data, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _verify(key: PublicKey, text: str, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        signature = urlsafe_b64decode(text + "==")
        if len(signature) != SIGNATURE_BYTES or urlsafe_b64encode(signature).decode().rstrip("=") != text:
            return False  # another spelling of the same bytes is not what was issued
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
        else:
            r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
            key.verify(encode_dss_signature(r, s), data, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
