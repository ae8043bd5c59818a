"""A file as it is stored: encrypted under a key of its own, which its document's row holds sealed by the vault.

Whoever has the store has nothing, and whoever forgets the key has erased every copy, backups included. The document's
id is bound to the file, so that no file can be put in another's place.
"""

import hashlib
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from merchant.compliance.documents.problems import DamagedDocument

_FORM = b"\x01"  # AES-256-GCM: form, nonce, cipher with tag
_NONCE_BYTES = 12  # NIST SP 800-38D


class SealedFile(Struct, frozen=True):
    """A file under its key, with the digest that names it in the store."""

    key: bytes
    data: bytes
    sha256: str


def seal_file(content: bytes, document_id: UUID) -> SealedFile:
    """Encrypt a document's file under a fresh key."""
    key, nonce = AESGCM.generate_key(256), os.urandom(_NONCE_BYTES)
    data = _FORM + nonce + AESGCM(key).encrypt(nonce, content, document_id.bytes)
    return SealedFile(key, data, hashlib.sha256(data).hexdigest())


def open_file(data: bytes, key: bytes, document_id: UUID) -> bytes:
    """Decrypt a document's file. Raises DamagedDocument when it is not what was stored."""
    nonce, cipher = data[1 : 1 + _NONCE_BYTES], data[1 + _NONCE_BYTES :]
    try:
        if not data.startswith(_FORM):
            raise DamagedDocument
        return AESGCM(key).decrypt(nonce, cipher, document_id.bytes)
    except (InvalidTag, ValueError):
        raise DamagedDocument from None
