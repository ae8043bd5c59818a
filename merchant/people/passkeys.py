"""Passkeys (W3C Web Authentication): a key pair of a person's device, which says who they are and that it is them.

The device asks its owner for a finger, a face or a PIN before it signs, so that a passkey is two factors in one. What
it signs is a challenge that we made, once, within minutes, for our own web address: a page of another site gets
nothing that is of use here. sign_in.py opens the session.
"""

import asyncio
import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from merchant.core import audit, clock, errors, evidence, ids, sql, vault
from merchant.core.access import Actor
from merchant.core.db import Tx, forget
from merchant.core.evidence import SecurityEvent
from merchant.core.host_names import is_loopback
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.core.texts import _
from merchant.core.throttle import Throttle, source_key
from merchant.people import sessions
from merchant.people.passwords import too_many_tries
from merchant.people.problems import PasskeyCopied, PasskeyExpired, PasskeyInvalid, PasskeyUnknown, TooManyPasskeys

PASSKEYS_MAX = 10  # of one person
CHALLENGE_LIFE = timedelta(minutes=5)
# EdDSA, ES256, RS256: what WebAuthn level 3, section 5.8.5, names as a list that every device has one of.
ALGORITHMS = (-8, -7, -257)
_CREDENTIAL_ID_BYTES_MAX = 1023  # WebAuthn level 3, section 4
_DEFAULT_PORTS = {"http": 80, "https": 443}

_ADD_CHALLENGE = "INSERT INTO passkey_challenge (digest, user_id, purpose, expires_at) VALUES ($1, $2, $3, $4)"
# In one statement, so that of two who send the same one comes too late.
_TAKE_CHALLENGE = """
DELETE FROM passkey_challenge WHERE digest = $1 AND purpose = $2 AND user_id IS NOT DISTINCT FROM $3
RETURNING expires_at > $4
"""
_LIST = """
SELECT id, name, transports, backed_up, created_at, last_used_at FROM passkey WHERE user_id = $1 ORDER BY id DESC
"""
_OWNER = "SELECT name, email FROM app_user WHERE id = $1"
_DESCRIBED = "SELECT credential_id, transports FROM passkey WHERE user_id = $1 ORDER BY id"
_LOCK_OWNER = "SELECT id FROM app_user WHERE id = $1 FOR UPDATE"
_COUNT = "SELECT count(*) FROM passkey WHERE user_id = $1"
_ADD = """
INSERT INTO passkey (id, user_id, credential_id, public_key, sign_count, name, transports, backed_up, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (credential_id) DO NOTHING
"""
# A device that counts must count on: the same number again, or a lower one, comes from a copy.
_USE = """
UPDATE passkey SET sign_count = $2, backed_up = $3, last_used_at = $4
WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))
"""
_OWN = "SELECT true FROM passkey WHERE id = $1 AND user_id = $2"
_REMOVE = "DELETE FROM passkey WHERE id = $1 AND user_id = $2"
_FORGET_ALL = "DELETE FROM passkey WHERE user_id = $1"
# A session that a passkey opened is back at the door when the last passkey is gone.
_NO_PASSKEY_LEFT = """
UPDATE user_session SET by_passkey = false
WHERE id = $1 AND by_passkey AND NOT EXISTS (SELECT FROM passkey WHERE user_id = $2)
"""


class Purpose(StrEnum):
    """What a challenge is for: it is good for nothing else."""

    ADD = "add"
    SIGN_IN = "sign_in"


class RelyingParty(msgspec.Struct, frozen=True):
    """Whom passkeys are for: they are bound to the host `id`, and used from pages of `origin` only."""

    id: str
    origin: str


class Challenge(msgspec.Struct, frozen=True):
    """What to sign, as base64url, and until when."""

    text: str
    expires_at: datetime


class Descriptor(msgspec.Struct, frozen=True):
    """A passkey that a person has, as a browser is told of it."""

    credential_id: bytes
    transports: list[str]


class Offer(msgspec.Struct, frozen=True):
    """What a browser needs to have a passkey made: for whom, where, and which ones there are."""

    challenge: Challenge
    party: RelyingParty
    party_name: str
    user_id: UUID
    user_name: str
    display_name: str
    present: list[Descriptor]


class Attestation(msgspec.Struct, frozen=True):
    """What a device answers that has made a passkey."""

    credential_id: bytes
    client_data: bytes
    attestation_object: bytes
    transports: Sequence[str]


class Assertion(msgspec.Struct, frozen=True):
    """What a device answers that has signed with a passkey."""

    credential_id: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    user_handle: bytes | None


class Listed(msgspec.Struct, frozen=True):
    """A person's passkey."""

    id: UUID
    name: str
    transports: list[str]
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


class _ClientData(msgspec.Struct, rename="camel"):
    challenge: str
    cross_origin: bool = False


