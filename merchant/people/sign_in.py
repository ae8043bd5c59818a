"""Signing in: a password, and a second factor where there is one, become a session; a passkey is both in one.

Nobody is shut out by a stranger's guesses, and nobody learns who exists. Failures are counted for an address from one
source, whether anyone has that address or not. A device on which the owner signed in before is a source of its own.
Where a source, or strangers from many sources together, guessed too often, only a right second factor, or a right
passkey, still passes.
"""

import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from merchant.core import clock, errors, evidence, ids, vault
from merchant.core.access import Actor
from merchant.core.db import Tx, forget
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import source_key
from merchant.people import passkeys, passwords, sessions, totp
from merchant.people.passwords import Hashing, too_many_tries
from merchant.people.problems import TotpNotEnabled, TotpRequired

# NIST SP 800-63B section 5.2.2 asks for a limit on consecutive failures: five, then a pause that doubles.
_FREE_TRIES = 5
_FIRST_PAUSE_S = 30
_LONGEST_PAUSE_S = 3600
_FORGOTTEN_AFTER = timedelta(days=1)
_WINDOW = timedelta(hours=1)
# Tries an hour for one address from all unknown sources together: what section 5.2.2 allows at most.
_STRANGERS_MAX = 100
# Wrong codes an hour after a right password, from all unknown sources together and from each known device: whoever
# sends them has the password, so this may shut unknown sources out, and a device that is in wrong hands.
_CODES_MAX = 20
DEVICE_LIFE = timedelta(days=90)
_DEVICES_MAX = 20  # of one person, the newest
# Places of their own among the sources of an address.
_STRANGERS, _CODES, _OWN = b"strangers", b"codes", b"own"

_KNOWN = "EXISTS (SELECT FROM known_device k WHERE k.digest = $2 AND k.user_id = u.id AND k.expires_at > $3) AS known"
_FIND = f"""
SELECT u.id, u.password_hash, u.session_epoch, u.totp_sealed, u.totp_confirmed_at IS NOT NULL AS second_factor, {_KNOWN}
FROM app_user u WHERE u.email = $1
"""  # noqa: S608 - constants
_FIND_BY_PASSKEY = f"""
SELECT u.id, u.email, u.session_epoch, p.id AS passkey_id, p.public_key, {_KNOWN}
FROM passkey p JOIN app_user u ON u.id = p.user_id WHERE p.credential_id = $1
"""  # noqa: S608 - constants
# Every try counts as failed until it succeeds, so that guesses sent at once are counted one after the other.
_TRY = """
INSERT INTO sign_in_failure AS f (account, source, count, last_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (account, source) DO UPDATE SET last_at = $3,
  count = CASE WHEN f.last_at < $7 THEN 1 ELSE f.count + 1 END,
  until = CASE WHEN f.last_at >= $7 AND f.count + 1 >= $4
    THEN $3::timestamptz + make_interval(secs => least($6::int, $5::int * 2 ^ least(f.count + 1 - $4, 10))) END
WHERE f.until IS NULL OR f.until <= $3
RETURNING count
"""
_PAUSED_UNTIL = "SELECT until FROM sign_in_failure WHERE account = $1 AND source = $2"
_COUNT_IN_WINDOW = """
INSERT INTO sign_in_failure AS f (account, source, count, last_at, until) VALUES ($1, $2, 1, $3, $4)
ON CONFLICT (account, source) DO UPDATE SET last_at = $3,
  count = CASE WHEN f.until <= $3 THEN 1 ELSE f.count + 1 END,
  until = CASE WHEN f.until <= $3 THEN $4 ELSE f.until END
RETURNING count, until
"""
_SUCCEEDED = """
WITH paired AS (DELETE FROM sign_in_failure WHERE account = $1 AND source = $2)
UPDATE sign_in_failure SET count = count - 1 WHERE account = $1 AND source = ANY($3) AND count > 0
"""
_FORGET_ALL = "DELETE FROM sign_in_failure WHERE account = $1"
_KEEP_DEVICE = """
INSERT INTO known_device (digest, user_id, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (digest) DO UPDATE SET expires_at = $3
"""
_DROP_OLD_DEVICES = """
DELETE FROM known_device WHERE user_id = $1 AND digest NOT IN (
  SELECT digest FROM known_device WHERE user_id = $1 ORDER BY expires_at DESC LIMIT $2)
"""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """From where someone tries to sign in."""

    device: str | None = None
    source: str = ""  # the client's address
    user_agent: str = ""


