"""Everything that ever happened to a merchant, as the audit record has it: the merchant itself, its counters with their
stickers, its applications and cases, its documents, and its blocks.

A DFSP reads its own chain: blocks stand in the hub's, which the hub's staff read beside those of all DFSPs.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, collate, func, tuple_
from sqlmodel import select

from merchant.core import audit, errors
from merchant.core.access import Actor, Permission
from merchant.core.audit import AuditEntry
from merchant.core.db import Tx
from merchant.core.paging import Page
from merchant.core.texts import _
from merchant.people.records import Recorded, with_names
from merchant.registry.merchants.queries import merchant as find_merchant

_SUBJECTS = """
WITH cases AS (
  SELECT id FROM application WHERE merchant_id = $1
  UNION SELECT id FROM application WHERE id = ANY($2::uuid[]))
SELECT $1::text AS id UNION ALL SELECT id::text FROM counter WHERE merchant_id = $1
UNION ALL SELECT id::text FROM cases
UNION ALL SELECT id::text FROM document WHERE merchant_id = $1
UNION ALL SELECT d.id::text FROM document d JOIN cases c ON c.id = d.application_id
"""
_EVERY_DFSP = "SELECT id FROM dfsp"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEQ_BITS, _CHAIN_BITS = 40, 24  # of a cursor; the instant's microseconds stand before them
_LAST_US = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_table: Any = AuditEntry
# Entries of two chains may be of the same microsecond and number; then the ends of the chains' ids order them.
_CHAIN_END = collate(func.right(cast(_table.dfsp_id, Text), _CHAIN_BITS // 4), "C")


async def merchant_history(tx: Tx, actor: Actor, merchant_id: UUID, page: Page) -> list[Recorded]:
    """Entries about a merchant, newest first unless asked otherwise; one more than the page's limit.

    Reasons in someone's own words are shown to those who read applications, where they stand too; to the hub its own
    alone. Raises NotFound; NotAllowed for the merchant's own people, of whom the record may tell what they must not
    know.
    """
    merchant = await find_merchant(tx, actor, merchant_id)
    if actor.merchant_id is not None:
        raise errors.NotAllowed(_("Only staff of the DFSP and of the hub read the history of a merchant."))
    cases = [one for one in (merchant.application_id, merchant.case_id) if one is not None]
    subjects = [row["id"] for row in await tx.fetch(_SUBJECTS, merchant.id, cases)]
    chains = [actor.dfsp_id] if actor.dfsp_id is not None else await _every_chain(tx)
    statement = select(AuditEntry).where(_table.dfsp_id.in_(chains), _table.subject_id.in_(subjects))
    if page.before is not None:
        place, behind = tuple_(_table.at, _table.seq, _CHAIN_END), _read_cursor(page.before)
        statement = statement.where(place > behind if page.is_oldest_first else place < behind)
    keys = (_table.at, _table.seq, _CHAIN_END)
    order = [key.asc() if page.is_oldest_first else key.desc() for key in keys]
    found = (await tx.session.exec(statement.order_by(*order).limit(page.limit + 1))).all()
    reads_reasons = Permission.APPLICATIONS_READ in actor.permissions
    return await with_names(tx, actor, found, reasons_of={actor.dfsp_id or audit.HUB_CHAIN} if reads_reasons else set())


async def _every_chain(tx: Tx) -> list[UUID]:
    return [audit.HUB_CHAIN, *(row["id"] for row in await tx.fetch(_EVERY_DFSP))]


def cursor_of(entry: AuditEntry) -> UUID:
    """The cursor of the page that begins behind an entry."""
    micros = (entry.at - _EPOCH) // timedelta(microseconds=1)
    chain = entry.dfsp_id.int & ((1 << _CHAIN_BITS) - 1)
    return UUID(int=((micros << _SEQ_BITS) | entry.seq) << _CHAIN_BITS | chain)


def _read_cursor(cursor: UUID) -> tuple[datetime, int, str]:
    """Where a page begins; a cursor of another list stands at the newest end."""
    chain = cursor.int & ((1 << _CHAIN_BITS) - 1)
    seq = cursor.int >> _CHAIN_BITS & ((1 << _SEQ_BITS) - 1)
    micros = min(cursor.int >> (_CHAIN_BITS + _SEQ_BITS), _LAST_US)
    return _EPOCH + timedelta(microseconds=micros), seq, f"{chain:0{_CHAIN_BITS // 4}x}"
