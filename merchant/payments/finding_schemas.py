"""Shapes of what is found: a row of the search, a payment in full, a step of a timeline, a kept hub message."""

from typing import Any, Literal
from uuid import UUID

import asyncpg
from msgspec import Struct

from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.payments import receipt_numbers
from merchant.payments.schemas import Amount, HubIds, amount_view
from merchant.payments.search import Found
from merchant.payments.states import RequestState

MatchedBy = Literal["id", "receipt_number", "short_ref", "merchant_number", "payer", "amount", "reference", "note"]


class FoundPayment(Struct, frozen=True):
    """Money that was asked for or arrived, with where and how it was found."""

    kind: Literal["payment", "payment_request"]
    id: UUID
    payment_id: UUID | None
    request_id: UUID | None
    state: RequestState
    amount: Amount
    merchant_id: UUID
    merchant_name: str
    counter_id: UUID
    counter_name: str
    alias: str
    dfsp_id: UUID
    payer: str | None
    reference: str | None
    note: str | None
    short_ref: str | None
    receipt_number: str | None
    at: Instant
    matched_by: MatchedBy


class PaymentDetail(Struct, frozen=True):
    """Money that arrived, with its place and the request that it paid, where there was one."""

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
    alias: str
    dfsp_id: UUID
    reference: str | None
    short_ref: str | None
    receipt_number: str
    late: bool
    request_state: RequestState | None


class TimelineStep(Struct, frozen=True):
    """One thing that happened: a message of the hub's, one of ours, or a step of our own."""

    at: Instant
    direction: Literal["in", "out", "own"]
    what: str
    state: RequestState | None
    detail: str | None
    message_id: str | None
    gap_ms: int | None


class HubMessageView(Struct, frozen=True):
    """A message of the hub's or to it, as it was kept, with names and numbers of people masked."""

    message_id: str
    direction: Literal["in", "out"]
    at: Instant
    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None


def found_view(found: Found) -> FoundPayment:
    """A row of the search."""
    row = found.row
    payment_id = row["payment_id"]
    return FoundPayment(
        kind="payment" if payment_id else "payment_request",
        id=payment_id or row["request_id"],
        payment_id=payment_id,
        request_id=row["request_id"],
        state=RequestState(row["state"]),
        amount=amount_view(row["amount_minor"], row["currency"]),
        merchant_id=row["merchant_id"],
        merchant_name=row["merchant_name"],
        counter_id=row["counter_id"],
        counter_name=row["counter_name"],
        alias=row["alias"],
        dfsp_id=row["dfsp_id"],
        payer=row["payer_masked"],
        reference=row["reference"],
        note=row["note"],
        short_ref=row["short_ref"],
        receipt_number=receipt_numbers.number_of(payment_id) if payment_id else None,
        at=web.at(row["at"]),
        matched_by=found.matched_by,  # type: ignore[arg-type]
    )


def detail_view(row: asyncpg.Record) -> PaymentDetail:
    """A payment from a row of search.PAYMENT."""
    return PaymentDetail(
        id=row["payment_id"],
        amount=amount_view(row["amount_minor"], row["currency"]),
        counter_id=row["counter_id"],
        merchant_id=row["merchant_id"],
        payment_request_id=row["request_id"],
        payer=row["payer_masked"],
        note=row["note"],
        received_at=web.at(row["at"]),
        hub=HubIds(row["transaction_request_id"], row["transaction_id"], row["transfer_id"]),
        merchant_name=row["merchant_name"],
        counter_name=row["counter_name"],
        alias=row["alias"],
        dfsp_id=row["dfsp_id"],
        reference=row["reference"],
        short_ref=row["short_ref"],
        receipt_number=receipt_numbers.number_of(row["payment_id"]),
        late=bool(row["late"]),
        request_state=RequestState(row["request_state"]) if row["request_state"] else None,
    )
