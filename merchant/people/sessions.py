"""Signing in: password to short-lived token, and from token or API key to Actor on every request.

The token says only who and until when; roles and the right to act are read from the database each time, so a
disabled user or a revoked key stops at once.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from jose import JWTError, jwt

from merchant.core import access, clock, errors, vault
from merchant.core.access import Actor, Permission
from merchant.core.service import Service
from merchant.core.texts import _, _n

_ALGORITHM = "HS256"
_ISSUER = "merchant"
_TOKEN_CHARS_MAX = 2048  # ours have 200; python-jose would decode as much as the server takes
MAX_PASSWORD_LENGTH = 128  # argon2 works on any length; a bound keeps a request cheap
# NIST SP 800-63B section 5.2.2 asks for a limit on consecutive failures: five, then a pause that doubles.
_FREE_TRIES = 5
_FIRST_LOCK_S = 30
_LONGEST_LOCK_S = 3600
# Verified when the address is unknown, so that both answers take the same time.
_DECOY_HASH = vault.hash_password("no such user")

# Every try counts as failed until it succeeds, so that guesses sent at once are counted one after the other.
_TRY = """
UPDATE app_user SET failed_sign_ins = failed_sign_ins + 1,
  locked_until = CASE WHEN failed_sign_ins + 1 >= $3
    THEN $2::timestamptz + make_interval(secs => least($5::int, $4::int * 2 ^ least(failed_sign_ins + 1 - $3, 10))) END
WHERE email = $1 AND (locked_until IS NULL OR locked_until <= $2)
RETURNING id, password_hash
"""
_LOCKED_UNTIL = "SELECT locked_until FROM app_user WHERE email = $1"
_SUCCEEDED = "UPDATE app_user SET failed_sign_ins = 0, locked_until = NULL WHERE id = $1"
_USER_ACTOR = """
SELECT u.id, u.name, u.dfsp_id, u.merchant_id, u.roles FROM app_user u LEFT JOIN dfsp d ON d.id = u.dfsp_id
WHERE u.id = $1 AND u.enabled AND (u.dfsp_id IS NULL OR d.enabled)
"""
_KEY_ACTOR = """
SELECT k.id, k.name, k.dfsp_id, k.merchant_id, k.counter_id, k.scopes, k.issued_by
FROM api_key k JOIN dfsp d ON d.id = k.dfsp_id
WHERE k.digest = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND d.enabled
"""


class SignedIn(msgspec.Struct, frozen=True):
    """A fresh token and whose it is."""

    access_token: str
    expires_at: datetime
    user: Actor


async def sign_in(service: Service, email: str, password: str) -> SignedIn:
    """Check a password. Raises NotSignedIn, or TooManyRequests while the account is locked."""
    now, email = clock.now(), email.strip().lower()
    async with service.db.system_statements() as tx:
        row = await tx.fetchrow(_TRY, email, now, _FREE_TRIES, _FIRST_LOCK_S, _LONGEST_LOCK_S)
        locked_until = await tx.fetchval(_LOCKED_UNTIL, email) if row is None else None
    if locked_until is not None:
        wait_s = int((locked_until - now).total_seconds()) + 1
        raise errors.TooManyRequests(
            _n(
                "Too many wrong passwords; try again in {count} second.",
                "Too many wrong passwords; try again in {count} seconds.",
                wait_s,
            ),
            headers={"retry-after": str(wait_s)},
        )
    # No connection is held meanwhile: hashing is slow on purpose, and the hub shares the pool.
    password_hash = _DECOY_HASH if row is None else row["password_hash"]
    matches = await asyncio.to_thread(vault.password_matches, password_hash, password)
    if row is None or not matches:
        raise errors.NotSignedIn(_("The e-mail address or the password is wrong."))
    async with service.db.system_statements() as tx:
        await tx.execute(_SUCCEEDED, row["id"])
    actor = await user_actor(service, row["id"])
    expires_at = now + timedelta(seconds=service.settings.session_lifetime_s)
    return SignedIn(issue_token(service, actor.id, expires_at), expires_at, actor)


def issue_token(service: Service, user_id: UUID, expires_at: datetime) -> str:
    """A signed token (JWT, RFC 7519) that names a user until a time."""
    claims = {"iss": _ISSUER, "sub": str(user_id), "iat": clock.now(), "exp": expires_at}
    key_id = {"kid": service.vault.key_id}
    return str(jwt.encode(claims, service.vault.token_key, algorithm=_ALGORITHM, headers=key_id))


async def authenticate(service: Service, headers: Mapping[str, str]) -> Actor:
    """The actor of a request's credentials. Raises NotSignedIn."""
    if key := headers.get("x-api-key"):
        return await key_actor(service, key)
    scheme, _blank, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return await token_actor(service, token.strip())
    raise errors.NotSignedIn(_("Send a Bearer token or an x-api-key."), headers={"www-authenticate": "Bearer"})


async def token_actor(service: Service, token: str) -> Actor:
    """The person a token names. Raises NotSignedIn when it is invalid, expired, or names nobody who may sign in."""
    if len(token) > _TOKEN_CHARS_MAX:
        raise errors.NotSignedIn(_("The access token is not valid; sign in again."))
    try:
        # Expiry is compared to our own clock below, which tests can move.
        claims = jwt.decode(
            token,
            service.vault.token_key_of(jwt.get_unverified_header(token).get("kid")),
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            options={"verify_exp": False},
        )
        user_id, expires = UUID(claims["sub"]), int(claims["exp"])
    except (JWTError, KeyError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        # python-jose lets through what odd claims make of its own checks.
        raise errors.NotSignedIn(_("The access token is not valid; sign in again.")) from None
    if expires <= clock.now().timestamp():
        raise errors.NotSignedIn(_("The access token has expired; sign in again."))
    return await user_actor(service, user_id)


async def user_actor(service: Service, user_id: UUID) -> Actor:
    """A user as Actor. Raises NotSignedIn when the user, or the DFSP, is disabled."""
    async with service.db.look_ups() as tx:
        row = await tx.fetchrow(_USER_ACTOR, user_id)
    if row is None:
        raise errors.NotSignedIn(_("This user may not sign in any more."))
    return Actor(
        kind="user",
        id=row["id"],
        name=row["name"],
        dfsp_id=row["dfsp_id"],
        merchant_id=row["merchant_id"],
        roles=tuple(row["roles"]),
        permissions=access.permissions_of(row["roles"]),
    )


async def key_actor(service: Service, key: str) -> Actor:
    """An API key as Actor. Raises NotSignedIn for unknown, revoked and expired keys."""
    async with service.db.look_ups() as tx:
        row = await tx.fetchrow(_KEY_ACTOR, vault.token_digest(key), clock.now())
    if row is None:
        raise errors.NotSignedIn(_("The API key is not valid."))
    return Actor(
        kind="api_key",
        id=row["id"],
        name=row["name"],
        dfsp_id=row["dfsp_id"],
        merchant_id=row["merchant_id"],
        counter_id=row["counter_id"],
        issuer_id=row["issued_by"],
        # Keys that were issued when a counter's could hold more hold no more either.
        permissions=frozenset(Permission(scope) for scope in row["scopes"])
        & access.key_scopes(row["merchant_id"], row["counter_id"]),
    )
