"""Transfers: a prepared transfer is checked against its quote, headroom is reserved, the fulfilment is returned.

What does not match the answered quote (amount, currency, packet, condition, expiry) is refused; a refusal reserves
nothing. The hub's last word (PATCH, or its answer to our GET) is settle.py's.
"""

from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec import Struct

from merchant.core import audit, clock, errors, sql
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.inbox import Message
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.error_codes import no_money_moves
from merchant.hub.fspiop.messages import (
    ErrorPut,
    TransfersPatch,
    TransfersPost,
    TransfersPut,
    decode,
    encode,
    format_datetime,
    from_wire,
    parse_datetime,
)
from merchant.hub.fspiop.paths import read_path
from merchant.hub.port import MessageRefused, Refusal
from merchant.payments import limits, outgoing
from merchant.payments.participants import HubConnection
from merchant.payments.quotes import fingerprint
from merchant.payments.settle import abort_transfer, commit_transfer, fail_over_limit
from merchant.payments.states import LockedRequest, RequestCapability, lock_request, may
from merchant.payments.transfer_states import COUNTED, UNDER_WAY, TransferState, lock_transfer
from merchant.registry.merchants.states import Capability, merchant_may

# Hubs give transfers seconds to minutes; headroom reserved for longer is withheld from the merchant.
LONGEST_TRANSFER = timedelta(days=1)


class NotYet(Exception):
    """The message is about something that has not come yet: try again soon."""


class AnsweredQuote(Struct, frozen=True):
    """A quote we answered, with the state of its merchant."""

    quote_id: str
    merchant_id: UUID
    request_id: UUID | None
    amount_minor: int
    currency: str
    expires_at: datetime
    state: str
    tier: str


_KNOWN = "SELECT payer_fsp_id, body_hash, answer FROM transfer WHERE transfer_id = $1 LIMIT 1"
_PRESENT = "SELECT payer_fsp_id, answer, state, ended_at FROM transfer WHERE transfer_id = $1 LIMIT 1"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0)), pg_advisory_xact_lock(hashtextextended($2, 0))"
_ANSWERED = sql.select(
    AnsweredQuote,
    from_="quote q JOIN merchant m ON m.id = q.merchant_id",
    where="q.condition = $1 AND q.payer_fsp_id = $2 AND q.dfsp_id = $3",
)
# A quote is used up even by a transfer that was called off; a request may then be paid by another quote.
_USED = f"""
SELECT 1 FROM transfer
WHERE (payer_fsp_id = $1 AND quote_id = $2) OR (request_id = $3 AND state IN {COUNTED}) LIMIT 1
"""  # noqa: S608 - constants
_INSERT = sql.Named("""
WITH asked AS (UPDATE payment_request SET transfer_id = :transfer_id WHERE id = :request_id)
INSERT INTO transfer (payer_fsp_id, transfer_id, dfsp_id, merchant_id, quote_id, request_id, state, amount_minor,
                      currency, usage_day, body_hash, answer, expires_at, reserved_at, check_at)
VALUES (:payer_fsp_id, :transfer_id, :dfsp_id, :merchant_id, :quote_id, :request_id, :state, :amount_minor,
        :currency, :usage_day, :body_hash, :answer, :expires_at, :reserved_at, :check_at)
""")


