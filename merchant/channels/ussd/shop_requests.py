"""What a shop asked its customers for: asking, asking again, taking back, and how each request stands in words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

import ussd
from merchant.channels.ussd.own_shops import SHOP_CHANNEL, OwnPlace
from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core import clock, errors, money
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.hub.port import BadNews
from merchant.payments.ask_again import ask_again
from merchant.payments.operations import NewRequest, cancel_request, create_request, read_headroom
from merchant.payments.problems import BeingPaid, Busy, MerchantNotActive, Reconciling
from merchant.payments.reasons import (
    ABORTED,
    AMOUNT_CHANGED,
    ASKED_AGAIN,
    HUB_UNREACHABLE,
    NOT_ASKED,
    PAYER_AMBIGUOUS,
    over_limit,
)
from merchant.payments.states import RequestCapability, RequestState, has_ended, may, states_that_permit
from merchant.registry.merchants.counters import counter_by_id
from ussd.trade import RequestStanding

OPEN_MAX = 3  # requests of one shop to one customer that wait at a time: more is a nuisance
_OPEN = f"""
SELECT count(*) FROM payment_request
WHERE payer_digest = ANY($1) AND merchant_id = $2 AND expires_at > $3
  AND state IN {states_that_permit(RequestCapability.EXPIRE)}
