"""Quotes: a payer's DFSP asks for a quote; the answer has the amount, expiry, ILP packet and condition.

This is where a payment finds the request it pays, where limits are checked, and where another amount than the
requested one is refused before any money can move.
"""

import hashlib
import re
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, inbox, money, sql
from merchant.core.db import Tx
from merchant.core.errors import Reason
from merchant.core.inbox import Message
from merchant.core.phone import InvalidNumber, Msisdn, mask
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.jws import canonical_json
from merchant.hub.fspiop.messages import (
    PartyIdInfo,
    QuotesPost,
    QuotesPut,
    Transaction,
    decode,
    encode,
    extension_value,
    format_datetime,
    from_wire,
    parse_datetime,
    to_wire,
)
from merchant.hub.fspiop.paths import read_path
from merchant.hub.port import MessageRefused, Refusal
from merchant.payments import limits, outgoing
from merchant.payments.models import Quote
from merchant.payments.participants import HubConnection
from merchant.payments.requests import MSISDN
from merchant.payments.settle import expire_if_over, fail_over_limit
from merchant.payments.states import LockedRequest, RequestCapability, RequestState, lock_request, may, move
from merchant.registry.merchants.counters import CounterFacts, counter_by_alias
from merchant.registry.merchants.states import Capability, merchant_may

# FSPIOP gives no figure; a payer who has to type a PIN on a 2G phone needs a minute or two.
QUOTE_LIFE = timedelta(minutes=3)
REFERENCE_EXTENSION = "QrReference"
ILP_VERSION: ilp.Version = 1
AMOUNT_CHANGED = Reason(
    "amount_changed", _("The customer's bank offered another amount than you asked for; it was refused.")
)


async def find_payee(tx: Tx, dfsp_id: UUID, alias_type: str, alias: str) -> CounterFacts:
    """The counter behind an alias of one of our DFSPs. Raises MessageRefused."""
    counter = await counter_by_alias(tx, dfsp_id, alias_type, alias)
    if counter is None:
        raise MessageRefused(Refusal.MERCHANT_UNKNOWN, "No merchant has this identifier here")
    if not merchant_may(counter.state, Capability.TAKE_PAYMENT):
        raise MessageRefused(Refusal.MERCHANT_BLOCKED, "This merchant may not take payments now")
    return counter


_KNOWN = "SELECT body_hash, answer FROM quote WHERE payer_fsp_id = $1 AND quote_id = $2"
_INSERT = sql.insert("quote", Quote.model_fields, "ON CONFLICT (payer_fsp_id, quote_id) DO NOTHING")