class Attempt(Caller, frozen=True, kw_only=True):
    """One try to sign in with a password: what was sent, and from where."""

    email: str
    password: str
    totp: str | None = None
    recovery_code: str | None = None

    @property
    def has_second_factor(self) -> bool:
        """Whether a code was sent."""
        return self.totp is not None or self.recovery_code is not None


class SignedIn(msgspec.Struct, frozen=True):
    """A fresh session, whose it is, and the token by which their device is known from now on."""

    access_token: str
    expires_at: datetime
    user: Actor
    device_token: str


def normal_email(email: str) -> str:
    """An address as it is kept and compared."""
    return unicodedata.normalize("NFC", email).strip().lower()


async def sign_in(service: Service, attempt: Attempt) -> SignedIn:
    """Check a try and open a session.

    Raises NotSignedIn, TotpRequired when a right password lacks its code, TotpNotEnabled for a code without a second
    factor, TooManyRequests while this source, or every unknown one, must wait.
    """
    email = normal_email(attempt.email)
    account = _account(service, email)
    user: Any
    async with service.db.system_reads() as reading:
        user = await reading.fetchrow(_FIND, email, vault.token_digest(attempt.device or ""), clock.now())
    known = _is_known(user, attempt)

    async def prove() -> Actor:
        return await _prove(service, user, attempt, account, known=known)

    source, actor = await _try(service, user, attempt, account, prove, strong=attempt.has_second_factor)
    codes = [_codes_of(service, attempt, known=known)]
    return await _admit(service, actor, user["session_epoch"], attempt, account, source, codes, known=known)


async def sign_in_with_passkey(service: Service, sent: passkeys.Assertion, caller: Caller) -> SignedIn:
    """Check what a passkey signed and open a session that needs no second factor.

    Raises PasskeyInvalid, PasskeyUnknown, PasskeyExpired, PasskeyCopied, NotSignedIn for a person who may not come in,
    TooManyRequests as `sign_in`.
    """
    user: Any
    async with service.db.system_reads() as reading:
        digest = vault.token_digest(caller.device or "")
        user = await reading.fetchrow(_FIND_BY_PASSKEY, sent.credential_id, digest, clock.now())
    # What nobody has is counted as if somebody had.
    account = _account(service, f"passkey:{sent.credential_id.hex()}" if user is None else user["email"])

    async def prove() -> Actor:
        await passkeys.prove(service, user, sent)
        return await sessions.user_actor(service, user["id"], by_passkey=True)

    source, actor = await _try(service, user, caller, account, prove, strong=True)
    known = _is_known(user, caller)
    return await _admit(service, actor, user["session_epoch"], caller, account, source, known=known, by_passkey=True)


async def _try(
    service: Service,
    user: Any,
    caller: Caller,
    account: bytes,
    prove: Callable[[], Awaitable[Actor]],
    *,
    strong: bool,
) -> tuple[bytes, Actor]:
    """Count a try and have it proved: where it was counted, and who it is. What is `strong` may pass while others wait.

    Raises TooManyRequests, and what `prove` raises.
    """
    now, known = clock.now(), _is_known(user, caller)
    place = f"device:{caller.device}" if known else f"source:{source_key(caller.source)}"
    source = service.vault.digest("sign-in source", place)
    try:
        service.shared(Hashing).admit(place)
        wait_until = await _count(service, account, source, known=known)
        if wait_until is not None and not strong:
            raise too_many_tries(_seconds(wait_until - now))
        try:
            actor = await prove()
        except errors.MerchantError:
            # Whoever must wait learns nothing from a try with a made-up code: not even that the password was right.
            if wait_until is not None:
                raise too_many_tries(_seconds(wait_until - now)) from None
            raise
    except errors.MerchantError as refused:
        _note_refusal(service, refused, user, caller)
        raise
    service.shared(Hashing).rate.give_back(place)  # a bank's morning comes from one address
    return source, actor


