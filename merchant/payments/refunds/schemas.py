"""Shapes of refunds' JSON API: what comes in, what goes out."""

from typing import Annotated
from uuid import UUID

import asyncpg
from msgspec import Struct

from merchant.core import errors, money, texts
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, pattern
from merchant.core.texts import _
from merchant.payments.refunds.operations import NewRefund
from merchant.payments.refunds.states import RefundState
from merchant.payments.schemas import Amount, ReasonView, amount_view

WhyText = Annotated[
    str,
    pattern(
        r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*\Z",
        _("Must not be empty, and must not hold control characters or line breaks."),
        min_length=1,
        max_length=100,
    ),
]


class RefundRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Money to give back for a payment; without an amount all that is left of it."""

    reason: WhyText
    amount: Amount | None = None

    def to_command(self, channel: str = "api") -> NewRefund:
        """The refund in the domain's terms. Raises InvalidFields."""
        given = self.amount
        if given is None:
            return NewRefund(amount=None, reason=self.reason, channel=channel)
        try:
            amount = money.parse_decimal(given.amount, given.currency)
        except money.AmountProblem as error:
            path = "amount.amount" if money.is_currency(given.currency) else "amount.currency"
            raise errors.invalid_field(path, f"invalid_{path.rpartition('.')[2]}", error.sentence) from None
        return NewRefund(amount=amount, reason=self.reason, channel=channel)


class RefundHubIds(Struct, frozen=True):
    """The ids under which the hub knows a refund."""

    transaction_id: str
    transfer_id: str


class RefundView(Struct, frozen=True):
    """A refund. `reason` is why it was asked for, `ended_because` why it ended or waits."""

    id: UUID
    state: RefundState
    amount: Amount
    payment_id: UUID
    counter_id: UUID
    merchant_id: UUID
    payer: str | None
    reason: str
    words: str | None
    asked_by: str
    approved_by: str | None
    late: bool
    ended_because: ReasonView | None
    created_at: Instant
    expires_at: Instant
    refunded_at: Instant | None
    hub: RefundHubIds
    merchant_name: str
    counter_name: str


class RefundEventView(Struct, frozen=True):
    """One step of a refund's history."""

    seq: int
    at: Instant
    state: RefundState
    cause: str
    detail: str | None


def refund_view(row: asyncpg.Record, language: str = texts.SOURCE_LANGUAGE) -> RefundView:
    """A refund from a row of queries.py."""
    code, message = row["reason_code"], row["reason_message"]
    return RefundView(
        id=row["id"],
        state=RefundState(row["state"]),
        amount=amount_view(row["amount_minor"], row["currency"]),
        payment_id=row["payment_id"],
        counter_id=row["counter_id"],
        merchant_id=row["merchant_id"],
        payer=row["payee_masked"],
        reason=row["reason"],
        words=row["words"],
        asked_by=row["maker_name"],
        approved_by=row["checker_name"],
        late=row["late"],
        ended_because=ReasonView(code, texts.translate(message, language)) if code else None,
        created_at=web.at(row["created_at"]),
        expires_at=web.at(row["expires_at"]),
        refunded_at=web.at_or_none(row["refunded_at"]),
        hub=RefundHubIds(row["transaction_id"], row["transfer_id"]),
        merchant_name=row["merchant_name"],
        counter_name=row["counter_name"],
    )


def refund_event_view(row: asyncpg.Record) -> RefundEventView:
    """A step of a refund from a row of queries.refund_history."""
    return RefundEventView(row["seq"], web.at(row["at"]), RefundState(row["state"]), row["cause"], row["detail"])
