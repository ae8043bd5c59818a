"""One-time codes that prove an address: sent to it, and typed in by whoever registers, signs in or claims a merchant.

A code is good for five minutes and once; a newer one ends it. Nothing here looks at accounts, so that neither an answer
nor the time that it takes tells who has one. After wrong codes in a row the address is locked, whoever sent them.
"""

from datetime import datetime, timedelta

import msgspec

from kyb.codes import gsm7_septets
from merchant.core import clock, evidence, one_time_codes, texts, throttling
from merchant.core.db import Tx, forget
from merchant.core.evidence import SecurityEvent
from merchant.core.locks import take_turn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle, source_key
from merchant.core.vault import Vault
from merchant.notify import email, sms
from merchant.people.passwords import too_many_tries
from merchant.people.registration.addresses import Address
from merchant.people.registration.problems import AddressLocked, CodeRefused, CodesSpent, NoSender

GOOD_FOR = timedelta(minutes=5)
WRONG_MAX = 5  # in a row, of a million codes: one in 200,000 for whoever guesses
LOCKED_FOR = timedelta(hours=3)
CODES_MAX, WINDOW = 3, timedelta(minutes=15)  # to one address: nobody's phone is to be flooded
SEGMENT_SEPTETS = 160  # GSM 03.38: more is two messages
_PURPOSE = "account_code"
_KEPT = timedelta(days=1)
_READ = "SELECT recent_sent_at, locked_until FROM one_time_code WHERE digest = $1"
_SENT = """
INSERT INTO one_time_code AS c (digest, code_digest, sent_at, expires_at, recent_sent_at, wrong_count)
VALUES ($1, $2, $3, $4, ARRAY[$3::timestamptz], 0)
ON CONFLICT (digest) DO UPDATE SET code_digest = $2, sent_at = $3, expires_at = $4,
  recent_sent_at = array(SELECT at FROM unnest(c.recent_sent_at) AS at WHERE at > $5) || $3::timestamptz
"""
_LOCK = "SELECT code_digest, expires_at, wrong_count, locked_until FROM one_time_code WHERE digest = $1 FOR UPDATE"
_WRONG = """
UPDATE one_time_code SET wrong_count = $2, locked_until = $3,
  code_digest = CASE WHEN $3::timestamptz IS NULL THEN code_digest END
WHERE digest = $1
"""
_SPEND = "UPDATE one_time_code SET code_digest = NULL, wrong_count = 0 WHERE digest = $1"


class Tried(msgspec.Struct, frozen=True):
    """What a try came to: right, wrong, or the seconds for which the address is locked."""

    right: bool
    wait_s: int = 0


def sendings(_service: Service) -> Throttle:
    """How often one source may have codes sent."""
    return Throttle(per_minute=10, burst=30)


def tries(_service: Service) -> Throttle:
    """How often one source may try a code."""
    return Throttle(per_minute=20, burst=60)


async def send_code(service: Service, address: Address, source: str, language: str) -> None:
    """Send a code to an address, whoever has it, in the language that was asked for; an older one ends.

    Raises TooManyRequests, AddressLocked, CodesSpent, NoSender.
    """
    if wait := throttling.wait_s(service, sendings, source_key(source), "one_time_codes"):
        raise too_many_tries(int(wait) + 1)
    check_sender(service, address)
    async with service.db.system() as tx:
        await write_code(tx, service, address, language)


async def write_code(tx: Tx, service: Service, address: Address, language: str) -> None:
    """The same within a transaction, of a source that counts itself. Raises AddressLocked, CodesSpent."""
    digest, now = address.digest(service.vault, _PURPOSE), clock.now()
    await take_turn(tx, f"one_time_code {digest.hex()}")
    row = await tx.fetchrow(_READ, digest)
    if row is not None:
        _check_lock(row["locked_until"], now)
        if wait_s := one_time_codes.wait_s(row["recent_sent_at"], now, CODES_MAX, WINDOW):
            raise CodesSpent(headers={"retry-after": str(wait_s)})
    code = one_time_codes.new_code()
    await tx.execute(_SENT, digest, _digest(service.vault, address, code), now, now + GOOD_FOR, now - WINDOW)
    await _send(tx, service, address, await message(service, code, language), digest, now, language)


