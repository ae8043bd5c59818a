"""Rows of payments and requests at whatever time a test needs them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from merchant.core.service import Service
from merchant.payments.models import Payment, PaymentEvent, PaymentRequest, Transfer
from merchant.payments.refunds.models import Refund
from merchant.registry.merchants.models import Counter
from tests.builders import Person

# In Nairobi, three hours ahead of UTC, this is 2 March 2026, 12:00.
NOON = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = "2026-03-02"


async def pay(
    service: Service, counter: Counter, at: datetime = NOON, minor: int = 100, currency: str = "KES", **more: Any
) -> Payment:
    """A payment that arrived at a counter."""
    row = Payment(
        dfsp_id=counter.dfsp_id,
        merchant_id=counter.merchant_id,
        counter_id=counter.id,
        payer_fsp_id="payerfsp",
        transfer_id=str(uuid4()),
        transaction_id=str(uuid4()),
        amount_minor=minor,
        currency=currency,
        received_at=at,
        **more,
    )
    async with service.db.system() as tx:
        tx.session.add(row)
    return row


async def give_back(service: Service, payment: Payment, minor: int, at: datetime | None) -> None:
    """A refund of a payment that its customer had at that time, or has not yet."""
    async with service.db.system() as tx:
        tx.session.add(
            Refund(
                dfsp_id=payment.dfsp_id,
                merchant_id=payment.merchant_id,
                counter_id=payment.counter_id,
                payment_id=payment.id,
                state="sent" if at is None else "refunded",
                amount_minor=minor,
                currency=payment.currency,
                reason="CUST",
                payee_type="MSISDN",
                payee_fsp_id="payerfsp",
                transaction_id=str(uuid4()),
                quote_id=str(uuid4()),
                transfer_id=str(uuid4()),
                gives_back=False,
                maker_id=uuid4(),
                maker_name="test",
                channel="api",
                created_at=payment.received_at,
                expires_at=payment.received_at,
                refunded_at=at,
            )
        )


async def ask(
    service: Service, counter: Counter, state: str, at: datetime = NOON, *, took_s: float | None = None, **more: Any
) -> UUID:
    """A payment request that was made then; paid after so many seconds, where it was."""
    row = PaymentRequest(
        dfsp_id=counter.dfsp_id,
        merchant_id=counter.merchant_id,
        counter_id=counter.id,
        alias_type=counter.alias_type,
        alias=counter.alias,
        state=state,
        amount_minor=100,
        currency="KES",
        payer_type="MSISDN",
        short_ref=uuid4().hex[:8],
        transaction_request_id=str(uuid4()),
        created_at=at,
        expires_at=at + timedelta(minutes=5),
        paid_at=None if took_s is None else at + timedelta(seconds=took_s),
    )
    for name, value in more.items():
        setattr(row, name, value)
    async with service.db.system() as tx:
        tx.session.add(row)
    return row.id


async def went_through(service: Service, counter: Counter, request_id: UUID, *states: str) -> None:
    """The history of a request."""
    async with service.db.system() as tx:
        for seq, state in enumerate(states, start=1):
            tx.session.add(
                PaymentEvent(
                    request_id=request_id, seq=seq, dfsp_id=counter.dfsp_id, at=NOON, state=state, cause="test"
                )
            )


async def reserve(service: Service, counter: Counter, at: datetime = NOON, state: str = "RESERVED") -> None:
    """A transfer that the hub has not ended, or has."""
    async with service.db.system() as tx:
        tx.session.add(
            Transfer(
                payer_fsp_id="payerfsp",
                transfer_id=str(uuid4()),
                dfsp_id=counter.dfsp_id,
                merchant_id=counter.merchant_id,
                quote_id=str(uuid4()),
                state=state,
                amount_minor=100,
                currency="KES",
                usage_day=DAY,
                body_hash=b"x",
                expires_at=at,
                reserved_at=at,
            )
        )


async def rows(
    client: httpx.AsyncClient, who: Person | dict[str, str], path: str, **query: Any
) -> list[dict[str, Any]]:
    """A report's rows."""
    headers = who.headers if isinstance(who, Person) else who
    answer = await client.get(f"/api/v1/reports/{path}", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found