def _is_known(user: Any, caller: Caller) -> bool:
    return user is not None and caller.device is not None and user["known"]


async def _prove(service: Service, user: Any, attempt: Attempt, account: bytes, *, known: bool) -> Actor:
    """Who it is, by the password and the code. Raises NotSignedIn, TotpRequired, TotpNotEnabled, TooManyRequests."""
    # No connection is held meanwhile: hashing is slow on purpose, and the hub shares the pool.
    right = await passwords.matches(service, user and user["password_hash"], attempt.password)
    if user is None or not right:
        raise errors.NotSignedIn(_("The e-mail address or the password is wrong."))
    if not user["second_factor"]:
        if attempt.has_second_factor:
            raise TotpNotEnabled
        return await sessions.user_actor(service, user["id"])
    if not attempt.has_second_factor:
        raise TotpRequired
    async with service.db.system_statements() as tx:
        count, until = await _count_in_window(tx, account, _codes_of(service, attempt, known=known))
        if count > _CODES_MAX:
            raise too_many_tries(_seconds(until - clock.now()))
        if attempt.totp is not None:
            taken = await totp.take_code(tx, service, user["id"], user["totp_sealed"], attempt.totp)
        else:
            taken = await totp.take_recovery_code(tx, user["id"], attempt.recovery_code or "")
    if not taken:
        raise errors.NotSignedIn(_("The code is wrong, or was used; enter the one shown now."))
    return await sessions.user_actor(service, user["id"])


async def _admit(
    service: Service,
    actor: Actor,
    epoch: int,
    caller: Caller,
    account: bytes,
    source: bytes,
    codes: Sequence[bytes] = (),
    *,
    known: bool,
    by_passkey: bool = False,
) -> SignedIn:
    """Open the session of someone who has proved who they are, and remember their device."""
    opened = await sessions.open_session(
        service,
        actor.id,
        source=source_key(caller.source),
        user_agent=caller.user_agent,
        epoch=epoch,
        by_passkey=by_passkey,
    )
    async with service.db.system_statements() as tx:
        await tx.execute(_SUCCEEDED, account, source, [*codes, *([] if known else [_STRANGERS])])
        device = await _keep_device(tx, actor.id, caller.device if known else None)
    detail = {"by": "passkey"} if by_passkey else {}
    evidence.note(service, SecurityEvent.SIGNED_IN, actor=actor, source=caller.source, subject=str(actor.id), **detail)
    return SignedIn(opened.access_token, opened.expires_at, actor, device)


async def admit_proved(service: Service, user_id: UUID, epoch: int, *, source: str, user_agent: str) -> SignedIn:
    """Open the session of someone who proved who they are by a one-time code; `epoch` is that of the row then read.

    Raises NotSignedIn for who may not come in.
    """
    actor = await sessions.user_actor(service, user_id)
    opened = await sessions.open_session(
        service, actor.id, source=source_key(source), user_agent=user_agent, epoch=epoch
    )
    async with service.db.system_statements() as tx:
        device = await _keep_device(tx, actor.id, None)
    evidence.note(service, SecurityEvent.SIGNED_IN, actor=actor, source=source, subject=str(actor.id), by="code")
    return SignedIn(opened.access_token, opened.expires_at, actor, device)


async def _keep_device(tx: Tx, user_id: UUID, known: str | None) -> str:
    """Remember a device that is known already for longer, or a new one; the token by which it is known."""
    device = known or ids.secret_token()
    await tx.execute(_KEEP_DEVICE, vault.token_digest(device), user_id, clock.now() + DEVICE_LIFE)
    if known is None:
        await tx.execute(_DROP_OLD_DEVICES, user_id, _DEVICES_MAX)
    return device


