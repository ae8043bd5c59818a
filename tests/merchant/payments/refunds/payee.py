"""The DFSP that gets money back: it answers our quote and fulfils our transfer, as real ones do."""

from typing import Any
from uuid import uuid4

import httpx

from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import QuotesPut, TransfersPut, WireMoney, encode, encode_error
from tests.merchant.payments.stage import HUB, MOBILE, Sent, Stage, in_s

SECRET = b"of the payer's own DFSP"


async def paid(stage: Stage, amount: str = "10", **more: Any) -> dict[str, Any]:
    """A payment that arrived."""
    request = await stage.asked(amount={"amount": amount, "currency": "KES"}, **more)
    await stage.pay(request)
    return (await stage.payments())[0]


async def ask_for(
    stage: Stage,
    payment: dict[str, Any],
    amount: str | None = None,
    currency: str = "KES",
    *,
    key: str | None = None,
    **more: Any,
) -> httpx.Response:
    """POST …/refunds; all that is left without an amount."""
    body = {"reason": "CUST"} | ({"amount": {"amount": amount, "currency": currency}} if amount else {}) | more
    return await stage.client.post(
        f"/api/v1/payments/{payment['id']}/refunds",
        json=body,
        headers=stage.key | {"idempotency-key": key or uuid4().hex},
    )


async def asked(stage: Stage, payment: dict[str, Any], amount: str | None = None, **more: Any) -> dict[str, Any]:
    """A refund that was taken, and, unless it waits for approval, is at the hub."""
    answer = await ask_for(stage, payment, amount, **more)
    assert answer.status_code == 201, answer.text
    await stage.work()
    return dict(answer.json())


async def read(stage: Stage, refund: dict[str, Any]) -> dict[str, Any]:
    """The refund as it is now."""
    answer = await stage.client.get(f"/api/v1/refunds/{refund['id']}", headers=stage.key)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def quote_of(stage: Stage, refund: dict[str, Any]) -> Sent:
    """The newest quote that the hub got for a refund."""
    transaction_id = refund["hub"]["transaction_id"]
    return [sent for sent in stage.hub.to("/quotes", "POST") if sent.body["transactionId"] == transaction_id][-1]


def answer_of(sent: Sent, **more: Any) -> QuotesPut:
    """A quote's answer in full, fields of which may be replaced."""
    asked_for = sent.body
    expires_at = in_s(120)
    terms = ilp.build_terms(1, asked_for | {"expiration": expires_at}, SECRET, decimals=2)
    amount = WireMoney(asked_for["amount"]["currency"], asked_for["amount"]["amount"])
    return QuotesPut(
        **{
            "transfer_amount": amount,
            "payee_receive_amount": amount,
            "ilp_packet": terms.packet,
            "condition": terms.condition,
            "expiration": expires_at,
        }
        | more
    )


async def answer_quote(stage: Stage, refund: dict[str, Any], *, source: str = MOBILE, **more: Any) -> None:
    """PUT /quotes."""
    sent = quote_of(stage, refund)
    await stage.tell("PUT", f"/quotes/{sent.body['quoteId']}", answer_of(sent, **more), source=source)


async def refuse_quote(stage: Stage, refund: dict[str, Any], code: str, source: str = MOBILE) -> None:
    """PUT /quotes/…/error."""
    path = f"/quotes/{quote_of(stage, refund).body['quoteId']}/error"
    await stage.tell("PUT", path, encode_error(FspiopError(code, "no")), source=source)


def transfer_of(stage: Stage, refund: dict[str, Any]) -> Sent | None:
    """The transfer that the hub got for a refund."""
    transfer_id = refund["hub"]["transfer_id"]
    found = [sent for sent in stage.hub.to("/transfers", "POST") if sent.body["transferId"] == transfer_id]
    return found[-1] if found else None


async def end(
    stage: Stage, refund: dict[str, Any], state: str = "COMMITTED", *, source: str = MOBILE, proof: str | None = ""
) -> None:
    """PUT /transfers: the payee's DFSP or the hub says how the transfer ended; an empty proof is the right one."""
    sent = transfer_of(stage, refund)
    assert sent is not None
    if proof == "":
        proof = ilp.fulfilment_of(sent.body["ilpPacket"], SECRET)
    body = TransfersPut(state, proof if state == "COMMITTED" else None, in_s(0))  # type: ignore[arg-type]
    await stage.tell("PUT", f"/transfers/{sent.body['transferId']}", encode(body), source=source)


async def fail_transfer(stage: Stage, refund: dict[str, Any], code: str, source: str = HUB) -> None:
    """PUT /transfers/…/error."""
    path = f"/transfers/{refund['hub']['transfer_id']}/error"
    await stage.tell("PUT", path, encode_error(FspiopError(code, "no")), source=source)


async def sent(stage: Stage, payment: dict[str, Any], amount: str | None = None) -> dict[str, Any]:
    """A refund whose transfer is at the hub."""
    refund = await asked(stage, payment, amount)
    await answer_quote(stage, refund)
    assert transfer_of(stage, refund) is not None
    return refund


async def refunded(stage: Stage, payment: dict[str, Any], amount: str | None = None) -> dict[str, Any]:
    """A refund that arrived."""
    refund = await sent(stage, payment, amount)
    await end(stage, refund)
    done = await read(stage, refund)
    assert done["state"] == "refunded", done
    return done