async def answer_quote(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """POST /quotes: an answered quote, or a refusal that says why. The same quote again gets the same answer."""
    asked = decode(QuotesPost, message.body)
    path = f"/quotes/{asked.quote_id}"
    body_hash = fingerprint(message.body)
    known = await tx.fetchrow(_KNOWN, message.source, asked.quote_id)
    if known is not None:
        if known["body_hash"] != body_hash:
            raise MessageRefused(Refusal.REPEAT_CHANGED, "This quote id came before with another content")
        if known["answer"] is None:
            raise MessageRefused(Refusal.QUOTE_EXPIRED, "This quote has expired; ask for a new one")
        same = _unseal(service, asked.quote_id, known["answer"])
        await outgoing.answer(tx, service, message, connection.dfsp_id, path, same)
        return
    payee = asked.payee.party_id_info
    counter = await find_payee(tx, connection.dfsp_id, payee.party_id_type, payee.party_identifier)
    amount = _transfer_amount(asked)
    request = await _request_paid_by(tx, connection, counter, asked, message.source)
    if request is not None:
        await expire_if_over(tx, service, request)
        if not _takes_quotes(request):
            raise MessageRefused(Refusal.QUOTE_NOT_WANTED, f"This request is {request.state}; it is not to be paid")
        if request.amount != amount:
            await _refuse_other_amount(tx, service, connection, message, asked, request)
            return
    await _check_amount(tx, service, counter, amount, request)
    now = clock.now()
    expires_at = _expiry(asked, now)
    made = _answer_with_packet(asked, connection, amount, expires_at)
    answer = encode(made)
    is_new = await tx.execute(
        *_INSERT(
            payer_fsp_id=message.source,
            quote_id=asked.quote_id,
            dfsp_id=counter.dfsp_id,
            merchant_id=counter.merchant_id,
            counter_id=counter.counter_id,
            request_id=request.id if request else None,
            transaction_id=asked.transaction_id,
            body_hash=body_hash,
            answer=_seal(service, asked.quote_id, answer),
            amount_minor=amount.minor,
            currency=amount.currency,
            condition=made.condition,
            payer_masked=mask(asked.payer.party_id_info.party_identifier),
            note=asked.note,
            expires_at=expires_at,
            created_at=now,
            payer_digest=payer_digest(service, asked.payer.party_id_info),
        )
    )
    if not is_new:
        return  # of two deliveries at once this is the second; the first one's answer is on its way
    if request is not None:
        await move(tx, request, RequestState.ACCEPTED, "quoted")
    await outgoing.answer(tx, service, message, connection.dfsp_id, path, answer, useless_after=expires_at)


def _transfer_amount(asked: QuotesPost) -> money.Money:
    """What would arrive: of an amount that the payer sends, the payer's DFSP keeps its disclosed fees (FSPIOP 5.1.4,
    listing 10); we take none. Raises MessageRefused.
    """
    amount = from_wire(asked.amount)
    if asked.amount_type == "RECEIVE" or asked.fees is None or not asked.fees.amount.strip("0."):
        return amount
    fees = from_wire(asked.fees)
    if fees.currency != amount.currency or fees.minor >= amount.minor:
        raise MessageRefused(Refusal.INVALID, "The fees are not a part of the amount")
    return money.Money(amount.minor - fees.minor, amount.currency)


def payer_digest(service: Service, payer: PartyIdInfo) -> bytes | None:
    """The blind index by which staff find a payer's payments; None for one whom no telephone number names."""
    if payer.party_id_type != MSISDN:
        return None
    try:
        return Msisdn.of(payer.party_identifier).digest(service.vault)
    except InvalidNumber:
        return None


def _answer_with_packet(
    asked: QuotesPost, connection: HubConnection, amount: money.Money, expires_at: datetime
) -> QuotesPut:
    """The answer with its ILP packet and condition. Raises MessageRefused when no packet can hold the quote."""
    transaction = _transaction(asked, connection, amount, expires_at)
    decimals = money.exponent(amount.currency)
    try:
        made = ilp.build_terms(ILP_VERSION, transaction, connection.ilp_secret, decimals=decimals)
    except ilp.IlpError as error:
        raise MessageRefused(Refusal.INVALID, f"The quote cannot be answered: {error}") from None
    return QuotesPut(
        transfer_amount=to_wire(amount),
        payee_receive_amount=to_wire(amount),
        ilp_packet=made.packet,
        condition=made.condition,
        expiration=format_datetime(expires_at),
    )


_PRUNE = """
UPDATE quote SET answer = NULL WHERE (payer_fsp_id, quote_id) IN (
  SELECT payer_fsp_id, quote_id FROM quote WHERE answer IS NOT NULL AND created_at < $1 LIMIT $2
  FOR UPDATE SKIP LOCKED)
"""


async def prune(tx: Tx, limit: int) -> int:
    """Forget the answers of old quotes, which name payers; the number forgotten. The rows stay with their payments."""
    return await tx.execute(_PRUNE, clock.now() - inbox.KEPT_FOR, limit)


def fingerprint(body: bytes) -> bytes:
    """Tells one message's content from another's; hubs may write the same JSON anew in another order."""
    return hashlib.sha256(canonical_json(msgspec.json.decode(body))).digest()


def _seal(service: Service, quote_id: str, answer: bytes) -> bytes:
    # The ILP packet in it names the payer.
    return service.vault.seal(answer, f"quote:{quote_id}")


def _unseal(service: Service, quote_id: str, sealed: bytes) -> bytes:
    return service.vault.open(sealed, f"quote:{quote_id}")


async def repeat_quote(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """GET /quotes/{id}: the answer once more."""
    [quote_id] = read_path(message.method, message.path).ids
    known = await tx.fetchrow(_KNOWN, message.source, quote_id)
    if known is None or known["answer"] is None:
        raise MessageRefused(Refusal.QUOTE_UNKNOWN, "There is no such quote")
    answer = _unseal(service, quote_id, known["answer"])
    await outgoing.answer(tx, service, message, connection.dfsp_id, f"/quotes/{quote_id}", answer)


_BY_TRANSACTION = "SELECT id FROM payment_request WHERE transaction_id = $1 AND counter_id = $2 AND payer_fsp_id = $3"


async def _request_paid_by(
    tx: Tx, connection: HubConnection, counter: CounterFacts, asked: QuotesPost, source: str
) -> LockedRequest | None:
    """The request that this quote pays: found by its id, sub-id, note or extension, in that order."""
    if asked.transaction_request_id is not None:
        request = await lock_request(
            tx, transaction_request_id=asked.transaction_request_id, dfsp_id=connection.dfsp_id
        )
        # Only the DFSP that was asked may quote for its customer; a code to scan was put to nobody.
        ours = request is not None and request.counter_id == counter.counter_id
        if request is None or not ours or (request.payer_masked is not None and request.payer_fsp_id != source):
            raise MessageRefused(Refusal.QUOTED_REQUEST_UNKNOWN, "There is no such transaction request here")
        return request
    sub_id = asked.payee.party_id_info.party_sub_id_or_type
    if sub_id is not None:
        request = await _by_reference(tx, counter, sub_id)
        if request is None:
            raise MessageRefused(Refusal.CODE_CLOSED, "This code is not open any more; ask the shop for a new one")
        return request
    for hint in (asked.note, extension_value(asked.extension_list, REFERENCE_EXTENSION)):
        request = await _by_hint(tx, counter, hint, _transfer_amount(asked)) if hint else None
        if request is not None:
            return request
    # On an ISO 20022 hub the request's id is lost on the way; the transaction id told us at RECEIVED remains.
    known = await tx.fetchval(_BY_TRANSACTION, asked.transaction_id, counter.counter_id, source)
    return await lock_request(tx, request_id=known) if known is not None else None


_WORD = re.compile(r"[^\W_]+")  # a person may put a full stop behind a reference, or "ref:" before it
_HINTED = """
SELECT p.id FROM open_reference o JOIN payment_request p ON p.id = o.request_id
WHERE o.counter_id = $1 AND p.amount_minor = $2 AND p.currency = $3
  AND (p.short_ref = ANY($4) OR p.reference = ANY($4)) ORDER BY p.id LIMIT 1
"""


async def _by_hint(tx: Tx, counter: CounterFacts, text: str, amount: money.Money) -> LockedRequest | None:
    """An open request whose short reference, or the merchant's own, is the text or one of its words.

    A hint is only a hint: what does not fit, in amount or otherwise, is a payment of its own.
    """
    words = {text.strip(), *text.split(), *_WORD.findall(text)}
    found = await tx.fetchval(_HINTED, counter.counter_id, amount.minor, amount.currency, list(words))
    request = await lock_request(tx, request_id=found) if found is not None else None
    return request if request is not None and _takes_quotes(request) else None


async def _by_reference(tx: Tx, counter: CounterFacts, reference: str) -> LockedRequest | None:
    found = await tx.fetchval(
        "SELECT id FROM payment_request WHERE counter_id = $1 AND short_ref = $2 ORDER BY id DESC LIMIT 1",
        counter.counter_id,
        reference,
    )
    return await lock_request(tx, request_id=found) if found is not None else None


def _takes_quotes(request: LockedRequest) -> bool:
    return may(request.state, RequestCapability.QUOTE)


async def _refuse_other_amount(
    tx: Tx, service: Service, connection: HubConnection, message: Message, asked: QuotesPost, request: LockedRequest
) -> None:
    """Refuse a quote for another amount than was requested.

    A request that was put to this payer ends, and its merchant is told why. Anyone may scan a code and mistype: its
    request stays open for whoever pays the right amount.
    """
    path, why = f"/quotes/{asked.quote_id}", "The amount is not the one that was asked for"
    await outgoing.refuse(tx, service, message, connection.dfsp_id, path, MessageRefused(Refusal.QUOTE_NOT_WANTED, why))
    if asked.transaction_request_id is not None and may(request.state, RequestCapability.FAIL):
        await move(tx, request, RequestState.FAILED, "amount_changed", reason=AMOUNT_CHANGED)


async def _check_amount(
    tx: Tx, service: Service, counter: CounterFacts, amount: money.Money, request: LockedRequest | None
) -> None:
    if amount.currency not in counter.currencies:
        raise MessageRefused(Refusal.CURRENCY_NOT_TAKEN, f"This merchant takes {', '.join(counter.currencies)} only")
    if not (await policy_of(service, counter.dfsp_id)).permits("receive_payment", counter.tier):
        raise MessageRefused(Refusal.MERCHANT_BLOCKED, "This merchant may not take payments now")
    day = clock.local_date(clock.now(), (await service.scheme()).time_zone)
    if not await limits.would_fit(tx, service, counter.merchant_id, counter.dfsp_id, counter.tier, amount, day):
        if request is not None:
            await fail_over_limit(tx, request)
        raise MessageRefused(Refusal.OVER_LIMIT, "This payment is over the merchant's limit")


def _expiry(asked: QuotesPost, now: datetime) -> datetime:
    """Until when the quote is good: the payee's to choose (FSPIOP table 24).

    The payer's own expiration says how long it waits for our answer (table 23). Raises MessageRefused when that has
    passed.
    """
    if asked.expiration and parse_datetime(asked.expiration) <= now:
        raise MessageRefused(Refusal.QUOTE_EXPIRED, "The quote expired before it came")
    return now + QUOTE_LIFE


def _transaction(
    asked: QuotesPost, connection: HubConnection, amount: money.Money, expires_at: datetime
) -> dict[str, object]:
    """What both sides agree on: the ILP packet's data."""
    payee = msgspec.structs.replace(
        asked.payee, party_id_info=msgspec.structs.replace(asked.payee.party_id_info, fsp_id=connection.fsp_id)
    )
    agreed = Transaction(
        transaction_id=asked.transaction_id,
        quote_id=asked.quote_id,
        payee=payee,
        payer=asked.payer,
        amount=to_wire(amount),
        transaction_type=asked.transaction_type,
        note=asked.note,
        expiration=format_datetime(expires_at),
    )
    document: dict[str, object] = msgspec.json.decode(canonical_json(agreed))
    return document