class _Checked(msgspec.Struct, frozen=True):
    """What a device's answer proves."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backed_up: bool


class OptionsRate:
    """How often one source may ask for a challenge to sign in with: each is a row, and a page may ask on each visit."""

    def __init__(self, _service: Service) -> None:
        self.rate = Throttle(per_minute=60, burst=120)


def relying_party(settings: Settings) -> RelyingParty:
    """Whom passkeys are for, by the address under which others reach us.

    Browsers bind passkeys to names, never to addresses: on this machine alone the name is `localhost`.
    """
    url = urlsplit(settings.base_url)
    host = "localhost" if is_loopback(url.hostname) else url.hostname or ""
    port = "" if url.port in (None, _DEFAULT_PORTS.get(url.scheme)) else f":{url.port}"
    return RelyingParty(host, f"{url.scheme}://{host}{port}")


# --- adding and removing ---------------------------------------------------------------------------------------------


async def offer(tx: Tx, service: Service, actor: Actor) -> Offer:
    """What a person's browser needs to have a passkey made; they have proved themselves. Raises TooManyPasskeys."""
    owner = await tx.fetchrow(_OWNER, actor.id)
    assert owner is not None
    present = sql.rows(Descriptor, await tx.fetch(_DESCRIBED, actor.id))
    if len(present) >= PASSKEYS_MAX:
        raise TooManyPasskeys
    challenge = await _new_challenge(tx, Purpose.ADD, actor.id)
    party = relying_party(service.settings)
    scheme = await service.scheme()
    return Offer(challenge, party, scheme.name, actor.id, owner["email"], owner["name"], present)


async def add(service: Service, actor: Actor, sent: Attestation, name: str, source: str) -> Listed:
    """Keep the passkey that was made for a challenge of `offer`. Every other session of the person ends.

    Raises InvalidFields with `passkey_invalid` or `passkey_expired`, TooManyPasskeys, Conflict for one that is known.
    """
    try:
        challenge = await _take_challenge(service, sent.client_data, Purpose.ADD, actor.id)
        made = await asyncio.to_thread(_check_new, sent, challenge, relying_party(service.settings))
        if made is None:
            raise PasskeyInvalid
    except errors.NotSignedIn as refused:
        told = {"what": "add_passkey", "code": refused.code}
        evidence.note(service, SecurityEvent.SIGN_IN_FAILED, actor=actor, source=source, **told)
        raise errors.invalid_field("credential", refused.code, refused.title) from None
    now, passkey_id, transports = clock.now(), ids.uuid7(), list(sent.transports)
    async with service.db.system() as tx:
        # Passkeys that are added at once are counted one after the other.
        await tx.fetchrow(_LOCK_OWNER, actor.id)
        if await tx.fetchval(_COUNT, actor.id) >= PASSKEYS_MAX:
            raise TooManyPasskeys
        row = (made.credential_id, made.public_key, made.sign_count, name.strip(), transports, made.backed_up, now)
        if not await tx.execute(_ADD, passkey_id, actor.id, *row):
            raise errors.Conflict(_("This passkey was added before."))
        await sessions.end_other_sessions(tx, actor.id, actor.session_id)
        await audit.record(tx, actor, "user.passkey_added", "user", actor.id, dfsp_id=actor.dfsp_id)
    evidence.note(service, SecurityEvent.CREDENTIALS_CHANGED, actor=actor, source=source, what="passkey_added")
    return Listed(passkey_id, name.strip(), transports, made.backed_up, now, None)


async def list_passkeys(service: Service, user_id: UUID) -> list[Listed]:
    """A person's passkeys, newest first."""
    async with service.db.system_reads() as tx:
        return sql.rows(Listed, await tx.fetch(_LIST, user_id))


async def check_own(service: Service, user_id: UUID, passkey_id: UUID) -> None:
    """Raises NotFound unless a person has this passkey."""
    async with service.db.system_reads() as tx:
        if not await tx.fetchval(_OWN, passkey_id, user_id):
            raise errors.NotFound


async def remove(tx: Tx, service: Service, actor: Actor, passkey_id: UUID, source: str) -> None:
    """Remove one of a person's own passkeys; they have proved themselves. Every other session ends. Raises NotFound."""
    await tx.fetchrow(_LOCK_OWNER, actor.id)
    if not await tx.execute(_REMOVE, passkey_id, actor.id):
        raise errors.NotFound
    await sessions.end_other_sessions(tx, actor.id, actor.session_id)
    await tx.execute(_NO_PASSKEY_LEFT, actor.session_id, actor.id)
    await audit.record(tx, actor, "user.passkey_removed", "user", actor.id, dfsp_id=actor.dfsp_id)
    evidence.note(service, SecurityEvent.CREDENTIALS_CHANGED, actor=actor, source=source, what="passkey_removed")


