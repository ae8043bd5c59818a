"""The payer's DFSP: receives a request to pay, asks its customer, quotes and transfers.

The customer's plan decides each step. Every attempt is written down with all its ids before the first
message, so that a restart takes it up where it stood and sends the same messages again.
"""

import asyncio
from decimal import Decimal
from hashlib import sha256
from typing import Final, Literal

import msgspec

from merchant.core import ids
from merchant.demo.simulator.behaviours import Plan, plan_of
from merchant.demo.simulator.hub import carry_transfer, customer, find_payer
from merchant.demo.simulator.link import NoAnswer, ask, deliver
from merchant.demo.simulator.simulation import Simulation, seconds_until, wire_time
from merchant.demo.simulator.world import Answered, Attempt, AttemptClosed, PhoneMessage, PhoneMessageKind
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.client import OutgoingMessage
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.messages import (
    Extension,
    ExtensionList,
    QuotesPost,
    QuotesPut,
    Transaction,
    TransactionRequestsPost,
    TransactionRequestsPut,
    TransactionRequestState,
    TransactionType,
    TransfersPost,
    WireMoney,
    encode,
    encode_error,
    from_wire,
)

REQUESTED: Final = TransactionType("PAYMENT", "PAYEE", "BUSINESS")
SCANNED: Final = TransactionType("PAYMENT", "PAYER", "CONSUMER")
# The extension that carries a dynamic code's reference to the payee.
REFERENCE_EXTENSION: Final = "QrReference"
# How long a request without an expiry waits for whoever holds the phone.
ASKED_FOR_S: Final = 600.0


# --- requests to pay -----------------------------------------------------------------------------------------


async def receive_request(
    sim: Simulation, request: TransactionRequestsPost, body: bytes, asker: str, payer_fsp_id: str
) -> None:
    """Take a request to pay: a new one is run, a repeated one answered again, a changed one refused."""
    digest = sha256(body).hexdigest()
    known_id = sim.world.attempt_of_request.get(request.transaction_request_id)
    if known_id is not None:
        attempt = sim.world.attempts[known_id]
        if attempt.request_hash == digest:
            await send_request_state(sim, request.transaction_request_id, asker, payer_fsp_id)
        else:
            await _refuse_request(sim, request.transaction_request_id, asker, payer_fsp_id, "3106")
        return
    payer = find_payer(sim, request.payer.party_id_type, request.payer.party_identifier)
    if payer is None or payer.party_id_info.fsp_id != payer_fsp_id:
        await _refuse_request(sim, request.transaction_request_id, asker, payer_fsp_id, "3204")
        return
    attempt = Attempt(
        transaction_id=ids.wire_id(),
        quote_id=ids.wire_id(),
        transfer_id=ids.wire_id(),
        msisdn=request.payer.party_identifier,
        payer_fsp_id=payer_fsp_id,
        payee_fsp_id=asker,
        payee=request.payee,
        amount=request.amount,
        note=request.note,
        transaction_request_id=request.transaction_request_id,
        request_hash=digest,
        expires_at=request.expiration,
    )
    sim.record(attempt)
    notify_phone(sim, attempt, "asked", f"{shop_name(attempt)} asks you to pay {_text(attempt.amount)}.")
    await run_attempt(sim, attempt)


async def send_request_state(sim: Simulation, request_id: str, asker: str, payer_fsp_id: str) -> None:
    """Answer GET /transactionRequests/{id}, or a repeated POST, with where the request stands."""
    attempt = sim.world.attempts.get(sim.world.attempt_of_request.get(request_id, ""))
    if attempt is None or attempt.payee_fsp_id != asker:
        await _refuse_request(sim, request_id, asker, payer_fsp_id, "3206")
        return
    state: TransactionRequestState = "RECEIVED"
    if sim.world.outcomes.get(attempt.transaction_id) == "rejected":
        state = "REJECTED"
    elif attempt.transfer_id in sim.world.ledger:
        state = "ACCEPTED"
    await _put_state(sim, attempt, state, copies=1)


async def _refuse_request(sim: Simulation, request_id: str, asker: str, payer_fsp_id: str, code: str) -> None:
    body = encode_error(FspiopError(code, meaning_of(code)))
    path = f"/transactionRequests/{request_id}/error"
    await deliver(sim, OutgoingMessage("PUT", path, payer_fsp_id, asker, body))


async def _put_state(sim: Simulation, attempt: Attempt, state: TransactionRequestState, copies: int) -> None:
    body = encode(TransactionRequestsPut(state, attempt.transaction_id))
    path = f"/transactionRequests/{attempt.transaction_request_id}"
    await deliver(
        sim,
        OutgoingMessage("PUT", path, attempt.payer_fsp_id, attempt.payee_fsp_id, body),
        copies,
    )


