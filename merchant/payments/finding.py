"""Find payments and payment requests by what a person knows of them: ids of the first that fit, by an index each.

A Sought is what a list is narrowed to. Only the conditions that are given stand in the statement, and only with
operators that PostgreSQL calls leakproof, since under row-level security no other may be looked up in an index. What
stands in another table than the one that is listed is read into an array first.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from merchant.core import sql
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.money import Money
from merchant.core.paging import AMOUNT, NEWEST, OLDEST, gone
from merchant.payments import receipt_numbers
from merchant.payments.states import may_have_arrived

Table = Literal["payment", "payment_request"]
_AT: dict[Table, str] = {"payment": "received_at", "payment_request": "created_at"}
# At most, between the making of an id and the instant of its row (RFC 9562: 48 bits of milliseconds first).
_MADE_APART_MS = 600_000
_MS_PLACE, _GREATEST = 80, 2**128 - 1
_NAME = re.compile(r"(?<!:):([a-z][a-z0-9_]*)")


class KnownAs(Struct, frozen=True, kw_only=True):
    """What an id may be: one of ours, one of the hub's, a short reference, a receipt's number."""

    uuid: UUID | None = None
    hub: tuple[str, ...] = ()  # spellings of one
    short_ref: str | None = None
    receipt: str | None = None


class Sought(Struct, frozen=True, kw_only=True):
    """What a list of payments or requests is narrowed to."""

    since: datetime | None = None
    until: datetime | None = None
    payer: tuple[bytes, ...] = ()  # digests
    amounts: tuple[Money, ...] = ()
    currency: str | None = None
    reference: tuple[str, ...] = ()  # spellings of one
    words: tuple[str, ...] = ()  # parts of a note, in lower case
    known_as: KnownAs | None = None
    state: str | None = None
    counter_id: UUID | None = None
    merchant_id: UUID | None = None


async def payment_ids(
    tx: Reads,
    actor: Actor,
    sought: Sought,
    most: int,
    before: UUID | None = None,
    *,
    looked_at: int | None = None,
    sort: str = NEWEST,
) -> list[UUID]:
    """The first payments that fit, newest first unless asked otherwise. Each is paid: for another state there are none.

    Raises InvalidPage for a cursor of which there is no such row, where its amount is needed.
    """
    if not may_have_arrived(sought.state):
        return []
    return await _ids(tx, "payment", actor, sought, most, before, looked_at, sort)


async def request_ids(
    tx: Reads,
    actor: Actor,
    sought: Sought,
    most: int,
    before: UUID | None = None,
    *,
    looked_at: int | None = None,
    sort: str = NEWEST,
) -> list[UUID]:
    """The first requests that fit, newest first unless asked otherwise. Raises InvalidPage, as payment_ids does."""
    return await _ids(tx, "payment_request", actor, sought, most, before, looked_at, sort)


async def prepare(tx: Reads) -> None:
    """Let PostgreSQL plan every statement of this transaction for its own values.

    It would soon keep one plan for all, and compile what it thinks expensive for longer than it runs.
    """
    await tx.fetchrow("SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)")


async def _ids(
    tx: Reads,
    table: Table,
    actor: Actor,
    sought: Sought,
    most: int,
    before: UUID | None,
    looked_at: int | None,
    sort: str,
) -> list[UUID]:
    dfsps: list[UUID] = []
    if actor.dfsp_id is not None:
        dfsps = [actor.dfsp_id]
    elif sought.amounts or sought.reference:
        dfsps = [row["id"] for row in await tx.fetch("SELECT id FROM dfsp")]
    text, values = statement(table, actor, sought, most, before, dfsps, looked_at, sort)
    if sort == AMOUNT and before is not None:
        found = await tx.fetchrow(*_named(*_place(table, actor, sought, before)))
        if found is None:
            raise gone()
        values |= found
    return [row["id"] for row in await tx.fetch(*_named(text, values))]


def _named(text: str, values: dict[str, Any]) -> tuple[Any, ...]:
    """The statement with those of the values that it names."""
    names = set(_NAME.findall(text))
    return sql.Named(text)(**{name: value for name, value in values.items() if name in names})


# --- the statement ---------------------------------------------------------------------------------------------------

_ORDERS = {NEWEST: "x.id DESC", OLDEST: "x.id", AMOUNT: "x.currency, x.amount_minor DESC, x.id DESC"}
_BEHIND = {
    NEWEST: "x.id < :before",
    OLDEST: "x.id > :before",
    AMOUNT: """
    (x.currency > :at_currency OR x.currency = :at_currency AND (x.amount_minor, x.id) < (:at_minor, :before))""",
}
_PLAIN = "SELECT x.id FROM {table} x WHERE {fits} ORDER BY {order} LIMIT :most"
_PLACE = "SELECT x.currency AS at_currency, x.amount_minor AS at_minor FROM {table} x WHERE {fits}"
# Of a note only so many rows are looked at: no index holds its words.
_LOOKED_AT = """
SELECT x.id FROM (SELECT x.* FROM {table} x WHERE {fits} ORDER BY x.id DESC LIMIT :looked_at) x
WHERE {noted} ORDER BY x.id DESC LIMIT :most
"""
# Each DFSP's, or the merchant's, first of each amount are read in the order of an index; few of them are then sorted.
_BY_AMOUNT = """
SELECT f.id FROM {owners} CROSS JOIN unnest(:minors::bigint[], :currencies::text[]) AS a(minor, currency)
CROSS JOIN LATERAL (
    SELECT x.id FROM {table} x
    WHERE x.{owner} = o.id AND x.amount_minor = a.minor AND x.currency = a.currency AND {fits}
    ORDER BY {order} LIMIT :most
) f ORDER BY f.id {way} LIMIT :most
"""


def statement(
    table: Table,
    actor: Actor,
    sought: Sought,
    most: int,
    before: UUID | None,
    dfsps: list[UUID],
    looked_at: int | None = None,
    sort: str = NEWEST,
) -> tuple[str, dict[str, Any]]:
    """The statement of a search, with values of the names in it (and of some more).

    By amount it needs those of `before` besides. All that fits is then sorted, so that filters.py asks for bounds.
    """
    walls = list(_walls(actor, sought))
    fits = [f"x.{wall}" for wall in walls] + list(_conditions(table, sought))
    fits += [] if before is None else [_BEHIND[sort]]
    fits += [condition.format(wall=_within(walls)) for condition in _elsewhere(table, sought)]
    noted = [_NOTED[table].format(place=place) for place in range(len(sought.words))]
    values = _values(actor, sought) | {"most": most, "before": before, "dfsps": dfsps, "looked_at": looked_at}
    if sought.words and looked_at is not None:
        text = _LOOKED_AT.format(table=table, fits=_all(fits), noted=_all(noted))
    elif sought.amounts and sort != AMOUNT:
        merchant_id = sought.merchant_id or actor.merchant_id
        owners = "unnest(:dfsps::uuid[]) AS o(id)" if merchant_id is None else "unnest(:owners::uuid[]) AS o(id)"
        owner = "dfsp_id" if merchant_id is None else "merchant_id"
        values["owners"] = [merchant_id]
        way = "ASC" if sort == OLDEST else "DESC"
        text = _BY_AMOUNT.format(
            table=table, owners=owners, owner=owner, fits=_all(fits + noted), order=_ORDERS[sort], way=way
        )
    else:
        fits += [_ONE_OF_AMOUNTS] if sought.amounts else []
        text = _PLAIN.format(table=table, fits=_all(fits + noted), order=_ORDERS[sort])
    return text, values


_ONE_OF_AMOUNTS = "(x.amount_minor, x.currency) IN (SELECT * FROM unnest(:minors::bigint[], :currencies::text[]))"


def _place(table: Table, actor: Actor, sought: Sought, before: UUID) -> tuple[str, dict[str, Any]]:
    """The statement that reads by what the row at which a page ended is sorted, of what the actor may see."""
    fits = ["x.id = :before", *(f"x.{wall}" for wall in _walls(actor, sought))]
    return _PLACE.format(table=table, fits=_all(fits)), _values(actor, sought) | {"before": before}


def _all(conditions: list[str]) -> str:
    return " AND ".join(conditions or ["true"])


def _walls(actor: Actor, sought: Sought) -> Iterator[str]:
    """Columns of both tables that keep a search within what the actor may see, and within a merchant or counter."""
    if actor.dfsp_id is not None:
        yield "dfsp_id = :own_dfsp_id"
    if actor.merchant_id is not None:
        yield "merchant_id = :own_merchant_id"
    if actor.counter_id is not None:
        yield "counter_id = :own_counter_id"
    if sought.merchant_id is not None:
        yield "merchant_id = :merchant_id"
    if sought.counter_id is not None:
        yield "counter_id = :counter_id"


def _within(walls: list[str]) -> str:
    """The same on a row w of an array's SELECT."""
    return "".join(f" AND w.{wall}" for wall in walls)


