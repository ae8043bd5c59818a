"""Encryption of personal data at rest, blind indexes to find it by equality, and password hashes.

AES-256-GCM under keys derived from the secret keys (secret_key.py); the first key writes, all keys read, so a key is
rotated by putting a new one in front and running `merchant rotate-keys`. Nothing here touches the database.
"""

import contextlib
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from merchant.core import keyring
from merchant.core.errors import OperatorProblem

_LOOK_EVERY_S = 1.0  # how soon a running program seals under a key that was put in front
_NONCE_BYTES = 12  # NIST SP 800-38D: 96-bit nonces for GCM
# OWASP's second recommended argon2id setting: 19 MiB, two passes; fits machines with 1 GB of memory.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class BadSecretKey(OperatorProblem):
    """The secret keys are malformed, or are not those that something was encrypted under."""


class MissingSecretKey(BadSecretKey):
    """Something was encrypted under a key that is not at hand."""


class WrongSecretKey(BadSecretKey):
    """Something does not open although the key that it names is at hand."""


class _Ring(Struct, frozen=True):
    """The keys at hand by their ids, the one that writes first."""

    sealers: dict[str, AESGCM]
    token_keys: dict[str, str]
    key_id: str
    prefix: bytes  # of everything that the first key sealed


class Vault:
    """Holds the derived keys. `seal` and `open` work on bytes; `digest` makes a blind index.

    `reread`, where given, answers the text of the keys when it has changed since it was last asked, else None: it is
    asked about once a second, and at once for a key that is not known. `source` names the place for sentences.
    """

    def __init__(
        self,
        secret_key: str,
        *,
        source: str = "MERCHANT_SECRET_KEY",
        reread: Callable[[], str | None] | None = None,
    ) -> None:
        self.source = source
        self._reread = reread
        self._look_at = time.monotonic() + _LOOK_EVERY_S
        masters = self._parse(secret_key)
        self._ring = _ring(masters)
        self._index_keys = {key_id: derive(master, b"blind-index") for key_id, master in masters.items()}
        self._index_key = self._index_keys[self._ring.key_id]

    @property
    def key_id(self) -> str:
        """The id of the key that writes."""
        return self._ring.key_id

    @property
    def key_ids(self) -> list[str]:
        """The ids of all keys at hand, the one that writes first."""
        return list(self._ring.sealers)

    @property
    def prefix(self) -> bytes:
        """What everything begins with that the first key sealed."""
        return self._ring.prefix

    @property
    def token_key(self) -> str:
        """The key that signs access tokens."""
        return self._ring.token_keys[self._ring.key_id]

    def token_key_of(self, key_id: object) -> str:
        """The key that verifies a token which names the secret key it hangs on; the first for any other name."""
        self._look_now_and_then()
        if not isinstance(key_id, str):
            return self.token_key
        if key_id not in self._ring.token_keys:
            self.look_again()
        return self._ring.token_keys.get(key_id, self.token_key)

    def _look_now_and_then(self) -> None:
        # Also where only known keys are met: a key that leaked and was dropped must not be believed any longer.
        if self._reread is not None and time.monotonic() >= self._look_at:
            self.look_again()

    def look_again(self) -> None:
        """Take over the keys if they have changed; what cannot be understood is left aside."""
        self._look_at = time.monotonic() + _LOOK_EVERY_S
        text = self._reread() if self._reread is not None else None
        if text is not None:
            with contextlib.suppress(BadSecretKey):
                self._ring = _ring(self._parse(text))

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt; `context` (for example `application:ID`) must be given again to open."""
        self._look_now_and_then()
        ring, nonce = self._ring, os.urandom(_NONCE_BYTES)
        return ring.prefix + nonce + ring.sealers[ring.key_id].encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` made. Raises MissingSecretKey, or WrongSecretKey also when the context differs."""
        self._look_now_and_then()
        key_id, key_end = self.key_id_of(sealed), 1 + sealed[0]
        if key_id not in self._ring.sealers:
            self.look_again()
        sealer = self._ring.sealers.get(key_id)
        if sealer is None:
            raise MissingSecretKey(
                f"{self.source} lacks key {key_id!r}, which this data was encrypted under; it holds"
                f" {', '.join(map(repr, self.key_ids))}. Add the key that this installation was set up with: it is in"
                " the setting or the data folder of the machine that was used before, and in no backup of the database."
            )
        nonce, cipher = sealed[key_end : key_end + _NONCE_BYTES], sealed[key_end + _NONCE_BYTES :]
        try:
            return sealer.decrypt(nonce, cipher, context.encode())
        except InvalidTag:
            raise WrongSecretKey(f"data sealed as {context!r} does not open: other key or moved data") from None

    @staticmethod
    def key_id_of(sealed: bytes) -> str:
        """The id of the key that sealed a value."""
        return sealed[1 : 1 + sealed[0]].decode("ascii", "replace")

    def digest(self, kind: str, value: str) -> bytes:
        """A keyed blind index: equal values of one kind have equal digests, and nothing else can be learnt."""
        return hmac.digest(self._index_key, f"{kind}:{value}".encode(), hashlib.sha256)

    def use_index_secret(self, secret: bytes) -> None:
        """Make blind indexes under the installation's own secret from now on (canary.py)."""
        self._index_key = secret

    def index_secret_of(self, key_id: str) -> bytes:
        """The secret of blind indexes of an installation without one of its own, which hung on a secret key.

        Raises KeyError for a key that was not at hand at the start.
        """
        return self._index_keys[key_id]

    def _parse(self, secret_key: str) -> dict[str, bytes]:
        try:
            return keyring.parse(secret_key)
        except ValueError:
            raise BadSecretKey(f"{self.source} must be {keyring.FORM}") from None


def _ring(masters: Mapping[str, bytes]) -> _Ring:
    first = next(iter(masters))
    return _Ring(
        sealers={key_id: AESGCM(derive(master, b"seal")) for key_id, master in masters.items()},
        token_keys={key_id: derive(master, b"access-token").hex() for key_id, master in masters.items()},
        key_id=first,
        prefix=bytes([len(first)]) + first.encode(),
    )


def derive(master: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose (HKDF, RFC 5869)."""
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
