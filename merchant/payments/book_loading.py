"""The book loaded from the database: what a batch of decisions looks at, by one statement a table.

Ids of new transfers are locked in their order, then requests in that of their ids, then the limits of the merchants
whose headroom is taken, so that no two batches wait for each other. Quotes and transfers are written by batches alone
(book_saving.py).
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, ids, sql
from merchant.core.db import Tx
from merchant.core.errors import Reason
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.payments.book import Book, MerchantFacts, Quote, Request, Rules, Transfer, Used
from merchant.payments.limits import periods
from merchant.payments.needs import Needs, Place
from merchant.payments.refunds.storage import load_refunds
from merchant.payments.requests import ANSWERED_WITHIN
from merchant.registry.merchants.counters import CounterFacts


async def load_book(tx: Tx, service: Service, needs: Needs, now: datetime) -> Book:
    """What a batch's decisions look at. Requests are locked, and so are the limits that may be taken of."""
    book = await empty_book(service, now)
    if needs.new_transfer_ids:
        await tx.fetch(_LOCK_TRANSFERS, sorted(needs.new_transfer_ids))
    if needs.places:
        await _load_counters(tx, book, needs.places)
    if needs.transfer_ids or needs.locks:
        await _load_transfers(tx, book, needs)
    of_transfers = {(one.payer_fsp_id, one.quote_id) for one in book.transfers.values()}
    if needs.quotes or needs.locks or of_transfers:
        await _load_quotes(tx, service, book, needs, of_transfers)
    unknown = needs.refund_transfers - book.transfers.keys()
    if needs.refund_ids or needs.refund_quotes or unknown:
        await load_refunds(tx, service, book, needs.refund_ids, needs.refund_quotes, unknown)
    await _load_requests(tx, service, book, needs, now)
    under_way = [request.id for request in book.requests.values() if request.transfer_id is not None]
    if under_way:
        await _fill_transfers(book, await tx.fetch(_TRANSFERS_OF, under_way))
    over = [request.id for request in book.requests.values() if request.expires_at <= now]
    if over:
        for row in await tx.fetch(_QUOTES_OF, over):
            _put_quote(service, book, row)
    await _load_used(tx, book, needs)
    for dfsp_id in {merchant.dfsp_id for merchant in book.merchants.values()}:
        book.policies[dfsp_id] = await policy_of(service, dfsp_id)
    return book


async def load_request(tx: Tx, service: Service, request_id: UUID, now: datetime) -> tuple[Book, Request | None]:
    """One request, locked, with its transfers; for what people do to it."""
    book = await load_book(tx, service, Needs(request_ids={request_id}), now)
    return book, book.requests.get(request_id)


async def empty_book(service: Service, now: datetime) -> Book:
    """A book with the operator's rules and no rows."""
    day = clock.local_date(now, (await service.scheme()).time_zone)
    settings = service.settings
    check, grace = timedelta(seconds=settings.settle_check_s), timedelta(seconds=settings.settle_grace_s)
    return Book(Rules(day, check, grace, ids.uuid7))


# The hub names a transfer by its id alone: of two copies at once, or two payers' transfers of one id, the second waits
# here and sees what became of the first.
_LOCK_TRANSFERS = """
SELECT pg_advisory_xact_lock(hashtextextended('transfer:' || id, 0)) FROM unnest($1::text[]) AS given (id)
"""

# --- loading ---------------------------------------------------------------------------------------------------------

_COUNTERS = f"""
SELECT {
    sql.column_list(
        CounterFacts,
        {
            "counter_id": "c.id",
            "merchant_id": "m.id",
            "dfsp_id": "m.dfsp_id",
            "state": "CASE WHEN c.closed_at IS NULL THEN m.state ELSE 'closed' END",
            "alias_type": "c.alias_type",
            "alias": "c.alias",
            "group_id": "m.limit_group",
            "name": "c.name",
        },
    )
}, m.state AS merchant_state
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS sought (dfsp_id, alias_type, alias)
JOIN counter c ON c.alias = sought.alias AND c.alias_type = sought.alias_type
JOIN merchant m ON m.id = c.merchant_id AND m.dfsp_id = sought.dfsp_id JOIN dfsp d ON d.id = m.dfsp_id
"""  # noqa: S608 - names of our own struct


