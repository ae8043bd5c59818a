"""Secret keys as text: `id:base64(32 bytes)`, comma-separated, the one that writes first.

settings.py checks MERCHANT_SECRET_KEY with it, vault.py derives from it, secret_key.py keeps it in a file.
"""

import base64
import secrets

KEY_BYTES = 32
MAX_ID_LENGTH = 32
FORM = f"id:base64-of-{KEY_BYTES}-bytes, comma-separated, newest first"


def parse(text: str) -> dict[str, bytes]:
    """The keys by their ids, in the order given. Raises ValueError for anything but FORM."""
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        key_id, _, encoded = part.strip().partition(":")
        master = base64.b64decode(encoded, validate=True)
        if len(master) != KEY_BYTES or not 0 < len(key_id) <= MAX_ID_LENGTH or not key_id.isascii():
            raise ValueError("not a secret key")
        if key_id in keys:
            raise ValueError("two secret keys have one id")
        keys[key_id] = master
    return keys


def new() -> str:
    """A fresh key with a random id."""
    return f"{secrets.token_hex(3)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
