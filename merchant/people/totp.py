"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes for when the phone is lost.

routes enrol and remove it; sign_in.py asks for it. A code, of either kind, works once: the step of the last one that
was taken is kept, and a recovery code is removed when it is used.
"""

import hmac
import secrets
from typing import Any
from uuid import UUID

import msgspec
import pyotp

from merchant.core import audit, clock, errors, evidence, vault
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.people import passwords, sessions
from merchant.people.problems import TotpEnrolled, TotpNotEnabled

_STEP_S = 30
_DRIFT_STEPS = 1  # a phone's clock may be half a minute off
_RECOVERY_CODES = 10
# Each 140 bits: beyond guessing even from a database that was read, so that a plain digest guards them (OWASP ASVS 5,
# 6.5.2 and 11.5.1), and seven groups to type.
_RECOVERY_LENGTH, _RECOVERY_LETTERS = 28, "abcdefghijklmnopqrstuvwxyz234567"

_OF = "SELECT email, password_hash, totp_sealed, totp_confirmed_at, totp_last_step FROM app_user WHERE id = $1"
_BEGIN = "UPDATE app_user SET totp_sealed = $2, totp_last_step = NULL WHERE id = $1 AND totp_confirmed_at IS NULL"
_CONFIRM = """
UPDATE app_user SET totp_confirmed_at = $2, totp_last_step = $3, recovery_digests = $4, version = version + 1
WHERE id = $1 AND totp_confirmed_at IS NULL AND totp_sealed = $5
"""
_TAKE_STEP = "UPDATE app_user SET totp_last_step = $2 WHERE id = $1 AND coalesce(totp_last_step, -1) < $2"
_TAKE_RECOVERY = """
UPDATE app_user SET recovery_digests = array_remove(recovery_digests, $2) WHERE id = $1 AND $2 = ANY(recovery_digests)
"""
REMOVE = """
UPDATE app_user SET totp_sealed = NULL, totp_confirmed_at = NULL, totp_last_step = NULL, recovery_digests = '{}',
  version = version + 1
WHERE id = $1
"""


class Enrolment(msgspec.Struct, frozen=True):
    """What an authenticator app needs: the secret as text, and as the address that a QR code holds."""

    secret: str
    otpauth_url: str


def context(user_id: UUID) -> str:
    """What a person's secret is sealed for."""
    return f"totp:{user_id}"


async def check_password(service: Service, actor: Actor, password: str, source: str, what: str) -> None:
    """Have a person show their password before `begin`, or `remove` without a code: a thief of a session could set up
    an app of their own. `what` is what they want, for the security event.

    Raises InvalidFields.
    """
    # No connection is held meanwhile, since hashing is slow on purpose.
    async with service.db.system_reads() as reading:
        row = await _of(reading, actor)
    if not await passwords.matches(service, row["password_hash"], password):
        evidence.note(service, SecurityEvent.SIGN_IN_FAILED, actor=actor, source=source, what=what)
        raise passwords.wrong("password")


async def begin(tx: Tx, service: Service, actor: Actor) -> Enrolment:
    """A new secret for the person, which counts once it is confirmed. Raises TotpEnrolled."""
    row = await _of(tx, actor)
    secret = pyotp.random_base32()
    if not await tx.execute(_BEGIN, actor.id, service.vault.seal(secret.encode(), context(actor.id))):
        raise TotpEnrolled
    issuer = (await service.scheme()).name
    return Enrolment(secret, pyotp.TOTP(secret).provisioning_uri(name=row["email"], issuer_name=issuer))


