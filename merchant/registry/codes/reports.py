"""Reports of shoppers that a code is not that of the shop they stand in: kept for the DFSP that looks after it.

Anyone may report, so a report proves nothing and changes nothing by itself: it is shown to staff, who look. Nobody is
asked who they are; what they wrote is sealed, since it may name somebody, and forgotten after a year.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Index
from sqlmodel import SQLModel, select

from merchant.core import audit, clock, columns
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx, forget
from merchant.core.paging import Page, page
from merchant.registry.merchants.models import Counter, Merchant

TEXT_CHARS_MAX = 300
TEXT = "code_report:{id}"  # as vault.seal is told
KEPT_FOR = timedelta(days=365)


class ReportReason(StrEnum):
    """What the shopper found wrong."""

    OTHER_NAME = "other_name"  # the page names another shop than the one they stand in
    PASTED_OVER = "pasted_over"
    ASKED_FOR_MORE = "asked_for_more"
    OTHER = "other"


class ReportState(StrEnum):
    """Whether staff have looked at a report."""

    OPEN = "open"
    SEEN = "seen"


class CodeReport(SQLModel, table=True):
    """One report. `source_digest` tells staff which came from one place, and nothing of whose place it is."""

    __tablename__ = "code_report"
    __table_args__ = (
        Index("code_report_listed", "dfsp_id", "id"),
        Index("code_report_of_merchant", "merchant_id", "id"),
        Index("code_report_at", "at"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.ref("dfsp.id", index=False)
    merchant_id: UUID = columns.ref("merchant.id", index=False)
    counter_id: UUID = columns.ref("counter.id")
    code: str
    reason: str
    text_sealed: bytes | None = columns.sealed()
    sticker: int | None = None
    source_digest: bytes = columns.sealed(nullable=False)
    at: datetime = columns.instant()
    seen_at: datetime | None = columns.instant(nullable=True)
    seen_by: UUID | None = None


class Sought(Struct, frozen=True):
    """Which reports of a list."""

    merchant_id: UUID | None = None
    seen: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


class Reported(Struct, frozen=True):
    """A report with what it is about."""

    row: CodeReport
    merchant: Merchant
    counter: Counter
    text: str | None


async def report_code(
    tx: Tx, actor: Actor, counter_id: UUID, code: str, reason: ReportReason, text: str, sticker: int | None, source: str
) -> CodeReport:
    """Keep a report, and note it in the audit record of the counter; `source` is an address. Raises NotFound."""
    counter: Counter = await tx.one(scope_to(actor, select(Counter).where(Counter.id == counter_id), Counter))
    row = CodeReport(
        dfsp_id=counter.dfsp_id,
        merchant_id=counter.merchant_id,
        counter_id=counter.id,
        code=code,
        reason=reason,
        sticker=sticker,
        source_digest=tx.vault.digest("code_report_source", source),
    )
    if text:
        row.text_sealed = tx.vault.seal(msgspec.json.encode(text), TEXT.format(id=row.id))
    tx.session.add(row)
    await audit.record(
        tx,
        actor,
        "code.reported",
        "counter",
        counter.id,
        dfsp_id=counter.dfsp_id,
        report_id=str(row.id),
        report_reason=reason.value,
        sticker=sticker,
    )
    await tx.flush()
    return row


async def code_reports(tx: Tx, actor: Actor, wanted: Page, sought: Sought) -> list[Reported]:
    """Reports that the actor may see, newest first; one more than the page's limit when there are more."""
    table: type[CodeReport] = CodeReport
    statement = scope_to(actor, select(table), table)
    if sought.merchant_id is not None:
        statement = statement.where(table.merchant_id == sought.merchant_id)
    if sought.seen is not None:
        seen = table.seen_at.is_not(None)  # type: ignore[union-attr]
        statement = statement.where(seen if sought.seen else ~seen)
    if sought.since is not None:
        statement = statement.where(table.at >= sought.since)
    if sought.until is not None:
        statement = statement.where(table.at < sought.until)
    return await _told(tx, await page(tx, statement, table.id, wanted))


async def see_code_report(tx: Tx, actor: Actor, report_id: UUID) -> Reported:
    """Note that somebody of the DFSP has looked; who was first stays. Raises NotFound."""
    statement = select(CodeReport).where(CodeReport.id == report_id).with_for_update()
    row: CodeReport = await tx.one(scope_to(actor, statement, CodeReport))
    if row.seen_at is None:
        row.seen_at, row.seen_by = clock.now(), actor.id
        await audit.record(
            tx, actor, "code.report_seen", "counter", row.counter_id, dfsp_id=row.dfsp_id, report_id=str(row.id)
        )
        await tx.flush()
    [told] = await _told(tx, [row])
    return told


async def _told(tx: Tx, rows: Sequence[CodeReport]) -> list[Reported]:
    merchants = await _by_id(tx, Merchant, {row.merchant_id for row in rows})
    counters = await _by_id(tx, Counter, {row.counter_id for row in rows})
    return [Reported(row, merchants[row.merchant_id], counters[row.counter_id], _text(tx, row)) for row in rows]


async def _by_id(tx: Reads, table: Any, ids: set[UUID]) -> dict[UUID, Any]:
    found = await tx.session.exec(select(table).where(table.id.in_(ids)))
    return {row.id: row for row in found.all()}


def _text(tx: Tx, row: CodeReport) -> str | None:
    if row.text_sealed is None:
        return None
    return msgspec.json.decode(tx.vault.open(row.text_sealed, TEXT.format(id=row.id)), type=str)


async def prune(tx: Tx, limit: int) -> int:
    """Forget reports older than a year; how many, at most `limit`."""
    return await forget(tx, "code_report", "id", "at", clock.now() - KEPT_FOR, limit)
