"""The settlement statement of a DFSP for a day: what it owes its merchants, to be compared with the hub's figures."""

import asyncio
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases import answers
from merchant.core import masking, sql
from merchant.core.db import Reads
from merchant.core.paging import Page, both_ways
from merchant.core.vault import Vault
from merchant.exchange.reports.asked import Between, Scope, narrowed
from merchant.payments.transfer_states import UNDER_WAY

_NUMBERS_SHOWN = 50  # of a merchant; a chain's counters are found in the daily report
# A late request may be of any day before; there are few, and an index has them.
_BY_MERCHANT = f"""
late AS MATERIALIZED (SELECT p.id FROM payment_request_reportable p WHERE p.late AND {{narrowed}}),
paid AS (
  SELECT p.merchant_id, p.currency, count(*) AS count, sum(p.amount_minor)::bigint AS amount_minor,
    count(*) FILTER (WHERE p.request_id IN (SELECT id FROM late)) AS late
  FROM payment_reportable p
  WHERE p.received_at >= $1 AND p.received_at < $2 AND {{narrowed}} GROUP BY 1, 2),
waiting AS (
  SELECT p.merchant_id, p.currency, count(*) AS unconfirmed FROM transfer p
  WHERE p.state IN {UNDER_WAY} AND p.reserved_at >= $1 AND p.reserved_at < $2 AND {{narrowed}} GROUP BY 1, 2),
given_back AS (
  SELECT p.merchant_id, p.currency, count(*) AS refunds, sum(p.amount_minor)::bigint AS refunded_minor FROM refund p
  WHERE p.refunded_at >= $1 AND p.refunded_at < $2 AND {{narrowed}} GROUP BY 1, 2),
found AS MATERIALIZED (
  SELECT * FROM paid FULL JOIN waiting USING (merchant_id, currency)
  FULL JOIN given_back USING (merchant_id, currency))
"""  # noqa: S608 - constants
# MATERIALIZED and OFFSET 0 as in daily.py.
_STATEMENT = f"""
WITH {_BY_MERCHANT}
SELECT f.merchant_id, coalesce(m.trading_name, '') AS merchant_name,
  ARRAY(SELECT alias FROM counter c WHERE c.merchant_id = f.merchant_id AND c.closed_at IS NULL ORDER BY c.id
        LIMIT {_NUMBERS_SHOWN}) AS numbers,
  a.id AS case_id, a.sections_sealed, f.currency, coalesce(f.count, 0) AS count,
  coalesce(f.amount_minor, 0) AS amount_minor, coalesce(f.refunds, 0) AS refunds,
  coalesce(f.refunded_minor, 0) AS refunded_minor, coalesce(f.late, 0) AS late,
  coalesce(f.unconfirmed, 0) AS unconfirmed
FROM found f
LEFT JOIN LATERAL (
  SELECT trading_name, coalesce(case_id, application_id) AS case_id FROM merchant WHERE id = f.merchant_id OFFSET 0
) AS m ON true
LEFT JOIN LATERAL (SELECT id, sections_sealed FROM application WHERE id = m.case_id OFFSET 0) AS a ON true
ORDER BY merchant_name, f.merchant_id, f.currency LIMIT $3
"""  # noqa: S608 - constants
_TOTALS = f"""
WITH {_BY_MERCHANT}
SELECT currency, count(DISTINCT merchant_id) AS merchants, coalesce(sum(count), 0)::bigint AS count,
  coalesce(sum(amount_minor), 0)::bigint AS amount_minor, coalesce(sum(refunds), 0)::bigint AS refunds,
  coalesce(sum(refunded_minor), 0)::bigint AS refunded_minor, coalesce(sum(late), 0)::bigint AS late,
  coalesce(sum(unconfirmed), 0)::bigint AS unconfirmed
FROM found GROUP BY currency ORDER BY currency
"""  # noqa: S608 - constants
_PAYMENTS = both_ways("""
SELECT p.id, p.transfer_id, p.transaction_id, p.payer_fsp_id, p.merchant_id, p.counter_id, p.currency, p.amount_minor,
  p.received_at, coalesce(r.late, false) AS late,
  coalesce((SELECT m.trading_name FROM merchant m WHERE m.id = p.merchant_id), '') AS merchant_name,
  coalesce((SELECT c.name FROM counter c WHERE c.id = p.counter_id), '') AS counter_name
FROM payment p LEFT JOIN payment_request r ON r.id = p.request_id /*distributed: AND r.dfsp_id = p.dfsp_id*/
WHERE p.received_at >= $1 AND p.received_at < $2
  AND ($3::uuid IS NULL OR (p.received_at, p.id) {beyond} (SELECT received_at, id FROM payment WHERE id = $3))
  AND {narrowed}
ORDER BY p.received_at {way}, p.id {way} LIMIT $4
""")