async def answer_transfer(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """POST /transfers: reserve and fulfil, or refuse. The same transfer again gets the same answer."""
    prepared = decode(TransfersPost, message.body)
    path = f"/transfers/{prepared.transfer_id}"
    body_hash = fingerprint(message.body)
    # Two copies at once: the second waits here, and finds the first one's answer.
    await tx.execute(_LOCK, f"condition:{prepared.condition}", f"transfer:{prepared.transfer_id}")
    known = await tx.fetchrow(_KNOWN, prepared.transfer_id)
    if known is not None:
        # The hub names a transfer by its id alone, so one id is one payer's.
        if (known["payer_fsp_id"], known["body_hash"]) != (message.source, body_hash):
            raise MessageRefused(Refusal.REPEAT_CHANGED, "This transfer id came before with another content")
        await outgoing.answer(tx, service, message, connection.dfsp_id, path, known["answer"])
        return
    amount = from_wire(prepared.amount)
    quote = await _quote_of(tx, connection, message.source, prepared, amount)
    fulfilment = _fulfilment(prepared, connection)
    request = await _check_free(tx, message.source, quote)
    now = clock.now()
    expires_at = parse_datetime(prepared.expiration)
    if expires_at <= now:
        raise MessageRefused(Refusal.TRANSFER_EXPIRED, "The transfer expired before it came")
    if expires_at > now + LONGEST_TRANSFER:
        raise MessageRefused(Refusal.INVALID, "The transfer's expiration is too far away")
    day = clock.local_date(now, (await service.scheme()).time_zone)
    if not await limits.reserve(tx, service, quote.merchant_id, connection.dfsp_id, quote.tier, amount, day):
        if request is not None:
            await fail_over_limit(tx, request)
        raise MessageRefused(Refusal.OVER_LIMIT, "This payment is over the merchant's limit")
    answer = encode(TransfersPut(connection.transfer_mode, fulfilment, format_datetime(now)))  # type: ignore[arg-type]
    await tx.execute(
        *_INSERT(
            payer_fsp_id=message.source,
            transfer_id=prepared.transfer_id,
            dfsp_id=connection.dfsp_id,
            merchant_id=quote.merchant_id,
            quote_id=quote.quote_id,
            request_id=quote.request_id,
            state=TransferState.RESERVED,
            amount_minor=amount.minor,
            currency=amount.currency,
            usage_day=day.isoformat(),
            body_hash=body_hash,
            answer=answer,
            expires_at=expires_at,
            reserved_at=now,
            check_at=now + timedelta(seconds=service.settings.settle_check_s),
        )
    )
    # In COMMITTED mode no PATCH follows: the money has moved once the hub has taken our answer.
    committed_by_answer = (message.source, prepared.transfer_id) if connection.transfer_mode == "COMMITTED" else None
    await outgoing.answer(
        tx, service, message, connection.dfsp_id, path, answer, useless_after=expires_at, transfer=committed_by_answer
    )


async def _quote_of(
    tx: Tx, connection: HubConnection, payer_fsp_id: str, prepared: TransfersPost, amount: Money
) -> AnsweredQuote:
    if prepared.payee_fsp != connection.fsp_id or prepared.payer_fsp != payer_fsp_id:
        raise MessageRefused(Refusal.INVALID, "payerFsp and payeeFsp are not those of the message")
    row = await tx.fetchrow(_ANSWERED, prepared.condition, payer_fsp_id, connection.dfsp_id)
    if row is None:
        raise MessageRefused(Refusal.QUOTE_UNKNOWN, "No quote of ours has this condition")
    quote = sql.row(AnsweredQuote, row)
    if (quote.amount_minor, quote.currency) != (amount.minor, amount.currency):
        raise MessageRefused(Refusal.AMOUNT_CHANGED, "The amount is not the one that was quoted")
    if quote.expires_at <= clock.now():
        raise MessageRefused(Refusal.QUOTE_EXPIRED, "The quote has expired; ask for a new one")
    if not merchant_may(quote.state, Capability.TAKE_PAYMENT):
        raise MessageRefused(Refusal.MERCHANT_BLOCKED, "This merchant may not take payments now")
    return quote


def _fulfilment(prepared: TransfersPost, connection: HubConnection) -> str:
    try:
        fulfilment = ilp.fulfilment_of(prepared.ilp_packet, connection.ilp_secret)
    except ilp.IlpError as error:
        raise MessageRefused(Refusal.INVALID, f"The ILP packet cannot be read: {error}") from None
    if ilp.condition_of(fulfilment) != prepared.condition:
        raise MessageRefused(Refusal.PACKET_CHANGED, "The ILP packet is not the one that was quoted")
    return fulfilment


async def _check_free(tx: Tx, payer_fsp_id: str, quote: AnsweredQuote) -> LockedRequest | None:
    """One quote is paid once, and so is one request, which is given back."""
    request = await lock_request(tx, request_id=quote.request_id) if quote.request_id else None
    if request is not None and not may(request.state, RequestCapability.TAKE_TRANSFER):
        raise MessageRefused(Refusal.TRANSFER_NOT_WANTED, f"This request is {request.state}; it is not to be paid")
    if await tx.fetchval(_USED, payer_fsp_id, quote.quote_id, quote.request_id):
        raise MessageRefused(Refusal.TRANSFER_NOT_WANTED, "This is being paid, or has been paid, by another transfer")
    return request


async def repeat_transfer(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """GET /transfers/{id}: our answer with the state that the transfer has now."""
    [transfer_id] = read_path(message.method, message.path).ids
    known = await tx.fetchrow(_PRESENT, transfer_id)
    if known is None or known["payer_fsp_id"] != message.source:
        raise MessageRefused(Refusal.TRANSFER_UNKNOWN, "There is no such transfer")
    await outgoing.answer(tx, service, message, connection.dfsp_id, f"/transfers/{transfer_id}", _present(known))


def _present(known: asyncpg.Record) -> bytes:
    """The answer as of now: the hub's last word has replaced our own, and what was called off has no fulfilment."""
    answer = decode(TransfersPut, known["answer"])
    match TransferState(known["state"]):
        case TransferState.RESERVED:
            return bytes(known["answer"])
        case TransferState.COMMITTED:
            return encode(TransfersPut("COMMITTED", answer.fulfilment, format_datetime(known["ended_at"])))
        case TransferState.ABORTED:
            return encode(TransfersPut("ABORTED", None, format_datetime(known["ended_at"])))


async def receive_outcome(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PATCH /transfers/{id}, and PUT as the answer to our GET: committed, aborted, or not decided yet."""
    _check_hub(service, message)
    said = decode(TransfersPatch, message.body)
    [transfer_id] = read_path(message.method, message.path).ids
    transfer = await lock_transfer(tx, connection.dfsp_id, transfer_id)
    if transfer is None:
        # A PATCH can overtake the transfer it is about.
        raise NotYet("The transfer is not known yet")
    if said.transfer_state in ("COMMITTED", "SETTLED"):
        await commit_transfer(tx, service, transfer, f"{message.method.lower()}_committed")
    elif said.transfer_state == "ABORTED":
        await abort_transfer(tx, transfer, f"{message.method.lower()}_aborted")


def _check_hub(service: Service, message: Message) -> None:
    """Payer and payee have an interest in what became of the money; the hub's ledger has it in writing."""
    if not service.settings.is_hub(message.source):
        raise MessageRefused(Refusal.SENDER_NOT_HUB, f"{message.source} is not the hub, which alone ends transfers")


async def receive_error(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT or PATCH /transfers/{id}/error: only some codes say for certain that no money moves."""
    _check_hub(service, message)
    [transfer_id] = read_path(message.method, message.path).ids
    transfer = await lock_transfer(tx, connection.dfsp_id, transfer_id)
    if transfer is None:
        return
    code = decode(ErrorPut, message.body).error_information.error_code
    hub_gave_up = message.method == "PATCH" or no_money_moves(code)
    if hub_gave_up and transfer.expires_at <= clock.now():
        await abort_transfer(tx, transfer, f"hub_error_{code}")


# --- asking the hub what became of a transfer ---------------------------------------------------------------------

_QUESTION_LASTS = timedelta(minutes=1)
_OPEN_TRANSFER = f"""
SELECT t.payer_fsp_id, t.transfer_id, d.fsp_id FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id
WHERE t.request_id = $1 AND t.state IN {UNDER_WAY} ORDER BY t.reserved_at DESC LIMIT 1
"""  # noqa: S608 - constants


async def ask_outcome(
    tx: Tx, service: Service, fsp_id: str, dfsp_id: UUID, payer_fsp_id: str, transfer_id: str
) -> None:
    """Queue GET /transfers/{id}; the answer comes as PUT /transfers/{id} (receive_outcome)."""
    question = outgoing.QueuedMessage(
        method="GET",
        path=f"/transfers/{transfer_id}",
        source=fsp_id,
        destination=payer_fsp_id,
        useless_after=clock.now() + _QUESTION_LASTS,
    )
    await outgoing.queue(tx, service, question, dfsp_id, about=transfer_id)


async def ask_hub_again(tx: Tx, service: Service, actor: Actor, request_id: UUID) -> LockedRequest:
    """Ask the hub now what became of a request's transfer; the timers ask by themselves, with growing pauses.

    Raises NotFound, or WrongState when no transfer of this request is open.
    """
    request = await lock_request(tx, request_id=request_id)
    if request is None or actor.dfsp_id not in (None, request.dfsp_id):
        raise errors.NotFound
    row = await tx.fetchrow(_OPEN_TRANSFER, request.id)
    if row is None:
        raise errors.WrongState(_("No transfer of this request is open; there is nothing to ask the hub about."))
    await ask_outcome(tx, service, row["fsp_id"], request.dfsp_id, row["payer_fsp_id"], row["transfer_id"])
    await audit.record(
        tx,
        actor,
        "payment_request.checked",
        "payment_request",
        request.id,
        dfsp_id=request.dfsp_id,
        state=request.state,
        at=clock.rfc3339(clock.now()),
    )
    return request