# --- attempts ------------------------------------------------------------------------------------------------


async def run_attempt(sim: Simulation, attempt: Attempt) -> None:
    """Bring an attempt to its end, from the start or from where a restart found it."""
    plan = plan_of(sim.world, attempt.msisdn)
    reserved = sim.world.ledger.get(attempt.transfer_id)
    try:
        if reserved is not None:
            await _conclude(sim, attempt, reserved.transfer, plan)
        elif attempt.transaction_request_id is not None:
            await _run_request(sim, attempt, plan)
        else:
            await _run_scan(sim, attempt, plan)
    except FspiopError as error:
        _fail(sim, attempt, f"{error.description} ({error.code})")
    except NoAnswer:
        _fail(sim, attempt, "the shop's bank does not answer")


async def _run_request(sim: Simulation, attempt: Attempt, plan: Plan) -> None:
    """A request to pay: acknowledge, let the customer decide, then quote and transfer."""
    if not plan.swaps_order:
        await _put_state(sim, attempt, "RECEIVED", plan.copies)
    await _think(sim, plan)
    if plan.waits:
        plan = msgspec.structs.replace(plan, decision=await _ask_phone(sim, attempt))
    if plan.decision == "reject":
        await _put_state(sim, attempt, "REJECTED", plan.copies)
    if plan.decision != "pay":
        _decline(sim, attempt, plan)
        return
    if plan.acts_late and attempt.expires_at is not None:
        await _sleep_past(sim, attempt.expires_at)
    amount = _altered(attempt.amount) if plan.alters_amount else attempt.amount
    quote = await _get_quote(sim, attempt, amount, plan)
    if plan.swaps_order:
        await _put_state(sim, attempt, "RECEIVED", plan.copies)
    await _conclude(sim, attempt, _new_transfer(sim, attempt, quote, amount), plan)


async def _ask_phone(sim: Simulation, attempt: Attempt) -> Literal["pay", "reject", "ignore"]:
    """What whoever holds the phone says until the request expires; a stop in between forgets no answer."""
    accepts = sim.world.answers.get(attempt.transaction_id)
    if accepts is None:
        asked = sim.asked[attempt.transaction_id] = asyncio.get_running_loop().create_future()
        try:
            left_s = ASKED_FOR_S if attempt.expires_at is None else seconds_until(attempt.expires_at)
            accepts = await asyncio.wait_for(asked, max(left_s, 0))
        except TimeoutError:
            return "ignore"
        finally:
            del sim.asked[attempt.transaction_id]
    return "pay" if accepts else "reject"


class NotAsked(ValueError):
    """No such request waits for an answer of this phone."""


def answer_request(sim: Simulation, msisdn: str, request_id: str, *, accepts: bool) -> Attempt:
    """Whoever holds the phone says yes or no to a request. The same answer again changes nothing. Raises NotAsked."""
    attempt = sim.world.attempts.get(sim.world.attempt_of_request.get(request_id, ""))
    if attempt is None or attempt.msisdn != msisdn:
        raise NotAsked("This phone was not asked for this payment.")
    said = sim.world.answers.get(attempt.transaction_id)
    if said is None and (asked := sim.asked.get(attempt.transaction_id)) is not None and not asked.done():
        sim.record(Answered(attempt.transaction_id, accepts))
        asked.set_result(accepts)
    elif said is not accepts:
        raise NotAsked("This request does not wait for an answer any more.")
    return attempt


async def _run_scan(sim: Simulation, attempt: Attempt, plan: Plan) -> None:
    """A scanned code or a typed number: quote, let the customer decide, then transfer."""
    quote = await _get_quote(sim, attempt, attempt.amount, plan)
    await _think(sim, plan)
    if plan.decision != "pay":
        _decline(sim, attempt, plan)
        return
    if plan.acts_late:
        await _sleep_past(sim, quote.expiration)
    amount = _altered(attempt.amount) if plan.alters_amount else attempt.amount
    await _conclude(sim, attempt, _new_transfer(sim, attempt, quote, amount), plan)


async def _get_quote(sim: Simulation, attempt: Attempt, amount: WireMoney, plan: Plan) -> QuotesPut:
    """Ask the payee's DFSP for its terms and check them. Raises FspiopError and NoAnswer."""
    request = QuotesPost(
        quote_id=attempt.quote_id,
        transaction_id=attempt.transaction_id,
        transaction_request_id=attempt.transaction_request_id,
        payee=attempt.payee,
        payer=customer(sim, attempt.msisdn),
        amount_type="RECEIVE" if attempt.transaction_request_id else "SEND",
        amount=amount,
        transaction_type=REQUESTED if attempt.transaction_request_id else SCANNED,
        note=attempt.note,
        extension_list=_reference_of(attempt),
    )
    message = OutgoingMessage("POST", "/quotes", attempt.payer_fsp_id, attempt.payee_fsp_id, encode(request))
    quote = await ask(sim, message, ("quotes", attempt.quote_id), QuotesPut, plan.copies)
    _check_quote(attempt, amount, quote)
    return quote


