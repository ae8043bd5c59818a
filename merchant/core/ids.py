"""Identifiers: ours (UUIDv7), those we put on the FSPIOP wire (UUIDv4), merchant numbers with a check digit,
and the short references that a dynamic QR code carries.
"""

import os
import secrets
import time
import uuid
from uuid import UUID

# Letters and digits that cannot be taken for one another when read aloud or from paper (no 0 O 1 I L U).
REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 8


def uuid7(at_ns: int | None = None) -> UUID:
    """A UUID version 7 of now, or of `at_ns` nanoseconds since 1970; sorts by age, to 0.25 µs.

    48 bits of milliseconds, 12 bits of the millisecond's fraction (RFC 9562 section 6.2, method 3), 62 random bits.
    """
    milliseconds, rest_ns = divmod(time.time_ns() if at_ns is None else at_ns, 1_000_000)
    fraction = (rest_ns << 12) // 1_000_000  # steps of 244 ns
    tail = int.from_bytes(os.urandom(8), "big") & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | tail)


def wire_id() -> str:
    """A lower-case UUIDv4 as text: FSPIOP 1.x refuses version 7."""
    return str(uuid.uuid4())


def short_reference() -> str:
    """A random reference of 8 readable characters (about 39 bits) for a dynamic QR code."""
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(REFERENCE_LENGTH))


def luhn_digit(digits: str) -> str:
    """The Luhn check digit (ISO/IEC 7812-1 annex B) that completes `digits`."""
    total = 0
    for index, character in enumerate(reversed(digits)):
        digit = int(character)
        if index % 2 == 0:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return str(-total % 10)


def merchant_number(length: int) -> str:
    """A random merchant number: decimal digits, first 1-9, last the Luhn digit."""
    body = str(secrets.choice("123456789")) + "".join(secrets.choice("0123456789") for _ in range(length - 2))
    return body + luhn_digit(body)


def secret_token() -> str:
    """256 random bits as URL-safe text, for API keys, tickets and webhook secrets."""
    return secrets.token_urlsafe(32)
