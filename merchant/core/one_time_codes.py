"""One-time codes, apart from what they are for: made by chance, kept as a digest, compared in constant time, rationed.

What a code proves, how long it is good and how many wrong tries it takes is said by who sends it: compliance to the
phone of a case, people to whoever registers or signs in.
"""

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from merchant.core.vault import Vault

DIGITS = 6


def new_code() -> str:
    """A code of six digits, each as likely as the others."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def digest_of(vault: Vault, label: str, subject: object, code: str) -> bytes:
    """A keyed digest of a code and of whom or what it is for: all that is kept of it."""
    return vault.digest(label, f"{subject}:{code}")


def is_right(kept: bytes, given: bytes) -> bool:
    """Whether two digests are of one code, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(kept, given)


def wait_s(sent_at: Iterable[datetime], now: datetime, most: int, window: timedelta) -> int:
    """How many seconds until another code may be sent, by when the ones of the window were; 0: at once."""
    latest = sorted(each for each in sent_at if each > now - window)[-most:]
    return 0 if len(latest) < most else max(1, int((latest[0] + window - now).total_seconds()) + 1)