def _check_quote(attempt: Attempt, amount: WireMoney, quote: QuotesPut) -> None:
    """What a careful payer's DFSP compares before it shows terms. Raises FspiopError."""
    try:
        packet = ilp.parse_packet(quote.ilp_packet)
        agreed = msgspec.convert(packet.transaction, Transaction)
    except (ilp.IlpError, msgspec.ValidationError) as error:
        raise FspiopError("5103", f"unreadable ILP packet: {error}") from error
    checks = (
        (quote.transfer_amount == amount, "another amount than asked"),
        (agreed.amount == amount, "another amount in the ILP packet"),
        (packet.amount_minor == from_wire(amount).minor, "another amount in the ILP packet's head"),
        (agreed.payer.party_id_info.fsp_id == attempt.payer_fsp_id, "another payer FSP in the ILP packet"),
        (agreed.payee.party_id_info.fsp_id == attempt.payee_fsp_id, "another payee FSP in the ILP packet"),
        (seconds_until(quote.expiration) > 0, "expired before it came"),
    )
    for holds, problem in checks:
        if not holds:
            raise FspiopError("5103", f"the quote is wrong: {problem}")


def _new_transfer(sim: Simulation, attempt: Attempt, quote: QuotesPut, amount: WireMoney) -> TransfersPost:
    return TransfersPost(
        transfer_id=attempt.transfer_id,
        payer_fsp=attempt.payer_fsp_id,
        payee_fsp=attempt.payee_fsp_id,
        amount=amount,
        ilp_packet=quote.ilp_packet,
        condition=quote.condition,
        expiration=wire_time(sim.config.timings.transfer_expiry_s),
    )


async def _conclude(sim: Simulation, attempt: Attempt, transfer: TransfersPost, plan: Plan) -> None:
    """Send the transfer through the switch and tell the customer what the ledger then holds."""
    refusal = await carry_transfer(sim, attempt.transaction_id, transfer, plan)
    if sim.world.ledger[transfer.transfer_id].state == "COMMITTED":
        sim.record(AttemptClosed(attempt.transaction_id, "paid"))
        notify_phone(sim, attempt, "paid", f"You paid {_text(transfer.amount)} to {shop_name(attempt)}.")
    elif refusal is not None:
        raise refusal
    else:
        _fail(sim, attempt, "the shop's bank did not complete it in time")


def _decline(sim: Simulation, attempt: Attempt, plan: Plan) -> None:
    """The customer says no, or nothing at all."""
    rejected = plan.decision == "reject"
    sim.record(AttemptClosed(attempt.transaction_id, "rejected" if rejected else "ignored"))
    if rejected:
        notify_phone(sim, attempt, "rejected", f"You said no to {shop_name(attempt)}.")
    elif plan.waits:
        text = f"You did not answer {shop_name(attempt)} in time; nothing was paid."
        notify_phone(sim, attempt, "failed", text)


def _fail(sim: Simulation, attempt: Attempt, why: str) -> None:
    sim.record(AttemptClosed(attempt.transaction_id, "failed"))
    text = f"Your payment of {_text(attempt.amount)} to {shop_name(attempt)} did not go through: {why}."
    notify_phone(sim, attempt, "failed", text)


async def _think(sim: Simulation, plan: Plan) -> None:
    await asyncio.sleep(sim.config.timings.payer_delay_s if plan.delay_s is None else plan.delay_s)


async def _sleep_past(sim: Simulation, expiry: str) -> None:
    await asyncio.sleep(max(seconds_until(expiry), 0) + sim.config.timings.late_by_s)


def notify_phone(sim: Simulation, attempt: Attempt, kind: PhoneMessageKind, text: str) -> None:
    """Show the customer a message."""
    sim.record(PhoneMessage(attempt.msisdn, wire_time(), kind, text, attempt.transaction_id))


def shop_name(attempt: Attempt) -> str:
    """How the shop is named to the customer: its trading name, else its number."""
    return attempt.payee.name or attempt.payee.party_id_info.party_identifier


def _reference_of(attempt: Attempt) -> ExtensionList | None:
    if attempt.qr_reference is None:
        return None
    return ExtensionList([Extension(REFERENCE_EXTENSION, attempt.qr_reference)])


def _altered(amount: WireMoney) -> WireMoney:
    """One unit more than asked for."""
    return WireMoney(amount.currency, str(Decimal(amount.amount) + 1))


def _text(amount: WireMoney) -> str:
    return f"{amount.amount} {amount.currency}"