def _conditions(table: Table, sought: Sought) -> Iterator[str]:
    """Of the table's own columns."""
    if sought.since is not None:
        yield f"x.{_AT[table]} >= :since AND x.id >= :since_id"
    if sought.until is not None:
        yield f"x.{_AT[table]} < :until AND x.id < :until_id"
    if sought.currency is not None and not sought.amounts:
        yield "x.currency = :currency"
    if sought.state and table == "payment_request":
        yield "x.state = :state"


_NOTED: dict[Table, str] = {
    # A value of one row: an EXISTS would be answered by reading the whole table of requests once.
    "payment": """(strpos(lower(x.note), :word{place}) > 0 OR 0 < (
        SELECT strpos(lower(r.note), :word{place}) FROM payment_request r WHERE r.id = x.request_id))""",
    "payment_request": "strpos(lower(x.note), :word{place}) > 0",
}
# Rows w of the array's own table are held within the walls; `of` is how they name what is listed.
_BY_PAYER: dict[Table, str] = {
    "payment": """
    SELECT w.id FROM payment w WHERE w.payer_digest = ANY(:payer::bytea[]){wall}
    UNION ALL SELECT p.id FROM payment_request w JOIN payment p ON p.request_id = w.id
      /*distributed: AND p.dfsp_id = w.dfsp_id*/
    WHERE w.payer_digest = ANY(:payer::bytea[]){wall}""",
    "payment_request": """
    SELECT w.id FROM payment_request w WHERE w.payer_digest = ANY(:payer::bytea[]){wall}
    UNION ALL SELECT w.request_id FROM payment w
    WHERE w.payer_digest = ANY(:payer::bytea[]) AND w.request_id IS NOT NULL{wall}""",
}
_REFERRED = "SELECT w.id FROM payment_request w WHERE {dfsps}w.reference = ANY(:reference::text[]){{wall}}"
_OF_EVERY_DFSP = "w.dfsp_id = ANY(:dfsps::uuid[]) AND "
_REQUESTS_KNOWN: dict[str, str] = {
    "uuid": "SELECT w.id FROM payment_request w WHERE w.id = :uuid{wall}",
    "hub": """
    SELECT w.id FROM payment_request w WHERE w.transaction_request_id = ANY(:hub::text[]){wall}
    UNION ALL SELECT w.id FROM payment_request w WHERE w.transaction_id = ANY(:hub::text[]){wall}
    UNION ALL SELECT w.id FROM transfer t JOIN payment_request w ON w.id = t.request_id
      /*distributed: AND w.dfsp_id = t.dfsp_id*/
    WHERE t.transfer_id = ANY(:hub::text[]){wall}""",
    "short_ref": "SELECT w.id FROM payment_request w WHERE w.short_ref = :short_ref{wall}",
}
_PAYMENTS_KNOWN: dict[str, str] = {
    "uuid": "SELECT w.id FROM payment w WHERE w.id = :uuid{wall}",
    "hub": """
    SELECT w.id FROM transfer t JOIN payment w ON w.payer_fsp_id = t.payer_fsp_id AND w.transfer_id = t.transfer_id
      /*distributed: AND w.dfsp_id = t.dfsp_id*/
    WHERE t.transfer_id = ANY(:hub::text[]){wall}
    UNION ALL SELECT w.id FROM payment w WHERE w.transaction_id = ANY(:hub::text[]) AND w.request_id IS NULL{wall}""",
    "receipt": " UNION ALL ".join(
        f"""SELECT w.id FROM payment w WHERE w.id >= :low{place} AND w.id <= :high{place}
    AND right(w.id::text, {receipt_numbers.TAIL_DIGITS}) = :tail{{wall}}"""  # noqa: S608 - constants
        for place in range(receipt_numbers.AGES)
    ),
}
_ITS_PAYMENT = "SELECT p.id FROM payment p WHERE p.request_id = ANY(ARRAY(%s))"
_ITS_REQUEST = "SELECT p.request_id FROM payment p WHERE p.id = ANY(ARRAY(%s)) AND p.request_id IS NOT NULL"


