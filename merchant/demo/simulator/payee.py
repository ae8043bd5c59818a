"""The customer's DFSP when money comes back: it answers a refund's quote, and its promise opens the transfer.

The customer's plan decides, as for a payment: `reject` and `unknown` refuse the quote, `silent` does not answer it,
`amount` keeps a fee, `twice` says everything twice, `late` and `drop` keep the proof to themselves, so that the hub has
to be asked.
"""

import asyncio
from decimal import Decimal
from hashlib import sha256

import msgspec

from merchant.core import money
from merchant.demo.simulator.behaviours import Plan, plan_of
from merchant.demo.simulator.hub import find_payer, refuse, settle, take_transfer
from merchant.demo.simulator.link import deliver
from merchant.demo.simulator.simulation import Simulation, seconds_until, wire_time
from merchant.demo.simulator.world import PhoneMessage, Returned
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.client import OutgoingMessage
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
from merchant.hub.fspiop.jws import canonical_json
from merchant.hub.fspiop.messages import (
    QuotesPost,
    QuotesPut,
    Transaction,
    TransfersPost,
    TransfersPut,
    WireMoney,
    encode,
    encode_error,
)

QUOTE_LASTS_S = 60.0


async def answer_quote(sim: Simulation, quote: QuotesPost, asker: str, payee_fsp_id: str) -> None:
    """Take the quote of a refund: promise the whole amount, or do as the customer's plan says."""
    info = quote.payee.party_id_info
    customer = find_payer(sim, info.party_id_type, info.party_identifier)
    plan = plan_of(sim.world, info.party_identifier) if customer is not None else Plan(is_known=False)
    if plan.decision == "ignore":
        return
    code = _refusal(quote, plan)
    if code is not None:
        body = encode_error(FspiopError(code, meaning_of(code)))
        path = f"/quotes/{quote.quote_id}/error"
        await deliver(sim, OutgoingMessage("PUT", path, payee_fsp_id, asker, body), plan.copies)
        return
    assert quote.transaction_type.refund_info is not None
    returned = Returned(
        transaction_id=quote.transaction_id,
        quote_id=quote.quote_id,
        msisdn=info.party_identifier,
        shop=quote.payer,
        amount=quote.amount,
        refund_of=quote.transaction_type.refund_info.original_transaction_id,
    )
    if quote.transaction_id not in sim.world.returned:
        sim.record(returned)
    body = encode(_promise(sim, quote, payee_fsp_id, plan))
    await deliver(sim, OutgoingMessage("PUT", f"/quotes/{quote.quote_id}", payee_fsp_id, asker, body), plan.copies)


def _refusal(quote: QuotesPost, plan: Plan) -> str | None:
    if not plan.is_known:
        return "3204"
    if quote.transaction_type.scenario != "REFUND" or quote.transaction_type.refund_info is None:
        return "5102"
    return "5103" if plan.decision == "reject" else None


def _promise(sim: Simulation, quote: QuotesPost, payee_fsp_id: str, plan: Plan) -> QuotesPut:
    expires_at = wire_time(QUOTE_LASTS_S)
    leaves = WireMoney(quote.amount.currency, str(Decimal(quote.amount.amount) + 1)) if plan.alters_amount else None
    agreed = Transaction(
        transaction_id=quote.transaction_id,
        quote_id=quote.quote_id,
        payee=quote.payee,
        payer=quote.payer,
        amount=leaves or quote.amount,
        transaction_type=quote.transaction_type,
        expiration=expires_at,
    )
    document = msgspec.json.decode(canonical_json(agreed))
    decimals = money.exponent(quote.amount.currency)
    terms = ilp.build_terms(1, document, _secret(sim, payee_fsp_id), decimals=decimals)
    return QuotesPut(
        transfer_amount=leaves or quote.amount,
        payee_receive_amount=quote.amount,
        ilp_packet=terms.packet,
        condition=terms.condition,
        expiration=expires_at,
    )


def _secret(sim: Simulation, fsp_id: str) -> bytes:
    """Of which a DFSP makes its proofs: nobody else knows it, and a restart does not change it."""
    return sha256(sim.world.own_keys[fsp_id].encode()).digest()


async def carry_refund(sim: Simulation, transfer: TransfersPost) -> None:
    """Take the transfer of a refund from our customer's shop: reserve, prove, settle, and tell who sent it."""
    returned = _returned_of(sim, transfer)
    if returned is None:
        await refuse(
            sim, "transfers", transfer.transfer_id, transfer.payer_fsp, FspiopError("3205", meaning_of("3205"))
        )
        return
    plan = plan_of(sim.world, returned.msisdn)
    is_new = take_transfer(sim, returned.transaction_id, transfer)
    if not is_new and plan.loses_notice:
        return
    proof = ilp.fulfilment_of(transfer.ilp_packet, _secret(sim, transfer.payee_fsp))
    is_right = ilp.condition_of(proof) == transfer.condition and seconds_until(transfer.expiration) > 0
    settle(sim, transfer.transfer_id, "COMMITTED" if is_right else "ABORTED", proof if is_right else None)
    entry = sim.world.ledger[transfer.transfer_id]
    if is_new and entry.state == "COMMITTED":
        shop = returned.shop.name or returned.shop.party_id_info.party_identifier
        text = f"{shop} gave you back {transfer.amount.amount} {transfer.amount.currency}."
        sim.record(PhoneMessage(returned.msisdn, wire_time(), "refunded", text, returned.transaction_id))
    if plan.loses_notice:
        return
    if plan.acts_late:
        await asyncio.sleep(max(seconds_until(transfer.expiration), 0) + sim.config.timings.late_by_s)
    body = encode(TransfersPut(entry.state, entry.fulfilment, entry.completed_at))
    path = f"/transfers/{transfer.transfer_id}"
    message = OutgoingMessage("PUT", path, transfer.payee_fsp, transfer.payer_fsp, body)
    await deliver(sim, message, plan.copies)


def _returned_of(sim: Simulation, transfer: TransfersPost) -> Returned | None:
    """The refund that a transfer's promise was made for; None for one that is not ours, or that was used up."""
    try:
        named = str(ilp.parse_packet(transfer.ilp_packet).transaction.get("transactionId"))
    except ilp.IlpError:
        return None
    used = (one for one in sim.world.ledger.values() if one.transaction_id == named)
    if any(one.transfer.transfer_id != transfer.transfer_id for one in used):
        return None
    return sim.world.returned.get(named)