async def _load_counters(tx: Tx, book: Book, places: Iterable[Place]) -> None:
    columns = list(zip(*sorted(places), strict=True))
    for row in await tx.fetch(_COUNTERS, *map(list, columns)):
        values = dict(row)
        state = values.pop("merchant_state")
        counter = CounterFacts(**values)
        group_id = counter.group_id or counter.merchant_id
        book.counters[counter.dfsp_id, counter.alias_type, counter.alias] = counter
        book.merchants[counter.merchant_id] = MerchantFacts(
            counter.merchant_id, counter.dfsp_id, state, counter.tier, group_id
        )


_MERCHANT = (
    "m.dfsp_id AS merchant_dfsp_id, m.state AS merchant_state, m.tier, coalesce(m.limit_group, m.id) AS group_id"
)
_TRANSFER = f"""
SELECT t.payer_fsp_id, t.transfer_id, t.dfsp_id, d.fsp_id, t.merchant_id, t.quote_id, t.request_id, t.state,
  t.amount_minor, t.currency, t.usage_day, t.body_hash, t.answer, t.expires_at, t.reserved_at, t.ended_at, t.check_at,
  {_MERCHANT}
FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id JOIN merchant m ON m.id = t.merchant_id
"""  # noqa: S608 - constants
_TRANSFERS = f"""
{_TRANSFER} WHERE t.transfer_id = ANY($1) /*distributed: AND t.dfsp_id = $lane*/
UNION
{_TRANSFER} JOIN quote q ON q.payer_fsp_id = t.payer_fsp_id AND q.quote_id = t.quote_id
  /*distributed: AND q.dfsp_id = $lane*/
WHERE q.condition = ANY($2) /*distributed: AND t.dfsp_id = $lane*/
"""
_TRANSFERS_OF = f"{_TRANSFER} WHERE t.request_id = ANY($1) /*distributed: AND t.dfsp_id = $lane*/"


async def _load_transfers(tx: Tx, book: Book, needs: Needs) -> None:
    await _fill_transfers(book, await tx.fetch(_TRANSFERS, sorted(needs.transfer_ids), sorted(needs.locks)))