class MerchantSettled(Struct, frozen=True):
    """A merchant's money of a day in one currency; `account` is masked."""

    merchant_id: UUID
    merchant_name: str
    numbers: list[str]
    account: str | None
    currency: str
    count: int
    amount_minor: int
    refunds: int
    refunded_minor: int
    late: int
    unconfirmed: int


class CurrencySettled(Struct, frozen=True):
    """All money of a day in one currency."""

    currency: str
    merchants: int
    count: int
    amount_minor: int
    refunds: int
    refunded_minor: int
    late: int
    unconfirmed: int


class PaymentSettled(Struct, frozen=True):
    """A payment as the hub knows it."""

    id: UUID
    transfer_id: str
    transaction_id: str
    payer_fsp_id: str
    merchant_id: UUID
    counter_id: UUID
    currency: str
    amount_minor: int
    received_at: datetime
    late: bool
    merchant_name: str
    counter_name: str


class _Statement(Struct, frozen=True):
    merchant_id: UUID
    merchant_name: str
    numbers: list[str]
    case_id: UUID | None
    sections_sealed: bytes | None
    currency: str
    count: int
    amount_minor: int
    refunds: int
    refunded_minor: int
    late: int
    unconfirmed: int


async def settlement_statement(
    tx: Reads, vault: Vault, scope: Scope, day: Between, limit: int, *, accounts_shown: bool
) -> list[MerchantSettled]:
    """A row for each merchant and currency with payments, refunds, or transfers that the hub has not ended, by names.

    Accounts are opened for the DFSP and the merchant alone; answers of applications are not shown to the hub either.
    Money is settled for merchants: a counter's key finds its payments, and no statement.
    """
    if scope.nobody or "counter_id" in scope.columns:
        return []
    rows = sql.rows(_Statement, await tx.fetch(*narrowed(_STATEMENT, scope, day.since, day.until, limit)))
    accounts = await asyncio.to_thread(_accounts, vault, rows) if accounts_shown else {}
    return [
        MerchantSettled(
            merchant_id=row.merchant_id,
            merchant_name=row.merchant_name,
            numbers=row.numbers,
            account=accounts.get(row.case_id) if row.case_id else None,
            currency=row.currency,
            count=row.count,
            amount_minor=row.amount_minor,
            refunds=row.refunds,
            refunded_minor=row.refunded_minor,
            late=row.late,
            unconfirmed=row.unconfirmed,
        )
        for row in rows
    ]


def _accounts(vault: Vault, rows: list[_Statement]) -> dict[UUID, str | None]:
    """The masked account of each case, opened once a case: in a thread, since a thousand take a while."""
    sealed = {row.case_id: row.sections_sealed for row in rows if row.case_id and row.sections_sealed}
    found: dict[UUID, str | None] = {}
    for case_id, bytes_ in sealed.items():
        number = answers.unseal(vault, case_id, bytes_).settlement_account.account_id
        found[case_id] = masking.mask_number(number) if number else None
    return found


async def settlement_totals(tx: Reads, scope: Scope, day: Between) -> list[CurrencySettled]:
    """The same per currency."""
    if scope.nobody or "counter_id" in scope.columns:
        return []
    return sql.rows(CurrencySettled, await tx.fetch(*narrowed(_TOTALS, scope, day.since, day.until)))


async def settled_payments(tx: Reads, scope: Scope, day: Between, page: Page) -> list[PaymentSettled]:
    """The payments of a day one by one, newest first; one more than the page's limit when there are more."""
    if scope.nobody:
        return []
    asked = narrowed(_PAYMENTS[page.is_oldest_first], scope, day.since, day.until, page.before, page.limit + 1)
    return sql.rows(PaymentSettled, await tx.fetch(*asked))