def _elsewhere(table: Table, sought: Sought) -> Iterator[str]:
    """What is read into an array first."""
    if sought.payer:
        yield f"x.id = ANY(ARRAY({_BY_PAYER[table]}))"
    if sought.reference:
        referred = _REFERRED.format(dfsps=_OF_EVERY_DFSP)
        yield f"x.{'id' if table == 'payment_request' else 'request_id'} = ANY(ARRAY({referred}))"
    if sought.known_as is not None:
        arms = list(_known(table, sought.known_as))
        yield f"x.id = ANY(ARRAY({' UNION ALL '.join(arms)}))" if arms else "false"


def _known(table: Table, known: KnownAs) -> Iterator[str]:
    """The ways in which an id may name a row; a request is known by its payment's ids too, and the other way round."""
    given = {name for name in KnownAs.__struct_fields__ if getattr(known, name)}
    requests = [text for name, text in _REQUESTS_KNOWN.items() if name in given]
    payments = [text for name, text in _PAYMENTS_KNOWN.items() if name in given]
    own, others, across = (
        (payments, requests, _ITS_PAYMENT) if table == "payment" else (requests, payments, _ITS_REQUEST)
    )
    yield from own
    if others:
        yield across % " UNION ALL ".join(others)


def _values(actor: Actor, sought: Sought) -> dict[str, Any]:
    known = sought.known_as or KnownAs()
    values: dict[str, Any] = {
        "own_dfsp_id": actor.dfsp_id,
        "own_merchant_id": actor.merchant_id,
        "own_counter_id": actor.counter_id,
        "merchant_id": sought.merchant_id,
        "counter_id": sought.counter_id,
        "since": sought.since,
        "until": sought.until,
        "since_id": sought.since and id_of(sought.since, -_MADE_APART_MS),
        "until_id": sought.until and id_of(sought.until, _MADE_APART_MS),
        "currency": sought.currency,
        "state": sought.state,
        "payer": list(sought.payer),
        "reference": list(sought.reference),
        "minors": [one.minor for one in sought.amounts],
        "currencies": [one.currency for one in sought.amounts],
        "uuid": known.uuid,
        "hub": list(known.hub),
        "short_ref": known.short_ref,
    }
    values |= {f"word{place}": word for place, word in enumerate(sought.words)}
    if known.receipt is not None:
        values["tail"] = receipt_numbers.tail_of(known.receipt)
        for place, (low, high) in enumerate(receipt_numbers.ranges_of(known.receipt)):
            values |= {f"low{place}": low, f"high{place}": high}
    return values


def id_of(instant: datetime, apart_ms: int) -> UUID:
    """The least id of a millisecond some time from an instant."""
    return UUID(int=min(max(0, int(instant.timestamp() * 1000) + apart_ms) << _MS_PLACE, _GREATEST))