async def _fill_transfers(book: Book, rows: Iterable[asyncpg.Record]) -> None:
    for row in rows:
        _put_merchant(book, row)
        transfer = Transfer(
            payer_fsp_id=row["payer_fsp_id"],
            transfer_id=row["transfer_id"],
            dfsp_id=row["dfsp_id"],
            fsp_id=row["fsp_id"],
            merchant_id=row["merchant_id"],
            quote_id=row["quote_id"],
            request_id=row["request_id"],
            state=row["state"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            usage_day=date.fromisoformat(row["usage_day"]),
            content=row["body_hash"],
            answer=row["answer"],
            expires_at=row["expires_at"],
            reserved_at=row["reserved_at"],
            ended_at=row["ended_at"],
            check_at=row["check_at"],
        )
        book.put_transfer(transfer)
        book.loaded_transfers[transfer.transfer_id] = transfer.state


def _put_merchant(book: Book, row: asyncpg.Record) -> None:
    book.merchants[row["merchant_id"]] = MerchantFacts(
        row["merchant_id"], row["merchant_dfsp_id"], row["merchant_state"], row["tier"], row["group_id"]
    )


_QUOTE = f"""
SELECT q.payer_fsp_id, q.quote_id, q.dfsp_id, q.merchant_id, q.counter_id, q.request_id, q.transaction_id, q.body_hash,
  q.answer, q.amount_minor, q.currency, q.condition, q.payer_masked, q.note, q.expires_at, q.created_at, {_MERCHANT}
FROM quote q JOIN merchant m ON m.id = q.merchant_id
"""  # noqa: S608 - constants
_QUOTES = f"""
{_QUOTE} JOIN unnest($1::text[], $2::text[]) AS sought (payer_fsp_id, quote_id)
  ON sought.payer_fsp_id = q.payer_fsp_id AND sought.quote_id = q.quote_id /*distributed: AND q.dfsp_id = $lane*/
UNION
{_QUOTE} WHERE q.condition = ANY($3) /*distributed: AND q.dfsp_id = $lane*/
"""
_QUOTES_OF = f"{_QUOTE} WHERE q.request_id = ANY($1) /*distributed: AND q.dfsp_id = $lane*/"


async def _load_quotes(tx: Tx, service: Service, book: Book, needs: Needs, of_transfers: set[tuple[str, str]]) -> None:
    keys = sorted(needs.quotes | of_transfers)
    rows = await tx.fetch(_QUOTES, [key[0] for key in keys], [key[1] for key in keys], sorted(needs.locks))
    for row in rows:
        _put_quote(service, book, row)


def _put_quote(service: Service, book: Book, row: asyncpg.Record) -> None:
    _put_merchant(book, row)
    answer = row["answer"]
    book.put_quote(
        Quote(
            payer_fsp_id=row["payer_fsp_id"],
            quote_id=row["quote_id"],
            dfsp_id=row["dfsp_id"],
            merchant_id=row["merchant_id"],
            counter_id=row["counter_id"],
            request_id=row["request_id"],
            transaction_id=row["transaction_id"],
            content=row["body_hash"],
            answer=None if answer is None else service.vault.open(answer, seal_of(row["quote_id"])),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            lock=row["condition"],
            payer_masked=row["payer_masked"],
            note=row["note"],
            expires_at=row["expires_at"],
            created_at=row["created_at"],
        )
    )


def seal_of(quote_id: str) -> str:
    """As what a quote's answer is sealed: the promise in it names the payer."""
    return f"quote:{quote_id}"


# A request's own columns; its payer and its reason are made of others, and what the hub is told of is its merchant's.
_MADE = frozenset({"payer", "reason"})
_ELSEWHERE = frozenset({"fsp_id", "trading_name", "mcc"})
_NAMES = [name for name in Request.__struct_fields__ if name not in _MADE]
_REQUEST = f"""
SELECT {", ".join(name if name in _ELSEWHERE else f"p.{name}" for name in _NAMES)}, p.payer_sealed, p.reason_code,
  p.reason_message
FROM payment_request p JOIN dfsp d ON d.id = p.dfsp_id JOIN merchant m ON m.id = p.merchant_id
"""  # noqa: S608 - names of our own struct
# Requests of a payer whom many ask: the newest, as many as one answer may concern.
_OF_ONE_PAYER = 100
# IS TRUE keeps the planner from the index on DFSPs, which it takes when it has no statistics of a new database yet, and
# then reads every request of the DFSP.
_IN_LANE = "/*distributed: AND payment_request.dfsp_id = $lane*/"
_REQUESTS = f"""
WITH wanted AS (
  SELECT unnest($1::uuid[]) AS id
  UNION SELECT id FROM payment_request WHERE transaction_request_id = ANY($2) {_IN_LANE}
  UNION SELECT found.id FROM unnest($3::uuid[], $4::bytea[]) AS sought (dfsp_id, digest) CROSS JOIN LATERAL (
    SELECT id FROM payment_request WHERE payer_digest = digest AND (payment_request.dfsp_id = sought.dfsp_id) IS TRUE
      AND looked_up_at > $5 {_IN_LANE} ORDER BY id DESC LIMIT {_OF_ONE_PAYER}) AS found
  UNION SELECT found.id FROM unnest($6::uuid[], $7::text[]) AS sought (counter_id, short_ref) CROSS JOIN LATERAL (
    SELECT id FROM payment_request WHERE counter_id = sought.counter_id AND short_ref = sought.short_ref {_IN_LANE}
    ORDER BY id DESC LIMIT 1) AS found
  UNION SELECT payment_request.id FROM unnest($8::uuid[], $9::text[]) AS sought (counter_id, transaction_id)
    JOIN payment_request ON payment_request.transaction_id = sought.transaction_id
      AND (payment_request.counter_id = sought.counter_id) IS TRUE {_IN_LANE})
{_REQUEST} WHERE p.id IN (SELECT id FROM wanted) /*distributed: AND p.dfsp_id = $lane*/
ORDER BY p.id FOR NO KEY UPDATE OF p
"""  # noqa: S608 - names of our own struct
_HINTED = """
SELECT p.id FROM open_reference o JOIN payment_request p ON p.id = o.request_id /*distributed: AND p.dfsp_id = $lane*/
WHERE o.counter_id = $1 /*distributed: AND o.dfsp_id = $lane*/ AND p.amount_minor = $2 AND p.currency = $3
  AND (p.short_ref = ANY($4) OR p.reference = ANY($4)) ORDER BY p.id LIMIT 1
"""
_ONCE_LOOKED_UP = """
SELECT 1 FROM payment_request
WHERE payer_digest = ANY($1) AND (dfsp_id = $2) IS TRUE /*distributed: AND dfsp_id = $lane*/ LIMIT 1
"""


async def _load_requests(tx: Tx, service: Service, book: Book, needs: Needs, now: datetime) -> None:
    wanted = set(needs.request_ids)
    wanted |= {one.request_id for one in book.transfers.values() if one.request_id is not None}
    wanted |= {one.request_id for one in book.quotes.values() if one.request_id is not None and one.lock in needs.locks}
    for place, words, amount in needs.hints:
        counter = book.counters.get(place)
        if counter is not None:
            found = await tx.fetchval(_HINTED, counter.counter_id, amount.minor, amount.currency, list(words))
            wanted |= {found} if found is not None else set()
    payers = [
        (dfsp_id, digest)
        for dfsp_id, payer in sorted(needs.payers)
        for digest in Msisdn(payer).payer_digests(service.vault)
    ]
    codes = _of_counters(book, needs.codes)
    transactions = _of_counters(book, needs.transactions)
    if not (wanted or needs.hub_request_ids or payers or codes or transactions):
        return
    rows = await tx.fetch(
        _REQUESTS,
        sorted(wanted),
        sorted(needs.hub_request_ids),
        [one[0] for one in payers],
        [one[1] for one in payers],
        now - ANSWERED_WITHIN,
        [one[0] for one in codes],
        [one[1] for one in codes],
        [one[0] for one in transactions],
        [one[1] for one in transactions],
    )
    for row in rows:
        book.put_request(_request_of(service, row))
    for dfsp_id, payer in needs.payers:
        digests = Msisdn(payer).payer_digests(service.vault)
        if not book.requests_of_payer(dfsp_id, payer) and await tx.fetchval(_ONCE_LOOKED_UP, digests, dfsp_id):
            book.once_looked_up.add((dfsp_id, payer))


def _of_counters(book: Book, sought: Iterable[tuple[Place, str]]) -> list[tuple[UUID, str]]:
    return [(book.counters[place].counter_id, one) for place, one in sorted(sought) if place in book.counters]


def _request_of(service: Service, row: asyncpg.Record) -> Request:
    payer = None
    if row["payer_sealed"] is not None:
        payer = service.vault.open(row["payer_sealed"], f"payment_request:{row['id']}").decode()
    reason = Reason(row["reason_code"], row["reason_message"] or "") if row["reason_code"] is not None else None
    return Request(**{name: row[name] for name in _NAMES}, payer=payer, reason=reason)


async def read_request(tx: Any, service: Service, request_id: UUID) -> Request | None:
    """A request as it is, without a lock."""
    row = await tx.fetchrow(f"{_REQUEST} WHERE p.id = $1 /*distributed: AND p.dfsp_id = $lane*/", request_id)
    return _request_of(service, row) if row is not None else None


# Whoever takes of a limit waits for whoever does so before; what is given back needs no lock.
_LOCK_LIMITS = """
SELECT pg_advisory_xact_lock(hashtextextended('limits:' || group_id, 0)) FROM unnest($1::uuid[]) AS given (group_id)
"""
_USED = """
SELECT merchant_id AS group_id, period, currency, taken_minor, payments FROM limit_usage
WHERE merchant_id = ANY($1) AND period = ANY($2)
"""


async def _load_used(tx: Tx, book: Book, needs: Needs) -> None:
    looked_at = {book.counters[place].merchant_id for place in needs.headroom_of_places if place in book.counters}
    taken = {one.merchant_id for one in book.quotes.values() if one.lock in needs.headroom_of_locks}
    if taken:
        await lock_limits(tx, sorted({book.merchants[one].group_id for one in taken}))
    if looked_at or taken:
        await load_used(tx, book, sorted({book.merchants[one].group_id for one in looked_at | taken}))


async def lock_limits(tx: Tx, group_ids: Sequence[UUID]) -> None:
    """Nobody else takes of these limits until the transaction ends. Before they are loaded, in the order of the ids."""
    await tx.fetch(_LOCK_LIMITS, group_ids)


async def load_used(tx: Any, book: Book, group_ids: Sequence[UUID]) -> None:
    """What is used of the limits of merchants, in the day's and the month's every currency."""
    for row in await tx.fetch(_USED, group_ids, list(periods(book.rules.day))):
        book.used[row["group_id"], row["period"]][row["currency"]] = Used(row["taken_minor"], row["payments"])
