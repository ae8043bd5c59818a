"""A device that makes and uses passkeys, in software: the bytes that a browser would hand on, really signed.

It answers options as `navigator.credentials.create` and `.get` do, in the shape of their `toJSON()`; what a test makes
it do wrong is named by a keyword.
"""

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, _KEY_INCLUDED = 0x01, 0x04, 0x08, 0x10, 0x40
_SHA256 = ec.ECDSA(hashes.SHA256())


def text(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def data(encoded: str) -> bytes:
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


class Authenticator:
    """One passkey (ES256) and the device that keeps it. `counts` is how it counts its uses; 0: not at all."""

    def __init__(self, origin: str, *, counts: int = 1, flags: int = PRESENT | VERIFIED) -> None:
        self.origin = origin
        self.credential_id = secrets.token_bytes(32)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.sign_count = 0
        self.user_handle = b""
        self._counts = counts
        self._flags = flags

    def create(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """A passkey for these creation options. `form` is "none" or "packed" (signed by the passkey itself)."""
        self.user_handle = data(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"], wrong)
        signed = self._data_of(options["rp"]["id"], wrong, _KEY_INCLUDED) + self._key_data()
        form: str = wrong.get("form", "none")
        statement = {} if form == "none" else {"alg": -7, "sig": self._sign(signed, client_data)}
        made = cbor2.dumps({"fmt": form, "attStmt": statement, "authData": signed})
        response = {
            "clientDataJSON": text(client_data),
            "attestationObject": text(made),
            # As browsers send them besides, for whoever reads no CBOR.
            "authenticatorData": text(signed),
            "publicKeyAlgorithm": -7,
            "transports": ["internal", "hybrid"],
        }
        return self._credential(response)

    def get(self, options: dict[str, Any], **wrong: Any) -> dict[str, Any]:
        """The passkey used for these request options."""
        self.sign_count += self._counts
        client_data = self._client_data("webauthn.get", options["challenge"], wrong)
        signed = self._data_of(options["rpId"], wrong)
        response = {
            "clientDataJSON": text(client_data),
            "authenticatorData": text(signed),
            "signature": text(self._sign(signed, client_data)),
            "userHandle": text(wrong.get("user_handle", self.user_handle)),
        }
        return self._credential(response)

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        named = text(self.credential_id)
        more = {"authenticatorAttachment": "platform", "clientExtensionResults": {"credProps": {"rk": True}}}
        return {"id": named, "rawId": named, "type": "public-key", "response": response, **more}

    def _client_data(self, kind: str, challenge: str, wrong: dict[str, Any]) -> bytes:
        found = {
            "type": wrong.get("type", kind),
            "challenge": wrong.get("challenge", challenge),
            "origin": wrong.get("origin", self.origin),
            "crossOrigin": wrong.get("cross_origin", False),
        }
        return json.dumps(found).encode()

    def _data_of(self, party_id: str, wrong: dict[str, Any], more_flags: int = 0) -> bytes:
        flags = wrong.get("flags", self._flags) | more_flags
        counted: int = wrong.get("sign_count", self.sign_count)
        return hashlib.sha256(wrong.get("rp_id", party_id).encode()).digest() + bytes([flags]) + counted.to_bytes(4)

    def _key_data(self) -> bytes:
        public = self.key.public_key().public_numbers()
        # COSE_Key of an elliptic curve (RFC 9053, section 7.1.1).
        key = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)}
        return bytes(16) + len(self.credential_id).to_bytes(2) + self.credential_id + cbor2.dumps(key)

    def _sign(self, signed: bytes, client_data: bytes) -> bytes:
        return self.key.sign(signed + hashlib.sha256(client_data).digest(), _SHA256)