def _codes_of(service: Service, attempt: Caller, *, known: bool) -> bytes:
    """Where wrong codes are counted: a known device has a count of its own, so that no stranger shuts it out."""
    return service.vault.digest("sign-in codes", f"device:{attempt.device}") if known else _CODES


def _note_refusal(service: Service, refused: errors.MerchantError, user: Any, caller: Caller) -> None:
    throttled = isinstance(refused, errors.TooManyRequests)
    event = SecurityEvent.SIGN_IN_THROTTLED if throttled else SecurityEvent.SIGN_IN_FAILED
    subject = None if user is None else str(user["id"])
    evidence.note(service, event, source=caller.source, subject=subject, code=refused.code)


# --- counting --------------------------------------------------------------------------------------------------------


async def _count(service: Service, account: bytes, source: bytes, *, known: bool) -> datetime | None:
    """Count a try; until when it may not go on without a second factor, or None."""
    async with service.db.system_statements() as tx:
        paused_until = await _count_try(tx, account, source)
        if known or paused_until is not None:
            return paused_until
        count, until = await _count_in_window(tx, account, _STRANGERS)
    return until if count > _STRANGERS_MAX else None


async def _count_try(tx: Tx, account: bytes, source: bytes) -> datetime | None:
    """Count a try from one source; until when that source pauses, or None."""
    now = clock.now()
    limits = (_FREE_TRIES, _FIRST_PAUSE_S, _LONGEST_PAUSE_S, now - _FORGOTTEN_AFTER)
    if await tx.fetchval(_TRY, account, source, now, *limits) is not None:
        return None
    until: datetime | None = await tx.fetchval(_PAUSED_UNTIL, account, source)
    return until or now


async def _count_in_window(tx: Tx, account: bytes, kind: bytes) -> tuple[int, datetime]:
    now = clock.now()
    row = await tx.fetchrow(_COUNT_IN_WINDOW, account, kind, now, now + _WINDOW)
    assert row is not None
    return row["count"], row["until"]


async def count_own_try(service: Service, user_id: UUID) -> None:
    """Count a try of someone signed in to prove themselves again; success must be told. Raises TooManyRequests."""
    service.shared(Hashing).admit(f"user:{user_id}")
    async with service.db.system_statements() as tx:
        until = await _count_try(tx, _account(service, str(user_id)), _OWN)
    if until is not None:
        raise too_many_tries(_seconds(until - clock.now()))


async def own_try_succeeded(tx: Tx, service: Service, user_id: UUID) -> None:
    """Forget the tries of someone who proved themselves."""
    await tx.execute(_FORGET_ALL, _account(service, str(user_id)))


async def forget_failures(tx: Tx, service: Service, email: str) -> int:
    """Let everyone try this address again at once; how many counts there were."""
    return await tx.execute(_FORGET_ALL, _account(service, normal_email(email)))


async def forget_devices(tx: Tx, user_id: UUID) -> None:
    """No device of the person is known any more."""
    await tx.execute("DELETE FROM known_device WHERE user_id = $1", user_id)


def _account(service: Service, email: str) -> bytes:
    return service.vault.digest("sign-in account", email)


def _seconds(wait: timedelta) -> int:
    return max(0, int(wait.total_seconds())) + 1


async def prune_failures(tx: Tx, limit: int) -> int:
    """Forget failures of which nothing follows any more; the number forgotten, at most `limit`."""
    return await forget(tx, "sign_in_failure", "account, source", "last_at", clock.now() - _FORGOTTEN_AFTER, limit)


async def prune_devices(tx: Tx, limit: int) -> int:
    """Forget devices that were not used for long; the number forgotten, at most `limit`."""
    return await forget(tx, "known_device", "digest", "expires_at", clock.now(), limit)
