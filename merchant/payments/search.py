"""One box for the person on the telephone: what they say is read in every way that fits its form, and looked up.

Each reading is a Sought of finding.py. What is found is told as the money it is: a request and the payment that paid
it are one row. Words of a note are looked for only where nothing else was found, and only among the newest rows.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from merchant.core import clock, phone
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.service import SchemeFacts
from merchant.core.vault import Vault
from merchant.payments import finding
from merchant.payments.filters import NOTE_WINDOW, SHORT_REF, amounts_of, read_id, spellings, words_of
from merchant.payments.finding import KnownAs, Sought
from merchant.payments.states import may_have_arrived

MOST = 25
LOOKED_AT = 10_000  # payments, and as many requests: some tens of milliseconds
_MAX_COUNTERS = 5  # of one number: own aliases of several types may share it
_LONGEST_NUMBER = 32


class Reading(Struct, frozen=True):
    """One way to read what was typed, and what it is called."""

    matched_by: str
    sought: Sought


class Found(Struct, frozen=True):
    """A row of the answer, with what found it."""

    row: asyncpg.Record
    matched_by: str


async def search_payments(
    tx: Reads, actor: Actor, scheme: SchemeFacts, vault: Vault, typed: str, narrowed: Sought
) -> list[Found]:
    """The newest payments and requests that what was typed may mean: MOST at most, newest first."""
    await finding.prepare(tx)
    text = " ".join(typed.split())
    if not text:
        return []
    payments: dict[UUID, str] = {}
    requests: dict[UUID, str] = {}
    async for reading in _readings(tx, actor, scheme, vault, text, narrowed):
        await _look(tx, actor, reading, payments, requests)
    if not payments and not requests and _may_be_words(text):
        since = narrowed.since or (narrowed.until or clock.now()) - NOTE_WINDOW
        noted = replace(narrowed, words=words_of(text), since=since)
        await _look(tx, actor, Reading("note", noted), payments, requests, looked_at=LOOKED_AT)
    return await _rows(tx, payments, requests, narrowed.state)


async def find_by_id(tx: Reads, actor: Actor, typed: str) -> list[Found]:
    """The payments and requests that an id, a receipt's number or a short reference names: the search's own readings
    of these, and no other.
    """
    payments: dict[UUID, str] = {}
    requests: dict[UUID, str] = {}
    for matched_by, known_as in _ids(" ".join(typed.split())):
        await _look(tx, actor, Reading(matched_by, Sought(known_as=known_as)), payments, requests)
    return await _rows(tx, payments, requests, None)


def _may_be_words(text: str) -> bool:
    """Whether a note may be meant: notes take longest, and numbers and ids are none."""
    known = read_id(text)
    return any(character.isalpha() for character in text) and known.uuid is None and known.receipt is None


async def _look(
    tx: Reads,
    actor: Actor,
    reading: Reading,
    payments: dict[UUID, str],
    requests: dict[UUID, str],
    looked_at: int | None = None,
) -> None:
    for found in await finding.payment_ids(tx, actor, reading.sought, MOST, looked_at=looked_at):
        payments.setdefault(found, reading.matched_by)
    if reading.matched_by != "merchant_number":
        for found in await finding.request_ids(tx, actor, reading.sought, MOST, looked_at=looked_at):
            requests.setdefault(found, reading.matched_by)


async def _readings(tx: Reads, actor: Actor, scheme: SchemeFacts, vault: Vault, text: str, narrowed: Sought) -> Any:
    """What a text may be, surest first."""
    for matched_by, known_as in _ids(text):
        yield Reading(matched_by, replace(narrowed, known_as=known_as))
    if len(text) <= _LONGEST_NUMBER:
        for counter_id in await _counters(tx, actor, text):
            if narrowed.counter_id in (None, counter_id):
                yield Reading("merchant_number", replace(narrowed, counter_id=counter_id))
    number = phone.parse(text, scheme.country)
    if number is not None:
        yield Reading("payer", replace(narrowed, payer=tuple(number.payer_digests(vault))))
    if amounts := read_amount(text, scheme.currencies):
        yield Reading("amount", replace(narrowed, amounts=amounts))
    yield Reading("reference", replace(narrowed, reference=spellings(text)))


def _ids(text: str) -> Iterator[tuple[str, KnownAs]]:
    known = read_id(text)
    if known.uuid is not None or known.hub:
        yield "id", KnownAs(uuid=known.uuid, hub=known.hub)
    if known.receipt is not None:
        yield "receipt_number", KnownAs(receipt=known.receipt)
    if SHORT_REF.fullmatch(text.upper()):
        yield "short_ref", KnownAs(short_ref=text.upper())


def read_amount(text: str, currencies: tuple[str, ...]) -> tuple[Any, ...]:
    """An amount as people write it: `250`, `250.00`, `1,250.00 KES`, `KES 250`; in any currency unless it is said."""
    words = text.replace(",", "").split()
    said = [word.upper() for word in words if word.isalpha() and len(word) == 3]
    digits = [word for word in words if not word.isalpha()]
    if len(digits) != 1 or len(words) != 1 + len(said) or len(said) > 1 or digits[0].startswith("00"):
        return ()
    return amounts_of(digits[0], said or currencies)


_COUNTERS = """
SELECT c.id FROM counter c
WHERE c.alias = ANY($1) AND ($2::uuid IS NULL OR c.dfsp_id = $2) AND ($3::uuid IS NULL OR c.merchant_id = $3)
  AND ($4::uuid IS NULL OR c.id = $4)