def check_sender(service: Service, address: Address) -> None:
    """Raise NoSender where messages of this kind reach nobody."""
    sends = sms.can_send if address.phone is not None else email.can_send
    if not sends(service.settings):
        raise NoSender


def check_source(service: Service, source: str) -> None:
    """Count a try of one source. Raises TooManyRequests."""
    if wait := throttling.wait_s(service, tries, source_key(source), "one_time_code_tries"):
        raise too_many_tries(int(wait) + 1)


async def take_code(tx: Tx, service: Service, address: Address, code: str, *, spends: bool = True) -> Tried:
    """Try a code, under the lock of its address; a right one is used up where it `spends`.

    A wrong one counts although it is refused, so the caller commits in either case and refuses afterwards
    (`refuse_wrong`). Where no code is good any more there is nothing to guess, and nothing counts.
    """
    digest, now = address.digest(service.vault, _PURPOSE), clock.now()
    row = await tx.fetchrow(_LOCK, digest)
    if row is None:
        return Tried(False)
    if row["locked_until"] is not None and row["locked_until"] > now:
        return Tried(False, _seconds(row["locked_until"] - now))
    if row["code_digest"] is None or row["expires_at"] <= now:
        return Tried(False)
    if one_time_codes.is_right(row["code_digest"], _digest(service.vault, address, code)):
        if spends:
            await tx.execute(_SPEND, digest)
        return Tried(True)
    wrong, locked_until = row["wrong_count"] + 1, None
    if wrong >= WRONG_MAX:
        wrong, locked_until = 0, now + LOCKED_FOR
        evidence.note(service, SecurityEvent.THROTTLED, door="one_time_code_lock")
    await tx.execute(_WRONG, digest, wrong, locked_until)
    return Tried(False)


async def spend_code(tx: Tx, service: Service, address: Address) -> None:
    """Use up the code of an address that take_code found right in this transaction."""
    await tx.execute(_SPEND, address.digest(service.vault, _PURPOSE))


def refuse_wrong(tried: Tried) -> None:
    """Raise CodeRefused or AddressLocked for a code that was not right."""
    if tried.wait_s:
        raise AddressLocked(headers={"retry-after": str(tried.wait_s)})
    if not tried.right:
        raise CodeRefused


async def message(service: Service, code: str, language: str) -> str:
    """What an address is told. A scheme whose name would make it two messages is called by its domain."""
    scheme = await service.scheme()
    for name in (scheme.name, scheme.qr_domain):
        told = _(
            "{code} is your code for {scheme}. It is good for five minutes. Tell it to nobody.", code=code, scheme=name
        )
        septets = gsm7_septets(texts.translate(told, language))
        if septets is not None and septets <= SEGMENT_SEPTETS:
            break
    return told


async def _send(
    tx: Tx, service: Service, address: Address, told: str, digest: bytes, now: datetime, language: str
) -> None:
    if address.phone is not None:
        await sms.send_private(
            tx,
            service,
            str(address.phone),
            told,
            dfsp_id=None,
            until=now + GOOD_FOR,
            order=digest.hex(),
            language=language,
        )
        return
    subject, text = texts.translate(_("Your code"), language), texts.translate(told, language)
    await email.send(tx, service, to=address.text, subject=subject, text=f"{text}\n", link="", dfsp_id=None)


def _check_lock(locked_until: datetime | None, now: datetime) -> None:
    if locked_until is not None and locked_until > now:
        raise AddressLocked(headers={"retry-after": str(_seconds(locked_until - now))})


def _digest(vault: Vault, address: Address, code: str) -> bytes:
    return one_time_codes.digest_of(vault, _PURPOSE, address.text, code)


def _seconds(wait: timedelta) -> int:
    return max(0, int(wait.total_seconds())) + 1


async def prune(tx: Tx, limit: int) -> int:
    """Forget codes that are long over; the number forgotten, at most `limit`. Locks last a few hours."""
    return await forget(tx, "one_time_code", "digest", "expires_at", clock.now() - _KEPT, limit)