async def confirm(tx: Tx, service: Service, actor: Actor, code: str) -> list[str]:
    """Turn the second factor on with a first code; the recovery codes, which are shown this once.

    Other sessions of the person end. Raises TotpEnrolled, TotpNotEnabled before `begin`, InvalidFields for
    a wrong code.
    """
    row = await _of(tx, actor)
    if row["totp_confirmed_at"] is not None:
        raise TotpEnrolled
    if row["totp_sealed"] is None:
        raise TotpNotEnabled
    step = _step_of(service, actor.id, row["totp_sealed"], code)
    if step is None:
        raise _wrong_code()
    codes = [_recovery_code() for _ in range(_RECOVERY_CODES)]
    digests = [vault.token_digest(_plain(code)) for code in codes]
    if not await tx.execute(_CONFIRM, actor.id, clock.now(), step, digests, row["totp_sealed"]):
        raise TotpEnrolled
    await sessions.end_other_sessions(tx, actor.id, actor.session_id)
    await audit.record(tx, actor, "user.totp_enrolled", "user", actor.id, dfsp_id=actor.dfsp_id)
    evidence.note(service, SecurityEvent.CREDENTIALS_CHANGED, actor=actor, what="totp_enrolled")
    return codes


async def remove(tx: Tx, service: Service, actor: Actor, code: str | None) -> None:
    """Turn the second factor off, with a code of it; without one after `check_password`.

    Raises TotpNotEnabled, InvalidFields.
    """
    row = await _of(tx, actor)
    if row["totp_confirmed_at"] is None:
        raise TotpNotEnabled
    if code is not None:
        await check_code(tx, service, actor, code)
    await tx.execute(REMOVE, actor.id)
    await sessions.end_other_sessions(tx, actor.id, actor.session_id)
    await audit.record(tx, actor, "user.totp_removed", "user", actor.id, dfsp_id=actor.dfsp_id)
    evidence.note(service, SecurityEvent.CREDENTIALS_CHANGED, actor=actor, what="totp_removed")


async def check_code(tx: Tx, service: Service, actor: Actor, code: str) -> None:
    """Have a person show a code of their app, instead of `check_password`. Raises TotpNotEnabled, InvalidFields."""
    row = await _of(tx, actor)
    if row["totp_confirmed_at"] is None:
        raise TotpNotEnabled
    if not await take_code(tx, service, actor.id, row["totp_sealed"], code):
        raise _wrong_code()


async def take_code(tx: Tx, service: Service, user_id: UUID, sealed: bytes, code: str) -> bool:
    """Whether this is a code of the present half minute, or one beside it, that was not used before; it is now."""
    step = _step_of(service, user_id, sealed, code)
    return step is not None and bool(await tx.execute(_TAKE_STEP, user_id, step))


async def take_recovery_code(tx: Tx, user_id: UUID, code: str) -> bool:
    """Whether this is one of the person's recovery codes; it is none any more."""
    return bool(await tx.execute(_TAKE_RECOVERY, user_id, vault.token_digest(_plain(code))))


def _step_of(service: Service, user_id: UUID, sealed: bytes, code: str) -> int | None:
    """The time step that a code is of; the same work for every code."""
    generator = pyotp.TOTP(service.vault.open(sealed, context(user_id)).decode())
    now = int(clock.now().timestamp()) // _STEP_S
    found = None
    for step in range(now - _DRIFT_STEPS, now + _DRIFT_STEPS + 1):
        if hmac.compare_digest(generator.generate_otp(step).encode(), code.encode()):
            found = step
    return found


async def _of(tx: Reads, actor: Actor) -> Any:
    row = await tx.fetchrow(_OF, actor.id) if actor.kind == "user" else None
    if row is None:
        raise errors.NotAllowed(_("Only a person who is signed in can do this."))
    return row


def _wrong_code() -> errors.InvalidFields:
    return errors.invalid_field("code", "wrong", _("The code is wrong, or was used; enter the one shown now."))


def _recovery_code() -> str:
    text = "".join(secrets.choice(_RECOVERY_LETTERS) for _ in range(_RECOVERY_LENGTH))
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _plain(code: str) -> str:
    return code.replace("-", "").replace(" ", "").lower()