async def forget_all(tx: Tx, user_id: UUID) -> int:
    """Remove all passkeys of someone who lost them, and end the sessions of whoever has them; how many there were."""
    await tx.fetchrow(_LOCK_OWNER, user_id)
    count = await tx.execute(_FORGET_ALL, user_id)
    if count:
        await sessions.end_other_sessions(tx, user_id, None)
    return count


# --- signing in ------------------------------------------------------------------------------------------------------


async def challenge_to_sign_in(service: Service, source: str) -> Challenge:
    """A challenge for whoever wants to sign in, from one source. Raises TooManyRequests."""
    wait_s = service.shared(OptionsRate).rate.wait_s(source_key(source))
    if wait_s:
        evidence.note(service, SecurityEvent.THROTTLED, source=source, what="passkey_options")
        raise too_many_tries(int(wait_s) + 1)
    async with service.db.system_statements() as tx:
        return await _new_challenge(tx, Purpose.SIGN_IN, None)


async def prove(service: Service, row: Any, sent: Assertion) -> None:
    """Check what a passkey signed, and count its use. `row` is its owner `id`, `passkey_id` and `public_key`, or None.

    Raises PasskeyExpired, PasskeyUnknown, PasskeyInvalid, PasskeyCopied when it does not count on.
    """
    challenge = await _take_challenge(service, sent.client_data, Purpose.SIGN_IN, None)
    if row is None:
        raise PasskeyUnknown
    if sent.user_handle != row["id"].bytes:
        raise PasskeyInvalid
    party = relying_party(service.settings)
    used = await asyncio.to_thread(_check_use, sent, challenge, party, row["public_key"])
    if used is None:
        raise PasskeyInvalid
    async with service.db.system_statements() as tx:
        if not await tx.execute(_USE, row["passkey_id"], used.sign_count, used.backed_up, clock.now()):
            present = await tx.fetchval(_OWN, row["passkey_id"], row["id"])
            raise PasskeyCopied if present else PasskeyUnknown  # removed meanwhile


async def _new_challenge(tx: Tx, purpose: Purpose, user_id: UUID | None) -> Challenge:
    challenge = Challenge(ids.secret_token(), clock.now() + CHALLENGE_LIFE)
    await tx.execute(_ADD_CHALLENGE, vault.token_digest(challenge.text), user_id, purpose, challenge.expires_at)
    return challenge


async def _take_challenge(service: Service, client_data: bytes, purpose: Purpose, user_id: UUID | None) -> bytes:
    """The challenge that was signed, which is of no more use. Raises PasskeyInvalid, PasskeyExpired."""
    try:
        found = msgspec.json.decode(client_data, type=_ClientData)
        digest = vault.token_digest(found.challenge)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise PasskeyInvalid from None
    async with service.db.system_statements() as tx:
        if not await tx.fetchval(_TAKE_CHALLENGE, digest, purpose, user_id, clock.now()):
            raise PasskeyExpired
    if found.cross_origin:  # signed within a page of another site
        raise PasskeyInvalid
    return base64.urlsafe_b64decode(found.challenge + "=")  # 43 letters, since it is one of ours


async def prune_challenges(tx: Tx, limit: int) -> int:
    """Forget challenges that nobody signed in time; the number forgotten, at most `limit`."""
    return await forget(tx, "passkey_challenge", "digest", "expires_at", clock.now(), limit)


# --- what was signed -------------------------------------------------------------------------------------------------
# py_webauthn takes 100 ms and 10 MB to import, which a process that sees no passkey never needs. A stranger's bytes go
# through its parsers and those of CBOR and certificates: whatever any of them raises means that they prove nothing.


def _check_new(sent: Attestation, challenge: bytes, party: RelyingParty) -> _Checked | None:
    """What a new passkey's device answered, if it is right."""
    from webauthn import verify_registration_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.structs import AuthenticatorAttestationResponse, RegistrationCredential

    response = AuthenticatorAttestationResponse(sent.client_data, sent.attestation_object)
    try:
        found = verify_registration_response(
            credential=RegistrationCredential(bytes_to_base64url(sent.credential_id), sent.credential_id, response),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(one) for one in ALGORITHMS],
        )
    except Exception:
        return None
    if found.credential_id != sent.credential_id or len(found.credential_id) > _CREDENTIAL_ID_BYTES_MAX:
        return None
    return _Checked(
        found.credential_id, found.credential_public_key, found.sign_count, bool(found.credential_backed_up)
    )


def _check_use(sent: Assertion, challenge: bytes, party: RelyingParty, public_key: bytes) -> _Checked | None:
    """What a passkey signed, if it is right; whether it counts on is for the caller to see."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

    response = AuthenticatorAssertionResponse(sent.client_data, sent.authenticator_data, sent.signature)
    try:
        found = verify_authentication_response(
            credential=AuthenticationCredential(bytes_to_base64url(sent.credential_id), sent.credential_id, response),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:
        return None
    return _Checked(sent.credential_id, public_key, found.new_sign_count, bool(found.credential_backed_up))
