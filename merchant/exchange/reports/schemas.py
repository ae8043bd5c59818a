"""Shapes of the reports on money; an amount is decimal text beside its currency, so that spreadsheets add it up."""

from datetime import date
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from merchant.core import money
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.money import Money
from merchant.exchange.reports import daily, settlement, takings


def _decimal(minor: int, currency: str) -> str:
    return money.format_decimal(Money(minor, currency))


class _Money(Protocol):
    """What came in and what was given back of it, or of what came before."""

    @property
    def currency(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def refunded_minor(self) -> int: ...


def _net(row: _Money) -> str:
    """What is left; below zero where more was given back than came in."""
    left = row.amount_minor - row.refunded_minor
    return ("-" if left < 0 else "") + _decimal(abs(left), row.currency)


# --- what was taken --------------------------------------------------------------------------------------------------


class DailyTakings(Struct, frozen=True):
    """What one counter took and gave back on the day in one currency, and what became of the requests made on it."""

    merchant_id: UUID
    merchant_name: str
    counter_id: UUID
    counter_name: str
    alias: str
    currency: str
    count: int
    amount: str
    refunds: int
    refunded: str
    net: str
    first_at: Instant | None
    last_at: Instant | None
    open_requests: int
    unsuccessful: int


class TakingsOfDay(Struct, frozen=True):
    """What was taken and given back on a day in one currency."""

    date: date
    currency: str
    count: int
    amount: str
    refunds: int
    refunded: str
    net: str


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
        refunds=row.refunds,
        refunded=_decimal(row.refunded_minor, row.currency),
        net=_net(row),
        first_at=web.at_or_none(row.first_at),
        last_at=web.at_or_none(row.last_at),
        open_requests=row.open_requests,
        unsuccessful=row.unsuccessful,
    )


def day_view(row: takings.DayTaken) -> TakingsOfDay:
    """A day."""
    amount, refunded = _decimal(row.amount_minor, row.currency), _decimal(row.refunded_minor, row.currency)
    return TakingsOfDay(row.date, row.currency, row.count, amount, row.refunds, refunded, _net(row))


def hour_view(row: takings.HourTaken) -> TakingsOfHour:
    """An hour."""
    usual = None if row.usual_minor is None else _decimal(row.usual_minor, row.currency)
    return TakingsOfHour(row.hour, row.currency, row.count, _decimal(row.amount_minor, row.currency), usual)


# --- what is settled -------------------------------------------------------------------------------------------------


class MerchantSettlement(Struct, frozen=True):
    """What is owed to a merchant for the day in one currency: `net`, what came in without what was given back."""

    merchant_id: UUID
    merchant_name: str
    numbers: list[str]
    settlement_account: str | None
    currency: str
    count: int
    amount: str
    refunds: int
    refunded: str
    net: str
    late: int
    unconfirmed: int


class SettlementTotal(Struct, frozen=True):
    """What is owed to all merchants for the day in one currency: `net`."""

    currency: str
    merchants: int
    count: int
    amount: str
    refunds: int
    refunded: str
    net: str
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


def _settled(row: settlement.MerchantSettled | settlement.CurrencySettled) -> dict[str, Any]:
    """What both kinds of rows of the statement tell of money."""
    return {
        "currency": row.currency,
        "count": row.count,
        "amount": _decimal(row.amount_minor, row.currency),
        "refunds": row.refunds,
        "refunded": _decimal(row.refunded_minor, row.currency),
        "net": _net(row),
        "late": row.late,
        "unconfirmed": row.unconfirmed,
    }


def settlement_view(row: settlement.MerchantSettled) -> MerchantSettlement:
    """A merchant's row of the statement."""
    return MerchantSettlement(
        merchant_id=row.merchant_id,
        merchant_name=row.merchant_name,
        numbers=row.numbers,
        settlement_account=row.account,
        **_settled(row),
    )


def total_view(row: settlement.CurrencySettled) -> SettlementTotal:
    """A currency's row of the totals."""
    return SettlementTotal(merchants=row.merchants, **_settled(row))


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
