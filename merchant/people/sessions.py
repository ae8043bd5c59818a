"""Sessions of people, and from a token or an API key to the Actor on every request.

A token names its session and until when it may last; who that is, what they may do and whether the session has ended is
read from the database each time, in one statement, so that signing out, a changed role, a disabled user or a revoked
key counts at once.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from jose import JWTError, jwt

from merchant.core import access, clock, errors, ids, vault
from merchant.core.access import TOTP_ROLES, Actor, ActorKey, Permission
from merchant.core.db import Tx, forget
from merchant.core.service import Service
from merchant.core.texts import _

_ALGORITHM = "HS256"
_ISSUER = "merchant"
_TOKEN_CHARS_MAX = 2048  # ours have 200; python-jose would decode as much as the server takes
_SEEN_EVERY = timedelta(minutes=1)  # how exactly we know when a session was used last
_KEPT = timedelta(days=1)  # what is over is of no use to anyone; the audit record has the sign-ins
_LISTED_MAX = 100
_USER_AGENT_CHARS = 200

_USER = """u.id, u.name, u.dfsp_id, u.merchant_id, u.counter_id, u.roles,
  u.totp_confirmed_at IS NOT NULL AS second_factor
FROM app_user u LEFT JOIN dfsp d ON d.id = u.dfsp_id"""
_MAY = "u.enabled AND (u.dfsp_id IS NULL OR d.enabled)"
_USER_ACTOR, _USER_ACTORS = (f"SELECT {_USER} WHERE u.id = {one} AND {_MAY}" for one in ("$1", "ANY($1)"))
# $1 is now, $2 since when a session must have been used.
_LIVES = "s.ended_at IS NULL AND s.epoch = u.session_epoch AND s.expires_at > $1 AND s.last_seen_at > $2"
_SESSION_ACTOR = f"""
SELECT s.last_seen_at, {_USER} JOIN user_session s ON s.user_id = u.id
WHERE {_LIVES} AND s.id = $3 AND u.id = $4 AND {_MAY}
"""
_SESSION_ACTORS = f"""
SELECT s.id AS session_id, {_USER} JOIN user_session s ON s.user_id = u.id
WHERE {_LIVES} AND s.id = ANY($3) AND {_MAY}
"""
_SEEN = "UPDATE user_session SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2"
_OPEN = """
INSERT INTO user_session (id, user_id, epoch, created_at, last_seen_at, expires_at, source, user_agent)
SELECT $1, u.id, u.session_epoch, $3, $3, $4, $5, $6 FROM app_user u
WHERE u.id = $2 AND ($7::int IS NULL OR u.session_epoch = $7)
"""
_LIST = f"""
SELECT s.id, s.created_at, s.last_seen_at, s.expires_at, s.user_agent
FROM user_session s JOIN app_user u ON u.id = s.user_id
WHERE {_LIVES} AND u.id = $3 ORDER BY s.id DESC LIMIT {_LISTED_MAX}
"""  # noqa: S608 - constants
_END = "UPDATE user_session SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL"
# The session that goes on is carried into the new epoch, in the same statement: unless it ended meanwhile, which its
# epoch tells.
_END_OTHERS = """
WITH raised AS (
  UPDATE app_user SET session_epoch = session_epoch + 1 WHERE id = $1 RETURNING session_epoch)
UPDATE user_session SET epoch = raised.session_epoch FROM raised
WHERE user_session.id = $2 AND user_id = $1 AND epoch = raised.session_epoch - 1
"""
_KEYS = """
SELECT k.id, k.name, k.dfsp_id, k.merchant_id, k.counter_id, k.scopes, k.issued_by
FROM api_key k JOIN dfsp d ON d.id = k.dfsp_id
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) AND d.enabled
"""
_KEY_ACTOR, _KEY_ACTORS = _KEYS + "AND k.digest = $1", _KEYS + "AND k.id = ANY($1)"


class Session(msgspec.Struct, frozen=True):
    """A place where someone is signed in."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str


class Opened(msgspec.Struct, frozen=True):
    """A fresh session and the token that names it."""

    id: UUID
    access_token: str
    expires_at: datetime


async def open_session(
    service: Service,
    user_id: UUID,
    *,
    lifetime: timedelta | None = None,
    source: str = "",
    user_agent: str = "",
    epoch: int | None = None,
) -> Opened:
    """Sign a person in, who has proved who they are. `epoch` is what they were when they proved it.

    Raises NotSignedIn when their credentials or roles have changed since.
    """
    now, session_id = clock.now(), ids.uuid7()
    expires_at = now + (lifetime or timedelta(seconds=service.settings.session_lifetime_s))
    came_from, told = service.vault.digest("session source", source), _one_line(user_agent)
    async with service.db.system_statements() as tx:
        if not await tx.execute(_OPEN, session_id, user_id, now, expires_at, came_from, told, epoch):
            raise errors.NotSignedIn(_("Your account has just been changed; sign in again."))
    return Opened(session_id, issue_token(service, user_id, session_id, expires_at), expires_at)


def issue_token(service: Service, user_id: UUID, session_id: UUID, expires_at: datetime) -> str:
    """A signed token (JWT, RFC 7519) that names a user's session until a time."""
    claims = {"iss": _ISSUER, "sub": str(user_id), "jti": str(session_id), "iat": clock.now(), "exp": expires_at}
    key_id = {"kid": service.vault.key_id}
    return str(jwt.encode(claims, service.vault.token_key, algorithm=_ALGORITHM, headers=key_id))


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text[:_USER_AGENT_CHARS])


