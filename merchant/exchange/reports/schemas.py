"""Shapes of the reports on money; an amount is decimal text beside its currency, so that spreadsheets add it up."""

from datetime import date
from uuid import UUID

from msgspec import Struct

from merchant.core import money
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.money import Money
from merchant.exchange.reports import daily, settlement, takings


def _decimal(minor: int, currency: str) -> str:
    return money.format_decimal(Money(minor, currency))


# --- what was taken --------------------------------------------------------------------------------------------------


class DailyTakings(Struct, frozen=True):
    """What one counter took on the day in one currency, and what became of the requests that were made on it."""

    merchant_id: UUID
    merchant_name: str
    counter_id: UUID
    counter_name: str
    alias: str
    currency: str
    count: int
    amount: str
    first_at: Instant | None
    last_at: Instant | None
    open_requests: int
    unsuccessful: int


class TakingsOfDay(Struct, frozen=True):
    """What was taken on a day in one currency."""

    date: date
    currency: str
    count: int
    amount: str


class TakingsOfHour(Struct, frozen=True):
    """What was taken in an hour of the day in one currency, beside what is usual on such a weekday."""

    hour: int
    currency: str
    count: int
    amount: str
    usual_amount: str | None


def daily_view(row: daily.CounterDay) -> DailyTakings:
    """A counter's day."""
    return DailyTakings(
        merchant_id=row.merchant_id,
        merchant_name=row.merchant_name,
        counter_id=row.counter_id,
        counter_name=row.counter_name,
        alias=row.alias,
        currency=row.currency,
        count=row.count,
        amount=_decimal(row.amount_minor, row.currency),
        first_at=web.at_or_none(row.first_at),
        last_at=web.at_or_none(row.last_at),
        open_requests=row.open_requests,
        unsuccessful=row.unsuccessful,
    )


def day_view(row: takings.DayTaken) -> TakingsOfDay:
    """A day."""
    return TakingsOfDay(row.date, row.currency, row.count, _decimal(row.amount_minor, row.currency))


def hour_view(row: takings.HourTaken) -> TakingsOfHour:
    """An hour."""
    usual = None if row.usual_minor is None else _decimal(row.usual_minor, row.currency)
    return TakingsOfHour(row.hour, row.currency, row.count, _decimal(row.amount_minor, row.currency), usual)


# --- what is settled -------------------------------------------------------------------------------------------------


class MerchantSettlement(Struct, frozen=True):
    """What is owed to a merchant for the day in one currency."""

    merchant_id: UUID
    merchant_name: str
    numbers: list[str]
    settlement_account: str | None
    currency: str
    count: int
    amount: str
    late: int
    unconfirmed: int


class SettlementTotal(Struct, frozen=True):
    """What is owed to all merchants for the day in one currency."""

    currency: str
    merchants: int
    count: int
    amount: str
    late: int
    unconfirmed: int


class SettledPayment(Struct, frozen=True):
    """One payment, by the ids under which the hub settles it."""

    id: UUID
    transfer_id: str
    transaction_id: str
    payer_fsp_id: str
    merchant_id: UUID
    counter_id: UUID
    currency: str
    amount: str
    received_at: Instant
    late: bool
    merchant_name: str
    counter_name: str


def settlement_view(row: settlement.MerchantSettled) -> MerchantSettlement:
    """A merchant's row of the statement."""
    return MerchantSettlement(
        merchant_id=row.merchant_id,
        merchant_name=row.merchant_name,
        numbers=row.numbers,
        settlement_account=row.account,
        currency=row.currency,
        count=row.count,
        amount=_decimal(row.amount_minor, row.currency),
        late=row.late,
        unconfirmed=row.unconfirmed,
    )


def total_view(row: settlement.CurrencySettled) -> SettlementTotal:
    """A currency's row of the totals."""
    amount = _decimal(row.amount_minor, row.currency)
    return SettlementTotal(row.currency, row.merchants, row.count, amount, row.late, row.unconfirmed)


def settled_view(row: settlement.PaymentSettled) -> SettledPayment:
    """A payment."""
    return SettledPayment(
        id=row.id,
        transfer_id=row.transfer_id,
        transaction_id=row.transaction_id,
        payer_fsp_id=row.payer_fsp_id,
        merchant_id=row.merchant_id,
        counter_id=row.counter_id,
        currency=row.currency,
        amount=_decimal(row.amount_minor, row.currency),
        received_at=web.at(row.received_at),
        late=row.late,
        merchant_name=row.merchant_name,
        counter_name=row.counter_name,
    )
