"""Messages to people as they are kept: listed with what became of them, blanked and forgotten by the clock."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from merchant.core import clock, sql
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.paging import Page
from merchant.notify.kinds import KEPT, TEXT_KEPT

_KEPT_IN = {"sms": ("sms_message", "phone_masked"), "email": ("email_message", "address_masked")}


class Sought(Struct, frozen=True, kw_only=True):
    """What the list is narrowed to."""

    merchant_id: UUID | None = None
    state: str | None = None
    kind: str | None = None
    channel: str | None = None


class KeptMessage(Struct, frozen=True):
    """A message to a person; no text where it holds a code or a link, or was kept too long ago."""

    id: UUID
    channel: str
    kind: str
    state: str
    merchant_id: UUID | None
    merchant_name: str | None
    recipient: str
    text: str
    reason: str | None
    held_until: datetime | None
    created_at: datetime
    sent_at: datetime | None


def _select(channel: str) -> str:
    """The newest messages of one channel, so that each of the tables is read by its index."""
    table, address = _KEPT_IN[channel]
    return f"""(
  SELECT k.id, '{channel}' AS channel, k.kind, k.state, k.merchant_id, k.{address} AS recipient, k.text, k.reason,
         k.held_until, k.created_at, k.sent_at
  FROM {table} k
  WHERE ($1::uuid IS NULL OR k.dfsp_id = $1) AND ($2::uuid IS NULL OR k.merchant_id = $2)
    AND ($3::text IS NULL OR k.state = $3) AND ($4::text IS NULL OR k.kind = $4)
    AND ($5::text IS NULL OR $5 = '{channel}') AND ($6::uuid IS NULL OR k.id < $6)
  ORDER BY k.id DESC LIMIT $7)"""  # noqa: S608 - constants


_LIST = f"""
SELECT {
    sql.column_list(
        KeptMessage,
        {
            "id": "kept.id",
            "state": "kept.state",
            "merchant_id": "kept.merchant_id",
            "kind": "kept.kind",
            "created_at": "kept.created_at",
            "merchant_name": "m.trading_name",
        },
    )
}
FROM ({" UNION ALL ".join(map(_select, _KEPT_IN))}) AS kept LEFT JOIN merchant m ON m.id = kept.merchant_id
ORDER BY kept.id DESC LIMIT $7
"""  # noqa: S608 - constants


async def messages(tx: Reads, actor: Actor, page: Page, sought: Sought) -> list[KeptMessage]:
    """Messages that the actor may see, newest first; one more than the page's limit when there are more.

    A merchant's own people see those about their merchant, staff those of their DFSP.
    """
    merchant_id = actor.merchant_id or sought.merchant_id
    if actor.merchant_id is not None and sought.merchant_id not in (None, actor.merchant_id):
        return []
    rows = await tx.fetch(
        _LIST,
        actor.dfsp_id,
        merchant_id,
        sought.state,
        sought.kind,
        sought.channel,
        page.before,
        page.limit + 1,
    )
    return sql.rows(KeptMessage, rows)


async def blank(tx: Tx, limit: int) -> int:
    """Forget the words of messages that were kept long enough; the number blanked, at most `limit`."""
    return await _each_table(
        tx, "UPDATE {table} SET text = '' WHERE id IN ({chosen})", "text <> ''", clock.now() - TEXT_KEPT, limit
    )


async def prune(tx: Tx, limit: int) -> int:
    """Forget messages, whose words are gone by then, that were kept long enough; the number, at most `limit`."""
    return await _each_table(tx, "DELETE FROM {table} WHERE id IN ({chosen})", "text = ''", clock.now() - KEPT, limit)


async def _each_table(tx: Tx, statement: str, which: str, before: datetime, limit: int) -> int:
    """Do something to old messages of one kind of text, by the index of these."""
    count = 0
    for table, _address in _KEPT_IN.values():
        chosen = f"SELECT id FROM {table} WHERE created_at < $1 AND {which} LIMIT $2 FOR UPDATE SKIP LOCKED"  # noqa: S608
        count += await tx.execute(statement.format(table=table, chosen=chosen), before, limit - count)
    return count