# --- who asks ----------------------------------------------------------------------------------------------------


async def authenticate(service: Service, headers: Mapping[str, str]) -> Actor:
    """The actor of a request's credentials. Raises NotSignedIn."""
    if key := headers.get("x-api-key"):
        return await key_actor(service, key)
    scheme, _blank, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return await token_actor(service, token.strip())
    raise errors.NotSignedIn(_("Send a Bearer token or an x-api-key."), headers={"www-authenticate": "Bearer"})


async def token_actor(service: Service, token: str) -> Actor:
    """The person whose session a token names. Raises NotSignedIn when it is invalid, or the session is over."""
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
        user_id, session_id, expires = UUID(claims["sub"]), UUID(claims["jti"]), int(claims["exp"])
    except (JWTError, KeyError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        # python-jose lets through what odd claims make of its own checks.
        raise errors.NotSignedIn(_("The access token is not valid; sign in again.")) from None
    if expires <= clock.now().timestamp():
        raise errors.NotSignedIn(_("The access token has expired; sign in again."))
    return await _session_actor(service, user_id, session_id)


async def _session_actor(service: Service, user_id: UUID, session_id: UUID) -> Actor:
    now = clock.now()
    async with service.db.look_ups() as tx:
        row = await tx.fetchrow(_SESSION_ACTOR, now, _idle_since(service, now), session_id, user_id)
    if row is None:
        raise errors.NotSignedIn(_("This session has ended; sign in again."))
    if row["last_seen_at"] <= now - _SEEN_EVERY:
        async with service.db.system_statements() as writing:
            await writing.execute(_SEEN, session_id, now)
    return _user(service, row, session_id)


def _idle_since(service: Service, now: datetime) -> datetime:
    return now - timedelta(seconds=service.settings.session_idle_s)


async def user_actor(service: Service, user_id: UUID) -> Actor:
    """A user as Actor. Raises NotSignedIn when the user, or the DFSP, is disabled."""
    async with service.db.look_ups() as tx:
        row = await tx.fetchrow(_USER_ACTOR, user_id)
    if row is None:
        raise errors.NotSignedIn(_("This user may not sign in any more."))
    return _user(service, row)


async def key_actor(service: Service, key: str) -> Actor:
    """An API key as Actor. Raises NotSignedIn for unknown, revoked and expired keys."""
    async with service.db.look_ups() as tx:
        row = await tx.fetchrow(_KEY_ACTOR, vault.token_digest(key), clock.now())
    if row is None:
        raise errors.NotSignedIn(_("The API key is not valid."))
    return _key(row)


async def find_actors(service: Service, held: Collection[Actor]) -> dict[ActorKey, Actor]:
    """Those of some actors who may still act, as they are now: for what outlives a request.

    A person counts only while the session lives through which they came.
    """
    now = clock.now()
    keys = [actor.id for actor in held if actor.kind == "api_key"]
    sessions = [actor.session_id for actor in held if actor.session_id is not None]
    people = [actor.id for actor in held if actor.kind == "user" and actor.session_id is None]
    found: list[Actor] = []
    async with service.db.look_ups() as tx:
        if sessions:
            rows = await tx.fetch(_SESSION_ACTORS, now, _idle_since(service, now), sessions)
            found += [_user(service, row, row["session_id"]) for row in rows]
        found += [_user(service, row) for row in (await tx.fetch(_USER_ACTORS, people) if people else [])]
        found += [_key(row) for row in (await tx.fetch(_KEY_ACTORS, keys, now) if keys else [])]
    return {actor.key: actor for actor in found}


def _user(service: Service, row: Mapping[str, Any], session_id: UUID | None = None) -> Actor:
    must_enrol = service.settings.require_totp and not row["second_factor"] and not TOTP_ROLES.isdisjoint(row["roles"])
    return Actor(
        kind="user",
        id=row["id"],
        name=row["name"],
        dfsp_id=row["dfsp_id"],
        merchant_id=row["merchant_id"],
        counter_id=row["counter_id"],
        roles=tuple(row["roles"]),
        permissions=frozenset() if must_enrol else access.permissions_of(row["roles"]),
        session_id=session_id,
        must_enrol=must_enrol,
    )


def _key(row: Mapping[str, Any]) -> Actor:
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


# --- where they are signed in ----------------------------------------------------------------------------------------


async def list_sessions(service: Service, user_id: UUID) -> list[Session]:
    """Where a person is signed in, newest first."""
    now = clock.now()
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_LIST, now, _idle_since(service, now), user_id)
    return [Session(**row) for row in rows]


async def end_session(tx: Tx, user_id: UUID, session_id: UUID) -> None:
    """Sign a person out of one session. Raises NotFound when it is not theirs, or has ended."""
    if not await tx.execute(_END, session_id, user_id, clock.now()):
        raise errors.NotFound


async def end_other_sessions(tx: Tx, user_id: UUID, session_id: UUID | None) -> None:
    """Sign a person out everywhere but in one session; everywhere when it is None."""
    await tx.execute(_END_OTHERS, user_id, session_id)


async def prune(tx: Tx, limit: int) -> int:
    """Forget sessions that are long over; the number forgotten, at most `limit`."""
    return await forget(tx, "user_session", "id", "expires_at", clock.now() - _KEPT, limit)
