"""Filters of the lists of payments and requests, and of the search: what they are called, and how they are read.

A payer, a note, a reference and an id are text, of which the audit record of an export holds only that they were given.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from merchant.core import clock, errors, ids, money, phone
from merchant.core.access import Actor
from merchant.core.http.route import Call, Filter
from merchant.core.money import Money
from merchant.core.paging import AMOUNT, BY_AGE
from merchant.core.phone import Msisdn
from merchant.core.texts import _
from merchant.payments import receipt_numbers
from merchant.payments.finding import KnownAs, Sought
from merchant.payments.states import RequestState

NOTE_WINDOW = timedelta(days=31)
MAX_TEXT_CHARS = 140  # of a filter: a note's 128 and some
_MAX_WORDS = 8
SHORT_REF = re.compile(rf"[{ids.REFERENCE_ALPHABET}]{{{ids.REFERENCE_LENGTH}}}")
_HUB_ID = re.compile(r"[0-9A-Za-z-]{20,36}")  # UUID and ULID

FROM = Filter("from", "Only those that came at this time or later.", kind="instant")
TO = Filter("to", "Only those that came before this time.", kind="instant")
COUNTER = Filter("counter_id", "Only those of this counter.", kind="uuid")
MERCHANT = Filter("merchant_id", "Only those of this merchant.", kind="uuid")
STATE = Filter(
    "state", "Only those in this state; of payments, every one of which is `paid`.", choices=tuple(RequestState)
)
NARROWING = (FROM, TO, COUNTER, MERCHANT, STATE)
SORTS = (*BY_AGE, AMOUNT)
LIST_FILTERS = (
    *NARROWING,
    Filter("payer", "Only those of the payer with this telephone number, as people of the scheme's country type it."),
    Filter("amount", "Only those of exactly this amount, such as 250 or 250.50; in `currency`, or in any."),
    Filter("currency", "Only those in this currency, ISO 4217."),
    Filter("reference", "Only those with the merchant's own reference, in its spelling or all in one case."),
    Filter(
        "note",
        "Only those whose note holds this text, in any case; needs `merchant_id`, `counter_id`, or `from` with at most"
        " 31 days up to `to`.",
    ),
    Filter(
        "id",
        "Only what this id names: of a payment, a request, a receipt, the short reference of a code, or the hub's"
        " transfer, transaction or transaction request.",
    ),
)


async def read_list(call: Call[Any]) -> Sought:
    """What a list is narrowed to. Raises InvalidFilter."""
    given, scheme = call.filters, await call.service.scheme()
    for name, text in given.items():
        if text is not None and len(text) > MAX_TEXT_CHARS:
            raise errors.InvalidFilter(_("{name} is too long.", name=name))
    sought = narrowed(call)
    if call.page.sort == AMOUNT and not _is_bounded(call.actor, sought):
        raise errors.InvalidFilter(
            _("To sort by amount, say merchant_id or counter_id, and from and to at most 31 days apart.")
        )
    payer: tuple[bytes, ...] = ()
    if (typed := given["payer"]) is not None:
        number = phone.parse(typed, scheme.country)
        if number is None:
            raise errors.InvalidFilter(_("payer must be a telephone number, such as +254711000001."))
        payer = digests(call, number)
    currency = given["currency"]
    if currency is not None and not money.is_currency(currency):
        raise errors.InvalidFilter(_("currency must be a code of ISO 4217, such as KES."))
    amounts: tuple[Money, ...] = ()
    if (text := given["amount"]) is not None:
        amounts = _amounts(text, scheme.currencies if currency is None else (currency,))
    return Sought(
        since=sought.since,
        until=sought.until,
        counter_id=sought.counter_id,
        merchant_id=sought.merchant_id,
        state=sought.state,
        payer=payer,
        amounts=amounts,
        currency=currency,
        reference=spellings(given["reference"]) if given["reference"] is not None else (),
        words=_note(call.actor, sought, given["note"]),
        known_as=read_id(given["id"]) if given["id"] is not None else None,
    )


def narrowed(call: Call[Any]) -> Sought:
    """The filters that a list and the search share."""
    return Sought(
        since=call.filter_instant("from"),
        until=call.filter_instant("to"),
        counter_id=call.filter_id("counter_id"),
        merchant_id=call.filter_id("merchant_id"),
        state=call.filters["state"],
    )


def digests(call: Call[Any], number: Msisdn) -> tuple[bytes, ...]:
    """The blind indexes of a payer."""
    return tuple(number.payer_digests(call.service.vault))


def amounts_of(text: str, currencies: Iterable[str]) -> tuple[Money, ...]:
    """An amount in each of the currencies that can have it."""
    found = []
    for currency in currencies:
        try:
            found.append(money.parse_decimal(text, currency))
        except money.AmountProblem:
            continue
    return tuple(found)


def _amounts(text: str, currencies: tuple[str, ...]) -> tuple[Money, ...]:
    found = amounts_of(text, currencies)
    if not found:
        raise errors.InvalidFilter(_("amount must be decimal text, such as 250 or 250.50."))
    return found


def spellings(reference: str) -> tuple[str, ...]:
    """A reference as it was typed, and all in one case: people read them aloud."""
    return tuple(dict.fromkeys((reference, reference.upper(), reference.lower())))


def words_of(note: str) -> tuple[str, ...]:
    """The words of a note that must all be there."""
    return tuple(dict.fromkeys(note.lower().split()))[:_MAX_WORDS]


def read_id(text: str) -> KnownAs:
    """What an id may be; nothing at all for a text of no id's form."""
    stripped = text.strip()
    try:
        uuid = UUID(stripped) if len(stripped) == 36 else None
    except ValueError:
        uuid = None
    hub = (stripped, stripped.lower(), stripped.upper()) if _HUB_ID.fullmatch(stripped) else ()
    short_ref = stripped.upper() if SHORT_REF.fullmatch(stripped.upper()) else None
    return KnownAs(
        uuid=uuid,
        hub=tuple(dict.fromkeys(hub)),
        short_ref=short_ref,
        receipt=receipt_numbers.read_number(stripped),
    )


def _is_of_a_place(actor: Actor, sought: Sought) -> bool:
    """Whether only one merchant's rows, or one counter's, are looked at."""
    places = (actor.merchant_id, actor.counter_id, sought.merchant_id, sought.counter_id)
    return any(place is not None for place in places)


def _is_short(sought: Sought) -> bool:
    """Whether only some weeks' rows are looked at."""
    return sought.since is not None and (sought.until or clock.now()) - sought.since <= NOTE_WINDOW


def _is_bounded(actor: Actor, sought: Sought) -> bool:
    """Whether so few rows fit that they may be sorted."""
    return _is_of_a_place(actor, sought) and _is_short(sought)


def _note(actor: Actor, sought: Sought, note: str | None) -> tuple[str, ...]:
    """The text that a note must hold. Raises InvalidFilter unless few enough rows are to be looked at."""
    if note is None:
        return ()
    if not _is_of_a_place(actor, sought) and not _is_short(sought):
        raise errors.InvalidFilter(
            _("To find a note, say merchant_id or counter_id, or from and to at most 31 days apart.")
        )
    return (note.lower(),)
