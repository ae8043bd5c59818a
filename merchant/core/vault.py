"""Encryption of personal data at rest, blind indexes to find it by equality, and password hashes.

AES-256-GCM under keys derived from MERCHANT_SECRET_KEY; the first key writes, all keys read, so a key is
rotated by putting a new one in front and running `merchant rotate-keys`. Nothing here touches the database.
"""

import base64
import hashlib
import hmac
import os

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from merchant.core.errors import OperatorProblem

_NONCE_BYTES = 12  # NIST SP 800-38D: 96-bit nonces for GCM
# OWASP's second recommended argon2id setting: 19 MiB, two passes; fits machines with 1 GB of memory.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class BadSecretKey(OperatorProblem):
    """MERCHANT_SECRET_KEY is malformed, or lacks the key something was encrypted under."""


class Vault:
    """Holds the derived keys. `seal` and `open` work on bytes; `digest` makes a blind index."""

    def __init__(self, secret_key: str) -> None:
        self._sealers: dict[str, AESGCM] = {}
        masters: list[bytes] = []
        for part in secret_key.split(","):
            key_id, _, encoded = part.strip().partition(":")
            try:
                master = base64.b64decode(encoded, validate=True)
            except ValueError:
                master = b""
            if len(master) != 32 or not key_id or len(key_id) > 32 or not key_id.isascii():
                raise BadSecretKey("MERCHANT_SECRET_KEY must be id:base64-of-32-bytes, comma-separated, newest first")
            self._sealers[key_id] = AESGCM(_derive(master, b"seal"))
            masters.append(master)
        self.key_id = next(iter(self._sealers))
        self.prefix = bytes([len(self.key_id)]) + self.key_id.encode()  # of everything that the first key sealed
        self._index_key = _derive(masters[0], b"blind-index")
        self.token_key = _derive(masters[0], b"access-token").hex()

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt; `context` (for example `application:ID`) must be given again to open."""
        nonce = os.urandom(_NONCE_BYTES)
        return self.prefix + nonce + self._sealers[self.key_id].encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` made. Raises BadSecretKey when the key is missing or the context differs."""
        key_end = 1 + sealed[0]
        key_id = sealed[1:key_end].decode()
        if key_id not in self._sealers:
            raise BadSecretKey(f"MERCHANT_SECRET_KEY lacks key {key_id!r}, which this data was encrypted under")
        nonce, cipher = sealed[key_end : key_end + _NONCE_BYTES], sealed[key_end + _NONCE_BYTES :]
        try:
            return self._sealers[key_id].decrypt(nonce, cipher, context.encode())
        except InvalidTag:
            raise BadSecretKey(f"data sealed as {context!r} does not open: other key or moved data") from None

    def digest(self, kind: str, value: str) -> bytes:
        """A keyed blind index: equal values of one kind have equal digests, and nothing else can be learnt."""
        return hmac.digest(self._index_key, f"{kind}:{value}".encode(), hashlib.sha256)


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"merchant/" + purpose).derive(master)


def hash_password(password: str) -> str:
    """argon2id hash of a password."""
    return _hasher.hash(password)


def password_matches(password_hash: str, password: str) -> bool:
    """Whether a password is the hashed one; False, never an error, for a damaged hash."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def token_digest(token: str) -> bytes:
    """SHA-256 of a random token (API key, ticket): enough, since the token itself has 256 random bits."""
    return hashlib.sha256(token.encode()).digest()
