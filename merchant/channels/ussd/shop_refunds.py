"""Giving a customer's money back by telephone: how much of each payment may be, and the refund itself."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

import ussd
from merchant.channels.ussd.own_shops import CHANNEL, OwnPlace
from merchant.channels.ussd.shop_requests import all_or_nothing
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.payments.refunds import problems
from merchant.payments.refunds.operations import NewRefund, request_refund
from merchant.payments.refunds.rules import OverRefundable, refundable
from merchant.payments.refunds.states import RefundCapability, refund_may

ASKED_BY_THE_CUSTOMER = "CUST"  # ISO 20022: a telephone asks for no reason
_REFUNDS = "SELECT payment_id, state, amount_minor FROM refund WHERE payment_id = ANY($1)"


def may_refund(place: OwnPlace) -> bool:
    """Whether this phone gives money back here; a cashier does it at the till, where a second person agrees."""
    return place.is_owners and P.PAYMENTS_REFUND in place.actor.permissions


async def refundable_of(tx: Tx, payments: Sequence[asyncpg.Record]) -> Mapping[UUID, int]:
    """How much of each payment is left to give back."""
    others: dict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for row in await tx.fetch(_REFUNDS, [payment["id"] for payment in payments]):
        others[row["payment_id"]].append((row["state"], row["amount_minor"]))
    left = {}
    for payment in payments:
        paid = Money(payment["amount_minor"], payment["currency"])
        try:
            left[payment["id"]] = refundable(paid, others[payment["id"]], None).minor
        except OverRefundable:
            left[payment["id"]] = 0
    return left


async def give_back(
    tx: Tx, service: Service, place: OwnPlace, payment: asyncpg.Record, amount_minor: int
) -> ussd.RefundOutcome:
    """Give back as the merchant's own people do, with the same rules of who must agree."""
    new = NewRefund(amount=Money(amount_minor, payment["currency"]), reason=ASKED_BY_THE_CUSTOMER, channel=CHANNEL)
    try:
        async with all_or_nothing(tx):
            made = await request_refund(tx, service, place.actor, payment["id"], new)
    except problems.OverRefundable:
        return ussd.RefundOutcome("refused", "too_much")
    except errors.WrongState:
        return ussd.RefundOutcome("refused", "not_open")
    except errors.MerchantError:
        return ussd.RefundOutcome("refused", "other")
    return ussd.RefundOutcome("waits" if refund_may(made.state, RefundCapability.BE_APPROVED) else "sent")