ORDER BY c.id LIMIT $5
"""


async def _counters(tx: Reads, actor: Actor, text: str) -> list[UUID]:
    """Counters that have a number, typed with or without spaces."""
    numbers = [*spellings(text), text.replace(" ", "")]
    rows = await tx.fetch(_COUNTERS, numbers, actor.dfsp_id, actor.merchant_id, actor.counter_id, _MAX_COUNTERS)
    return [row["id"] for row in rows]


# --- what is told of it ----------------------------------------------------------------------------------------------

_PLACES = """
JOIN merchant m ON m.id = x.merchant_id JOIN counter c ON c.id = x.counter_id JOIN dfsp d ON d.id = x.dfsp_id
"""
_TOLD = """
x.merchant_id, m.trading_name AS merchant_name, x.counter_id, c.name AS counter_name, c.alias, x.dfsp_id, d.fsp_id,
x.amount_minor, x.currency, x.payer_masked
"""
PAYMENT = f"""
SELECT x.id AS payment_id, x.request_id, 'paid' AS state, r.state AS request_state, {_TOLD}, r.reference,
  coalesce(x.note, r.note) AS note, r.short_ref, x.received_at AS at, r.late, r.transaction_request_id,
  x.transaction_id, x.transfer_id, m.city
FROM payment x {_PLACES} LEFT JOIN payment_request r ON r.id = x.request_id /*distributed: AND r.dfsp_id = x.dfsp_id*/
"""  # noqa: S608 - constants
_PAYMENTS = PAYMENT + " WHERE x.id = ANY($1) OR x.request_id = ANY($2)"
_REQUESTS = f"""
SELECT NULL::uuid AS payment_id, x.id AS request_id, x.state, x.state AS request_state, {_TOLD}, x.reference, x.note,
  x.short_ref, x.created_at AS at, x.late, x.transaction_request_id, x.transaction_id, x.transfer_id, m.city
FROM payment_request x {_PLACES} WHERE x.id = ANY($1)
"""  # noqa: S608 - constants


async def _rows(tx: Reads, payments: dict[UUID, str], requests: dict[UUID, str], state: str | None) -> list[Found]:
    """Each money once: a request that a payment paid is told as the payment."""
    found: list[Found] = []
    if payments or requests:
        for row in await tx.fetch(_PAYMENTS, list(payments), list(requests)):
            how = payments.get(row["payment_id"]) or requests[row["request_id"]]
            found.append(Found(row, how))
    told = {one.row["request_id"] for one in found}
    if open_ones := [one for one in requests if one not in told]:
        found += [Found(row, requests[row["request_id"]]) for row in await tx.fetch(_REQUESTS, open_ones)]
    if not may_have_arrived(state):
        found = [one for one in found if one.row["payment_id"] is None]

    def newest(one: Found) -> tuple[datetime, UUID]:
        return one.row["at"], one.row["payment_id"] or one.row["request_id"]

    return sorted(found, key=newest, reverse=True)[:MOST]