"""  # noqa: S608 - constants
_COLUMNS = "SELECT id, state, amount_minor, currency, payer_masked, reason_code, created_at FROM payment_request"
_OWN = "merchant_id = $1 AND ($2::uuid IS NULL OR counter_id = $2) AND payer_masked IS NOT NULL"
_RECENT = f"{_COLUMNS} WHERE {_OWN} ORDER BY id DESC LIMIT $3"
_ONE = f"{_COLUMNS} WHERE {_OWN} AND id = $3"
_MERCHANT_OF = "SELECT merchant_id FROM payment_request WHERE id = $1"
_STANDS: dict[str, RequestStanding] = {RequestState.PAID: "paid", RequestState.IN_DOUBT: "doubt"}
# The sentence of each reason, in the catalogues' `request` table.
_SENTENCES = {
    BadNews.PAYER_REJECTED: "payer_rejected",
    BadNews.PAYER_NOT_FOUND: "payer_not_found",
    BadNews.PAYER_CANNOT_PAY: "payer_cannot_pay",
    BadNews.PAYER_CURRENCY: "payer_cannot_pay",
    BadNews.PAYER_LIMIT: "payer_limit",
    BadNews.PAYER_NOT_PERMITTED: "payer_blocked",
    BadNews.PAYER_BLOCKED: "payer_blocked",
    BadNews.PAYER_DFSP_UNREACHABLE: "bank_away",
    BadNews.PAYER_DFSP_UNSUPPORTED: "bank_away",
    BadNews.PAYEE_REFUSED: "shop_refused",
    BadNews.PAYEE_CURRENCY: "shop_refused",
    BadNews.PAYEE_LIMIT: "over_limit",
    BadNews.PAYEE_BLOCKED: "shop_refused",
    BadNews.HUB_BUSY: "not_asked",
    BadNews.REQUEST_REFUSED: "not_asked",
    BadNews.REQUEST_EXPIRED: "expired",
    HUB_UNREACHABLE.code: "not_asked",
    NOT_ASKED.code: "not_asked",
    PAYER_AMBIGUOUS.code: "payer_not_found",
    ABORTED.code: "called_off",
    AMOUNT_CHANGED.code: "called_off",
    ASKED_AGAIN.code: "asked_again",
    over_limit(Money(0, "USD")).code: "over_limit",
}


# --- how they stand --------------------------------------------------------------------------------------------------


async def recent(tx: Tx, service: Service, place: OwnPlace, limit: int) -> list[ussd.RequestLine]:
    """The shop's latest requests, newest first; of who is bound to a counter, that counter's."""
    zone = await service.time_zone()
    return [_line(row, zone) for row in await tx.fetch(_RECENT, place.merchant_id, place.bound_to, limit)]


_BY_STATE = {RequestState.CANCELLED: "taken_back", RequestState.EXPIRED: "expired"}


async def read(tx: Tx, service: Service, place: OwnPlace, request_id: UUID) -> ussd.RequestLine | None:
    """One of them."""
    row = await tx.fetchrow(_ONE, place.merchant_id, place.bound_to, request_id)
    return None if row is None else _line(row, await service.time_zone())


async def merchant_of(tx: Tx, request_id: UUID) -> UUID | None:
    """Whose request it is."""
    found: UUID | None = await tx.fetchval(_MERCHANT_OF, request_id)
    return found


def _line(row: asyncpg.Record, zone: ZoneInfo) -> ussd.RequestLine:
    state, code = row["state"], row["reason_code"]
    is_open = may(state, RequestCapability.CANCEL)
    standing: RequestStanding = _STANDS.get(state) or ("waiting" if is_open else "not_paid")
    reason = _SENTENCES.get(code, "") or _BY_STATE.get(state, "")
    return ussd.RequestLine(
        request_id=str(row["id"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        exponent=money.exponent(row["currency"]),
        customer_masked=row["payer_masked"],
        at=row["created_at"].astimezone(zone),
        standing=standing,
        reason=reason if standing == "not_paid" else "",
        may_ask_again=is_open or (has_ended(state) and may(state, RequestCapability.BE_PAID)),
        may_take_back=is_open,
    )


# --- what is done to them --------------------------------------------------------------------------------------------


def refused(reason: str, fits_minor: int = 0) -> ussd.DemandOutcome:
    """Nobody was asked, for this reason."""
    return ussd.DemandOutcome("refused", reason=reason, fits_minor=fits_minor)


async def ask(
    tx: Tx, service: Service, place: OwnPlace, payer: Msisdn, amount: Money, note: str | None
) -> ussd.DemandOutcome:
    """Ask a customer for money at a counter, with what would fit where it is over a limit."""
    actor, now = place.actor, clock.now()
    if P.PAYMENTS_REQUEST not in actor.permissions:
        return refused("not_yours")
    # Several sessions at the same moment would each count the others' requests as absent.
    await take_turn(tx, f"ussd demand {place.merchant_id} {payer.digest(service.vault).hex()}")
    if await tx.fetchval(_OPEN, payer.payer_digests(service.vault), place.merchant_id, now) >= OPEN_MAX:
        return refused("too_many")
    counter = await counter_by_id(tx, place.dfsp_id, place.counter_id)
    if counter is None or amount.currency not in counter.currencies:
        return refused("other")
    new = NewRequest(counter_id=place.counter_id, amount=amount, payer=payer, note=note, channel=SHOP_CHANNEL)
    try:
        made = await create_request(tx, service, actor, new)
    except errors.InvalidFields:
        fits = await read_headroom(tx, service, counter, amount.currency, now)
        return refused("limit", fits.minor) if fits.minor else refused("used_up")
    except errors.MerchantError as problem:
        return _refusal(problem)
    return ussd.DemandOutcome("sent", made.payer_masked or "")


async def ask_once_more(tx: Tx, service: Service, place: OwnPlace, request: ussd.RequestLine) -> ussd.DemandOutcome:
    """Put a demand again. The earlier one ends only where the new one is made."""
    if request.standing == "paid":
        return refused("paid")
    try:
        async with all_or_nothing(tx):
            made = await ask_again(tx, service, place.actor, UUID(request.request_id), SHOP_CHANNEL)
    except errors.InvalidFields:
        return refused("limit")
    except errors.MerchantError as problem:
        return _refusal(problem)
    return ussd.DemandOutcome("sent", made.payer_masked or "")


async def take_back(tx: Tx, service: Service, place: OwnPlace, request: ussd.RequestLine) -> ussd.DemandOutcome:
    """Take a request back; the payer's bank is not told, and money that is on its way still arrives."""
    try:
        async with all_or_nothing(tx):
            await cancel_request(tx, service, place.actor, UUID(request.request_id))
    except errors.MerchantError as problem:
        return refused("paid") if request.standing == "paid" else _refusal(problem)
    return ussd.DemandOutcome("sent", request.customer_masked)


def _refusal(problem: errors.MerchantError) -> ussd.DemandOutcome:
    """Why an operation refused, as the dialogue says it. Raises what is no refusal."""
    match problem:
        case BeingPaid():
            return refused("being_paid")
        case MerchantNotActive() | CapabilityMissing():
            return refused("closed")
        case Busy() | Reconciling():
            return refused("busy")
        case errors.NotFound() | errors.NotAllowed():
            return refused("not_yours")
        case errors.WrongState():
            return refused("ended")
        case _:
            raise problem


@asynccontextmanager
async def all_or_nothing(tx: Tx) -> AsyncIterator[None]:
    """What an operation wrote before it refused does not stay, though the step of the dialogue does."""
    await tx.execute("SAVEPOINT shop_act")
    try:
        yield
    except errors.MerchantError:
        await tx.execute("ROLLBACK TO SAVEPOINT shop_act")
        raise
    await tx.execute("RELEASE SAVEPOINT shop_act")
