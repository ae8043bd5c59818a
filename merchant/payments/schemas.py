"""Shapes of the payments' JSON API: what comes in, what goes out, and the way between them and the domain's terms.

routes.py decodes and answers with them, and openapi/ describes them; checks that need more than the body itself are
requests.py's.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta, Struct

from merchant.core import errors, money, texts
from merchant.core.http import json as web
from merchant.core.http.fields import CurrencyText, Instant, pattern
from merchant.core.money import Money
from merchant.core.phone import parse
from merchant.core.service import SchemeFacts
from merchant.core.texts import _
from merchant.payments.book import Request
from merchant.payments.operations import NewRequest
from merchant.payments.quotes import MSISDN
from merchant.payments.reasons import sentence_of
from merchant.payments.states import RequestState
from merchant.registry.codes import payload as codes
from merchant.registry.merchants.counters import CounterFacts

ReferenceText = Annotated[
    str,
    pattern(
        r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*\Z",
        _("Must not be empty, and must not hold control characters or line breaks."),
        min_length=1,
        max_length=35,
    ),
]
NoteText = Annotated[
    str,
    pattern(
        r"^[^\x00-\x1f]+\Z",
        _("Must not be empty, and must not hold control characters or line breaks."),
        min_length=1,
        max_length=128,
    ),
]
ExpiryS = Annotated[int, Meta(ge=1, le=604_800)]


class Amount(Struct, frozen=True, forbid_unknown_fields=True):
    """Decimal text and a currency of ISO 4217."""

    amount: Annotated[str, Meta(max_length=18)]
    currency: CurrencyText


class Payer(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ask: a mobile number, with or without `+`."""

    type: Literal["MSISDN"]
    id: Annotated[str, Meta(min_length=4, max_length=32)]


class NewPaymentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A demand for money; without a payer it waits for a shopper to scan its code."""

    amount: Amount
    counter_id: UUID | None = None
    payer: Payer | None = None
    reference: ReferenceText | None = None
    note: NoteText | None = None
    expires_in_s: ExpiryS | None = None

    def to_command(self, country: str) -> NewRequest:
        """The demand in the domain's terms. Raises InvalidFields."""
        try:
            amount = money.parse_decimal(self.amount.amount, self.amount.currency)
        except money.AmountProblem as error:
            path = "amount.amount" if money.is_currency(self.amount.currency) else "amount.currency"
            raise errors.invalid_field(path, f"invalid_{path.rpartition('.')[2]}", error.sentence) from None
        payer = None
        if self.payer is not None:
            payer = parse(self.payer.id, country)
            if payer is None:
                raise errors.invalid_field("payer.id", "invalid_phone", _("This is not a phone number."))
        return NewRequest(
            counter_id=self.counter_id,
            amount=amount,
            payer=payer,
            reference=self.reference,
            note=self.note,
            expires_in_s=self.expires_in_s,
        )


class MaskedPayer(Struct, frozen=True):
    """Who was asked; only the ends of the number are shown."""

    type: str
    id: str | None


class ReasonView(Struct, frozen=True):
    """Why a request ended as it did."""

    code: str
    message: str


class HubIds(Struct, frozen=True):
    """The ids under which the hub knows this."""

    transaction_request_id: str | None
    transaction_id: str | None
    transfer_id: str | None


class PaymentRequestView(Struct, frozen=True):
    """A payment request."""

    id: UUID
    state: RequestState
    amount: Amount
    counter_id: UUID
    merchant_id: UUID
    payer: MaskedPayer | None
    reference: str | None
    note: str | None
    created_at: Instant
    expires_at: Instant
    paid_at: Instant | None
    late: bool
    reason: ReasonView | None
    qr_payload: str
    pay_url: str
    hub: HubIds
    merchant_name: str
    counter_name: str


class EventView(Struct, frozen=True):
    """One step of a request's history."""

    seq: int
    at: Instant
    state: RequestState
    cause: str
    detail: str | None


class PaymentView(Struct, frozen=True):
    """Money that arrived."""

    id: UUID
    amount: Amount
    counter_id: UUID
    merchant_id: UUID
    payment_request_id: UUID | None
    payer: str | None
    note: str | None
    received_at: Instant
    hub: HubIds
    merchant_name: str
    counter_name: str


def amount_view(minor: int, currency: str) -> Amount:
    """Money as our wire shows it."""
    return Amount(money.format_decimal(Money(minor, currency)), currency)


def request_view(
    row: asyncpg.Record | dict[str, Any], scheme: SchemeFacts, base_url: str, language: str = texts.SOURCE_LANGUAGE
) -> PaymentRequestView:
    """A request from a row of queries.payment_request or payment_requests, its reason told in a language."""
    amount = Money(row["amount_minor"], row["currency"])
    received: datetime | None = row["paid_at"]
    return PaymentRequestView(
        id=row["id"],
        state=RequestState(row["state"]),
        amount=amount_view(row["amount_minor"], row["currency"]),
        counter_id=row["counter_id"],
        merchant_id=row["merchant_id"],
        payer=MaskedPayer(row["payer_type"], row["payer_masked"]) if row["payer_type"] else None,
        reference=row["reference"],
        note=row["note"],
        created_at=web.at(row["created_at"]),
        expires_at=web.at(row["expires_at"]),
        paid_at=web.at_or_none(received),
        late=row["late"],
        reason=_reason(row["reason_code"], row["reason_message"], language),
        qr_payload=codes.request_payload(scheme, codes.CodeFacts.of(row), amount, row["short_ref"]),
        pay_url=codes.pay_url(base_url, row["alias"], row["short_ref"]),
        hub=HubIds(row["transaction_request_id"], row["transaction_id"], row["transfer_id"]),
        merchant_name=row["trading_name"],
        counter_name=row["counter_name"],
    )


def new_request_view(request: Request, counter: CounterFacts, scheme: SchemeFacts, base_url: str) -> PaymentRequestView:
    """A request as it was just made, which nobody need read again."""
    row = {
        **msgspec.structs.asdict(request),
        "payer_type": MSISDN if request.payer is not None else None,
        "reason_code": None,
        "reason_message": None,
        "ussd_name": counter.ussd_name,
        "city": counter.city,
        "country": counter.country,
        "counter_name": counter.name,
    }
    return request_view(row, scheme, base_url)


def event_view(row: asyncpg.Record) -> EventView:
    """A step of a request from a row of queries.history."""
    return EventView(row["seq"], web.at(row["at"]), RequestState(row["state"]), row["cause"], row["detail"])


def payment_view(row: asyncpg.Record) -> PaymentView:
    """A payment from a row of queries.payments."""
    return PaymentView(
        id=row["id"],
        amount=amount_view(row["amount_minor"], row["currency"]),
        counter_id=row["counter_id"],
        merchant_id=row["merchant_id"],
        payment_request_id=row["request_id"],
        payer=row["payer_masked"],
        note=row["note"],
        received_at=web.at(row["received_at"]),
        hub=HubIds(row["transaction_request_id"], row["transaction_id"], row["transfer_id"]),
        merchant_name=row["merchant_name"],
        counter_name=row["counter_name"],
    )


def _reason(code: str | None, message: str, language: str) -> ReasonView | None:
    return ReasonView(code, texts.translate(sentence_of(message), language)) if code else None
