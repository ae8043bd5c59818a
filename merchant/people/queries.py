"""Reads of people and API keys, for the API's routes: no more than the actor's DFSP and merchant."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import func, select

from merchant.core import clock
from merchant.core.access import TOTP_ROLES, Actor, scope_to
from merchant.core.db import Reads
from merchant.core.evidence import SecurityEvent
from merchant.core.paging import Page, page
from merchant.people.models import ApiKey, AppUser
from merchant.people.unseen import BEGINNER


async def users(tx: Reads, actor: Actor, wanted: Page) -> list[AppUser]:
    """People, newest first unless asked otherwise, by name in any case; without those who have registered and handed
    nothing in yet.
    """
    statement = scope_to(actor, select(AppUser), AppUser).where(text(f"NOT {BEGINNER}"))
    return await page(tx, statement, AppUser.id, wanted, name=func.lower(AppUser.name))


async def user(tx: Reads, actor: Actor, user_id: UUID) -> AppUser:
    """A person. Raises NotFound."""
    found: AppUser = await tx.one(scope_to(actor, select(AppUser).where(AppUser.id == user_id), AppUser))
    return found


async def is_beginner(tx: Reads, user_id: UUID) -> bool:
    """Whether they have registered and handed nothing in yet, so that staff must not read their name."""
    return bool(await tx.fetchval(f"SELECT {BEGINNER} FROM app_user WHERE id = $1", user_id))  # noqa: S608


async def api_key(tx: Reads, actor: Actor, key_id: UUID) -> ApiKey:
    """An API key. Raises NotFound."""
    found: ApiKey = await tx.one(scope_to(actor, select(ApiKey).where(ApiKey.id == key_id), ApiKey))
    return found


async def api_keys(tx: Reads, actor: Actor, wanted: Page) -> list[ApiKey]:
    """API keys, newest first unless asked otherwise; by name in any case."""
    return await page(tx, scope_to(actor, select(ApiKey), ApiKey), ApiKey.id, wanted, name=func.lower(ApiKey.name))


_LAST_USED = f"""
SELECT actor_id, max(at) AS at FROM security_event
WHERE actor_id = ANY($1) AND kind = '{SecurityEvent.KEY_USED}' GROUP BY actor_id
"""  # noqa: S608 - a constant


async def keys_last_used(tx: Reads, key_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When keys were used, to the hour, of those that were within the time that security events are kept."""
    return {row["actor_id"]: row["at"] for row in await tx.fetch(_LAST_USED, list(key_ids))}


_ACCOUNT_FACTS = """
SELECT count(*) FILTER (WHERE enabled AND 'hub_operator' = ANY(roles)) AS operators,
  count(*) FILTER (WHERE enabled AND roles && $1 AND totp_confirmed_at IS NULL
    AND NOT EXISTS (SELECT FROM passkey p WHERE p.user_id = app_user.id)) AS without_totp,
  count(*) FILTER (WHERE enabled AND password_hash = '!' AND NOT EXISTS (
    SELECT FROM account_token t WHERE t.user_id = app_user.id AND t.kind <> 'reset' AND t.epoch = link_epoch
      AND t.expires_at > $2)) AS stale_invitations,
  count(*) FILTER (WHERE proposed_by IS NOT NULL) AS proposed
FROM app_user
"""


async def account_faults(tx: Reads) -> list[tuple[str, str, str]]:
    """What an operator should know of the accounts: (severity, code, sentence), worst first.

    Severities are `error` and `warning`. Reads as the service itself, so `tx` is of `system_reads()` or `system()`.
    """
    row = await tx.fetchrow(_ACCOUNT_FACTS, sorted(TOTP_ROLES), clock.now())
    assert row is not None
    found = []
    if row["operators"] < 1:
        found.append(("error", "no_hub_operator", "Nobody is hub operator: run `merchant user create`."))
    elif row["operators"] < 2:
        told = "Only one person is hub operator, so nobody can confirm what takes two: run `merchant user create`."
        found.append(("warning", "one_hub_operator", told))
    for name, code, told in _COUNTED:
        if count := row[name]:
            found.append(("warning", code, told.format(count=count)))
    return found


_COUNTED = (
    (
        "without_totp",
        "staff_without_totp",
        "Hub staff, checkers or DFSP administrators without an authenticator app or a passkey: {count}.",
    ),
    (
        "stale_invitations",
        "invitations_expired",
        "People whose invitation expired unused: {count}.",
    ),
    ("proposed", "proposals_waiting", "People whose roles wait for a second person to confirm them: {count}."),
)
